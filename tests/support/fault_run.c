#include "config.h"

#include "fault_run.h"

#include "scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG       "fault.log"
#define VARIABLES 14

/* Variables in memory of their own. */
struct variables {
	char *items[VARIABLES + 1];
	size_t count;
};

__attribute__((format(printf, 2, 3))) static void add(struct variables *variables,
						      const char *format, ...)
{
	va_list arguments;

	cr_assert_lt(variables->count, (size_t)VARIABLES);
	va_start(arguments, format);
	cr_assert_geq(vasprintf(&variables->items[variables->count++], format, arguments), 0);
	va_end(arguments);
}

static bool is_memory(const char *call)
{
	return strcmp(call, "malloc") == 0;
}

/* The library that has the call; the caller frees it. */
static char *library_of(const char *call)
{
	const char *folder = getenv("top_builddir");
	char *path = NULL;

	cr_assert_not_null(folder, "top_builddir must be set");
	cr_assert_geq(asprintf(&path, "%s/tests/faults/.libs/%s.so", folder,
			       is_memory(call) ? "memory" : "calls"),
		      0);
	return path;
}

/* Whether a fault in the first call of a run that opens something is met at all. */
static bool is_reached(void)
{
	static const struct fault fault = {.call = "open", .number = 1, .error = EIO};
	struct run_result result;
	char *about;

	scratch_file("probe/probe.py", "");
	about = fault_run(&result, &fault, (struct run_request){.arguments = RUN_LIST("probe")});
	scratch_delete("probe");
	run_result_fini(&result);
	free(about);
	return about != NULL;
}

const char *fault_impossible(const char *call)
{
	char *library = library_of(call);
	bool there = access(library, R_OK) == 0;

	free(library);
	if (!there)
		return "there is no shared library that makes calls fail";
	if (is_memory(call))
		return run_sanitized() ? "a sanitizer has an allocator of its own" : NULL;
	return is_reached() ? NULL : "the program has its calls linked in, as some sanitizers do";
}

static void set_variables(struct variables *variables, const struct fault *fault,
			  const struct run_request *request)
{
	const char *sanitizer = getenv("ASAN_OPTIONS");
	char *library = library_of(fault->call);

	for (size_t i = 0; request->environment && request->environment[i]; i++)
		add(variables, "%s", request->environment[i]);
	add(variables, "LD_PRELOAD=%s", library);
	/* AddressSanitizer wants to come first; it need not. */
	add(variables, "ASAN_OPTIONS=%s:verify_asan_link_order=0", sanitizer ? sanitizer : "");
	add(variables, "FAULT_LOG=%s/" LOG, scratch_path());
	add(variables, "FAULT_CALL=%s", fault->call);
	add(variables, "FAULT_NUMBER=%zu", fault->number);
	add(variables, "FAULT_ERROR=%d", fault->error);
	if (fault->deadly)
		add(variables, "FAULT_DEADLY=1");
	if (fault->lasting)
		add(variables, "FAULT_LASTING=1");
	if (fault->in_child)
		add(variables, "FAULT_IN_CHILD=1");
	free(library);
}

/* The first line of the log: a number, and what the call was about. */
static char *read_log(void)
{
	size_t size;
	char *text, *about;

	if (access(LOG, F_OK) != 0)
		return NULL;
	text = scratch_read(LOG, &size);
	about = text + strcspn(text, " \n");
	about = strndup(about + (*about == ' '), strcspn(about + (*about == ' '), "\n"));
	cr_assert_not_null(about, "out of memory");
	free(text);
	return about;
}

char *fault_run(struct run_result *result, const struct fault *fault, struct run_request request)
{
	struct variables variables = {.count = 0};

	scratch_delete(LOG);
	set_variables(&variables, fault, &request);
	request.environment = (const char *const *)variables.items;
	run_ours(result, request);
	for (size_t i = 0; i < variables.count; i++)
		free(variables.items[i]);
	return read_log();
}

char *fault_describe(const struct fault *fault, const char *about, const struct run_result *result)
{
	char *text = NULL;

	cr_assert_geq(asprintf(&text, "%s: %s number %zu%s%s, of '%s': %s", result->command,
			       fault->call, fault->number, fault->lasting ? " and later" : "",
			       fault->in_child ? " in the child" : "", about,
			       fault->error ? strerror(fault->error) : "short"),
		      0);
	return text;
}
