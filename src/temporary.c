#include "config.h"

#include "temporary.h"

#include "file_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX ".pycompileall-"
#define SUFFIX ".tmp"

void temporary_name(char name[TEMPORARY_SIZE])
{
	static atomic_uint serial;

	(void)snprintf(name, TEMPORARY_SIZE, PREFIX "%ld-%u" SUFFIX, (long)getpid(),
		       atomic_fetch_add(&serial, 1));
}

/* The number that `*text` begins with, without sign or space; -1: none. `*text` moves behind it. */
static long parse_number(const char **text)
{
	size_t digits = strspn(*text, "0123456789");
	long number;

	if (digits == 0)
		return -1;
	errno = 0;
	number = strtol(*text, NULL, 10);
	*text += digits;
	return errno == 0 ? number : -1;
}

pid_t temporary_process(const char *name)
{
	long process;

	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	name += strlen(PREFIX);
	process = parse_number(&name);
	if (process <= 0 || process != (long)(pid_t)process || *name++ != '-')
		return 0;
	if (parse_number(&name) < 0 || strcmp(name, SUFFIX) != 0)
		return 0;
	return (pid_t)process;
}

/* Whether nobody is there any more. A process that we may not signal is there. */
static bool is_dead(pid_t process)
{
	return kill(process, 0) != 0 && errno == ESRCH;
}

/* Removes one unless somebody is at work on it. Whether it is gone. Its lock is kept until then,
 * lest another has removed it and a third made one of the same name. */
static bool clean(int folder, const char *name, pid_t process)
{
	int descriptor = file_lock_open(folder, name);
	enum file_lock lock = FILE_LOCK_UNKNOWN;
	bool gone = false;

	if (descriptor >= 0)
		lock = file_lock_try(descriptor, FILE_LOCK_ALONE);
	if (lock == FILE_LOCK_GOT && file_lock_has_name(descriptor) == 0)
		gone = true;
	else if (lock == FILE_LOCK_GOT || (lock == FILE_LOCK_UNKNOWN && is_dead(process)))
		gone = unlinkat(folder, name, 0) == 0 || errno == ENOENT;
	if (descriptor >= 0)
		(void)close(descriptor);
	return gone;
}

bool temporary_clean(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	bool all = true;

	if (!stream) {
		if (copy >= 0)
			(void)close(copy);
		return false;
	}
	errno = 0;
	while ((entry = readdir(stream)) != NULL) {
		pid_t process = temporary_process(entry->d_name);

		if (process > 0)
			all &= clean(folder, entry->d_name, process);
		errno = 0;
	}
	all &= errno == 0;
	(void)closedir(stream);
	return all;
}
