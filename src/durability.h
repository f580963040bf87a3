/*
 * durability: which file systems a run has written to, so that all of it can be made durable with
 * one system call for each of them when it is done (--sync).
 *
 * A sync a file would cost more than the compiling. Any thread may note a folder at any time.
 */
#ifndef PYCOMPILEALL_DURABILITY_H
#define PYCOMPILEALL_DURABILITY_H

struct durability;

/* Nothing noted yet. NULL with errno ENOMEM or that of pthreads. */
struct durability *durability_create(void);

/*
 * Notes that something was written into the open folder, whose descriptor stays the caller's. The
 * first time for each file system another descriptor of it is opened and kept. 0, or -1 with errno
 * of fstat(2), openat(2), or ENOMEM. NULL is legal: nobody wants to know.
 */
int durability_note(struct durability *durability, int folder);

/*
 * Waits until everything that was written is on its disks. 0, or -1 with errno of syncfs(2), of the
 * first that failed. NULL is legal.
 */
int durability_sync(struct durability *durability);

/* Frees. NULL is legal. */
void durability_destroy(struct durability *durability);

#endif
