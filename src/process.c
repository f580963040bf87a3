/*
 * Between fork and exec only what is async-signal-safe may be called: the program has threads, and
 * any lock may be held by one that does not exist in the child.
 */
#include "config.h"

#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_SYS_PRCTL_H
#include <sys/prctl.h>
#endif

extern char **environ;

/* What the child needs to know. */
struct plan {
	const struct process_command *command;
	pid_t parent;
	int socket; /* the child's end */
	int report; /* where an errno goes; closed by the exec */
};

/* A program that is gone by now sends no signal any more. 0, or -1 with errno. */
static int bind_life(const struct plan *plan)
{
#ifdef PR_SET_PDEATHSIG
	if (plan->command->bound && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		return -1;
#endif
	if (plan->command->bound && getppid() != plan->parent) {
		errno = ESRCH;
		return -1;
	}
	return 0;
}

static int limit_memory(uint64_t bytes)
{
	const struct rlimit limit = {.rlim_cur = (rlim_t)bytes, .rlim_max = (rlim_t)bytes};

	return bytes == 0 ? 0 : setrlimit(RLIMIT_AS, &limit);
}

/* An ignored signal would stay ignored: SIGPIPE, and SIGCHLD of which some parents want nothing. */
static int set_signals(void)
{
	static const int defaults[] = {SIGPIPE, SIGCHLD};
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t blocked;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (sigaction(defaults[i], &action, NULL) != 0)
			return -1;
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGINT);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigaddset(&blocked, SIGHUP);
	return sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/* Lets `to` be what `from` is, also after the exec. 0, or -1 with errno. */
static int place(int from, int to)
{
	int result = from == to ? fcntl(from, F_SETFD, 0) : dup2(from, to);

	return result < 0 ? -1 : 0;
}

/* The two descriptors may themselves be where standard input and output belong, if the program has
 * none: so they are moved out of the way first. */
static int set_descriptors(struct plan *plan)
{
	int nothing;

	plan->report = fcntl(plan->report, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	plan->socket = fcntl(plan->socket, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (plan->report < 0 || plan->socket < 0 || place(plan->socket, STDIN_FILENO) != 0)
		return -1;
	nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (nothing < 0 || place(nothing, STDOUT_FILENO) != 0)
		return -1;
	return plan->command->silent ? place(nothing, STDERR_FILENO) : 0;
}

_Noreturn static void run_child(struct plan plan)
{
	const struct process_command *command = plan.command;
	char *const *environment = command->environment ? command->environment : environ;
	int error;

	if (set_descriptors(&plan) == 0 && bind_life(&plan) == 0 && set_signals() == 0 &&
	    limit_memory(command->memory_limit) == 0)
		(void)execve(command->path, command->arguments, environment);
	error = errno;
	/* Nothing can be done about a report that fails. */
	if (write(plan.report, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* Waits for the exec: 0 when it was done, else the errno that the child reports. */
static int await_exec(int report)
{
	int error;
	ssize_t size;

	do
		size = read(report, &error, sizeof(error));
	while (size < 0 && errno == EINTR);
	if (size == 0)
		return 0;
	return size == (ssize_t)sizeof(error) ? error : EIO;
}

int process_end(pid_t process)
{
	int status;

	(void)kill(process, SIGKILL);
	while (waitpid(process, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status;
}

/* Forks, with the child's end of the socket and of a pipe for what goes wrong in it. */
static int fork_child(struct plan *plan, const int pipe_ends[2], pid_t *process)
{
	int error;

	plan->report = pipe_ends[1];
	plan->parent = getpid();
	*process = fork();
	if (*process == 0)
		run_child(*plan);
	error = *process < 0 ? errno : 0;
	(void)close(pipe_ends[1]);
	if (error == 0) {
		error = await_exec(pipe_ends[0]);
		if (error != 0)
			(void)process_end(*process);
	}
	(void)close(pipe_ends[0]);
	errno = error;
	return error == 0 ? 0 : -1;
}

int process_start(const struct process_command *command, int *socket, pid_t *process)
{
	struct plan plan = {.command = command};
	int ends[2], pipe_ends[2], error, result = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	plan.socket = ends[1];
	if (pipe2(pipe_ends, O_CLOEXEC) == 0)
		result = fork_child(&plan, pipe_ends, process);
	error = errno;
	(void)close(ends[1]);
	if (result != 0)
		(void)close(ends[0]);
	else
		*socket = ends[0];
	errno = error;
	return result;
}
