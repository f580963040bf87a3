/*
 * file_lock: tells whether somebody is still at work on a file.
 *
 * Who is at work holds a lock on it (flock(2)), which the kernel takes away with his last
 * descriptor, whatever ended him. The number of a process would not tell: in a container the next
 * run has the same one as the last, and in another pid namespace it means nothing. Nobody here
 * waits for a lock, so that whoever holds one for ever holds up nobody; but a network file system
 * asks its server for it. Some file systems have no locks.
 */
#ifndef PYCOMPILEALL_FILE_LOCK_H
#define PYCOMPILEALL_FILE_LOCK_H

#include <stdbool.h>

enum file_lock {
	FILE_LOCK_GOT,    /* it is the caller's, until the descriptor is closed */
	FILE_LOCK_OTHERS, /* somebody has one that is not compatible */
	FILE_LOCK_UNKNOWN /* there are no locks here */
};

/* Who else may have one: nobody, or all who are at work on it together. */
enum file_lock_kind {
	FILE_LOCK_ALONE,
	FILE_LOCK_TOGETHER
};

/* Asks for a lock; one that the descriptor has already is changed, or lost where that fails. */
enum file_lock file_lock_try(int descriptor, enum file_lock_kind kind);

/*
 * Opens the regular file `name` of a folder to ask for its lock. The descriptor is the caller's; -1
 * with errno of fstatat(2) or openat(2), or EINVAL: it is no regular file.
 */
int file_lock_open(int folder, const char *name);

/* Whether a file that is locked still has a name: 1 or 0, or -1 with errno of fstat(2).
 * Only who has the lock may remove it, so that what is true remains true. */
int file_lock_has_name(int descriptor);

#endif
