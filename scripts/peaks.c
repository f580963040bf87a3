/*
 * peaks: how much memory each process of a command had resident at most.
 *
 *     peaks OUTPUT COMMAND...
 *
 * Writes a line for each process, in the order in which they end:
 *
 *     PEAK LAST NAME
 *
 * PEAK is VmHWM and LAST is VmRSS as the process ends, both in KiB; NAME is what the kernel calls
 * it, of 15 bytes at most. getrusage has neither: there a process inherits what its parent had
 * when it called exec, and what its children had when it waited for them.
 *
 * Every process and thread is traced and stopped only when it is started, at exec and when it ends,
 * where its memory is still there. Ends with the status of the command, or 128 and its signal.
 */
#include "config.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define OPTIONS                                                                                    \
	(PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |     \
	 PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL)

/* Two lines of /proc/PID/status. */
struct memory {
	long peak, last; /* KiB; -1: without memory of its own */
	pid_t process;   /* whose it is: for a thread another number than its own */
	char name[16];
};

static void read_status(pid_t task, struct memory *memory)
{
	char path[64], line[256];
	FILE *file;

	*memory = (struct memory){.peak = -1, .last = -1};
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)task);
	file = fopen(path, "re");
	if (!file)
		return; /* killed meanwhile */
	while (fgets(line, sizeof(line), file)) {
		(void)sscanf(line, "Name: %15[^\n]", memory->name);
		(void)sscanf(line, "Tgid: %d", &memory->process);
		(void)sscanf(line, "VmHWM: %ld", &memory->peak);
		(void)sscanf(line, "VmRSS: %ld", &memory->last);
	}
	(void)fclose(file); /* was only read */
}

/* A process ends when its first thread does; that one may end before others, but ours do not. */
static void tell_end(FILE *output, pid_t task)
{
	struct memory memory;

	read_status(task, &memory);
	if (memory.process == task && memory.peak >= 0)
		(void)fprintf(output, "%ld %ld %s\n", memory.peak, memory.last, memory.name);
}

/* What the task is to be told when it goes on: a signal, or 0 where it was stopped for us. */
static int signal_to_give(pid_t task, int status)
{
	siginfo_t info;
	int number = WSTOPSIG(status);

	if (status >> 16 != 0 || number == SIGTRAP)
		return 0;
	/* Tasks that were just attached begin with a SIGSTOP that nobody sent. */
	if (number == SIGSTOP && ptrace(PTRACE_GETSIGINFO, task, NULL, &info) == 0 &&
	    info.si_pid == 0)
		return 0;
	return number;
}

static void take_stop(FILE *output, pid_t task, int status)
{
	if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8))
		tell_end(output, task);
	/* ESRCH: killed meanwhile. */
	if (ptrace(PTRACE_CONT, task, NULL, signal_to_give(task, status)) != 0 && errno != ESRCH)
		err(125, "ptrace");
}

static pid_t start(char **command)
{
	pid_t child = fork();

	if (child < 0)
		err(125, "fork");
	if (child > 0)
		return child;
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		err(125, "ptrace");
	if (raise(SIGSTOP) != 0)
		err(125, "raise");
	execvp(command[0], command);
	err(127, "%s", command[0]);
}

/* Follows them all to their end. Returns the wait status of `child`. */
static int follow(FILE *output, pid_t child)
{
	int status, result = 0;
	pid_t task;

	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		errx(125, "cannot trace");
	if (ptrace(PTRACE_SETOPTIONS, child, NULL, OPTIONS) != 0)
		err(125, "ptrace");
	if (ptrace(PTRACE_CONT, child, NULL, 0) != 0)
		err(125, "ptrace");
	while ((task = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			take_stop(output, task, status);
		else if (task == child)
			result = status;
	}
	return result;
}

int main(int argc, char **argv)
{
	FILE *output;
	int status;

	if (argc < 3)
		errx(125, "usage: peaks OUTPUT COMMAND...");
	output = fopen(argv[1], "we");
	if (!output)
		err(125, "%s", argv[1]);
	status = follow(output, start(argv + 2));
	if (fclose(output) != 0)
		err(125, "%s", argv[1]);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
