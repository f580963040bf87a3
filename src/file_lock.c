#include "config.h"

#include "file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

enum file_lock file_lock_try(int descriptor, enum file_lock_kind kind)
{
	int operation = kind == FILE_LOCK_ALONE ? LOCK_EX : LOCK_SH;

	if (flock(descriptor, operation | LOCK_NB) == 0)
		return FILE_LOCK_GOT;
	return errno == EWOULDBLOCK ? FILE_LOCK_OTHERS : FILE_LOCK_UNKNOWN;
}

/* NFS wants a descriptor to write to for a lock of one's own; locally any will do. */
int file_lock_open(int folder, const char *name)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct stat status;
	int descriptor;

	/* What a device does when it is opened is its own affair. */
	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return -1;
	if (!S_ISREG(status.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	descriptor = openat(folder, name, O_RDWR | flags);
	if (descriptor < 0 && errno == EACCES)
		descriptor = openat(folder, name, O_RDONLY | flags);
	return descriptor;
}

int file_lock_has_name(int descriptor)
{
	struct stat status;

	if (fstat(descriptor, &status) != 0)
		return -1;
	return status.st_nlink > 0;
}
