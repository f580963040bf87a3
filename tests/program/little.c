/*
 * little: runs with so little to do that the main thread does it alone.
 */
#include "config.h"

#include "support/combination.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/trace.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int waiting_signal;

/* The signal waits when the program starts, and comes as soon as it is not blocked any more. */
static int let_signal_wait(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, waiting_signal);
	(void)signal(waiting_signal, SIG_DFL);
	return sigprocmask(SIG_BLOCK, &set, NULL) != 0 ? -1 : raise(waiting_signal);
}

static void assert_interrupted(const struct combination *combination, const char *const *arguments,
			       const char *output)
{
	struct run_result result;

	combination_run(&result, combination,
			(struct run_request){.arguments = arguments, .prepare = let_signal_wait});
	cr_assert_eq(result.signal, waiting_signal, "%s: signal %d, status %d", result.command,
		     result.signal, result.status);
	cr_assert_str_eq(result.output, output, "%s", result.command);
	cr_assert_str_empty(result.errors);
	run_result_fini(&result);
}

/* Before the first source: nothing is told of any. */
COMBINATION_TEST(little, signal_ends_what_is_little)
{
	build(2);
	assert_one_compiled(combination, 1, RUN_LIST("-v", "t/a0.py"));
	assert_one_compiled(combination, 1, RUN_LIST("-v", "t/a1.py"));
	waiting_signal = SIGTERM;
	assert_interrupted(combination, RUN_LIST("-v", "t/a0.py", "t/a1.py"), "\n[interrupted]\n");
}

/* Also where the main thread alone is there to see it, whether there is something to do or not. */
COMBINATION_TEST(little, signal_is_seen)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};

	build(1);
	scratch_folder("empty");
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		waiting_signal = signals[i];
		assert_interrupted(combination, RUN_LIST("-q", "t/a0.py"), "\n[interrupted]\n");
		assert_interrupted(combination, RUN_LIST("-q", "empty"), "\n[interrupted]\n");
		assert_interrupted(combination, RUN_LIST("-qq", "t/a0.py"), "");
	}
	cr_assert_neq(access("t/__pycache__", F_OK), 0, "something was begun in spite of it");
}
