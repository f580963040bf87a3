/*
 * temporary: the files under which byte-code is written before it gets its name.
 *
 * They lie beside their target, so that a rename can put them in place, and are called
 * ".pycompileall-PID-SERIAL.tmp": not longer than that, since the target's name may be as long as a
 * name can be. Who makes one locks it (see file_lock.h) until it has its name. A run that was
 * killed leaves one a worker at most; a later run finds that nobody works on it any more by the
 * lock that is gone, or where there are no locks, by the process that is.
 */
#ifndef PYCOMPILEALL_TEMPORARY_H
#define PYCOMPILEALL_TEMPORARY_H

#include <stdbool.h>
#include <sys/types.h>

#define TEMPORARY_SIZE 64 /* bytes of a name, with its NUL */

/* A name that no other thread of this process gets. Another process in another pid namespace may
 * have the same: create with O_EXCL, and try again. */
void temporary_name(char name[TEMPORARY_SIZE]);

/* The process that a name belongs to; 0: it is not the name of a temporary. Pure. */
pid_t temporary_process(const char *name);

/*
 * Removes the temporaries of the dead from the folder with the descriptor `folder` (O_PATH will
 * do). Whether none is left, of the living either. What cannot be read or removed stays: that is no
 * error of anybody's source.
 */
bool temporary_clean(int folder);

#endif
