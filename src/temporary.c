#include "config.h"

#include "temporary.h"

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

void temporary_clean(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!stream) {
		if (copy >= 0)
			(void)close(copy);
		return;
	}
	while ((entry = readdir(stream)) != NULL) {
		pid_t process = temporary_process(entry->d_name);

		if (process > 0 && is_dead(process))
			(void)unlinkat(folder, entry->d_name, 0);
	}
	(void)closedir(stream);
}
