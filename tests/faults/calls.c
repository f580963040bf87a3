/*
 * The system's functions that may fail, as fault.h says. What the C library calls inside itself is
 * not reached: fts has functions of its own here.
 */
#include "config.h"

#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* A function that does nothing where it fails; the fault is about `descriptor` or `path`. */
#define CALL(type, name, failure, parameters, arguments, descriptor, path)                         \
	type name parameters                                                                       \
	{                                                                                          \
		static type(*real) parameters;                                                     \
                                                                                                   \
		if (!real)                                                                         \
			*(void **)(void *)&real = fault_real(#name);                               \
		if (fault_due(#name, descriptor, path))                                            \
			return failure;                                                            \
		return real arguments;                                                             \
	}

CALL(int, mkdirat, -1, (int folder, const char *path, mode_t mode), (folder, path, mode), -1, path)
CALL(int, renameat, -1, (int from, const char *old, int to, const char *path),
     (from, old, to, path), -1, old)
CALL(int, linkat, -1, (int from, const char *old, int to, const char *path, int flags),
     (from, old, to, path, flags), -1, path)
CALL(int, unlinkat, -1, (int folder, const char *path, int flags), (folder, path, flags), -1, path)
CALL(int, flock, -1, (int file, int operation), (file, operation), file, NULL)
CALL(int, fstat, -1, (int file, struct stat *status), (file, status), file, NULL)
CALL(int, fstatat, -1, (int folder, const char *path, struct stat *status, int flags),
     (folder, path, status, flags), -1, path)
CALL(int, stat, -1, (const char *path, struct stat *status), (path, status), -1, path)
CALL(int, lstat, -1, (const char *path, struct stat *status), (path, status), -1, path)
CALL(int, statfs, -1, (const char *path, struct statfs *status), (path, status), -1, path)
#ifdef HAVE_SYNCFS
CALL(int, syncfs, -1, (int file), (file), file, NULL)
#endif
#ifdef HAVE_SYNC_FILE_RANGE
CALL(int, sync_file_range, -1, (int file, off64_t offset, off64_t size, unsigned flags),
     (file, offset, size, flags), file, NULL)
#endif
CALL(int, pipe2, -1, (int ends[2], int flags), (ends, flags), -1, NULL)
CALL(int, socketpair, -1, (int domain, int type, int protocol, int ends[2]),
     (domain, type, protocol, ends), -1, NULL)
CALL(int, poll, -1, (struct pollfd * awaited, nfds_t count, int time), (awaited, count, time),
     count > 0 ? awaited->fd : -1, NULL)
CALL(pid_t, fork, -1, (void), (), -1, NULL)
CALL(pid_t, waitpid, -1, (pid_t process, int *status, int flags), (process, status, flags), -1,
     NULL)
CALL(int, waitid, -1, (idtype_t type, id_t id, siginfo_t *status, int flags),
     (type, id, status, flags), -1, NULL)
CALL(int, dup2, -1, (int from, int to), (from, to), from, NULL)
CALL(int, execve, -1, (const char *path, char *const *arguments, char *const *environment),
     (path, arguments, environment), -1, path)
CALL(char *, getcwd, NULL, (char *path, size_t size), (path, size), -1, NULL)
CALL(DIR *, fdopendir, NULL, (int file), (file), file, NULL)
CALL(struct dirent *, readdir, NULL, (DIR * folder), (folder), -1, NULL)
CALL(FTS *, fts_open, NULL,
     (char *const *paths, int flags, int (*compare)(const FTSENT **, const FTSENT **)),
     (paths, flags, compare), -1, paths[0])
CALL(int, pthread_create, errno,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
     (thread, attributes, run, argument), -1, NULL)

/* A function of a variable number of arguments, of which the last may be a mode. */
#define CALL_OPEN(name, parameters, arguments)                                                     \
	int name parameters                                                                        \
	{                                                                                          \
		static int(*real) parameters;                                                      \
		mode_t mode = 0;                                                                   \
                                                                                                   \
		if (!real)                                                                         \
			*(void **)(void *)&real = fault_real(#name);                               \
		if (fault_due(#name, -1, path))                                                    \
			return -1;                                                                 \
		if (flags & O_CREAT) {                                                             \
			va_list list;                                                              \
                                                                                                   \
			va_start(list, flags);                                                     \
			mode = va_arg(list, mode_t);                                               \
			va_end(list);                                                              \
		}                                                                                  \
		return real arguments;                                                             \
	}

CALL_OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
CALL_OPEN(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode))

/* Of the calls without a function of their own, openat2 is counted under its name. */
long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long arguments[6];
	va_list list;

	if (!real)
		*(void **)(void *)&real = fault_real("syscall");
	va_start(list, number);
	for (size_t i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
#ifdef SYS_openat2
	if (number == SYS_openat2 && fault_due("openat2", -1, (const char *)arguments[1]))
		return -1;
#endif
	return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		    arguments[5]);
}

int fcntl(int file, int command, ...)
{
	static int (*real)(int, int, ...);
	va_list list;
	void *argument;

	if (!real)
		*(void **)(void *)&real = fault_real("fcntl");
	if (fault_due("fcntl", file, NULL))
		return -1;
	va_start(list, command);
	argument = va_arg(list, void *);
	va_end(list);
	return real(file, command, argument);
}

/* As Linux does it: the descriptor is gone, whatever is said. */
int close(int file)
{
	static int (*real)(int);
	bool due;
	int error;

	if (!real)
		*(void **)(void *)&real = fault_real("close");
	due = fault_due("close", file, NULL);
	error = errno;
	if (!due)
		return real(file);
	(void)real(file);
	errno = error;
	return -1;
}

static void free_list(FTSENT *list)
{
	while (list) {
		FTSENT *next = list->fts_link;

		free(list);
		list = next;
	}
}

static void cut_list(FTSENT *list, size_t length)
{
	while (--length > 0)
		list = list->fts_link;
	free_list(list->fts_link);
	list->fts_link = NULL;
}

/* It is called all the same: the GNU C library loses the root if it was not read from at all. */
FTSENT *fts_read(FTS *fts)
{
	static FTSENT *(*real)(FTS *);
	FTSENT *entry;

	if (!real)
		*(void **)(void *)&real = fault_real("fts_read");
	entry = real(fts);
	return fault_due("fts_read", -1, NULL) ? NULL : entry;
}

/*
 * Where the system fails to list a folder to its end, the GNU C library's fts_children returns what
 * it has and errno. That is called "fts_readdir", and takes the second half of the list away.
 */
FTSENT *fts_children(FTS *fts, int flags)
{
	static FTSENT *(*real)(FTS *, int);
	FTSENT *children;
	size_t count = 0;

	if (!real)
		*(void **)(void *)&real = fault_real("fts_children");
	if (fault_due("fts_children", -1, NULL))
		return NULL;
	children = real(fts, flags);
	for (FTSENT *child = children; child; child = child->fts_link)
		count++;
	if (count < 2 || !fault_due("fts_readdir", -1, fts->fts_path))
		return children;
	cut_list(children, count / 2);
	return children;
}

/* Half of what was asked for, but something. */
static size_t half(size_t size)
{
	return size > 1 ? size / 2 : size;
}

/* Who reads asks for more than there is: half of that would do. */
static size_t few(size_t size)
{
	return size < 5 ? half(size) : 5;
}

ssize_t read(int file, void *bytes, size_t size)
{
	static ssize_t (*real)(int, void *, size_t);
	bool shorter;

	if (!real)
		*(void **)(void *)&real = fault_real("read");
	if (fault_due_or_short("read", file, &shorter))
		return -1;
	return real(file, bytes, shorter ? few(size) : size);
}

ssize_t recv(int file, void *bytes, size_t size, int flags)
{
	static ssize_t (*real)(int, void *, size_t, int);
	bool shorter;

	if (!real)
		*(void **)(void *)&real = fault_real("recv");
	if (fault_due_or_short("recv", file, &shorter))
		return -1;
	return real(file, bytes, shorter ? few(size) : size, flags);
}

ssize_t write(int file, const void *bytes, size_t size)
{
	static ssize_t (*real)(int, const void *, size_t);
	bool shorter;

	if (!real)
		*(void **)(void *)&real = fault_real("write");
	if (fault_due_or_short("write", file, &shorter))
		return -1;
	return real(file, bytes, shorter ? half(size) : size);
}

/* A short one ends within the first part that has anything. */
static struct iovec first_half(const struct iovec *parts, size_t count)
{
	size_t first = 0;

	while (first + 1 < count && parts[first].iov_len == 0)
		first++;
	return (struct iovec){parts[first].iov_base, half(parts[first].iov_len)};
}

ssize_t writev(int file, const struct iovec *parts, int count)
{
	static ssize_t (*real)(int, const struct iovec *, int);
	struct iovec part;
	bool shorter;

	if (!real)
		*(void **)(void *)&real = fault_real("writev");
	if (fault_due_or_short("writev", file, &shorter))
		return -1;
	if (!shorter || count <= 0)
		return real(file, parts, count);
	part = first_half(parts, (size_t)count);
	return real(file, &part, 1);
}

ssize_t sendmsg(int file, const struct msghdr *message, int flags)
{
	static ssize_t (*real)(int, const struct msghdr *, int);
	struct msghdr copy = *message;
	struct iovec part;
	bool shorter;

	if (!real)
		*(void **)(void *)&real = fault_real("sendmsg");
	if (fault_due_or_short("sendmsg", file, &shorter))
		return -1;
	if (!shorter || message->msg_iovlen == 0)
		return real(file, message, flags);
	part = first_half(message->msg_iov, message->msg_iovlen);
	copy.msg_iov = &part;
	copy.msg_iovlen = 1;
	return real(file, &copy, flags);
}
