#include "config.h"

#include "sys_path.h"

#include "list.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/*
 * `python -m` puts the current folder first where -c puts '' (and neither does with a safe path).
 * All entries that are no strings are skipped, as import does.
 */
static const char script[] =
	"import os, sys\n"
	"path = [os.fsencode(p) for p in sys.path if isinstance(p, str)]\n"
	"if path and not path[0] and not getattr(sys.flags, 'safe_path', False):\n"
	"    path[0] = os.getcwdb()\n"
	"sys.stdout.buffer.write(b''.join((p or b'.') + b'\\0' for p in path))\n";

/* Starts the interpreter with its standard output on `output`. Returns 0 or an errno. */
static int spawn_script(const char *executable, int output, pid_t *process)
{
	/* Its own path in argv[0] is how it finds its library. posix_spawn changes none of them. */
	char *const arguments[] = {(char *)(uintptr_t)executable, (char *)(uintptr_t) "-B",
				   (char *)(uintptr_t) "-c", (char *)(uintptr_t)script, NULL};
	posix_spawn_file_actions_t actions;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return error;
	error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn(process, executable, &actions, NULL, arguments, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* 0 if the process ended well; else -1 with errno ECHILD. */
static int reap(pid_t process)
{
	int status;

	while (waitpid(process, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	errno = ECHILD;
	return -1;
}

/* Reads what the script prints and reaps it. */
static int collect(struct list *list, int output, pid_t process)
{
	int result = list_add_descriptor(list, LIST_NULS, output);
	int error = errno;

	if (reap(process) != 0)
		return -1;
	errno = error;
	return result;
}

int sys_path_add(struct list *list, const char *executable)
{
	int ends[2], error, result = -1;
	pid_t process;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	error = spawn_script(executable, ends[1], &process);
	(void)close(ends[1]);
	if (error == 0) {
		result = collect(list, ends[0], process);
		error = errno;
	}
	(void)close(ends[0]);
	errno = error;
	return result;
}
