#include "config.h"

#include "file_io.h"

#include "file_lock.h"
#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h> /* renameat, snprintf */
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#ifdef HAVE_LINUX_FIEMAP_H
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#endif

/* Somebody who saves in a loop must not hold a run up for ever. */
#define READ_TRIES 16

/* Where there are no locks, a run in another pid namespace may take a temporary away (ENOENT),
 * since to it we look dead. It looks once at a folder, so that a second try finds its peace. */
#define WRITE_TRIES 3

/* Whoever knows our process id could make temporaries' names as fast as we try them. */
#define TEMPORARY_TRIES 1000

/* Bytes that the kernel sends to a disk at once if they lie side by side there: 256 pages. */
#define PIECE_MAX ((size_t)1 << 20)

/* Does not wait for a FIFO's writer, and never gets a terminal. */
#define READ_FLAGS (O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* Closes and keeps errno: for descriptors that were only read from. */
static void close_quietly(int descriptor)
{
	int error = errno;

	(void)close(descriptor);
	errno = error;
}

/* Removes and keeps errno. */
static void remove_quietly(int folder, const char *name)
{
	int error = errno;

	(void)unlinkat(folder, name, 0);
	errno = error;
}

/* Reads until the end of the file or `size` bytes. */
static ssize_t read_up_to(int descriptor, char *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = read(descriptor, bytes + done, size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

#ifdef O_PATH
/* Opens again what an O_PATH descriptor leads to: the very same file, whoever moves names. */
static int reopen(int descriptor)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	return open(path, READ_FLAGS);
}

/*
 * Opens what a symbolic link leads to if that is a regular file. Opening alone can do something to
 * a device (start a watchdog, rewind a tape), so it is looked at first.
 */
static int open_linked(int folder, const char *path)
{
	int place = openat(folder, path, O_PATH | O_CLOEXEC), descriptor = -1;
	struct stat status;

	if (place < 0)
		return -1;
	if (fstat(place, &status) == 0) {
		if (S_ISREG(status.st_mode))
			descriptor = reopen(place);
		else
			errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
		/* Nothing is mounted at /proc. */
		if (descriptor < 0 && S_ISREG(status.st_mode) && errno == ENOENT)
			descriptor = openat(folder, path, READ_FLAGS);
	}
	close_quietly(place);
	return descriptor;
}
#else
static int open_linked(int folder, const char *path)
{
	struct stat status;

	if (fstatat(folder, path, &status, 0) != 0)
		return -1;
	if (S_ISREG(status.st_mode))
		return openat(folder, path, READ_FLAGS);
	errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
	return -1;
}
#endif

/* Opens for reading, through a symbolic link as well. Where there is none, in one call. */
static int open_to_read(int folder, const char *path)
{
	int descriptor = openat(folder, path, READ_FLAGS | O_NOFOLLOW);

	if (descriptor >= 0 || errno != ELOOP)
		return descriptor;
	return open_linked(folder, path);
}

/*
 * Reads all there is, and one byte more if there is more than fstat said: then it is not the
 * version that fstat spoke of, and how much more there is does not matter.
 */
static int read_all(int descriptor, struct buffer *bytes, off_t expected)
{
	char *end = buffer_reserve(bytes, (size_t)expected + 1);
	ssize_t got = end ? read_up_to(descriptor, end, (size_t)expected + 1) : -1;

	if (got < 0)
		return -1;
	bytes->size += (size_t)got;
	return 0;
}

static bool same_version(const struct stat *left, const struct stat *right)
{
	return left->st_size == right->st_size && left->st_mtim.tv_sec == right->st_mtim.tv_sec &&
	       left->st_mtim.tv_nsec == right->st_mtim.tv_nsec &&
	       left->st_ctim.tv_sec == right->st_ctim.tv_sec &&
	       left->st_ctim.tv_nsec == right->st_ctim.tv_nsec;
}

/* One try: 0, or -1 with errno; EAGAIN: the source changed meanwhile. */
static int read_version(int descriptor, struct buffer *bytes, struct stat *status)
{
	struct stat after;

	buffer_clear(bytes);
	if (fstat(descriptor, status) != 0)
		return -1;
	if (!S_ISREG(status->st_mode)) {
		errno = S_ISDIR(status->st_mode) ? EISDIR : EINVAL;
		return -1;
	}
	if (read_all(descriptor, bytes, status->st_size) != 0 || fstat(descriptor, &after) != 0)
		return -1;
	if (!same_version(status, &after) || (off_t)bytes->size != status->st_size) {
		errno = EAGAIN;
		return -1;
	}
	return 0;
}

int file_io_read_source(int folder, const char *name, struct buffer *bytes, struct stat *status)
{
	int result = -1;

	for (int i = 0; i < READ_TRIES && result != 0; i++) {
		/* Opened anew each time: an editor that saves by renaming leaves the old file. */
		int descriptor = open_to_read(folder, name);

		if (descriptor < 0)
			return -1;
		result = read_version(descriptor, bytes, status);
		close_quietly(descriptor);
		if (result != 0 && errno != EAGAIN)
			return -1;
	}
	return result;
}

ssize_t file_io_read_front(int folder, const char *path, void *bytes, size_t size)
{
	int descriptor = open_to_read(folder, path);
	ssize_t got;

	if (descriptor < 0)
		return -1;
	got = read_up_to(descriptor, bytes, size);
	close_quietly(descriptor);
	return got;
}

enum file_io_target file_io_target(int folder, const char *path)
{
	struct stat status;

	if (fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(status.st_mode))
		return FILE_IO_WRITABLE;
	return S_ISLNK(status.st_mode) ? FILE_IO_SYMLINK : FILE_IO_NOT_REGULAR;
}

/* Makes every folder above the last component of `path`, which is cut and mended on the way. */
static int make_parents(int folder, char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int made;

		*slash = '\0';
		made = mkdirat(folder, path, 0777);
		*slash = '/';
		if (made != 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

static int make_folder(int folder, const char *path, bool parents)
{
	if (parents) {
		char *copy = strdup(path);
		int result = copy ? make_parents(folder, copy) : -1;

		free(copy);
		if (result != 0)
			return -1;
	}
	/* Another run, or an importing Python, may have made it just now. */
	if (mkdirat(folder, path, 0777) != 0 && errno != EEXIST)
		return -1;
	return 0;
}

int file_io_open_cache(int folder, const char *path, bool parents)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (parents ? 0 : O_NOFOLLOW);
	int descriptor;

#ifdef O_PATH
	flags |= O_PATH;
#endif
	descriptor = openat(folder, path, flags);
	if (descriptor >= 0 || errno != ENOENT)
		return descriptor;
	if (make_folder(folder, path, parents) != 0)
		return -1;
	return openat(folder, path, flags);
}

static int write_all(int descriptor, const struct file_io_content *content)
{
	struct iovec parts[2] = {
		{(void *)(uintptr_t)content->header, content->header_size},
		{(void *)(uintptr_t)content->body, content->body_size},
	};
	int part = 0;

	while (part < 2) {
		ssize_t done = writev(descriptor, parts + part, 2 - part);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		for (; part < 2 && (size_t)done >= parts[part].iov_len; part++)
			done -= (ssize_t)parts[part].iov_len;
		if (part < 2) {
			parts[part].iov_base = (char *)parts[part].iov_base + done;
			parts[part].iov_len -= (size_t)done;
		}
	}
	return 0;
}

/* Lets others know that somebody is at work on it. 0, or -1 with errno; EEXIST: somebody took it
 * for a dead run's in the moment before. */
static int claim(int descriptor)
{
	enum file_lock lock = file_lock_try(descriptor, FILE_LOCK_ALONE);
	int has_name = lock == FILE_LOCK_OTHERS ? 0 : file_lock_has_name(descriptor);

	if (has_name == 0)
		errno = EEXIST;
	return has_name == 1 ? 0 : -1;
}

/* Its descriptor has its lock. */
static int create_temporary(int folder, char name[TEMPORARY_SIZE], mode_t mode)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

	errno = EEXIST;
	for (int i = 0; i < TEMPORARY_TRIES && errno == EEXIST; i++) {
		int descriptor;

		temporary_name(name);
		descriptor = openat(folder, name, flags, mode);
		if (descriptor < 0)
			continue;
		if (claim(descriptor) == 0)
			return descriptor;
		remove_quietly(folder, name);
		close_quietly(descriptor);
	}
	return -1;
}

#ifdef HAVE_SYNC_FILE_RANGE
/* Whether the file's content goes to the disk in one piece: then it is there wholly or not at all.
 * To be asked once its place on the disk is settled. Some file systems do not tell. */
static bool is_in_one_piece(int descriptor, size_t size)
{
#ifdef HAVE_LINUX_FIEMAP_H
	struct fiemap map = {.fm_length = FIEMAP_MAX_OFFSET};

	return size <= PIECE_MAX && ioctl(descriptor, FS_IOC_FIEMAP, &map) == 0 &&
	       map.fm_mapped_extents <= 1;
#else
	(void)descriptor;
	(void)size;
	return false;
#endif
}

static int write_pages(int descriptor, unsigned flags)
{
	if (sync_file_range(descriptor, 0, 0, flags) == 0)
		return 0;
	/* A file system, kernel or sandbox that has no such call. */
	return errno == EINVAL || errno == ENOSYS || errno == EPERM || errno == ESPIPE ? 0 : -1;
}
#endif

/*
 * Sees to it that no part of the content gets to the disk without the rest. A rename can reach the
 * disk before it, and after a power loss the new name would have part of it: a right header above
 * wrong code, which no import and no later run of ours would find out. The writing is begun, which
 * settles where it goes; a file that goes there in several pieces is waited for, since they arrive
 * one by one. The disk is not told to empty its cache, as by fdatasync(2): a journal does that
 * before it tells of the new name. scripts/power_loss is the experiment.
 */
static int write_through(int descriptor, size_t size)
{
#ifdef HAVE_SYNC_FILE_RANGE
	if (write_pages(descriptor, SYNC_FILE_RANGE_WRITE) != 0)
		return -1;
	if (is_in_one_piece(descriptor, size))
		return 0;
	return write_pages(descriptor, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
					       SYNC_FILE_RANGE_WAIT_AFTER);
#else
	(void)descriptor;
	(void)size;
	return 0;
#endif
}

/* A full disk or a network file system may tell only when a file is closed. The descriptor stays
 * open, for its lock is needed until the file has its name. */
static int close_copy(int descriptor)
{
	int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -1;
	return close(copy) == 0 || errno == EINTR ? 0 : -1;
}

/* Writes under a temporary name and renames. 0, or -1 with errno and no temporary left. */
static int write_and_rename(int folder, const char *name, const struct file_io_content *content)
{
	char temporary[TEMPORARY_SIZE];
	int descriptor = create_temporary(folder, temporary, content->mode);
	int result = -1;

	if (descriptor < 0)
		return -1;
	if (write_all(descriptor, content) == 0 &&
	    write_through(descriptor, content->header_size + content->body_size) == 0 &&
	    close_copy(descriptor) == 0)
		result = renameat(folder, temporary, folder, name);
	if (result != 0)
		remove_quietly(folder, temporary);
	close_quietly(descriptor);
	return result;
}

int file_io_write(int folder, const char *name, const struct file_io_content *content)
{
	int result = write_and_rename(folder, name, content);

	for (int i = 1; i < WRITE_TRIES && result != 0 && errno == ENOENT; i++)
		result = write_and_rename(folder, name, content);
	return result;
}

/* Whether two open files have the same bytes. */
static int equal_content(int left, int right)
{
	char one[8192], other[8192];

	for (;;) {
		ssize_t size = read_up_to(left, one, sizeof(one));

		if (size < 0 || read_up_to(right, other, sizeof(other)) != size)
			return size < 0 ? -1 : 0;
		if (memcmp(one, other, (size_t)size) != 0)
			return 0;
		if ((size_t)size < sizeof(one))
			return 1;
	}
}

static int open_existing(int folder, const char *name, struct stat *status)
{
	int descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (descriptor >= 0 && fstat(descriptor, status) != 0) {
		close_quietly(descriptor);
		return -1;
	}
	return descriptor;
}

int file_io_equal(int folder, const char *left, const char *right)
{
	struct stat one, other;
	int first = open_existing(folder, left, &one);
	int second = first < 0 ? -1 : open_existing(folder, right, &other);
	/* What is no regular file of its own, but a link to one, is nobody's duplicate. */
	int result = (first < 0 || second < 0) && errno == ELOOP ? 0 : -1;

	if (second >= 0) {
		if (one.st_ino == other.st_ino || one.st_size != other.st_size)
			result = 0;
		else
			result = equal_content(first, second);
		close_quietly(second);
	}
	if (first >= 0)
		close_quietly(first);
	return result;
}

/* Links under a temporary name and renames. 0, or -1 with errno and no temporary left. */
static int link_and_rename(int folder, const char *target, const char *name)
{
	char temporary[TEMPORARY_SIZE];
	int linked = -1;

	errno = EEXIST;
	for (int i = 0; i < TEMPORARY_TRIES && linked != 0 && errno == EEXIST; i++) {
		temporary_name(temporary);
		linked = linkat(folder, target, folder, temporary, 0);
	}
	if (linked != 0)
		return -1;
	linked = renameat(folder, temporary, folder, name);
	/* Also behind a success: where both are one file already, a rename leaves both names. */
	remove_quietly(folder, temporary);
	return linked;
}

int file_io_link(int folder, const char *target, const char *name)
{
	/* The temporary is a file that stands already, whose lock tells that somebody is at work.
	 */
	int locked = file_lock_open(folder, target), result;

	if (locked >= 0)
		(void)file_lock_try(locked, FILE_LOCK_ALONE);
	result = link_and_rename(folder, target, name);
	for (int i = 1; i < WRITE_TRIES && result != 0 && errno == ENOENT; i++)
		result = link_and_rename(folder, target, name);
	if (locked >= 0)
		close_quietly(locked);
	return result;
}

mode_t file_io_cache_mode(mode_t source_mode)
{
	return (source_mode | 0200) & 0666;
}
