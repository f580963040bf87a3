/*
 * bad_input: whatever stands in the tree or on the command line, the message is clear, the exit
 * status right, every other file compiled, and nothing lost.
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

TestSuite(bad_input, .timeout = 900);

/* Good ones before, behind and below the bad one, which is called t/m.py. */
static void build_good(void)
{
	scratch_file("t/a.py", "a = 1\n");
	scratch_file("t/sub/b.py", "b = 2\n");
	scratch_file("t/z.py", "z = 3\n");
}

#define BAD "t/m.py"

static void try_tree(struct oracle_outcome *outcome, const struct combination *combination,
		     void (*build)(void), const char *const *arguments)
{
	const struct oracle_trial trial = {
		.build = build, .request = {.arguments = arguments}, .combination = combination};

	oracle_try(outcome, &trial);
}

/* Exit status, both streams and the tree are CPython's; the status is also as expected here. */
static void assert_equal(const struct combination *combination, void (*build)(void), int status)
{
	struct oracle_outcome outcome = {0};

	try_tree(&outcome, combination, build, RUN_LIST("t"));
	ORACLE_ASSERT(&outcome, ORACLE_ALL);
	RUN_ASSERT(&outcome.ours, status);
	oracle_fini(&outcome);
}

/* The same, but for the exit status, which is 0 with CPython and 1 here. */
static void assert_stricter(const struct combination *combination, void (*build)(void),
			    struct run_request request)
{
	const struct oracle_trial trial = {
		.build = build, .request = request, .combination = combination};

	oracle_assert_stricter(&trial);
}

/* --- Sources that do not compile ------------------------------------------------------------- */

static void build_syntax_error(void)
{
	build_good();
	scratch_file(BAD, "m = 1\nif m\n    m = 2\n");
}

COMBINATION_TEST(bad_input, syntax_error)
{
	assert_equal(combination, build_syntax_error, 1);
}

static void build_indentation_error(void)
{
	build_good();
	scratch_file(BAD, "if True:\n        m = 1\n\tm = 2\n");
}

COMBINATION_TEST(bad_input, indentation_error)
{
	assert_equal(combination, build_indentation_error, 1);
}

static void build_nul_byte(void)
{
	build_good();
	scratch_bytes(BAD, "m = 1\n\0m = 2\n", 13);
}

COMBINATION_TEST(bad_input, nul_byte)
{
	assert_equal(combination, build_nul_byte, 1);
}

static void build_undecodable(void)
{
	build_good();
	scratch_file(BAD, "m = 1\ns = '\xff'\n");
}

COMBINATION_TEST(bad_input, undecodable)
{
	assert_equal(combination, build_undecodable, 1);
}

static void build_unknown_encoding(void)
{
	build_good();
	scratch_file(BAD, "# -*- coding: klingon -*-\nm = 1\n");
}

COMBINATION_TEST(bad_input, unknown_encoding)
{
	assert_equal(combination, build_unknown_encoding, 1);
}

static void build_mark_against_cookie(void)
{
	build_good();
	scratch_file(BAD, "\xef\xbb\xbf# coding: latin-1\nm = 1\n");
}

COMBINATION_TEST(bad_input, byte_order_mark_against_cookie)
{
	assert_equal(combination, build_mark_against_cookie, 1);
}

static void build_utf16(void)
{
	build_good();
	scratch_bytes(BAD, "\xff\xfem\0 \0=\0 \0001\0\n\0", 14);
}

COMBINATION_TEST(bad_input, utf16)
{
	assert_equal(combination, build_utf16, 1);
}

static void repeat(FILE *stream, const char *text, int times)
{
	for (int i = 0; i < times; i++)
		(void)fputs(text, stream);
}

/* A file of one line: `left` and then `right`, each 5,000 times. */
static void write_nested(const char *left, const char *middle, const char *right)
{
	char *text = NULL;
	size_t size = 0;

	FILE *stream = open_memstream(&text, &size);
	cr_assert_not_null(stream);
	(void)fputs("m = ", stream);
	repeat(stream, left, 5000);
	(void)fputs(middle, stream);
	repeat(stream, right, 5000);
	(void)fputs("\n", stream);
	cr_assert_eq(fclose(stream), 0);
	scratch_bytes(BAD, text, size);
	free(text);
}

static void build_nested_parentheses(void)
{
	build_good();
	write_nested("(", "1", ")");
}

COMBINATION_TEST(bad_input, nested_parentheses)
{
	assert_equal(combination, build_nested_parentheses, 1);
}

/* No limit of the tokenizer's stops this one: the compiler itself is led into the depth. */
static void build_nested_operators(void)
{
	build_good();
	write_nested("-", "m", "");
}

COMBINATION_TEST(bad_input, nested_operators)
{
	struct oracle_outcome outcome = {0};

	try_tree(&outcome, combination, build_nested_operators, RUN_LIST("t"));
	ORACLE_ASSERT(&outcome, ORACLE_ALL);
	oracle_fini(&outcome);
}

static void build_all_bad(void)
{
	build_good();
	scratch_file("t/indent.py", " m = 1\n");
	scratch_file("t/sub/syntax.py", "def m(:\n");
	scratch_file("t/sub/undecodable.py", "'\xe9'\n");
	scratch_bytes("t/zero.py", "\0", 1);
	scratch_file("t/zz.py", "return 1\n");
}

COMBINATION_TEST(bad_input, several)
{
	assert_equal(combination, build_all_bad, 1);
}

COMBINATION_TEST(bad_input, several_quiet)
{
	struct oracle_outcome outcome = {0};

	try_tree(&outcome, combination, build_all_bad, RUN_LIST("-q", "t"));
	ORACLE_ASSERT(&outcome, ORACLE_ALL);
	cr_assert_eq(lines_count(outcome.ours.output, "*** Error compiling 't/"), 5, "%s",
		     outcome.ours.output);
	oracle_fini(&outcome);
}

COMBINATION_TEST(bad_input, several_silent)
{
	struct oracle_outcome outcome = {0};

	try_tree(&outcome, combination, build_all_bad, RUN_LIST("-qq", "t"));
	ORACLE_ASSERT(&outcome, ORACLE_ALL);
	RUN_ASSERT(&outcome.ours, 1);
	cr_assert_eq(outcome.ours.output_size, 0, "%s", outcome.ours.output);
	oracle_fini(&outcome);
}

/* An error at one level stops those above it: what was written below it stays. */
COMBINATION_TEST(bad_input, several_levels)
{
	struct oracle_outcome outcome = {0};

	try_tree(&outcome, combination, build_all_bad, RUN_LIST("-o0", "-o1", "-o2", "t"));
	ORACLE_ASSERT(&outcome, ORACLE_ALL);
	oracle_fini(&outcome);
}

COMBINATION_TEST(bad_input, failures_are_counted)
{
	struct run_result result;

	build_all_bad();
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("-v", "t")});
	RUN_ASSERT(&result, 1);
	char *last = lines_last(result.output);
	cr_assert_eq(strncmp(last, "Checked 8 files: 0 fresh, 3 compiled, 5 failed; ", 48), 0, "%s",
		     last);
	free(last);
	run_result_fini(&result);
}

/* An error does not hide the byte-code of an earlier, good version of the source. */
COMBINATION_TEST(bad_input, old_byte_code_of_a_bad_source_stays)
{
	struct run_result result;

	build_good();
	oracle_compile(RUN_LIST("-qq", combination->mode_option, "t"));
	scratch_file("t/a.py", "a = = 1\n");
	struct snapshot *before = snapshot_take("t", SNAPSHOT_ALL);
	combination_run(&result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 1);
	struct snapshot *after = snapshot_take("t", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, result.command);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

/* --- Odd sources that compile ---------------------------------------------------------------- */

static void build_cp1252(void)
{
	build_good();
	scratch_file(BAD, "# -*- coding: cp1252 -*-\nm = '\x80\xe9'\n");
}

COMBINATION_TEST(bad_input, cp1252)
{
	assert_equal(combination, build_cp1252, 0);
}

static void build_byte_order_mark(void)
{
	build_good();
	scratch_file(BAD, "\xef\xbb\xbfm = '\xc3\xa9'\n");
}

COMBINATION_TEST(bad_input, byte_order_mark)
{
	assert_equal(combination, build_byte_order_mark, 0);
}

static void build_line_ends(void)
{
	build_good();
	scratch_file(BAD, "m = '''1\r\n2\r3'''\r\nn = 4\x0c\r\no = 5");
}

COMBINATION_TEST(bad_input, carriage_returns)
{
	assert_equal(combination, build_line_ends, 0);
}

static void build_empty(void)
{
	build_good();
	scratch_file(BAD, "");
}

COMBINATION_TEST(bad_input, empty_file)
{
	assert_equal(combination, build_empty, 0);
}

/* 10 MB of comments, with a statement now and then. */
static void build_huge(void)
{
	char *text = NULL;
	size_t size = 0;

	build_good();
	FILE *stream = open_memstream(&text, &size);
	cr_assert_not_null(stream);
	for (int i = 0; i < 10000; i++) {
		(void)fprintf(stream, "m%d = %d\n", i, i);
		repeat(stream, "# the quick brown fox jumps over the lazy dog, and then back\n",
		       17);
	}
	cr_assert_eq(fclose(stream), 0);
	cr_assert_gt(size, 10000000);
	scratch_bytes(BAD, text, size);
	free(text);
}

COMBINATION_TEST(bad_input, huge_source)
{
	assert_equal(combination, build_huge, 0);
}

/* --- What cannot be found, listed or read ---------------------------------------------------- */

COMBINATION_TEST(bad_input, missing_operand)
{
	assert_stricter(combination, build_good,
			(struct run_request){.arguments = RUN_LIST("no", "t", "t/no.py")});
}

COMBINATION_TEST(bad_input, missing_operand_quiet)
{
	assert_stricter(combination, build_good,
			(struct run_request){.arguments = RUN_LIST("-q", "no", "t")});
}

COMBINATION_TEST(bad_input, missing_operand_silent)
{
	assert_stricter(combination, build_good,
			(struct run_request){.arguments = RUN_LIST("-qq", "t", "no")});
}

COMBINATION_TEST(bad_input, empty_operand)
{
	assert_stricter(combination, build_good,
			(struct run_request){.arguments = RUN_LIST("", "t")});
}

COMBINATION_TEST(bad_input, operand_below_a_file)
{
	assert_stricter(combination, build_good,
			(struct run_request){.arguments = RUN_LIST("t/a.py/", "t/a.py/x.py", "t")});
}

static void build_unlistable_folder(void)
{
	build_good();
	scratch_file("t/closed/m.py", "m = 1\n");
	scratch_mode("t/closed", 0);
}

COMBINATION_TEST(bad_input, unlistable_folder)
{
	assert_stricter(combination, build_unlistable_folder,
			(struct run_request){.arguments = RUN_LIST("t"), .unprivileged = true});
}

/* Its names can be listed, but what they name cannot be looked at. */
static void build_unsearchable_folder(void)
{
	build_good();
	scratch_file("t/closed/m.py", "m = 1\n");
	scratch_mode("t/closed", 0600);
}

/* CPython takes what it cannot look at for no file, and says nothing. */
COMBINATION_TEST(bad_input, unsearchable_folder)
{
	struct oracle_outcome outcome = {0};
	const struct oracle_trial trial = {
		.build = build_unsearchable_folder,
		.request = {.arguments = RUN_LIST("t"), .unprivileged = true},
		.combination = combination};

	oracle_try(&outcome, &trial);
	ORACLE_ASSERT(&outcome, ORACLE_ERRORS | ORACLE_TREE);
	RUN_ASSERT(&outcome.ours, 1);
	cr_assert(lines_have(outcome.ours.output,
			     "*** PermissionError: [Errno 13] Permission denied: 't/closed/m.py'"));
	oracle_fini(&outcome);
}

static void build_unreadable_file(void)
{
	build_good();
	scratch_file(BAD, "m = 1\n");
	scratch_mode(BAD, 0);
}

COMBINATION_TEST(bad_input, unreadable_file)
{
	struct oracle_outcome outcome = {0};
	const struct oracle_trial trial = {
		.build = build_unreadable_file,
		.request = {.arguments = RUN_LIST("t"), .unprivileged = true},
		.combination = combination};

	oracle_try(&outcome, &trial);
	ORACLE_ASSERT(&outcome, ORACLE_ALL);
	RUN_ASSERT(&outcome.ours, 1);
	cr_assert(lines_have(outcome.ours.output,
			     "*** PermissionError: [Errno 13] Permission denied: 't/m.py'"));
	oracle_fini(&outcome);
}

/* What CPython would have to be told, since a builder is handed nothing. */
static const char *byte_code_mode;

static void build_unreadable_file_with_byte_code(void)
{
	build_good();
	scratch_file(BAD, "m = 1\n");
	oracle_compile(RUN_LIST("-qq", byte_code_mode, "t"));
	scratch_mode(BAD, 0);
}

/* Whether hash-based byte-code is up to date cannot be told without reading the source. */
COMBINATION_TEST(bad_input, unreadable_file_with_byte_code)
{
	struct oracle_outcome outcome = {0};
	const struct oracle_trial trial = {
		.build = build_unreadable_file_with_byte_code,
		.request = {.arguments = RUN_LIST(BAD), .unprivileged = true},
		.combination = combination};

	byte_code_mode = combination->mode_option;
	oracle_try(&outcome, &trial);
	ORACLE_ASSERT(&outcome, ORACLE_ALL);
	RUN_ASSERT(&outcome.ours, combination->mode != COMBINATION_TIMESTAMP);
	oracle_fini(&outcome);
}

/* --- Sources that are no files --------------------------------------------------------------- */

static void build_no_files(void)
{
	build_good();
	scratch_fifo("t/fifo.py");
	scratch_symlink("nowhere", "t/dangling.py");
	scratch_symlink("loop.py", "t/loop.py");
	scratch_symlink("/dev/null", "t/device.py");
	scratch_symlink("fifo.py", "t/fifo_link.py");
	scratch_file("t/folder.py/inner.py", "inner = 1\n");
	scratch_symlink("folder.py", "t/folder_link.py");
}

COMBINATION_TEST(bad_input, sources_that_are_no_files)
{
	assert_equal(combination, build_no_files, 0);
}

COMBINATION_TEST(bad_input, operands_that_are_no_files)
{
	assert_stricter(
		combination, build_no_files,
		(struct run_request){.arguments = RUN_LIST("t/fifo.py", "t/dangling.py",
							   "t/loop.py", "t/device.py",
							   "t/fifo_link.py", "t/folder_link.py")});
}

/* --- Targets that must not be replaced ------------------------------------------------------- */

static void build_symlinked_target(void)
{
	build_good();
	scratch_file("outside", "not to be touched");
	char *path = oracle_cache_path("t/a.py", 0);
	scratch_symlink("../../outside", path);
	free(path);
	path = oracle_cache_path("t/sub/b.py", 0);
	scratch_symlink("nowhere", path);
	free(path);
}

COMBINATION_TEST(bad_input, target_is_a_symlink)
{
	assert_equal(combination, build_symlinked_target, 1);
}

static void build_folder_as_target(void)
{
	build_good();
	char *path = oracle_cache_path("t/a.py", 0);
	scratch_folder(path);
	free(path);
}

COMBINATION_TEST(bad_input, target_is_a_folder)
{
	assert_equal(combination, build_folder_as_target, 1);
}

static void build_fifo_as_target(void)
{
	build_good();
	char *path = oracle_cache_path("t/a.py", 0);
	scratch_fifo(path);
	free(path);
}

/* Without -f CPython waits for a writer, forever. */
COMBINATION_TEST(bad_input, target_is_a_fifo)
{
	struct oracle_outcome outcome = {0};

	try_tree(&outcome, combination, build_fifo_as_target, RUN_LIST("-f", "t"));
	ORACLE_ASSERT(&outcome, ORACLE_ALL);
	RUN_ASSERT(&outcome.ours, 1);
	cr_assert_not_null(strstr(outcome.ours.output, "*** FileExistsError: "));
	oracle_fini(&outcome);
}

COMBINATION_TEST(bad_input, target_is_a_fifo_that_nobody_writes)
{
	struct run_result result;

	build_fifo_as_target();
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("t"), .seconds = 30});
	RUN_ASSERT(&result, 1);
	cr_assert_not_null(strstr(result.output, "*** FileExistsError: "), "%s", result.output);
	run_result_fini(&result);
}

/* --- __pycache__ is not a folder ------------------------------------------------------------- */

/* Runs ours on the tree as it stands, which cannot be compiled in t, but in t/sub. */
static void run_blocked(struct run_result *result, const struct combination *combination)
{
	char *path = oracle_cache_path("t/sub/b.py", 0);
	size_t size;

	combination_run(result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(result, 1);
	free(scratch_read(path, &size));
	cr_assert_gt(size, 16, "'%s' has %zu bytes", path, size);
	free(path);
}

COMBINATION_TEST(bad_input, pycache_is_a_file)
{
	struct run_result result;
	size_t size;

	build_good();
	scratch_file("t/__pycache__", "not to be touched");
	run_blocked(&result, combination);
	cr_assert_eq(lines_count(result.output, "*** NotADirectoryError: [Errno 20] "), 2, "%s",
		     result.output);
	char *text = scratch_read("t/__pycache__", &size);
	cr_assert_str_eq(text, "not to be touched");
	free(text);
	run_result_fini(&result);
}

COMBINATION_TEST(bad_input, pycache_is_a_symlink)
{
	struct run_result result;

	build_good();
	scratch_file("outside/keep", "not to be touched");
	scratch_symlink("../outside", "t/__pycache__");
	struct snapshot *before = snapshot_take("outside", SNAPSHOT_ALL);
	run_blocked(&result, combination);
	struct snapshot *after = snapshot_take("outside", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, result.command);
	cr_assert_eq(lines_count(result.output, "*** "), 2, "%s", result.output);
	cr_assert(lines_have(result.output, "Compiling 't/z.py'..."), "%s", result.output);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

COMBINATION_TEST(bad_input, pycache_is_a_dangling_symlink)
{
	struct run_result result;

	build_good();
	scratch_symlink("../outside", "t/__pycache__");
	run_blocked(&result, combination);
	struct snapshot *tree = snapshot_take(".", SNAPSHOT_ALL);
	cr_assert_null(snapshot_find(tree, "./outside"), "something was made outside");
	snapshot_free(tree);
	run_result_fini(&result);
}
