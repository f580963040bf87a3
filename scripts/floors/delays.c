/*
 * delays: makes the program wait as for a slow disk or a file server. To be loaded into it, for
 * scripts/simulate --check.
 *
 *     DELAY_FOLDER=1000 DELAY_SOURCE=1000 DELAY_LOG=FILE \
 *             LD_PRELOAD=scripts/floors/.libs/delays.so src/pycompileall -q TREE
 *
 * Each fts_children, of which there is one a folder, sleeps DELAY_FOLDER microseconds, and each
 * fstatat, of which there is one a source that is up to date, DELAY_SOURCE. 0, or no such variable:
 * none. Threads that sleep need no processor, so that a run with 256 workers shows on two
 * processors what it waits for.
 *
 * A sleep ends when the thread is given a processor again, later than it should on a busy machine.
 * So each sleep is timed, and when the process ends a line is added to DELAY_LOG:
 *
 *     folders, their mean delay in microseconds, sources, their mean delay
 *
 * A process that has delayed nothing, as a compile server, adds none.
 */
#include "config.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* One kind of delay. */
struct delay {
	long length;                /* microseconds */
	atomic_uint_fast64_t count; /* sleeps */
	atomic_uint_fast64_t sum;   /* of what they took, in nanoseconds */
};

static struct delay folders, sources;

/* The C library's own, found before there are threads. */
static FTSENT *(*real_fts_children)(FTS *fts, int options);
static int (*real_fstatat)(int folder, const char *path, struct stat *status, int flags);

static void *real(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

static long length_of(const char *variable)
{
	const char *text = getenv(variable);

	return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void begin(void)
{
	*(void **)(void *)&real_fts_children = real("fts_children");
	*(void **)(void *)&real_fstatat = real("fstatat");
	folders.length = length_of("DELAY_FOLDER");
	sources.length = length_of("DELAY_SOURCE");
}

static double mean(struct delay *delay)
{
	uint64_t count = atomic_load(&delay->count);

	return count ? (double)atomic_load(&delay->sum) / (double)count / 1000 : 0;
}

__attribute__((destructor)) static void end(void)
{
	const char *path = getenv("DELAY_LOG");
	uint64_t listed = atomic_load(&folders.count), checked = atomic_load(&sources.count);
	char line[200];
	int file, size;

	if (!path || listed + checked == 0)
		return;
	size = snprintf(line, sizeof(line), "%ju %.1f %ju %.1f\n", (uintmax_t)listed,
			mean(&folders), (uintmax_t)checked, mean(&sources));
	file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (file < 0 || write(file, line, (size_t)size) != size || close(file) != 0)
		perror(path);
}

static uint64_t now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* The kernel may let a sleep be longer by a slack, 50 microseconds if nothing is said. */
static void sleep_exactly(long microseconds)
{
	static _Thread_local bool strict;
	struct timespec left = {microseconds / 1000000, microseconds % 1000000 * 1000};

	if (!strict)
		(void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	strict = true;
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		continue;
}

static void wait_for(struct delay *delay)
{
	uint64_t from = now();
	int error = errno;

	if (delay->length > 0)
		sleep_exactly(delay->length);
	errno = error;
	atomic_fetch_add(&delay->count, 1);
	atomic_fetch_add(&delay->sum, now() - from);
}

FTSENT *fts_children(FTS *fts, int options)
{
	wait_for(&folders);
	return real_fts_children(fts, options);
}

int fstatat(int folder, const char *path, struct stat *status, int flags)
{
	wait_for(&sources);
	return real_fstatat(folder, path, status, flags);
}
