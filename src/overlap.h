/*
 * overlap: operands that reach the same sources twice.
 *
 * Whoever names a source twice, or a folder and something in it, expects the second to find what
 * the first has written. Worked on side by side, both would be compiled, and what is printed would
 * depend on timing. So the feeder asks here, and waits for the first before it begins the second.
 *
 * May say that operands overlap which do not (two names of one file); never the other way round,
 * but for what mounts and concurrent renames hide.
 */
#ifndef PYCOMPILEALL_OVERLAP_H
#define PYCOMPILEALL_OVERLAP_H

#include <stdbool.h>
#include <sys/stat.h>

/* The operands seen so far. Not safe between threads. */
struct overlap;

/* NULL with errno ENOMEM. */
struct overlap *overlap_create(void);

/* NULL is legal. */
void overlap_destroy(struct overlap *overlap);

/*
 * Takes note of a file or folder operand; `path` is borrowed until the end, `status` is stat's.
 * Returns 1 if it overlaps with one seen before, 0 if not, -1 with errno ENOMEM.
 */
int overlap_add_file(struct overlap *overlap, const char *path, const struct stat *status);
int overlap_add_folder(struct overlap *overlap, const char *path);

#endif
