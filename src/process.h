/*
 * process: starts a program that talks through a socket, which is its standard input.
 *
 * A process of its own is forked and not spawned, because three things that must hold from its
 * first instruction on have no place in posix_spawn(3): it dies with the program, it has a limit on
 * memory, and the program learns what went wrong before the exec.
 */
#ifndef PYCOMPILEALL_PROCESS_H
#define PYCOMPILEALL_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What to start. Borrowed during the call only. */
struct process_command {
	const char *path;         /* the executable */
	char *const *arguments;   /* argv, NULL behind the last */
	char *const *environment; /* envp; NULL: the caller's own */
	uint64_t memory_limit;    /* bytes of address space; 0: the caller's own limit */
	bool silent;              /* its standard error is /dev/null, too */
	bool bound;               /* killed when the thread that started it ends */
};

/*
 * Starts it. Its standard input is the other end of `*socket` (SOCK_STREAM, close-on-exec, the
 * caller's to close), its standard output is /dev/null. SIGINT, SIGTERM and SIGHUP are blocked in
 * it: a terminal, or a service manager, signals the whole process group, and what then becomes of
 * the run is the program's to decide. The caller reaps `*process`. Blocks until the exec is done.
 * Returns 0, or -1 with errno of socketpair(2), fork(2), execve(2).
 */
int process_start(const struct process_command *command, int *socket, pid_t *process);

/* Kills the process, waits for it, and returns its status as of waitpid(2), or -1: it was none of
 * the caller's. Not to be called for a process that was reaped. */
int process_end(pid_t process);

#endif
