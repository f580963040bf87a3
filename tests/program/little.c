/*
 * little: runs with so little to do that the main thread does it alone.
 */
#include "config.h"

#include "support/combination.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(little, .timeout = 120);

/* So many sources and folders, and no more, are looked at without a thread. */
#define ALONE_MAX 8

static void build(size_t sources)
{
	char path[32];

	scratch_folder("t");
	for (size_t i = 0; i < sources; i++) {
		(void)snprintf(path, sizeof(path), "t/a%zu.py", i);
		scratch_file(path, "x = 1\n");
	}
}

/* A run with -v in the arguments ends well, and finds so many sources, of which one is compiled. */
static void assert_one_compiled(const struct combination *combination, size_t sources,
				const char *const *arguments)
{
	struct run_result result;
	char expected[200];

	(void)snprintf(expected, sizeof(expected),
		       "Checked %zu files: %zu fresh, 1 compiled, 0 failed; "
		       "1 compile servers started\n",
		       sources, sources - 1);
	combination_run(&result, combination, (struct run_request){.arguments = arguments});
	RUN_ASSERT(&result, 0);
	cr_expect(strstr(result.output, expected), "%s: %s", result.command, result.output);
	run_result_fini(&result);
}

/* How many threads and processes a run starts with arguments that are to name -j4, since by default
 * it may be alone anyhow. */
static size_t started_by(const char *const *arguments)
{
	struct run_result result;
	size_t count;

	trace_run_ours(&result, (struct run_request){.arguments = arguments}, "trace");
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	count = trace_count("trace", TRACE_CLONE, NULL);
	return count;
}

static void compile(void)
{
	struct run_result result;

	run_ours(&result, (struct run_request){.arguments = RUN_LIST("-q", "t")});
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
}

SCRATCH_TEST(little, nothing_stale_starts_no_thread)
{
	const char *obstacle = trace_obstacle();

	if (obstacle)
		SCRATCH_SKIP("%s", obstacle);
	build(ALONE_MAX);
	scratch_folder("empty");
	compile();
	cr_expect_eq(started_by(RUN_LIST("-q", "-j4", "empty")), 0);
	cr_expect_eq(started_by(RUN_LIST("-q", "-j4", "empty", "empty")), 0);
	cr_expect_eq(started_by(RUN_LIST("-q", "-j4", "t/a0.py")), 0);
	cr_expect_eq(started_by(RUN_LIST("-q", "-j4", "t")), 0);
	build(ALONE_MAX + 1);
	compile();
	cr_expect_geq(started_by(RUN_LIST("-q", "-j4", "t")), 3,
		      "a thread for signals, and two that work at least");
}

/* What is stale is shared by as many workers as there are things to do. */
SCRATCH_TEST(little, something_stale_starts_threads)
{
	const char *obstacle = trace_obstacle();

	if (obstacle)
		SCRATCH_SKIP("%s", obstacle);
	build(2);
	cr_expect_geq(started_by(RUN_LIST("-q", "-j4", "t")), 3,
		      "for signals, a second worker, and a server");
	scratch_delete("t/__pycache__");
	build(1);
	scratch_delete("t/a1.py");
	cr_expect_eq(started_by(RUN_LIST("-q", "-j4", "t")), 2, "for signals, and a server");
}

/* The second operand waits for what the first one began. */
COMBINATION_TEST(little, operands_that_overlap_wait_for_each_other)
{
	build(1);
	assert_one_compiled(combination, 3, RUN_LIST("-v", "t", "t/a0.py", "t"));
}

/* With few sources and with many, the last one stale. */
COMBINATION_TEST(little, what_is_stale_is_compiled)
{
	for (size_t sources = 1; sources <= ALONE_MAX + 2; sources++) {
		build(sources);
		assert_one_compiled(combination, sources, RUN_LIST("-v", "t"));
	}
}
