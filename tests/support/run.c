#include "config.h"

#include "run.h"

#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY 2    /* milliseconds between two looks at a running program */
#define GRACE      2000 /* milliseconds that what a program started may outlive it */

static void require(bool done, const char *what)
{
	cr_assert(done, "%s: %s", what, strerror(errno));
}

static size_t list_length(const char *const *list)
{
	size_t length = 0;

	while (list && list[length])
		length++;
	return length;
}

/* A list that grows; its strings are not owned. */
struct list {
	const char **items;
	size_t count;
};

static void list_append(struct list *list, const char *item)
{
	const char **items = realloc(list->items, (list->count + 2) * sizeof(*items));

	require(items, "realloc");
	items[list->count++] = item;
	items[list->count] = NULL;
	list->items = items;
}

static void list_append_all(struct list *list, const char *const *items)
{
	for (size_t i = 0; i < list_length(items); i++)
		list_append(list, items[i]);
}

static struct list arguments_of(const struct run_request *request)
{
	struct list list = {NULL, 0};

	list_append_all(&list, request->program);
	list_append_all(&list, request->options);
	list_append_all(&list, request->arguments);
	return list;
}

/* "NAME=value" of the test's own environment, or NULL. It lives as long as that does. */
static const char *inherited(const char *name)
{
	size_t length = strlen(name);

	for (char **variable = environ; *variable; variable++)
		if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=')
			return *variable;
	return NULL;
}

static bool same_variable(const char *left, const char *right)
{
	size_t length = strcspn(left, "=");

	return strncmp(left, right, length) == 0 && right[length] == '=';
}

/* Variables of the request take the place of those handed down. */
static struct list environment_of(const struct run_request *request)
{
	static const char *const names[] = {
		"PATH",         "HOME",         "TMPDIR",        "ASAN_OPTIONS",
		"LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS",
	};
	struct list list = {NULL, 0};

	list_append(&list, "LANG=C.UTF-8");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (inherited(names[i]))
			list_append(&list, inherited(names[i]));
	for (size_t i = 0; i < list_length(request->environment); i++) {
		size_t place = 0;
		while (place < list.count &&
		       !same_variable(list.items[place], request->environment[i]))
			place++;
		if (place < list.count)
			list.items[place] = request->environment[i];
		else
			list_append(&list, request->environment[i]);
	}
	return list;
}

static char *join(const struct list *list)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	require(stream, "open_memstream");
	for (size_t i = 0; i < list->count; i++)
		(void)fprintf(stream, "%s%s", i ? " " : "", list->items[i]);
	require(fclose(stream) == 0, "fclose");
	return text;
}

/* Our end of a new terminal of 80 columns; `other` is the program's. */
static int open_terminal(int *other)
{
	struct winsize window = {.ws_row = 24, .ws_col = 80};

	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	require(terminal >= 0, "posix_openpt");
	require(grantpt(terminal) == 0 && unlockpt(terminal) == 0, "grantpt");
	*other = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	require(*other >= 0, "open terminal");
	require(ioctl(terminal, TIOCSWINSZ, &window) == 0, "TIOCSWINSZ");
	return terminal;
}

static int open_input(const struct run_request *request)
{
	if (!request->input)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	FILE *file = tmpfile();
	require(file, "tmpfile");
	require(fputs(request->input, file) >= 0 && fflush(file) == 0, "write standard input");
	rewind(file);
	return dup(fileno(file));
}

/* Signals as a shell hands them down: none ignored, none blocked. */
static void reset_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ, SIGCHLD};
	sigset_t none;

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		(void)signal(signals[i], SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* exec gives root what is inheritable or in the bounding set: take it out of both. */
static int drop_inheritable(unsigned capability)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) != 0)
		return -1;
	data[CAP_TO_INDEX(capability)].inheritable &= ~CAP_TO_MASK(capability);
	return (int)syscall(SYS_capset, &header, data);
}

/* A program run by root, too, then meets the permissions that the files' owner would. */
static int drop_privilege(void)
{
	static const unsigned capabilities[] = {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH};

	if (geteuid() != 0)
		return 0;
	for (size_t i = 0; i < sizeof(capabilities) / sizeof(*capabilities); i++)
		if (drop_inheritable(capabilities[i]) != 0 ||
		    prctl(PR_CAPBSET_DROP, capabilities[i], 0, 0, 0) != 0)
			return -1;
	return 0;
}

static int limit_files(off_t bytes)
{
	struct rlimit limit = {(rlim_t)bytes, (rlim_t)bytes};

	return bytes ? setrlimit(RLIMIT_FSIZE, &limit) : 0;
}

/* In the child, between fork and exec: only what is safe there. */
static void become(const struct run_request *request, const int streams[3], const char **arguments,
		   const char **environment)
{
	reset_signals();
	(void)setsid();
	for (int i = 0; i < 3; i++)
		if (dup2(streams[i], i) != i)
			_exit(126);
	if (request->umask)
		(void)umask(request->umask);
	if (limit_files(request->file_limit) != 0)
		_exit(126);
	if (request->unprivileged && drop_privilege() != 0)
		_exit(126);
	if (request->prepare && request->prepare() != 0)
		_exit(126);
	(void)execve(arguments[0], (char **)(void *)arguments, (char **)(void *)environment);
	_exit(127);
}

static pid_t spawn(const struct run_request *request, const int streams[3])
{
	struct list arguments = arguments_of(request);
	struct list environment = environment_of(request);

	pid_t process = fork();
	require(process >= 0, "fork");
	if (process == 0)
		become(request, streams, arguments.items, environment.items);
	free(arguments.items);
	free(environment.items);
	return process;
}

void run_start(struct run *run, const struct run_request *request)
{
	struct list arguments = arguments_of(request);
	int streams[3];

	run->command = join(&arguments);
	free(arguments.items);
	run->seconds = request->seconds ? request->seconds : RUN_SECONDS;
	run->output = tmpfile();
	run->errors = tmpfile();
	require(run->output && run->errors, "tmpfile");
	run->terminal = -1;
	streams[0] = open_input(request);
	streams[1] = fileno(run->output);
	streams[2] = fileno(run->errors);
	if (request->terminal)
		run->terminal = open_terminal(&streams[2]);
	/* What the program leaves behind becomes our child, so that it can be counted. */
	require(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0, "PR_SET_CHILD_SUBREAPER");
	run->process = spawn(request, streams);
	(void)close(streams[0]);
	if (request->terminal)
		(void)close(streams[2]);
}

/* Reads what is on the terminal within `milliseconds`; false if that is nothing. */
static bool read_terminal(struct run *run, int milliseconds)
{
	struct pollfd terminal = {.fd = run->terminal, .events = POLLIN};
	char bytes[4096];

	if (poll(&terminal, 1, milliseconds) <= 0)
		return false;
	/* EIO: nobody has the other end open. */
	ssize_t size = read(run->terminal, bytes, sizeof(bytes));
	if (size <= 0)
		return false;
	require(fwrite(bytes, 1, (size_t)size, run->errors) == (size_t)size, "fwrite");
	return true;
}

static void look_on(struct run *run)
{
	const struct timespec moment = {0, LOOK_EVERY * 1000000L};

	if (run->terminal < 0 || !read_terminal(run, LOOK_EVERY))
		(void)nanosleep(&moment, NULL);
}

static bool passed(const struct timespec *start, unsigned seconds)
{
	struct timespec now;

	require(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
	return now.tv_sec - start->tv_sec > (time_t)seconds;
}

static int wait_program(struct run *run, struct run_result *result)
{
	struct timespec start;
	struct rusage usage = {0};
	int status = 0;

	require(clock_gettime(CLOCK_MONOTONIC, &start) == 0, "clock_gettime");
	while (wait4(run->process, &status, WNOHANG, &usage) == 0) {
		look_on(run);
		if (!result->timed_out && passed(&start, run->seconds)) {
			result->timed_out = true;
			(void)kill(-run->process, SIGKILL);
		}
	}
	result->peak = usage.ru_maxrss;
	return status;
}

/* True if something that the program started still runs at the end of the grace. It is in the
 * program's process group: other runs may be under way. */
static bool wait_orphans(struct run *run)
{
	for (int waited = 0; waited < GRACE; waited += LOOK_EVERY) {
		pid_t orphan = waitpid(-run->process, NULL, WNOHANG);
		if (orphan < 0)
			return false;
		if (orphan == 0)
			look_on(run);
	}
	(void)kill(-run->process, SIGKILL);
	return true;
}

static char *take_stream(FILE *stream, size_t *size)
{
	require(fflush(stream) == 0 && fseek(stream, 0, SEEK_END) == 0, "seek");
	long length = ftell(stream);
	require(length >= 0, "ftell");
	char *text = malloc((size_t)length + 1);
	require(text, "malloc");
	rewind(stream);
	require(fread(text, 1, (size_t)length, stream) == (size_t)length, "fread");
	text[length] = '\0';
	(void)fclose(stream);
	*size = (size_t)length;
	return text;
}

void run_wait(struct run *run, struct run_result *result)
{
	*result = (struct run_result){.command = run->command};
	int status = wait_program(run, result);
	result->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	result->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	result->left_running = wait_orphans(run);
	if (run->terminal >= 0) {
		while (read_terminal(run, 0))
			continue;
		(void)close(run->terminal);
	}
	result->output = take_stream(run->output, &result->output_size);
	result->errors = take_stream(run->errors, &result->errors_size);
}

void run_program(struct run_result *result, const struct run_request *request)
{
	struct run run;

	run_start(&run, request);
	run_wait(&run, result);
}

void run_result_fini(struct run_result *result)
{
	free(result->command);
	free(result->output);
	free(result->errors);
}

/* The test's folder is not where the variable was set, so a relative path would mislead. */
static const char *required_path(const char *name)
{
	const char *path = getenv(name);

	cr_assert(path && path[0] == '/', "%s must be set to an absolute path", name);
	return path;
}

const char *run_our_path(void)
{
	return required_path("PYCOMPILEALL");
}

void run_start_ours(struct run *run, struct run_request request)
{
	request.program = RUN_LIST(run_our_path());
	run_start(run, &request);
}

void run_ours(struct run_result *result, struct run_request request)
{
	request.program = RUN_LIST(run_our_path());
	run_program(result, &request);
}

void run_python(struct run_result *result, struct run_request request)
{
	request.program = RUN_LIST(required_path("PYTHON"));
	run_program(result, &request);
}

/* The dynamic linker's own exit status is 127; a server that was loaded ends in some other way,
 * because its standard input is no socket. */
bool run_server_loads_as(uid_t user)
{
	const char *server = getenv("COMPILE_SERVER");
	int nothing, status;
	pid_t child;

	require(server != NULL, "COMPILE_SERVER is not set");
	child = fork();
	require(child >= 0, "fork");
	if (child == 0) {
		nothing = open("/dev/null", O_RDWR);
		if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 2) < 0 ||
		    setgid(user) != 0 || setuid(user) != 0)
			_exit(126);
		(void)execl(server, server, (char *)NULL);
		_exit(127);
	}
	require(waitpid(child, &status, 0) == child, "waitpid");
	return !WIFEXITED(status) || WEXITSTATUS(status) < 126;
}

bool run_sanitized(void)
{
	const char *flags = getenv("SANITIZER_CFLAGS");

	return flags && strstr(flags, "-fsanitize=");
}

bool run_quick(void)
{
	const char *quick = getenv("PYCOMPILEALL_TESTS_QUICK");

	return quick && *quick && strcmp(quick, "0") != 0;
}

char *run_failure(const struct run_result *result, int status)
{
	const char *what = result->timed_out      ? "took too long"
			   : result->signal       ? strsignal(result->signal)
			   : result->left_running ? "left processes running"
						  : "";
	char *text = NULL;

	if (!*what && result->status == status)
		return NULL;
	int length = asprintf(&text,
			      "%s\nexit status %d, expected %d; %s\n"
			      "standard output:\n%.4000s\nstandard error:\n%.4000s\nin %s",
			      result->command, result->status, status, what, result->output,
			      result->errors, scratch_path());
	cr_assert_geq(length, 0, "out of memory");
	return text;
}
