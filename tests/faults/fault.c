#include "config.h"

#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *wanted; /* FAULT_CALL; NULL: nothing fails */
static const char *log_path;
static unsigned long number;
static int error;
static bool lasting, in_child, deadly;
static pid_t program;
static atomic_ulong count;
static long (*real_syscall)(long, ...);

void *fault_real(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

static unsigned long get_number(const char *name)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void set_up(void)
{
	real_syscall = (long (*)(long, ...))fault_real("syscall");
	program = getpid();
	number = get_number("FAULT_NUMBER");
	error = (int)get_number("FAULT_ERROR");
	lasting = getenv("FAULT_LASTING") != NULL;
	in_child = getenv("FAULT_IN_CHILD") != NULL;
	deadly = getenv("FAULT_DEADLY") != NULL;
	log_path = getenv("FAULT_LOG");
	(void)unsetenv("LD_PRELOAD");
	/* Last: the calls above are not the program's. */
	if (log_path)
		wanted = getenv("FAULT_CALL");
}

/* What a descriptor is open on; "?" if that cannot be told. */
static const char *descriptor_path(int descriptor, char path[PATH_MAX])
{
	char link[64];
	long size;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
	size = real_syscall(SYS_readlinkat, AT_FDCWD, link, path, (size_t)PATH_MAX - 1);
	if (size < 0)
		return "?";
	path[size] = '\0';
	return path;
}

/* By system calls alone, lest it be counted. The file is opened anew each time: the program might
 * take a descriptor that stays open for its own. */
static void note(unsigned long at, int descriptor, const char *path)
{
	char opened[PATH_MAX], line[PATH_MAX + 64];
	int length, file;

	if (descriptor >= 0)
		path = descriptor_path(descriptor, opened);
	length = snprintf(line, sizeof(line), "%lu %s\n", at, path ? path : "?");
	file = (int)real_syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_CREAT | O_APPEND,
				 0644);
	if (file < 0 || real_syscall(SYS_write, file, line, (size_t)length) != length)
		abort();
	(void)real_syscall(SYS_close, file);
}

static bool is_due(const char *call, int descriptor, const char *path)
{
	unsigned long at;

	if (!wanted || strcmp(call, wanted) != 0 || (getpid() != program) != in_child)
		return false;
	at = atomic_fetch_add(&count, 1) + 1;
	if (at != number && !(lasting && at > number))
		return false;
	note(at, descriptor, path);
	if (deadly)
		(void)real_syscall(SYS_kill, getpid(), SIGKILL);
	return true;
}

bool fault_due(const char *call, int descriptor, const char *path)
{
	int before = errno;
	bool due = is_due(call, descriptor, path);

	errno = due ? error : before;
	return due;
}

bool fault_due_or_short(const char *call, int descriptor, bool *shorter)
{
	bool due = fault_due(call, descriptor, NULL);

	*shorter = due && error == 0;
	return due && error != 0;
}
