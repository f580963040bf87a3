/*
 * interrupt: a signal ends the run in good order.
 */
#include "config.h"

#include "support/combination.h"
#include "support/heavy.h"
#include "support/lines.h"
#include "support/oracle.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/snapshot.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

TestSuite(interrupt, .timeout = 600);

static bool any_byte_code(void)
{
	bool found = false;
	DIR *folder = opendir("t/__pycache__");

	if (!folder)
		return false;
	for (struct dirent *entry = readdir(folder); entry && !found; entry = readdir(folder))
		found = strstr(entry->d_name, ".pyc") && entry->d_name[0] != '.';
	(void)closedir(folder);
	return found;
}

/* Waits until compiling is under way. */
static void wait_for_byte_code(void)
{
	const struct timespec moment = {0, 2000000};

	for (int waited = 0; !any_byte_code(); waited++) {
		cr_assert_lt(waited, 30000, "nothing was compiled within a minute");
		(void)nanosleep(&moment, NULL);
	}
}

/* Nothing but sources and whole .pyc files; not all of them, or it was not interrupted. */
static void assert_tree_whole(void)
{
	static const char script[] =
		"import marshal, os, struct, sys\n"
		"names = os.listdir('t/__pycache__')\n"
		"for name in names:\n"
		"    data = open('t/__pycache__/' + name, 'rb').read()\n"
		"    if not name.endswith(sys.implementation.cache_tag + '.pyc'):\n"
		"        sys.exit(name + ' was left')\n"
		"    marshal.loads(data[16:])\n"
		"print(len(names))\n";
	struct run_result result;
	struct run_request request = {.arguments = RUN_LIST("-I", "-S", "-c", script)};

	run_python(&result, request);
	RUN_ASSERT(&result, 0);
	cr_assert_lt(atoi(result.output), HEAVY_SOURCES, "the run was over before the signal");
	run_result_fini(&result);
	struct snapshot *tree = snapshot_take("t", SNAPSHOT_ALL);
	for (size_t i = 0; i < tree->count; i++)
		cr_assert(!strstr(tree->entries[i].path, ".tmp"), "%s", tree->entries[i].path);
	snapshot_free(tree);
}

/* It died by the signal, in time, and took its servers with it. */
static void assert_died(const struct run_result *result, int signal)
{
	cr_assert_eq(result->signal, signal, "%s: signal %d, status %d: %s", result->command,
		     result->signal, result->status, result->errors);
	cr_assert_not(result->timed_out, "%s: took too long", result->command);
	cr_assert_not(result->left_running, "%s: left processes running", result->command);
}

/* Starts ours on the heavy tree and signals it, or its whole process group, in mid-run. */
static void run_interrupted(struct run_result *result, const struct combination *combination,
			    const char *const *arguments, int signal, bool group)
{
	struct run run;

	heavy_build();
	combination_start(&run, combination, (struct run_request){.arguments = arguments});
	wait_for_byte_code();
	cr_assert_eq(kill(group ? -run.process : run.process, signal), 0);
	run_wait(&run, result);
	assert_died(result, signal);
}

static void assert_interrupted(const struct combination *combination, int signal, bool group)
{
	struct run_result result;

	run_interrupted(&result, combination, RUN_LIST("t"), signal, group);
	size_t tail = strlen("\n\n[interrupted]\n");
	cr_assert_geq(result.output_size, tail, "%s", result.output);
	cr_assert_str_eq(result.output + result.output_size - tail, "\n\n[interrupted]\n");
	cr_assert_eq(lines_count(result.output, "[interrupted]"), 1);
	cr_assert_eq(lines_count(result.output, "***"), 0, "%s", result.output);
	cr_assert_eq(result.errors_size, 0, "%s", result.errors);
	assert_tree_whole();
	run_result_fini(&result);
}

COMBINATION_TEST(interrupt, sigint)
{
	assert_interrupted(combination, SIGINT, false);
}

/* As a terminal sends it: to the servers, too. */
COMBINATION_TEST(interrupt, sigint_to_the_process_group)
{
	assert_interrupted(combination, SIGINT, true);
}

COMBINATION_TEST(interrupt, sigterm)
{
	assert_interrupted(combination, SIGTERM, false);
}

COMBINATION_TEST(interrupt, sighup_to_the_process_group)
{
	assert_interrupted(combination, SIGHUP, true);
}

COMBINATION_TEST(interrupt, quiet)
{
	struct run_result result;

	run_interrupted(&result, combination, RUN_LIST("-q", "t"), SIGINT, true);
	cr_assert_str_eq(result.output, "\n[interrupted]\n");
	cr_assert_eq(result.errors_size, 0, "%s", result.errors);
	assert_tree_whole();
	run_result_fini(&result);
}

COMBINATION_TEST(interrupt, silent)
{
	struct run_result result;

	run_interrupted(&result, combination, RUN_LIST("-qq", "t"), SIGINT, true);
	cr_assert_eq(result.output_size, 0, "%s", result.output);
	cr_assert_eq(result.errors_size, 0, "%s", result.errors);
	assert_tree_whole();
	run_result_fini(&result);
}

/* The next run compiles what is missing, and only that. */
COMBINATION_TEST(interrupt, next_run_completes)
{
	struct run_result result;

	run_interrupted(&result, combination, RUN_LIST("t"), SIGINT, false);
	run_result_fini(&result);
	struct snapshot *before = snapshot_take("t", SNAPSHOT_PYC);
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("-v", "t")});
	RUN_ASSERT(&result, 0);
	struct snapshot *after = snapshot_take("t", SNAPSHOT_PYC);
	cr_assert_eq(after->count, HEAVY_SOURCES);
	cr_assert_eq(lines_count(result.output, "Fresh '"), before->count, "%s", result.output);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

/*
 * No program can tidy up after SIGKILL, but what stands under a .pyc's name is whole even then, and
 * the next run removes what was left beside it.
 */
COMBINATION_TEST(interrupt, sigkill)
{
	struct run_result result;

	run_interrupted(&result, combination, RUN_LIST("-qq", "t"), SIGKILL, false);
	run_result_fini(&result);
	combination_run(&result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 0);
	struct snapshot *ours = snapshot_take("t", SNAPSHOT_ALL);
	scratch_delete("t/__pycache__");
	oracle_compile(RUN_LIST("-qq", combination->mode_option, "t"));
	struct snapshot *theirs = snapshot_take("t", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(theirs, ours, SNAPSHOT_SAME, result.command);
	snapshot_free(ours);
	snapshot_free(theirs);
	run_result_fini(&result);
}

/* nohup: what was ignored when the program started stays ignored. */
SCRATCH_TEST(interrupt, ignored_hangup)
{
	struct run run;
	struct run_result result;
	struct run_request request = {
		.program = RUN_LIST("/bin/sh", "-c", "trap '' HUP; exec \"$0\" \"$@\"",
				    run_our_path()),
		.arguments = RUN_LIST("-q", "t"),
	};

	heavy_build();
	run_start(&run, &request);
	wait_for_byte_code();
	cr_assert_eq(kill(-run.process, SIGHUP), 0);
	run_wait(&run, &result);
	RUN_ASSERT(&result, 0);
	struct snapshot *tree = snapshot_take("t", SNAPSHOT_PYC);
	cr_assert_eq(tree->count, HEAVY_SOURCES);
	snapshot_free(tree);
	run_result_fini(&result);
}
