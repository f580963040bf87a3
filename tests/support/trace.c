#include "config.h"

#include "trace.h"

#include "scratch.h"

#include <stdlib.h>
#include <string.h>

#define CALLS                                                                                      \
	"trace=?open,openat,?openat2,?stat,?lstat,?fstat,?newfstatat,?statx,execve,?execveat,"     \
	"clone,?clone3,?fork,?vfork"

/* By PATH, as a shell finds it; a call that this system has not got is none to be traced. */
static const char *const strace[] = {"/usr/bin/env", "strace", "-f", "-qq", "-y", "-e", CALLS};

#define STRACE_COUNT (sizeof(strace) / sizeof(*strace))

static void begin(const char *program[STRACE_COUNT + 4], const char *trace, const char *path)
{
	memcpy(program, strace, sizeof(strace));
	program[STRACE_COUNT] = "-o";
	program[STRACE_COUNT + 1] = trace;
	program[STRACE_COUNT + 2] = path;
	program[STRACE_COUNT + 3] = NULL;
}

const char *trace_obstacle(void)
{
	const char *program[STRACE_COUNT + 4];
	struct run_result result;
	bool done;

	if (run_sanitized())
		return "a sanitizer does not go together with strace";
	begin(program, "/dev/null", "/bin/true");
	run_program(&result, &(struct run_request){.program = program});
	done = result.status == 0;
	run_result_fini(&result);
	return done ? NULL : "strace is missing, or must not trace";
}

void trace_run_ours(struct run_result *result, struct run_request request, const char *trace)
{
	const char *program[STRACE_COUNT + 4];

	begin(program, trace, run_our_path());
	request.program = program;
	run_program(result, &request);
}

/* "1234 openat(5</tmp/t>, "a.py", ..." has `openat`, and ends where it is interrupted by another
 * thread's: what comes when it is resumed is no call again. */
static bool is_call(const char *line, const char *name)
{
	line += strspn(line, "0123456789 ");
	return strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == '(';
}

static bool is_one_of(const char *line, const char *const *names)
{
	while (*names && !is_call(line, *names))
		names++;
	return *names != NULL;
}

/* Whether the line has `name` between a quotation mark or slash and `end`. */
static bool names_file(const char *line, const char *name, char end)
{
	size_t length = strlen(name);

	for (const char *at = line; (at = strstr(at, name)); at += length)
		if ((at[-1] == '"' || at[-1] == '/') && at[length] == end)
			return true;
	return false;
}

static bool is_counted(const char *line, enum trace_call call, const char *name)
{
	static const char *const looks[] = {"stat", "lstat", "fstat", "newfstatat", "statx", NULL};
	static const char *const opens[] = {"open", "openat", "openat2", NULL};
	static const char *const executes[] = {"execve", "execveat", NULL};
	static const char *const clones[] = {"clone", "clone3", "fork", "vfork", NULL};
	const char *const *calls = call == TRACE_OPEN      ? opens
				   : call == TRACE_EXECUTE ? executes
				   : call == TRACE_CLONE   ? clones
							   : looks;

	return is_one_of(line, calls) &&
	       (!name || names_file(line, name, call == TRACE_LOOK_OPEN ? '>' : '"'));
}

size_t trace_count(const char *trace, enum trace_call call, const char *name)
{
	size_t size, count = 0;
	char *text = scratch_read(trace, &size), *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		count += is_counted(line, call, name);
	free(text);
	return count;
}
