/* process: what a program that was started has, and what is left when it could not be. */
#include "config.h"

#include "process.h"

#include "buffer.h"
#include "support/descriptors.h"
#include "support/scratch.h"
#include "thread.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t process;
static int conversation;

/* Starts the shell with a script; of `command` all but path and arguments is used. 0, or -1. */
static int start_shell(const char *script, struct process_command command)
{
	char shell[] = "/bin/sh", option[] = "-c", *text = strdup(script);
	char *arguments[] = {shell, option, text, NULL};
	int result;

	(void)alarm(60); /* should the conversation not end, the test does */
	command.path = shell;
	command.arguments = arguments;
	result = process_start(&command, &conversation, &process);
	free(text);
	return result;
}

static void start(const char *script, struct process_command command)
{
	cr_assert_eq(start_shell(script, command), 0, "%s: %s", script, strerror(errno));
}

/* What the program writes to the conversation until it ends it; then it is reaped. */
static const char *hear_all(void)
{
	static struct buffer heard;
	char *place;
	ssize_t size;

	buffer_clear(&heard);
	while ((place = buffer_reserve(&heard, 1000)) &&
	       (size = read(conversation, place, 1000)) > 0)
		heard.size += (size_t)size;
	(void)close(conversation);
	(void)process_end(process);
	return buffer_string(&heard);
}

/* Asserts that the program still echoes. */
static void assert_echoes(void)
{
	char byte = 'e';

	cr_assert_eq(send(conversation, &byte, 1, MSG_NOSIGNAL), 1);
	byte = 0;
	cr_assert_eq(read(conversation, &byte, 1), 1);
	cr_assert_eq(byte, 'e');
}

static void assert_no_children(void)
{
	cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "a process is left");
	cr_assert_eq(errno, ECHILD);
}

static void sleep_milliseconds(long milliseconds)
{
	const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};

	(void)nanosleep(&time, NULL);
}

/* ---- Descriptors ---- */

Test(process, standard_input_is_the_conversation)
{
	start("exec cat >&0", (struct process_command){0});
	assert_echoes();
	assert_echoes();
	cr_assert_eq(fcntl(conversation, F_GETFD), FD_CLOEXEC);
	(void)close(conversation);
	/* The end of the conversation is the end of its input. */
	cr_assert_eq(waitpid(process, NULL, 0), process);
}

/* Nobody else holds the program's end, so that its end is the end of the conversation. */
Test(process, end_of_the_program_ends_the_conversation)
{
	start("exit 3", (struct process_command){0});
	cr_assert_str_eq(hear_all(), "");
}

/* The shell itself is looked at, so the one whose output is redirected is another. */
#define SHOW_DESCRIPTORS "(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 >&0)\n:"

/* Standard input is a socket, and the others are these. */
static void assert_descriptors(const char *others)
{
	const char *heard = hear_all(), *line = strchr(heard, '\n');

	cr_assert(strncmp(heard, "socket:[", 8) == 0 && line, "%s", heard);
	cr_assert_str_eq(line + 1, others);
}

SCRATCH_TEST(process, standard_output_is_nowhere_and_error_the_callers)
{
	int saved = dup(STDERR_FILENO), file = open("errors", O_CREAT | O_WRONLY, 0600);
	char expected[500];
	size_t size;
	char *errors;

	(void)snprintf(expected, sizeof(expected), "/dev/null\n%s/errors\n", scratch_path());
	cr_assert_geq(dup2(file, STDERR_FILENO), 0);
	start("echo lost; echo told >&2; " SHOW_DESCRIPTORS, (struct process_command){0});
	cr_assert_geq(dup2(saved, STDERR_FILENO), 0);
	assert_descriptors(expected);
	errors = scratch_read("errors", &size);
	cr_assert_str_eq(errors, "told\n");
	free(errors);
	(void)close(file);
	(void)close(saved);
}

SCRATCH_TEST(process, silent_has_no_standard_error)
{
	start(SHOW_DESCRIPTORS, (struct process_command){.silent = true});
	assert_descriptors("/dev/null\n/dev/null\n");
}

/* Nothing of the program's own gets into it; what the test runner leaves open is not its. */
Test(process, has_no_other_descriptors)
{
	for (int descriptor = 3; descriptor < 100; descriptor++)
		(void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
	start("(ls /proc/$$/fd >&0); :", (struct process_command){.silent = true});
	cr_assert_str_eq(hear_all(), "0\n1\n2\n");
}

/* The descriptors of the bits in `closed` are closed while a program is started. */
static void start_without(unsigned closed, bool silent)
{
	int saved[3];

	for (int i = 0; i < 3; i++) {
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
		cr_assert_geq(saved[i], 10);
	}
	for (int i = 0; i < 3; i++)
		if (closed & 1u << i)
			(void)close(i);
	if (start_shell(SHOW_DESCRIPTORS, (struct process_command){.silent = silent}) != 0)
		conversation = -1;
	/* The caller's end may have got one of these numbers. */
	if (conversation >= 0 && conversation < 3) {
		int number = conversation;

		conversation = fcntl(number, F_DUPFD_CLOEXEC, 10);
		(void)close(number);
	}
	for (int i = 0; i < 3; i++) {
		(void)dup2(saved[i], i);
		(void)close(saved[i]);
	}
	cr_assert_geq(conversation, 3, "without %u", closed);
}

Test(process, starts_without_standard_descriptors)
{
	for (unsigned closed = 0; closed < 8; closed++) {
		start_without(closed, true);
		assert_descriptors("/dev/null\n/dev/null\n");
	}
	for (unsigned closed = 4; closed < 8; closed++) {
		start_without(closed, false);
		assert_descriptors("/dev/null\n");
	}
}

/* ---- What cannot be started ---- */

static void assert_fails(const char *path, int error)
{
	char name[] = "x", *arguments[] = {name, NULL};
	const struct process_command command = {.path = path, .arguments = arguments};
	size_t before = descriptors_count();
	int socket = -7;
	pid_t started;

	errno = 0;
	cr_assert_eq(process_start(&command, &socket, &started), -1, "%s", path);
	cr_assert_eq(errno, error, "%s: %s", path, strerror(errno));
	cr_assert_eq(socket, -7);
	cr_assert_eq(descriptors_count(), before, "%s", path);
	assert_no_children();
}

SCRATCH_TEST(process, what_cannot_be_executed_leaves_nothing_behind)
{
	scratch_file("plain", "text\n");
	scratch_file("nonsense", "text\n");
	scratch_mode("nonsense", 0755);
	scratch_file("orphan", "#!/no/such/interpreter\n");
	scratch_mode("orphan", 0755);
	assert_fails("none", ENOENT);
	assert_fails("plain/none", ENOTDIR);
	assert_fails("plain", EACCES);
	assert_fails(".", EACCES);
	assert_fails("nonsense", ENOEXEC);
	assert_fails("orphan", ENOENT);
}

Test(process, start_and_end_leave_nothing_behind)
{
	size_t before = descriptors_count();
	int status;

	start("exec cat >&0", (struct process_command){.bound = true, .silent = true});
	cr_assert_eq(descriptors_count(), before + 1);
	status = process_end(process);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	(void)close(conversation);
	cr_assert_eq(descriptors_count(), before);
	assert_no_children();
}

Test(process, end_of_one_that_has_ended_tells_its_status)
{
	char byte;
	int status;

	start("exit 3", (struct process_command){0});
	cr_assert_eq(read(conversation, &byte, 1), 0);
	sleep_milliseconds(20); /* between closing and ending it may be killed */
	status = process_end(process);
	(void)close(conversation);
	cr_assert(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 3));
}

/* ---- What it is given ---- */

Test(process, environment_is_the_callers_own_or_the_one_given)
{
	char variable[] = "GIVEN=g", *environment[] = {variable, NULL};

	cr_assert_eq(setenv("OWN", "o", 1), 0);
	cr_assert_eq(unsetenv("GIVEN"), 0);
	start("echo \"$OWN,$GIVEN\" >&0", (struct process_command){0});
	cr_assert_str_eq(hear_all(), "o,\n");
	start("echo \"$OWN,$GIVEN\" >&0", (struct process_command){.environment = environment});
	cr_assert_str_eq(hear_all(), ",g\n");
}

Test(process, memory_limit_is_one_of_address_space)
{
	start("ulimit -S -v >&0; ulimit -H -v >&0",
	      (struct process_command){.memory_limit = (uint64_t)3 << 30});
	cr_assert_str_eq(hear_all(), "3145728\n3145728\n");
	start("ulimit -S -v >&0", (struct process_command){0});
	cr_assert_str_eq(hear_all(), "unlimited\n");
}

/* Reads a mask of signals from the program's /proc/.../status. */
static uint64_t mask_in(const char *status, const char *name)
{
	const char *line = strstr(status, name);

	cr_assert_not_null(line, "%s in %s", name, status);
	return strtoull(line + strlen(name), NULL, 16);
}

/* What the system says of the process. */
static void read_status(char *status, size_t capacity)
{
	char path[64];
	ssize_t size;
	int file;

	(void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)process);
	file = open(path, O_RDONLY | O_CLOEXEC);
	size = read(file, status, capacity - 1);
	cr_assert_gt(size, 0, "%s", path);
	status[size] = '\0';
	(void)close(file);
}

static uint64_t bit(int number)
{
	return UINT64_C(1) << (number - 1);
}

Test(process, signals_are_its_own)
{
	char path[] = "/bin/cat", *arguments[] = {path, NULL};
	const struct process_command command = {.path = path, .arguments = arguments};
	sigset_t blocked;
	char status[4000];

	cr_assert_neq(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	cr_assert_neq(signal(SIGCHLD, SIG_IGN), SIG_ERR);
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGUSR1);
	cr_assert_eq(sigprocmask(SIG_SETMASK, &blocked, NULL), 0);
	/* No shell, which would set some of them itself. */
	cr_assert_eq(process_start(&command, &conversation, &process), 0);
	read_status(status, sizeof(status));
	cr_assert_eq(mask_in(status, "SigBlk:"), bit(SIGINT) | bit(SIGTERM) | bit(SIGHUP));
	cr_assert_eq(mask_in(status, "SigIgn:") & (bit(SIGPIPE) | bit(SIGCHLD)), 0);
	(void)process_end(process);
	(void)close(conversation);
}

Test(process, signals_of_a_terminal_do_not_reach_it)
{
	start("exec cat >&0", (struct process_command){0});
	cr_assert_eq(kill(process, SIGINT), 0);
	cr_assert_eq(kill(process, SIGTERM), 0);
	cr_assert_eq(kill(process, SIGHUP), 0);
	for (int i = 0; i < 10; i++)
		assert_echoes();
	(void)process_end(process);
	(void)close(conversation);
}

/* ---- How long it lives ---- */

static void *start_on_a_thread(void *argument)
{
	const struct process_command *command = argument;

	return start_shell("exec cat >&0", *command) == 0 ? &conversation : NULL;
}

static void start_and_end_thread(struct process_command command)
{
	pthread_t thread;

	cr_assert_eq(thread_create(&thread, start_on_a_thread, &command), 0);
	cr_assert_not_null(thread_join(thread));
}

#ifdef HAVE_SYS_PRCTL_H
Test(process, bound_dies_with_the_thread_that_started_it)
{
	int status;

	start_and_end_thread((struct process_command){.bound = true});
	(void)alarm(20);
	cr_assert_eq(waitpid(process, &status, 0), process);
	(void)alarm(0);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	(void)close(conversation);
}
#endif

Test(process, bound_lives_while_the_thread_does)
{
	start("exec cat >&0", (struct process_command){.bound = true});
	for (int i = 0; i < 10; i++) {
		sleep_milliseconds(5);
		assert_echoes();
	}
	(void)process_end(process);
	(void)close(conversation);
}

Test(process, unbound_outlives_the_thread_that_started_it)
{
	start_and_end_thread((struct process_command){.bound = false});
	for (int i = 0; i < 20; i++) {
		sleep_milliseconds(5);
		assert_echoes();
	}
	(void)process_end(process);
	(void)close(conversation);
}
