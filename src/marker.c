#include "config.h"

#include "marker.h"

#include "file_lock.h"
#include "temporary.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Others give theirs up, or clean up, at the same time, and are soon done; but who holds the file
 * for longer must not hold us up. */
#define TRIES 8
#define PAUSE 100000 /* nanoseconds */

/* Opens the file, or makes it, and joins those who hold it. Its descriptor, or -1. */
static int join(int folder)
{
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

	const struct timespec pause = {0, PAUSE};

	for (int i = 0; i < TRIES; i++) {
		int descriptor = openat(folder, MARKER_NAME, flags, 0666);

		if (descriptor < 0)
			return -1;
		if (file_lock_try(descriptor, FILE_LOCK_TOGETHER) != FILE_LOCK_OTHERS &&
		    file_lock_has_name(descriptor) != 0)
			return descriptor;
		(void)close(descriptor);
		(void)nanosleep(&pause, NULL);
	}
	return -1;
}

/* The last one removes it. Changing the lock lets go of it for a moment, in which somebody may have
 * cleaned up, and another may have made a new one: that is his. */
static void leave(int folder, int descriptor)
{
	if (file_lock_try(descriptor, FILE_LOCK_ALONE) != FILE_LOCK_OTHERS &&
	    file_lock_has_name(descriptor) != 0)
		(void)unlinkat(folder, MARKER_NAME, 0);
	(void)close(descriptor);
}

void marker_raise(struct marker *marker, int folder)
{
	struct stat status;

	if (fstat(folder, &status) != 0)
		return;
	/* Its descriptor is open, so that no other folder can have these numbers. */
	if (marker->raised && marker->device == status.st_dev && marker->inode == status.st_ino)
		return;
	marker_lower(marker);
	marker->folder = fcntl(folder, F_DUPFD_CLOEXEC, 0);
	if (marker->folder < 0)
		return;
	marker->raised = true;
	marker->device = status.st_dev;
	marker->inode = status.st_ino;
	marker->descriptor = join(folder);
	(void)temporary_clean(folder);
}

void marker_lower(struct marker *marker)
{
	if (!marker->raised)
		return;
	if (marker->descriptor >= 0)
		leave(marker->folder, marker->descriptor);
	(void)close(marker->folder);
	marker->raised = false;
}

void marker_tidy(int folder)
{
	int descriptor = file_lock_open(folder, MARKER_NAME);

	if (descriptor < 0)
		return;
	if (file_lock_try(descriptor, FILE_LOCK_ALONE) != FILE_LOCK_OTHERS &&
	    temporary_clean(folder) && file_lock_has_name(descriptor) != 0)
		(void)unlinkat(folder, MARKER_NAME, 0);
	(void)close(descriptor);
}
