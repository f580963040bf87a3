/*
 * progress: long work shows itself on a terminal, and nowhere else.
 */
#include "config.h"

#include "support/heavy.h"
#include "support/lines.h"
#include "support/run.h"
#include "support/scratch.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

TestSuite(progress, .timeout = 300);

static bool matches(const char *text, const char *pattern)
{
	regex_t compiled;

	cr_assert_eq(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
	bool found = regexec(&compiled, text, 0, NULL, 0) == 0;
	regfree(&compiled);
	return found;
}

static void run_long(struct run_result *result, const char *const *arguments, bool terminal)
{
	heavy_build();
	scratch_file("t/bad.py", "= 1\n");
	run_ours(result, (struct run_request){.arguments = arguments, .terminal = terminal});
	RUN_ASSERT(result, 1);
}

SCRATCH_TEST(progress, line_on_a_terminal)
{
	struct run_result result;

	run_long(&result, RUN_LIST("-j1", "t"), true);
	cr_assert(matches(result.errors, "[1-9][0-9]* done, [1-9][0-9]* compiled, 1 failed, "
					 "[1-9][0-9]* files/s"),
		  "\"%s\"", result.errors);
	run_result_fini(&result);
}

/* What is left on the terminal in the end is an empty line. */
SCRATCH_TEST(progress, line_is_removed_in_the_end)
{
	static const char erase[] = "\r\033[K";
	struct run_result result;

	run_long(&result, RUN_LIST("-j1", "t"), true);
	size_t tail = strlen(erase);
	cr_assert_geq(result.errors_size, tail);
	cr_assert_str_eq(result.errors + result.errors_size - tail, erase);
	run_result_fini(&result);
}

SCRATCH_TEST(progress, not_on_standard_output)
{
	struct run_result result;

	run_long(&result, RUN_LIST("-j1", "t"), true);
	cr_assert_null(strstr(result.output, "files/s"), "%s", result.output);
	cr_assert_eq(lines_count(result.output, "Compiling '"), HEAVY_SOURCES + 1);
	run_result_fini(&result);
}

SCRATCH_TEST(progress, not_when_quiet)
{
	struct run_result result;

	run_long(&result, RUN_LIST("-j1", "-q", "t"), true);
	cr_assert_eq(result.errors_size, 0, "%s", result.errors);
	run_result_fini(&result);
}

SCRATCH_TEST(progress, not_without_a_terminal)
{
	struct run_result result;

	run_long(&result, RUN_LIST("-j1", "t"), false);
	cr_assert_eq(result.errors_size, 0, "%s", result.errors);
	run_result_fini(&result);
}
