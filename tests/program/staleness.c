/*
 * staleness: exactly the files that are out of date are compiled, each for the right reason, and a
 * run with nothing to do starts no interpreter.
 */
#include "config.h"

#include "support/combination.h"
#include "support/lines.h"
#include "support/oracle.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/snapshot.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>

TestSuite(staleness, .timeout = 600);

/* The one whose staleness is in question stands between others. */
#define SUBJECT "t/b.py"

static void build_tree(void)
{
	scratch_file("t/a.py", "a = 1\n");
	scratch_file(SUBJECT, "b = 22\n");
	scratch_file("t/sub/c.py", "c = 333\n");
	scratch_file("t/sub/d.py", "d = 4444\n");
}

/* Runs with a combination's options, and fails unless the exit status is 0. */
static void run_combination(struct run_result *result, const struct combination *combination,
			    const char *const *arguments)
{
	combination_run(result, combination, (struct run_request){.arguments = arguments});
	RUN_ASSERT(result, 0);
}

static void compile_tree(const struct combination *combination)
{
	struct run_result result;

	build_tree();
	run_combination(&result, combination, RUN_LIST("-qq", "t"));
	run_result_fini(&result);
}

static void assert_line(const struct run_result *result, const char *line)
{
	cr_assert(lines_have(result->output, line), "%s: no line \"%s\" in\n%s", result->command,
		  line, result->output);
}

/*
 * The verdicts, by count, and the summary line that repeats them. `stale` are compiled without an
 * error; servers are started only for them, and never more than there are workers.
 */
static void assert_counts(const struct run_result *result, size_t fresh, size_t stale)
{
	size_t checked, was_fresh, compiled, failed, servers;
	char *last = lines_last(result->output);

	int found = sscanf(last,
			   "Checked %zu files: %zu fresh, %zu compiled, %zu failed; "
			   "%zu compile servers started",
			   &checked, &was_fresh, &compiled, &failed, &servers);
	cr_assert_eq(found, 5, "%s: no summary: \"%s\"", result->command, last);
	cr_assert(checked == fresh + stale && was_fresh == fresh && compiled == stale &&
			  failed == 0,
		  "%s: %zu fresh and %zu stale expected: \"%s\"", result->command, fresh, stale,
		  last);
	cr_assert_eq(servers > 0, stale > 0, "%s: \"%s\"", result->command, last);
	cr_assert_leq(servers, stale, "%s: \"%s\"", result->command, last);
	free(last);
}

/* The summary for one level, and as many verdicts as it says. */
static void assert_verdicts(const struct run_result *result, size_t fresh, size_t stale)
{
	assert_counts(result, fresh, stale);
	cr_assert_eq(lines_count(result->output, "Fresh '"), fresh, "%s", result->output);
	cr_assert_eq(lines_count(result->output, "Stale '"), stale, "%s", result->output);
}

/* Every byte is what CPython would have written: it recompiles all of it and nothing differs. */
static void assert_bytes(enum combination_mode mode)
{
	struct snapshot *ours = snapshot_take("t", SNAPSHOT_ALL);

	oracle_compile(RUN_LIST("-f", "-qq", combination_mode_option(mode), "t"));
	struct snapshot *theirs = snapshot_take("t", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(theirs, ours, SNAPSHOT_SAME, "after rebuilding");
	snapshot_free(ours);
	snapshot_free(theirs);
}

/* What is not rebuilt keeps its inode and modification time. */
static void assert_others_untouched(const struct snapshot *before, const struct snapshot *after,
				    const char *rebuilt)
{
	for (size_t i = 0; i < before->count; i++) {
		const struct snapshot_entry *was = &before->entries[i];
		const struct snapshot_entry *is = snapshot_find(after, was->path);
		cr_assert_not_null(is, "'%s' is gone", was->path);
		bool same = was->status.st_ino == is->status.st_ino &&
			    was->status.st_mtim.tv_nsec == is->status.st_mtim.tv_nsec;
		if (strcmp(was->path, rebuilt) == 0)
			cr_assert(!same, "'%s' was not rebuilt", rebuilt);
		else
			cr_assert(same, "'%s' was written anew", was->path);
	}
}

/* The subject, and nothing else, is found stale for `reason` and becomes what CPython writes. */
static void assert_rebuilt(const struct combination *combination, const char *reason)
{
	char line[128];
	struct run_result result;
	char *path = oracle_cache_path(SUBJECT, 0);
	struct snapshot *before = snapshot_take("t", SNAPSHOT_PYC);

	run_combination(&result, combination, RUN_LIST("-v", "t"));
	struct snapshot *after = snapshot_take("t", SNAPSHOT_PYC);
	(void)snprintf(line, sizeof(line), "Stale '" SUBJECT "' (%s)", reason);
	assert_line(&result, line);
	assert_verdicts(&result, 3, 1);
	assert_others_untouched(before, after, path);
	assert_bytes(combination->mode);
	snapshot_free(before);
	snapshot_free(after);
	free(path);
	run_result_fini(&result);
}

/* Nothing is found stale and nothing in the tree changes. */
static void assert_all_fresh(const struct combination *combination)
{
	struct run_result result;
	struct snapshot *before = snapshot_take("t", SNAPSHOT_ALL);

	run_combination(&result, combination, RUN_LIST("-v", "t"));
	struct snapshot *after = snapshot_take("t", SNAPSHOT_ALL);
	assert_verdicts(&result, 4, 0);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, result.command);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

static void patch_subject(off_t offset, const void *bytes, size_t size)
{
	char *path = oracle_cache_path(SUBJECT, 0);

	scratch_patch(path, offset, bytes, size);
	free(path);
}

static void truncate_subject(off_t size)
{
	char *path = oracle_cache_path(SUBJECT, 0);

	scratch_truncate(path, size);
	free(path);
}

/* --- Nothing to do --------------------------------------------------------------------------- */

COMBINATION_TEST(staleness, first_run_compiles_all)
{
	struct run_result result;

	build_tree();
	run_combination(&result, combination, RUN_LIST("-v", "t"));
	assert_verdicts(&result, 0, 4);
	assert_line(&result, "Stale 't/sub/c.py' (missing)");
	assert_bytes(combination->mode);
	run_result_fini(&result);
}

COMBINATION_TEST(staleness, second_run_compiles_nothing)
{
	compile_tree(combination);
	assert_all_fresh(combination);
}

COMBINATION_TEST(staleness, cpythons_byte_code_is_fresh)
{
	build_tree();
	oracle_compile(RUN_LIST("-qq", combination->mode_option, "t"));
	assert_all_fresh(combination);
}

/* A worker keeps its server. */
SCRATCH_TEST(staleness, one_server_for_one_worker)
{
	struct run_result result;

	build_tree();
	run_ours(&result, (struct run_request){.arguments = RUN_LIST("-j1", "-v", "t")});
	RUN_ASSERT(&result, 0);
	assert_line(&result, "Checked 4 files: 0 fresh, 4 compiled, 0 failed; "
			     "1 compile servers started");
	run_result_fini(&result);
}

/* With no server to be found, only a run that starts none can succeed. */
COMBINATION_TEST(staleness, fresh_tree_needs_no_server)
{
	struct run_result result;

	compile_tree(combination);
	scratch_folder("empty");
	combination_run(
		&result, combination,
		(struct run_request){.arguments = RUN_LIST("t"),
				     .environment = RUN_LIST("PYCOMPILEALL_LIBEXECDIR=empty")});
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
}

COMBINATION_TEST(staleness, stale_tree_needs_a_server)
{
	struct run_result result;

	build_tree();
	scratch_folder("empty");
	combination_run(
		&result, combination,
		(struct run_request){.arguments = RUN_LIST("t"),
				     .environment = RUN_LIST("PYCOMPILEALL_LIBEXECDIR=empty")});
	RUN_ASSERT(&result, 3);
	cr_assert_neq(result.errors_size, 0, "nothing on standard error");
	run_result_fini(&result);
}

/* What the dynamic linker wrote: one file a process, with a line for each library. */
static size_t linked_processes;
static size_t linked_pythons;

static int count_linked(const char *path, const struct stat *status, int type, struct FTW *place)
{
	size_t size;

	(void)status;
	(void)place;
	if (type != FTW_F)
		return 0;
	char *text = scratch_read(path, &size);
	linked_processes++;
	linked_pythons += strstr(text, "libpython") != NULL;
	free(text);
	return 0;
}

/* Runs with glibc's linker writing what it maps, and counts it; skips where it writes nothing. */
static void run_linked(const struct combination *combination)
{
	struct run_result result;

	scratch_folder("linked");
	combination_run(
		&result, combination,
		(struct run_request){
			.arguments = RUN_LIST("-qq", "t"),
			.environment = RUN_LIST("LD_DEBUG=files", "LD_DEBUG_OUTPUT=linked/log")});
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	linked_processes = linked_pythons = 0;
	cr_assert_eq(nftw("linked", count_linked, 8, FTW_PHYS), 0);
	scratch_delete("linked");
	if (linked_processes == 0)
		SCRATCH_SKIP("this C library's dynamic linker does not tell what it maps");
}

COMBINATION_TEST(staleness, fresh_tree_maps_no_libpython)
{
	compile_tree(combination);
	run_linked(combination);
	cr_assert_eq(linked_processes, 1, "%zu processes", linked_processes);
	cr_assert_eq(linked_pythons, 0, "libpython was mapped");
}

COMBINATION_TEST(staleness, stale_tree_maps_libpython_in_servers_only)
{
	build_tree();
	run_linked(combination);
	cr_assert_gt(linked_processes, 1);
	cr_assert_eq(linked_pythons, linked_processes - 1);
}

/* --- The source changed ---------------------------------------------------------------------- */

COMBINATION_TEST(staleness, touch)
{
	compile_tree(combination);
	scratch_mtime(SUBJECT, SCRATCH_MTIME + 5, 0);
	if (combination->mode == COMBINATION_TIMESTAMP)
		assert_rebuilt(combination, "source mtime");
	else
		assert_all_fresh(combination);
}

COMBINATION_TEST(staleness, touch_back_in_time)
{
	compile_tree(combination);
	scratch_mtime(SUBJECT, SCRATCH_MTIME - 1, 0);
	if (combination->mode == COMBINATION_TIMESTAMP)
		assert_rebuilt(combination, "source mtime");
	else
		assert_all_fresh(combination);
}

COMBINATION_TEST(staleness, edit_of_equal_length)
{
	compile_tree(combination);
	scratch_file(SUBJECT, "b = 99\n");
	scratch_mtime(SUBJECT, SCRATCH_MTIME + 5, 0);
	assert_rebuilt(combination,
		       combination->mode == COMBINATION_TIMESTAMP ? "source mtime" : "source hash");
}

COMBINATION_TEST(staleness, edit_of_equal_length_and_mtime)
{
	compile_tree(combination);
	scratch_file(SUBJECT, "b = 99\n");
	if (combination->mode == COMBINATION_TIMESTAMP)
		assert_all_fresh(combination);
	else
		assert_rebuilt(combination, "source hash");
}

COMBINATION_TEST(staleness, edit_of_another_length)
{
	compile_tree(combination);
	scratch_file(SUBJECT, "b = 123456\n");
	assert_rebuilt(combination,
		       combination->mode == COMBINATION_TIMESTAMP ? "source size" : "source hash");
}

/* --- The .pyc is not what it should be ------------------------------------------------------- */

COMBINATION_TEST(staleness, missing)
{
	compile_tree(combination);
	char *path = oracle_cache_path(SUBJECT, 0);
	/* The others' folder must stay as it is, so the file is put out of the way by hand. */
	scratch_delete(path);
	struct run_result result;
	run_combination(&result, combination, RUN_LIST("-v", "t"));
	assert_line(&result, "Stale '" SUBJECT "' (missing)");
	assert_verdicts(&result, 3, 1);
	assert_bytes(combination->mode);
	run_result_fini(&result);
	free(path);
}

COMBINATION_TEST(staleness, truncated_to_nothing)
{
	compile_tree(combination);
	truncate_subject(0);
	assert_rebuilt(combination, "truncated");
}

COMBINATION_TEST(staleness, truncated_within_flags)
{
	compile_tree(combination);
	truncate_subject(8);
	assert_rebuilt(combination, "truncated");
}

COMBINATION_TEST(staleness, truncated_by_one_byte_of_header)
{
	compile_tree(combination);
	truncate_subject(15);
	assert_rebuilt(combination, "truncated");
}

COMBINATION_TEST(staleness, truncated_behind_header)
{
	compile_tree(combination);
	truncate_subject(16);
	assert_rebuilt(combination, "truncated");
}

COMBINATION_TEST(staleness, zeros)
{
	compile_tree(combination);
	truncate_subject(0);
	truncate_subject(200);
	assert_rebuilt(combination, "magic number");
}

/* An import makes anew a file of nothing, or of zeros: what is said about a power loss in the
 * manual. */
static void assert_import_rebuilds(off_t size)
{
	struct run_result result;
	char *path = oracle_cache_path("m.py", 0);

	scratch_truncate(path, 0);
	scratch_truncate(path, size);
	run_python(&result,
		   (struct run_request){.arguments = RUN_LIST("-c", "import m; print(m.x)"),
					.environment = RUN_LIST("PYTHONDONTWRITEBYTECODE=")});
	RUN_ASSERT(&result, 0);
	cr_assert_str_eq(result.output, "1\n");
	run_result_fini(&result);
	run_ours(&result, (struct run_request){.arguments = RUN_LIST("-v", "m.py")});
	assert_verdicts(&result, 1, 0);
	run_result_fini(&result);
	free(path);
}

SCRATCH_TEST(staleness, import_rebuilds_what_a_power_loss_may_leave)
{
	struct run_result result;

	scratch_file("m.py", "x = 1\n");
	run_ours(&result, (struct run_request){.arguments = RUN_LIST("m.py")});
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	assert_import_rebuilds(0);
	assert_import_rebuilds(200);
}

COMBINATION_TEST(staleness, foreign_magic_number)
{
	compile_tree(combination);
	patch_subject(0, "\x42\x0d\x0d\x0a", 4);
	assert_rebuilt(combination, "magic number");
}

COMBINATION_TEST(staleness, flag_nobody_knows)
{
	compile_tree(combination);
	patch_subject(4, "\x04\0\0\0", 4);
	assert_rebuilt(combination, "flags");
}

COMBINATION_TEST(staleness, all_flags)
{
	compile_tree(combination);
	patch_subject(4, "\xff\xff\xff\xff", 4);
	assert_rebuilt(combination, "flags");
}

/* "Checked" means something only with "hash". */
COMBINATION_TEST(staleness, checked_flag_alone)
{
	compile_tree(combination);
	patch_subject(4, "\x02\0\0\0", 4);
	assert_rebuilt(combination, "flags");
}

COMBINATION_TEST(staleness, header_differs_in_last_byte)
{
	compile_tree(combination);
	patch_subject(15, "\x5a", 1);
	assert_rebuilt(combination,
		       combination->mode == COMBINATION_TIMESTAMP ? "source size" : "source hash");
}

COMBINATION_TEST(staleness, unreadable)
{
	struct run_result result;

	compile_tree(combination);
	char *path = oracle_cache_path(SUBJECT, 0);
	scratch_mode(path, 0);
	combination_run(
		&result, combination,
		(struct run_request){.arguments = RUN_LIST("-v", "t"), .unprivileged = true});
	RUN_ASSERT(&result, 0);
	assert_line(&result, "Stale '" SUBJECT "' (unreadable)");
	assert_verdicts(&result, 3, 1);
	assert_bytes(combination->mode);
	run_result_fini(&result);
	free(path);
}

/* --- What was asked for ---------------------------------------------------------------------- */

COMBINATION_TEST(staleness, another_mode_is_stale_when_one_is_asked_for)
{
	for (int mode = 0; mode < 3; mode++) {
		struct run_result result;
		size_t stale = mode == (int)combination->mode ? 0 : 4;
		scratch_clear();
		build_tree();
		oracle_compile(
			RUN_LIST("-qq", combination_mode_option((enum combination_mode)mode), "t"));
		run_combination(&result, combination, RUN_LIST("-v", "t"));
		assert_verdicts(&result, 4 - stale, stale);
		cr_assert_eq(lines_have(result.output, "Stale 't/a.py' (flags)"), stale > 0, "%s",
			     result.output);
		assert_bytes(combination->mode);
		run_result_fini(&result);
	}
}

COMBINATION_TEST(staleness, any_mode_is_fresh_when_none_is_asked_for)
{
	struct run_result result;

	compile_tree(combination);
	run_ours(&result,
		 (struct run_request){.arguments = RUN_LIST(combination->jobs_option, "-v", "t")});
	RUN_ASSERT(&result, 0);
	assert_verdicts(&result, 4, 0);
	run_result_fini(&result);
}

COMBINATION_TEST(staleness, source_date_epoch_does_not_ask_for_a_mode)
{
	struct run_result result;

	compile_tree(combination);
	run_ours(&result,
		 (struct run_request){.arguments = RUN_LIST(combination->jobs_option, "-v", "t"),
				      .environment = RUN_LIST("SOURCE_DATE_EPOCH=1")});
	RUN_ASSERT(&result, 0);
	assert_verdicts(&result, 4, 0);
	run_result_fini(&result);
}

COMBINATION_TEST(staleness, force)
{
	struct run_result result;

	compile_tree(combination);
	struct snapshot *before = snapshot_take("t", SNAPSHOT_PYC);
	run_combination(&result, combination, RUN_LIST("-f", "-v", "t"));
	struct snapshot *after = snapshot_take("t", SNAPSHOT_PYC);
	assert_verdicts(&result, 0, 4);
	cr_assert_eq(lines_count(result.output, "Stale 't/sub/d.py' (forced)"), 1);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_SAME, result.command);
	for (size_t i = 0; i < before->count; i++)
		cr_assert_neq(before->entries[i].status.st_ino, after->entries[i].status.st_ino,
			      "'%s' was not written anew", before->entries[i].path);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

/* A level that is fresh is left alone when another is not. */
COMBINATION_TEST(staleness, one_of_several_levels)
{
	struct run_result result;

	build_tree();
	run_combination(&result, combination, RUN_LIST("-qq", "-o0", "-o1", "-o2", "t"));
	run_result_fini(&result);
	char *path = oracle_cache_path(SUBJECT, 1);
	scratch_truncate(path, 3);
	struct snapshot *before = snapshot_take("t", SNAPSHOT_PYC);
	run_combination(&result, combination, RUN_LIST("-v", "-o0", "-o1", "-o2", "t"));
	struct snapshot *after = snapshot_take("t", SNAPSHOT_PYC);
	assert_line(&result, "Fresh '" SUBJECT "'");
	assert_line(&result, "Stale '" SUBJECT "' [opt-1] (truncated)");
	assert_line(&result, "Fresh '" SUBJECT "' [opt-2]");
	assert_counts(&result, 3, 1);
	assert_others_untouched(before, after, path);
	snapshot_free(before);
	snapshot_free(after);
	free(path);
	run_result_fini(&result);
}

/* --- The default mode ------------------------------------------------------------------------ */

static void assert_default_mode(const struct combination *combination, const char *variable)
{
	const struct oracle_trial trial = {
		.build = build_tree,
		.request = {.arguments = RUN_LIST("t"), .environment = RUN_LIST(variable)},
		.combination = combination};

	oracle_assert_equal(&trial);
}

SCRATCH_TEST(staleness, source_date_epoch_means_checked_hash)
{
	char *path = oracle_cache_path(SUBJECT, 0);
	size_t size;

	assert_default_mode(NULL, "SOURCE_DATE_EPOCH=1600000000");
	char *bytes = scratch_read(path, &size);
	cr_assert_eq(bytes[4], 3, "the flags are %d", bytes[4]);
	free(bytes);
	free(path);
}

SCRATCH_TEST(staleness, empty_source_date_epoch_means_timestamp)
{
	assert_default_mode(NULL, "SOURCE_DATE_EPOCH=");
}

COMBINATION_TEST(staleness, explicit_mode_wins_over_source_date_epoch)
{
	assert_default_mode(combination, "SOURCE_DATE_EPOCH=1600000000");
}

/* --- Modification times ---------------------------------------------------------------------- */

static time_t mtime_seconds;
static long mtime_nanoseconds;

static void build_with_mtime(void)
{
	build_tree();
	scratch_mtime(SUBJECT, mtime_seconds, mtime_nanoseconds);
}

/* The header is CPython's, and what it says is then found to be fresh. */
static void assert_mtime(const struct combination *combination, time_t seconds, long nanoseconds)
{
	const struct oracle_trial trial = {.build = build_with_mtime,
					   .request = {.arguments = RUN_LIST("t")},
					   .combination = combination};

	mtime_seconds = seconds;
	mtime_nanoseconds = nanoseconds;
	oracle_assert_equal(&trial);
	assert_all_fresh(combination);
}

COMBINATION_TEST(staleness, mtime_before_1970)
{
	assert_mtime(combination, -100000, 0);
}

COMBINATION_TEST(staleness, mtime_before_1970_with_fraction)
{
	assert_mtime(combination, -6, 500000000);
}

COMBINATION_TEST(staleness, mtime_zero)
{
	assert_mtime(combination, 0, 0);
}

COMBINATION_TEST(staleness, mtime_just_before_1970)
{
	assert_mtime(combination, -1, 999999999);
}

COMBINATION_TEST(staleness, mtime_past_2038)
{
	assert_mtime(combination, 2200000000, 0);
}

COMBINATION_TEST(staleness, mtime_past_2106)
{
	assert_mtime(combination, 4300000000, 0);
}

COMBINATION_TEST(staleness, mtime_that_rounds_up)
{
	assert_mtime(combination, SCRATCH_MTIME, 999999999);
}

COMBINATION_TEST(staleness, mtime_that_just_rounds_up)
{
	assert_mtime(combination, SCRATCH_MTIME, 999999881);
}

COMBINATION_TEST(staleness, mtime_that_just_does_not_round_up)
{
	assert_mtime(combination, SCRATCH_MTIME, 999999880);
}

COMBINATION_TEST(staleness, mtime_past_2106_that_rounds_up)
{
	assert_mtime(combination, 4294967295, 999999999);
}
