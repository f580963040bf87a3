/*
 * options: the command line and the environment.
 */
#include "config.h"

#include "support/combination.h"
#include "support/lines.h"
#include "support/oracle.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/snapshot.h"

#include <stdlib.h>
#include <string.h>

TestSuite(options, .timeout = 600);

static void build_tree(void)
{
	scratch_file("t/a.py", "'''doc'''\nassert a == 1\n");
	scratch_file("t/bad.py", "b = = 2\n");
	scratch_file("t/sub/c.py", "if __debug__:\n    c = 3\n");
	scratch_file("t/sub/deep/d.py", "def d():\n    'doc'\n");
	scratch_file("u/e.py", "e = 5\n");
}

static void build_good(void)
{
	build_tree();
	scratch_delete("t/bad.py");
}

/* Both programs, given the same, do the same. */
static void assert_equal(void (*build)(void), const char *const *arguments,
			 const char *const *environment)
{
	const struct oracle_trial trial = {
		.build = build, .request = {.arguments = arguments, .environment = environment}};

	oracle_assert_equal(&trial);
}

/* Ours, given `arguments`, does what CPython's does given `plain`: for what only one can take. */
static void assert_means(const char *const *arguments, const char *const *plain)
{
	struct oracle_outcome outcome = {0};

	oracle_try_theirs(&outcome, &(struct oracle_trial){.build = build_tree,
							   .request = {.arguments = plain}});
	oracle_try_ours(&outcome, &(struct oracle_trial){.build = build_tree,
							 .request = {.arguments = arguments}});
	ORACLE_ASSERT(&outcome, ORACLE_ALL);
	oracle_fini(&outcome);
}

/* --- How much is printed --------------------------------------------------------------------- */

SCRATCH_TEST(options, nothing_quiet)
{
	assert_equal(build_tree, RUN_LIST("t"), NULL);
}

SCRATCH_TEST(options, quiet)
{
	assert_equal(build_tree, RUN_LIST("-q", "t"), NULL);
}

SCRATCH_TEST(options, quiet_twice)
{
	assert_equal(build_tree, RUN_LIST("-qq", "t"), NULL);
}

SCRATCH_TEST(options, quiet_twice_apart)
{
	assert_equal(build_tree, RUN_LIST("-q", "-q", "t"), NULL);
}

SCRATCH_TEST(options, quiet_thrice)
{
	assert_equal(build_tree, RUN_LIST("-qqq", "t"), NULL);
}

/* --- argparse's habits ----------------------------------------------------------------------- */

SCRATCH_TEST(options, cluster_of_flags)
{
	assert_equal(build_tree, RUN_LIST("-lq", "t"), NULL);
}

SCRATCH_TEST(options, cluster_with_force)
{
	assert_equal(build_tree, RUN_LIST("-qf", "t"), NULL);
}

SCRATCH_TEST(options, cluster_with_a_value)
{
	assert_equal(build_tree, RUN_LIST("-lqr1", "t"), NULL);
}

SCRATCH_TEST(options, cluster_with_a_value_apart)
{
	assert_equal(build_tree, RUN_LIST("-qr", "1", "t"), NULL);
}

SCRATCH_TEST(options, cluster_with_level)
{
	assert_equal(build_tree, RUN_LIST("-qo1", "t"), NULL);
}

SCRATCH_TEST(options, cluster_with_workers)
{
	assert_means(RUN_LIST("-qj2", "t"), RUN_LIST("-q", "t"));
}

SCRATCH_TEST(options, workers_attached)
{
	assert_means(RUN_LIST("-j2", "t"), RUN_LIST("t"));
}

SCRATCH_TEST(options, workers_apart)
{
	assert_means(RUN_LIST("-j", "2", "t"), RUN_LIST("t"));
}

SCRATCH_TEST(options, workers_by_their_long_name)
{
	assert_means(RUN_LIST("--workers", "2", "t"), RUN_LIST("t"));
}

SCRATCH_TEST(options, workers_by_an_abbreviation)
{
	assert_means(RUN_LIST("--work=2", "t"), RUN_LIST("t"));
}

SCRATCH_TEST(options, workers_zero)
{
	assert_means(RUN_LIST("-j0", "t"), RUN_LIST("t"));
}

SCRATCH_TEST(options, more_workers_than_files)
{
	assert_means(RUN_LIST("-j", "64", "t"), RUN_LIST("t"));
}

SCRATCH_TEST(options, mode_apart)
{
	assert_equal(build_tree, RUN_LIST("--invalidation-mode", "checked-hash", "t"), NULL);
}

SCRATCH_TEST(options, mode_by_an_abbreviation)
{
	assert_equal(build_tree, RUN_LIST("--inval", "unchecked-hash", "t"), NULL);
}

SCRATCH_TEST(options, mode_by_one_letter)
{
	assert_equal(build_tree, RUN_LIST("--i=checked-hash", "t"), NULL);
}

SCRATCH_TEST(options, option_behind_operands)
{
	assert_equal(build_tree, RUN_LIST("t", "u", "-q"), NULL);
}

SCRATCH_TEST(options, options_around_operands)
{
	assert_equal(build_tree, RUN_LIST("-q", "t", "u", "-l"), NULL);
}

/* argparse takes operands from one place only; here they may stand anywhere. */
SCRATCH_TEST(options, options_between_operands)
{
	assert_means(RUN_LIST("t", "-l", "u", "-q"), RUN_LIST("-q", "-l", "t", "u"));
}

static void build_dashes(void)
{
	scratch_file("-t/a.py", "a = 1\n");
	scratch_file("-q/b.py", "b = 1\n");
	scratch_file("-c.py", "c = 1\n");
}

SCRATCH_TEST(options, double_dash_ends_options)
{
	assert_equal(build_dashes, RUN_LIST("--", "-t", "-q", "-c.py"), NULL);
}

SCRATCH_TEST(options, double_dash_behind_options)
{
	assert_equal(build_dashes, RUN_LIST("-q", "--", "-q"), NULL);
}

SCRATCH_TEST(options, last_recursion_limit_wins)
{
	assert_equal(build_tree, RUN_LIST("-r", "0", "-r", "1", "t"), NULL);
}

SCRATCH_TEST(options, last_mode_wins)
{
	assert_equal(
		build_tree,
		RUN_LIST("--invalidation-mode=timestamp", "--invalidation-mode=checked-hash", "t"),
		NULL);
}

SCRATCH_TEST(options, last_number_of_workers_wins)
{
	assert_means(RUN_LIST("-j", "3", "-j1", "t"), RUN_LIST("t"));
}

/* int() takes more than digits. */
SCRATCH_TEST(options, numbers_as_python_reads_them)
{
	assert_equal(build_tree, RUN_LIST("-r", " +1 ", "-o", "0_1", "t"), NULL);
}

/* --- Usage errors and information ------------------------------------------------------------ */

/* Exit status 2, an explanation on standard error only, and nothing is touched. */
static void assert_usage_error(const char *const *arguments)
{
	struct run_result result;

	build_tree();
	struct snapshot *before = snapshot_take(".", SNAPSHOT_ALL);
	run_ours(&result, (struct run_request){.arguments = arguments});
	RUN_ASSERT(&result, 2);
	struct snapshot *after = snapshot_take(".", SNAPSHOT_ALL);
	cr_assert_eq(result.output_size, 0, "%s: %s", result.command, result.output);
	cr_assert_not_null(strstr(result.errors, "usage"), "%s: %s", result.command, result.errors);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, result.command);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

SCRATCH_TEST(options, unknown_letter)
{
	assert_usage_error(RUN_LIST("-Z", "t"));
}

SCRATCH_TEST(options, unknown_letter_in_a_cluster)
{
	assert_usage_error(RUN_LIST("-qZ", "t"));
}

SCRATCH_TEST(options, unknown_long_option)
{
	assert_usage_error(RUN_LIST("--nope", "t"));
}

SCRATCH_TEST(options, unknown_option_behind_operands)
{
	assert_usage_error(RUN_LIST("t", "--nope"));
}

SCRATCH_TEST(options, negative_workers)
{
	assert_usage_error(RUN_LIST("-j", "-1", "t"));
}

SCRATCH_TEST(options, negative_workers_attached)
{
	assert_usage_error(RUN_LIST("-j-1", "t"));
}

SCRATCH_TEST(options, workers_that_are_no_number)
{
	assert_usage_error(RUN_LIST("-j", "many", "t"));
}

SCRATCH_TEST(options, workers_with_a_tail)
{
	assert_usage_error(RUN_LIST("-j2x", "t"));
}

SCRATCH_TEST(options, workers_missing)
{
	assert_usage_error(RUN_LIST("t", "-j"));
}

SCRATCH_TEST(options, empty_number)
{
	assert_usage_error(RUN_LIST("-j", "", "t"));
}

SCRATCH_TEST(options, recursion_limit_that_is_no_number)
{
	assert_usage_error(RUN_LIST("-r", "1.5", "t"));
}

SCRATCH_TEST(options, level_that_is_no_number)
{
	assert_usage_error(RUN_LIST("-o", "fast", "t"));
}

SCRATCH_TEST(options, unknown_mode)
{
	assert_usage_error(RUN_LIST("--invalidation-mode=sometimes", "t"));
}

/* Options may be abbreviated, their values not. */
SCRATCH_TEST(options, abbreviated_mode)
{
	assert_usage_error(RUN_LIST("--invalidation-mode=time", "t"));
}

SCRATCH_TEST(options, mode_missing)
{
	assert_usage_error(RUN_LIST("t", "--invalidation-mode"));
}

SCRATCH_TEST(options, value_where_none_belongs)
{
	assert_usage_error(RUN_LIST("--version=2", "t"));
}

/* Prints something on standard output, nothing else, and touches nothing. */
static void assert_information(const char *const *arguments, const char *expected)
{
	struct run_result result;

	build_tree();
	struct snapshot *before = snapshot_take(".", SNAPSHOT_ALL);
	run_ours(&result, (struct run_request){.arguments = arguments});
	RUN_ASSERT(&result, 0);
	struct snapshot *after = snapshot_take(".", SNAPSHOT_ALL);
	cr_assert_eq(result.errors_size, 0, "%s: %s", result.command, result.errors);
	cr_assert_not_null(strstr(result.output, expected), "%s: %s", result.command,
			   result.output);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, result.command);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

SCRATCH_TEST(options, help)
{
	assert_information(RUN_LIST("--help", "t"), "--invalidation-mode");
}

SCRATCH_TEST(options, help_by_its_letter)
{
	assert_information(RUN_LIST("-h"), "--workers");
}

SCRATCH_TEST(options, version)
{
	assert_information(RUN_LIST("--version", "t"), "pycompileall ");
}

/* --- Levels ---------------------------------------------------------------------------------- */

COMBINATION_TEST(options, all_levels)
{
	const struct oracle_trial trial = {
		.build = build_good,
		.request = {.arguments = RUN_LIST("-o", "0", "-o1", "-o", "2", "t")},
		.combination = combination};

	oracle_assert_equal(&trial);
}

COMBINATION_TEST(options, levels_are_a_sorted_set)
{
	const struct oracle_trial trial = {
		.build = build_good,
		.request = {.arguments = RUN_LIST("-o2", "-o0", "-o2", "-o0", "t")},
		.combination = combination};

	oracle_assert_equal(&trial);
}

SCRATCH_TEST(options, level_three)
{
	assert_equal(build_tree, RUN_LIST("-o", "3", "t"), NULL);
}

SCRATCH_TEST(options, level_three_quiet)
{
	assert_equal(build_tree, RUN_LIST("-q", "-o3", "t"), NULL);
}

SCRATCH_TEST(options, level_three_with_others)
{
	assert_equal(build_tree, RUN_LIST("-o3", "-o1", "t"), NULL);
}

SCRATCH_TEST(options, level_below_zero)
{
	assert_equal(build_tree, RUN_LIST("-o", "-1", "t"), NULL);
}

SCRATCH_TEST(options, level_below_zero_and_zero)
{
	assert_equal(build_tree, RUN_LIST("-o", "-1", "-o", "0", "t"), NULL);
}

SCRATCH_TEST(options, level_of_the_environment)
{
	assert_equal(build_tree, RUN_LIST("t"), RUN_LIST("PYTHONOPTIMIZE=1"));
}

SCRATCH_TEST(options, level_of_the_environment_asked_for)
{
	assert_equal(build_tree, RUN_LIST("-o", "-1", "t"), RUN_LIST("PYTHONOPTIMIZE=2"));
}

SCRATCH_TEST(options, level_of_the_environment_with_others)
{
	assert_equal(build_tree, RUN_LIST("-o", "-1", "-o0", "t"), RUN_LIST("PYTHONOPTIMIZE=2"));
}

SCRATCH_TEST(options, level_of_the_environment_is_overruled)
{
	assert_equal(build_tree, RUN_LIST("-o", "0", "t"), RUN_LIST("PYTHONOPTIMIZE=2"));
}

SCRATCH_TEST(options, level_of_the_environment_that_is_no_number)
{
	assert_equal(build_tree, RUN_LIST("t"), RUN_LIST("PYTHONOPTIMIZE=yes"));
}

SCRATCH_TEST(options, level_of_the_environment_zero)
{
	assert_equal(build_tree, RUN_LIST("t"), RUN_LIST("PYTHONOPTIMIZE=0"));
}

SCRATCH_TEST(options, level_of_the_environment_empty)
{
	assert_equal(build_tree, RUN_LIST("t"), RUN_LIST("PYTHONOPTIMIZE="));
}

SCRATCH_TEST(options, level_of_the_environment_beyond_all)
{
	assert_equal(build_tree, RUN_LIST("t"), RUN_LIST("PYTHONOPTIMIZE=5"));
}

SCRATCH_TEST(options, level_of_the_environment_negative)
{
	assert_equal(build_tree, RUN_LIST("t"), RUN_LIST("PYTHONOPTIMIZE=-1"));
}

/* --- The rest of the environment ------------------------------------------------------------- */

SCRATCH_TEST(options, relative_pycache_prefix)
{
	assert_equal(build_tree, RUN_LIST("t", "u/e.py"), RUN_LIST("PYTHONPYCACHEPREFIX=prefix"));
}

SCRATCH_TEST(options, relative_pycache_prefix_with_slash)
{
	assert_equal(build_tree, RUN_LIST("./t//", "u/../u/e.py"),
		     RUN_LIST("PYTHONPYCACHEPREFIX=./prefix/"));
}

SCRATCH_TEST(options, empty_pycache_prefix)
{
	assert_equal(build_tree, RUN_LIST("t"), RUN_LIST("PYTHONPYCACHEPREFIX="));
}

SCRATCH_TEST(options, absolute_pycache_prefix)
{
	char *variable = NULL;

	cr_assert_geq(asprintf(&variable, "PYTHONPYCACHEPREFIX=%s/p/q", scratch_path()), 0);
	assert_equal(build_tree, RUN_LIST("t", "-o0", "-o1"), RUN_LIST(variable));
	free(variable);
}

SCRATCH_TEST(options, pycache_prefix_second_run_is_fresh)
{
	struct run_request request = {.arguments = RUN_LIST("-v", "t"),
				      .environment = RUN_LIST("PYTHONPYCACHEPREFIX=prefix")};
	struct run_result result;

	build_good();
	run_ours(&result, request);
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	run_ours(&result, request);
	RUN_ASSERT(&result, 0);
	cr_assert_eq(lines_count(result.output, "Fresh '"), 3, "%s", result.output);
	run_result_fini(&result);
}

SCRATCH_TEST(options, dont_write_bytecode_does_not_stop_it)
{
	assert_equal(build_tree, RUN_LIST("t"), RUN_LIST("PYTHONDONTWRITEBYTECODE=1"));
}

/* --- Warnings of the compiler ---------------------------------------------------------------- */

static void build_warnings(void)
{
	scratch_file("t/a.py", "a = 1\nif a is 1:\n    pass\n");
	scratch_file("t/b.py", "assert (1, 'always')\nb = 1 is 1\n");
	scratch_file("t/c.py", "c = '\\d'\n");
	scratch_file("t/d.py", "d = 4\n");
	scratch_file("t/caf\xc3\xa9.py", "e = () is ()\ns = '\xc3\xa9' is 'x'\n");
	scratch_file("t/sub/f.py", "f = 0x1for x in ()\n[1] (2)\n");
	scratch_file("t/sub/g\xff.py", "g = 'a' is 'b'\n");
}

COMBINATION_TEST(options, warnings_in_walk_order)
{
	const struct oracle_trial trial = {.build = build_warnings,
					   .request = {.arguments = RUN_LIST("t")},
					   .combination = combination};

	oracle_assert_equal(&trial);
}

COMBINATION_TEST(options, warnings_at_all_levels)
{
	const struct oracle_trial trial = {
		.build = build_warnings,
		.request = {.arguments = RUN_LIST("-qq", "-o0", "-o1", "-o2", "t")},
		.combination = combination};

	oracle_assert_equal(&trial);
}

static void assert_warnings(const char *variable)
{
	assert_equal(build_warnings, RUN_LIST("t"), RUN_LIST(variable));
}

SCRATCH_TEST(options, warnings_default)
{
	assert_warnings("PYTHONWARNINGS=default");
}

SCRATCH_TEST(options, warnings_always)
{
	assert_warnings("PYTHONWARNINGS=always");
}

/* Which source comes first must not depend on which worker has it: "once" is once a source here,
 * and once a process in CPython, which so prints less. */
SCRATCH_TEST(options, warnings_once)
{
	static const char *const jobs[] = {"-j1", "-j2", "-j8"};
	struct run_result first, result;

	build_warnings();
	run_ours(&first, (struct run_request){.arguments = RUN_LIST("-f", "t"),
					      .environment = RUN_LIST("PYTHONWARNINGS=once")});
	RUN_ASSERT(&first, 0);
	cr_assert_gt(lines_count(first.errors, "t/c.py:"), 0, "%s", first.errors);
	for (size_t i = 0; i < 3; i++) {
		run_ours(&result,
			 (struct run_request){.arguments = RUN_LIST("-f", jobs[i], "t"),
					      .environment = RUN_LIST("PYTHONWARNINGS=once")});
		cr_assert_str_eq(result.errors, first.errors, "%s", jobs[i]);
		run_result_fini(&result);
	}
	run_result_fini(&first);
}

SCRATCH_TEST(options, warnings_ignored)
{
	assert_warnings("PYTHONWARNINGS=ignore");
}

SCRATCH_TEST(options, warnings_of_one_kind_ignored)
{
	assert_warnings("PYTHONWARNINGS=ignore::SyntaxWarning");
}

SCRATCH_TEST(options, warnings_are_errors)
{
	assert_warnings("PYTHONWARNINGS=error");
}

SCRATCH_TEST(options, warnings_of_one_kind_are_errors)
{
	assert_warnings("PYTHONWARNINGS=error::SyntaxWarning");
}

SCRATCH_TEST(options, warnings_of_one_kind_shown)
{
	assert_warnings("PYTHONWARNINGS=default::DeprecationWarning");
}

SCRATCH_TEST(options, warnings_by_several_filters)
{
	assert_warnings("PYTHONWARNINGS=error,ignore::SyntaxWarning");
}
