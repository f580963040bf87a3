/*
 * kill_sweep: the program is killed at hundreds of random moments, interrupted at some more, and
 * killed at each of its calls.
 *
 * Before each run the sources change between two versions, so that most byte-code is stale. After
 * each, every .pyc must be the one of the one version or of the other, byte for byte as CPython
 * writes them; which of both is a matter of the moment. The seed is printed, and can be given.
 */
#include "config.h"

#include "support/fault_run.h"
#include "support/fault_tree.h"
#include "support/oracle.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/snapshot.h"
#include "support/tally.h"

#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

TestSuite(kill_sweep, .timeout = 900);

#define SOURCES  12
#define VERSIONS 2

#define RUNS_A_HIT 20 /* that it may take, on an average */

/* Behind so many runs that were hit comes one that has nothing to do, if anything was left. */
#define IDLE_AFTER 10

/* Version number `version` of all sources. Each has a modification time of its own, as its .pyc
 * tells. */
static void write_sources(int version)
{
	char path[32], text[3000];

	for (int i = 0; i < SOURCES; i++) {
		int size = snprintf(text, sizeof(text), "version = %d\n", version);

		for (int line = 0; line < 40 + version; line++)
			size += snprintf(text + size, sizeof(text) - (size_t)size,
					 "def f%d(a): return a * %d\n", line, i);
		(void)snprintf(path, sizeof(path), "t/m%02d.py", i);
		scratch_bytes(path, text, (size_t)size);
		scratch_mtime(path, 1000000000 + version, 0);
	}
}

/* What CPython makes of each version. */
static void make_expected(struct snapshot *expected[VERSIONS])
{
	for (int version = 0; version < VERSIONS; version++) {
		write_sources(version);
		oracle_compile(RUN_LIST("-qf", "t"));
		expected[version] = snapshot_take("t", SNAPSHOT_PYC);
		cr_assert_eq(expected[version]->count, SOURCES);
	}
}

static bool is_expected(const struct snapshot_entry *entry, struct snapshot *const *expected)
{
	for (int version = 0; version < VERSIONS; version++) {
		const struct snapshot_entry *wanted = snapshot_find(expected[version], entry->path);

		if (wanted && wanted->size == entry->size &&
		    memcmp(wanted->content, entry->content, entry->size) == 0)
			return true;
	}
	return false;
}

/* What a run may leave only if it is killed: temporaries, and with them what leads the next run to
 * them. */
static size_t check_tree(struct snapshot *const *expected)
{
	struct snapshot *tree = snapshot_take("t/__pycache__", SNAPSHOT_ALL);
	size_t temporaries = 0, markers = 0;

	for (size_t i = 1; i < tree->count; i++) {
		const struct snapshot_entry *entry = &tree->entries[i];

		if (strstr(entry->path, ".tmp"))
			temporaries++;
		else if (strstr(entry->path, ".pycompileall.writing"))
			markers++;
		else
			cr_assert(is_expected(entry, expected), "%s is of no version", entry->path);
	}
	snapshot_free(tree);
	cr_assert(temporaries == 0 || markers == 1, "nothing leads to the temporaries");
	return temporaries + markers;
}

static long long now(void)
{
	struct timespec time;

	cr_assert_eq(clock_gettime(CLOCK_MONOTONIC, &time), 0);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Nanoseconds that a whole run takes. */
static long long measure(const struct run_request *request)
{
	struct run_result result;
	long long before = now();

	write_sources(0);
	run_ours(&result, *request);
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	return now() - before;
}

/* A run that gets the signal after so long. Whether it died of it; else it was done before. */
static bool run_signalled(const struct run_request *request, int signal, long long delay)
{
	const struct timespec moment = {delay / 1000000000, delay % 1000000000};
	struct run_result result;
	struct run run;
	bool died;

	run_start_ours(&run, *request);
	(void)nanosleep(&moment, NULL);
	(void)kill(run.process, signal);
	run_wait(&run, &result);
	died = result.signal == signal;
	cr_assert(died || result.status == 0, "status %d, signal %d: %s%s", result.status,
		  result.signal, result.output, result.errors);
	cr_assert_not(result.left_running, "a server outlived the program");
	run_result_fini(&result);
	return died;
}

static void seed_random(void)
{
	const char *given = getenv("PYCOMPILEALL_TESTS_SEED");
	unsigned seed = given ? (unsigned)atoi(given) : (unsigned)now();

	srandom(seed);
	(void)fprintf(stderr, "kill_sweep: PYCOMPILEALL_TESTS_SEED=%u\n", seed);
}

/* How long a run takes changes with what else the machine does: whether the last one died tells
 * where the next moment may lie, so that four of five are hit. */
static long long adjust(long long whole, bool died)
{
	return died ? whole + whole / 32 : whole - whole / 8;
}

/* A run that has nothing to do, since an importing Python, or as here compileall, came before it.
 */
static void run_idly(const struct run_request *request, struct snapshot *const *expected)
{
	struct snapshot *tree;
	struct run_result result;

	oracle_compile(RUN_LIST("-q", "t"));
	run_ours(&result, *request);
	RUN_ASSERT(&result, 0);
	cr_assert(strstr(result.output, " 0 compiled"), "%s", result.output);
	run_result_fini(&result);
	cr_assert_eq(check_tree(expected), 0, "something of a dead run was left");
	tree = snapshot_take("t", SNAPSHOT_PYC);
	SNAPSHOT_ASSERT(expected[0], tree, SNAPSHOT_SAME, "after the dead run");
	snapshot_free(tree);
}

/* Signals runs until `count` were hit. Now and then, and at the end, one that is left alone, with
 * nothing to compile, puts everything right. */
static void sweep(const char *jobs, int signal, int count, const char *tally)
{
	const struct run_request request = {.arguments = RUN_LIST("-qv", jobs, "t")};
	struct snapshot *expected[VERSIONS];
	int runs = 0, died = 0;
	long long whole;

	seed_random();
	make_expected(expected);
	whole = measure(&request);
	for (; died < count; runs++) {
		size_t left;
		bool hit;

		cr_assert_lt(runs, RUNS_A_HIT * count, "most runs were over before the signal");
		write_sources(runs % VERSIONS);
		hit = run_signalled(&request, signal, whole * (random() % 1000) / 1000);
		whole = adjust(whole, hit);
		died += hit;
		left = check_tree(expected);
		if (signal != SIGKILL)
			cr_assert_eq(left, 0, "something was left");
		if (left > 0 && died % IDLE_AFTER == 0) {
			write_sources(0);
			run_idly(&request, expected);
		}
	}
	tally_add(tally, (size_t)died);
	tally_add("runs-to-kill-or-interrupt", (size_t)runs);
	write_sources(0);
	run_idly(&request, expected);
	for (int version = 0; version < VERSIONS; version++)
		snapshot_free(expected[version]);
}

static int count_of(int full)
{
	return run_quick() ? full / 5 : full;
}

SCRATCH_TEST(kill_sweep, sigkill_one_worker)
{
	sweep("-j1", SIGKILL, count_of(250), "runs-killed-amid");
}

SCRATCH_TEST(kill_sweep, sigkill_four_workers)
{
	sweep("-j4", SIGKILL, count_of(250), "runs-killed-amid");
}

SCRATCH_TEST(kill_sweep, sigint_one_worker)
{
	sweep("-j1", SIGINT, count_of(50), "runs-interrupted-amid");
}

SCRATCH_TEST(kill_sweep, sigint_four_workers)
{
	sweep("-j4", SIGINT, count_of(50), "runs-interrupted-amid");
}

/* --- Killed at each call ---------------------------------------------------------------------- */

static const char *const levels[] = {"-j1", "-o0", "-o2", "--hardlink-dupes", "--sync", "t", NULL};

/* One run that is killed. False: it had no such call. The next one finds everything written by
 * somebody else, every second time, and has nothing to do. */
static bool try_kill(const struct fault_way *way, const struct fault_trees *trees,
		     const struct fault *fault)
{
	struct run_result result;
	char *about, *what;

	fault_tree_restore(trees->before);
	about = fault_run(&result, fault, fault_tree_request(way));
	what = fault_describe(fault, about ? about : "", &result);
	cr_assert_eq(result.signal, about ? SIGKILL : 0, "%s: signal %d", what, result.signal);
	cr_assert(!result.timed_out && !result.left_running, "%s: a server is left", what);
	fault_tree_assert_whole(trees, FAULT_LEFT_TEMPORARIES, what);
	tally_add("runs-killed-at-a-call", about != NULL);
	tally_add("temporaries-that-they-left", fault_tree_temporaries(what));
	if (fault->number % 2 == 0)
		fault_tree_put(trees->after);
	fault_tree_mend(way, trees, what);
	run_result_fini(&result);
	free(what);
	free(about);
	return about != NULL;
}

/* What changes a tree, and what comes in between. */
static const char *const deadly[] = {"openat", "mkdirat",  "flock",    "fstat", "writev",
				     "close",  "renameat", "unlinkat", "fcntl", "linkat"};

#define DEADLY (sizeof(deadly) / sizeof(*deadly))

ParameterizedTestParameters(kill_sweep, each_call)
{
	static size_t indices[DEADLY];

	for (size_t i = 0; i < DEADLY; i++)
		indices[i] = i;
	return cr_make_param_array(size_t, indices, DEADLY);
}

ParameterizedTest(const size_t *index, kill_sweep, each_call, .fini = scratch_tell_kept)
{
	const struct fault_way way = {.arguments = levels};
	struct fault fault = {.call = deadly[*index], .number = 1, .deadly = true};
	struct fault_trees trees;
	const char *reason;

	scratch_create();
	reason = fault_impossible(fault.call);
	if (reason)
		SCRATCH_SKIP("%s: %s", fault.call, reason);
	fault_tree_build(&trees, &way);
	while (try_kill(&way, &trees, &fault))
		fault.number += run_quick() ? 3 : 1;
	cr_assert_gt(fault.number, 1, "%s is never called", fault.call);
	fault_tree_free(&trees);
	scratch_remove();
}
