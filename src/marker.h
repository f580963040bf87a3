/*
 * marker: tells later runs that byte-code is being written into a folder, or was when a run died.
 *
 * To find what dead runs have left, a run has to list every folder, which where nothing is stale
 * would be a tenth of its time. So whoever writes into a folder first puts a file with a name that
 * is always the same there, and all others only ask whether there is one.
 *
 * Who makes and holds: each worker, for the folder that it writes into, with a lock that several
 *     share (see file_lock.h), and a descriptor of the folder.
 * Who removes: whoever gives it up as the last one; or the next run that finds it without a holder,
 *     when it has removed the temporaries of the dead.
 * What it promises: where a dead run left a temporary there is a marker, unless that could not be
 *     made. It is a hint: nothing fails for want of one, and nobody waits for it for more than
 *     some milliseconds.
 */
#ifndef PYCOMPILEALL_MARKER_H
#define PYCOMPILEALL_MARKER_H

#include <stdbool.h>
#include <sys/types.h>

/* Its name in the folder. */
#define MARKER_NAME ".pycompileall.writing"

/* What one thread holds. All zero is none. */
struct marker {
	bool raised;
	int folder;     /* a descriptor of its own */
	int descriptor; /* of the file; -1: it could not be made */
	dev_t device;   /* of the folder */
	ino_t inode;
};

/*
 * To be called before a temporary is made in the open folder, whose descriptor stays the caller's.
 * Unless the marker is raised there already, it is lowered where it was, raised here, and the
 * temporaries of the dead are removed.
 */
void marker_raise(struct marker *marker, int folder);

/* Gives it up, where it is raised. */
void marker_lower(struct marker *marker);

/*
 * Removes what dead runs have left in the open folder, which has a file of the name, and that file
 * unless somebody is writing there. What cannot be removed stays.
 */
void marker_tidy(int folder);

#endif
