#include "config.h"

#include "executable.h"

#include "buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether a file at `path` may be executed; if not, errno says why. */
static bool may_run(const char *path)
{
	struct stat status;

	if (stat(path, &status) != 0)
		return false;
	if (!S_ISREG(status.st_mode)) {
		errno = EACCES;
		return false;
	}
	return access(path, X_OK) == 0;
}

/* The path of `name` in one folder of PATH; an empty one is the current folder. */
static char *join(const char *folder, size_t size, const char *name)
{
	struct buffer path = BUFFER_INIT;

	buffer_append(&path, folder, size);
	if (size > 0)
		buffer_append_byte(&path, '/');
	else
		buffer_append_string(&path, "./");
	buffer_append_string(&path, name);
	return buffer_take_string(&path);
}

static char *find_on_path(const char *name)
{
	const char *folders = getenv("PATH");
	int error = ENOENT;

	if (!folders)
		folders = "/bin:/usr/bin"; /* as execvp(3) */
	for (;;) {
		size_t size = strcspn(folders, ":");
		char *path = join(folders, size, name);

		if (!path || may_run(path))
			return path;
		/* What was found and may not be executed says more than that it is nowhere. */
		if (errno == EACCES)
			error = EACCES;
		free(path);
		if (!folders[size])
			break;
		folders += size + 1;
	}
	errno = error;
	return NULL;
}

char *executable_find(const char *name)
{
	if (!strchr(name, '/') && *name)
		return find_on_path(name);
	return may_run(name) ? strdup(name) : NULL;
}

int executable_identify(struct executable *executable, const char *path)
{
	executable->path = realpath(path, NULL);
	if (!executable->path)
		return -1;
	if (stat(executable->path, &executable->status) == 0)
		return 0;
	executable_fini(executable);
	return -1;
}

void executable_fini(struct executable *executable)
{
	int error = errno;

	free(executable->path);
	executable->path = NULL;
	errno = error;
}

bool executable_is_run_by(const struct executable *executable, pid_t process)
{
	char path[64];
	struct stat status;

	(void)snprintf(path, sizeof(path), "/proc/%ld/exe", (long)process);
	return stat(path, &status) == 0 && status.st_dev == executable->status.st_dev &&
	       status.st_ino == executable->status.st_ino;
}
