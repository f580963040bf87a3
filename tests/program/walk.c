/*
 * walk: what is visited, in which order, under which names.
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

TestSuite(walk, .timeout = 600);

static void assert_equal(const struct combination *combination, void (*build)(void),
			 const char *const *arguments)
{
	const struct oracle_trial trial = {
		.build = build, .request = {.arguments = arguments}, .combination = combination};

	oracle_assert_equal(&trial);
}

/* All but the exit status, which is 0 with CPython and 1 here. */
static void assert_stricter(const struct combination *combination, void (*build)(void),
			    struct run_request request)
{
	const struct oracle_trial trial = {
		.build = build, .request = request, .combination = combination};

	oracle_assert_stricter(&trial);
}

/* A source that says what it is called, so that no two .pyc files are alike. */
static void source(const char *path)
{
	char *text = NULL;

	cr_assert_geq(asprintf(&text, "name = %zu\n", strlen(path)), 0);
	scratch_file(path, text);
	free(text);
}

static void build_tree(void)
{
	source("t/a.py");
	source("t/b/c.py");
	source("t/b/d/e.py");
	source("t/b/d/f/g.py");
	source("t/h.py");
}

/* --- Order ----------------------------------------------------------------------------------- */

static void build_mixed(void)
{
	source("t/a.py");
	source("t/a/z.py");
	source("t/a-b.py");
	source("t/a.b/y.py");
	source("t/aa.py");
	source("t/B.py");
	source("t/B0/x.py");
	source("t/_.py");
	source("t/0.py");
	source("t/a b.py");
}

COMBINATION_TEST(walk, order_of_files_and_folders_together)
{
	assert_equal(combination, build_mixed, RUN_LIST("t"));
}

/*
 * By code point: U+00E9, a byte that does not decode (U+DCFF to Python), U+E000, U+FFFD, U+1F600;
 * bytewise the second would come last, in UTF-16 units the last before the third.
 */
static void build_code_points(void)
{
	source("t/\xc3\xa9.py");
	source("t/\xff.py");
	source("t/\xff\xff.py");
	source("t/\x80.py");
	source("t/\xee\x80\x80.py");
	source("t/\xef\xbf\xbd.py");
	source("t/\xf0\x9f\x98\x80.py");
	source("t/\xf0\x9f\x98\x80/a.py");
	source("t/\xff-/a.py");
	source("t/e\xcc\x81.py");
	source("t/z.py");
}

COMBINATION_TEST(walk, order_by_code_point)
{
	assert_equal(combination, build_code_points, RUN_LIST("t"));
}

/* Enough folders of unequal size that with several workers later ones are done earlier. */
static void build_wide(void)
{
	char path[64];

	for (int folder = 0; folder < 20; folder++)
		for (int file = 0; file < (folder * 7) % 11; file++) {
			(void)snprintf(path, sizeof(path), "t/f%d/%d/m%d.py", folder, folder % 3,
				       file);
			scratch_file(path, file % 5 == 3 ? "x = = 1\n" : "x = 1\n");
		}
}

COMBINATION_TEST(walk, order_does_not_depend_on_workers)
{
	assert_equal(combination, build_wide, RUN_LIST("t"));
}

/* --- Names ----------------------------------------------------------------------------------- */

static void build_names(void)
{
	source("t/with space.py");
	source("t/single'quote.py");
	source("t/double\"quote.py");
	source("t/both'\"quotes.py");
	source("t/new\nline.py");
	source("t/tab\tand\rreturn.py");
	source("t/back\\slash.py");
	source("t/\x01\x7f.py");
	source("t/caf\xc3\xa9.py");
	source("t/\xe6\x97\xa5\xe6\x9c\xac.py");
	source("t/undecodable\xe9.py");
	source("t/no-break\xc2\xa0space.py");
	source("t/zero\xe2\x80\x8bwidth.py");
	source("t/surrogate\xed\xa0\x80.py");
	source("t/percent%s%n.py");
	source("t/fold'er\n\xff/in.py");
}

COMBINATION_TEST(walk, names_that_need_quoting)
{
	assert_equal(combination, build_names, RUN_LIST("t"));
}

static void build_bad_names(void)
{
	scratch_file("t/caf\xc3\xa9.py", "x = = 1\n");
	scratch_file("t/new\nline.py", "x = = 1\n");
	scratch_file("t/single'quote.py", "x = = 1\n");
	scratch_file("t/undecodable\xe9.py", "x = = 1\n");
	scratch_bytes("t/undecodable\xe9z.py", "\0", 1);
}

COMBINATION_TEST(walk, names_in_messages)
{
	assert_equal(combination, build_bad_names, RUN_LIST("t"));
}

COMBINATION_TEST(walk, names_in_quiet_messages)
{
	assert_equal(combination, build_bad_names, RUN_LIST("-q", "t"));
}

/* Which names are a source's, and what their byte-code is called. */
static void build_suffixes(void)
{
	source("t/.py");
	source("t/..py");
	source("t/.hidden.py");
	source("t/a.b.py");
	source("t/a.b.c.py");
	source("t/X.PY");
	source("t/a.pyw");
	source("t/a.pyc");
	source("t/a.pyi");
	source("t/py");
	source("t/apy");
	source("t/a.py~");
	source("t/a.py.bak");
	source("t/x.py/y.py");
}

COMBINATION_TEST(walk, suffixes)
{
	assert_equal(combination, build_suffixes, RUN_LIST("t"));
}

static void build_long_name(void)
{
	char path[300] = "t/";

	/* CPython's temporary is called like the .pyc, and a number. */
	memset(path + 2, 'n', 215);
	strcpy(path + 217, ".py");
	source(path);
	/* Its byte-code's name would be longer than a name can be. */
	memset(path + 2, 'o', 252);
	strcpy(path + 254, ".py");
	source(path);
}

COMBINATION_TEST(walk, names_as_long_as_can_be)
{
	struct oracle_outcome outcome = {0};
	const struct oracle_trial trial = {.build = build_long_name,
					   .request = {.arguments = RUN_LIST("-q", "t")},
					   .combination = combination};

	oracle_try(&outcome, &trial);
	ORACLE_ASSERT(&outcome, ORACLE_STATUS | ORACLE_TREE);
	RUN_ASSERT(&outcome.ours, 1);
	cr_assert_eq(lines_count(outcome.ours.output, "OSError: [Errno 36] File name too long"), 1,
		     "%s", outcome.ours.output);
	oracle_fini(&outcome);
}

/* --- Which folders --------------------------------------------------------------------------- */

static void build_hidden(void)
{
	source("t/.hidden/a.py");
	source("t/.hidden/.more/b.py");
	source("t/__pycache__/c.py");
	source("t/__pycache__/sub/d.py");
	source("t/__pycache__x/e.py");
	source("t/__PYCACHE__/f.py");
	source("t/__pycache__.py");
}

COMBINATION_TEST(walk, hidden_folders_and_pycache)
{
	assert_equal(combination, build_hidden, RUN_LIST("t"));
}

COMBINATION_TEST(walk, pycache_as_operand)
{
	assert_equal(combination, build_hidden, RUN_LIST("t/__pycache__"));
}

static void build_no_sources(void)
{
	scratch_folder("t/empty");
	scratch_folder("t/sub/empty");
	scratch_file("t/sub/readme", "");
}

COMBINATION_TEST(walk, folders_without_sources)
{
	assert_equal(combination, build_no_sources, RUN_LIST("t"));
}

COMBINATION_TEST(walk, no_recursion)
{
	assert_equal(combination, build_tree, RUN_LIST("-l", "t"));
}

COMBINATION_TEST(walk, recursion_limit_of_none)
{
	assert_equal(combination, build_tree, RUN_LIST("-r", "0", "t"));
}

COMBINATION_TEST(walk, recursion_limit_of_one)
{
	assert_equal(combination, build_tree, RUN_LIST("-r", "1", "t"));
}

COMBINATION_TEST(walk, recursion_limit_of_two)
{
	assert_equal(combination, build_tree, RUN_LIST("-r2", "t"));
}

COMBINATION_TEST(walk, recursion_limit_beyond_the_tree)
{
	assert_equal(combination, build_tree, RUN_LIST("-r", "99", "t"));
}

COMBINATION_TEST(walk, negative_recursion_limit)
{
	assert_equal(combination, build_tree, RUN_LIST("-r", "-1", "t"));
}

COMBINATION_TEST(walk, recursion_limit_wins_over_no_recursion)
{
	assert_equal(combination, build_tree, RUN_LIST("-r", "1", "-l", "t"));
}

COMBINATION_TEST(walk, recursion_limit_wins_when_given_last)
{
	assert_equal(combination, build_tree, RUN_LIST("-l", "-r", "1", "t"));
}

static void build_deep(void)
{
	char path[1024] = "t";

	for (int i = 0; i < 60; i++) {
		strcat(path, "/d");
		char *file = NULL;
		cr_assert_geq(asprintf(&file, "%s/a.py", path), 0);
		source(file);
		free(file);
	}
}

COMBINATION_TEST(walk, deep_tree)
{
	assert_equal(combination, build_deep, RUN_LIST("t"));
}

/* --- Links ----------------------------------------------------------------------------------- */

static void build_links(void)
{
	build_tree();
	source("elsewhere/x.py");
	source("elsewhere/sub/y.py");
	scratch_symlink("../elsewhere", "t/folder_link");
	scratch_symlink("../elsewhere/x.py", "t/file_link.py");
	scratch_symlink("../elsewhere/x.py", "t/file_link.txt");
	scratch_symlink("elsewhere", "operand");
	scratch_symlink("elsewhere/x.py", "operand.py");
	scratch_symlink("operand", "operand2");
}

COMBINATION_TEST(walk, links_in_the_tree)
{
	assert_equal(combination, build_links, RUN_LIST("t"));
}

COMBINATION_TEST(walk, link_to_a_folder_as_operand)
{
	assert_equal(combination, build_links, RUN_LIST("operand"));
}

COMBINATION_TEST(walk, link_to_a_link_as_operand)
{
	assert_equal(combination, build_links, RUN_LIST("-l", "operand2/", "operand2/sub"));
}

COMBINATION_TEST(walk, link_to_a_file_as_operand)
{
	assert_equal(combination, build_links, RUN_LIST("operand.py"));
}

static void build_loops(void)
{
	build_tree();
	scratch_symlink(".", "t/self");
	scratch_symlink("..", "t/b/up");
	scratch_symlink("two", "t/one");
	scratch_symlink("one", "t/two");
	scratch_symlink("../../t", "t/b/root");
}

COMBINATION_TEST(walk, loops_of_links)
{
	assert_equal(combination, build_loops, RUN_LIST("t"));
}

COMBINATION_TEST(walk, operand_through_a_loop)
{
	assert_equal(combination, build_loops, RUN_LIST("t/self/self/b", "t/b/up/a.py"));
}

/* --- Operands -------------------------------------------------------------------------------- */

COMBINATION_TEST(walk, trailing_slash)
{
	assert_equal(combination, build_tree, RUN_LIST("t/"));
}

COMBINATION_TEST(walk, slashes_and_dots)
{
	assert_equal(combination, build_tree, RUN_LIST("./t//"));
}

COMBINATION_TEST(walk, slashes_within)
{
	assert_equal(combination, build_tree, RUN_LIST(".//t//b///d", "t/./b/../a.py"));
}

COMBINATION_TEST(walk, current_folder)
{
	assert_equal(combination, build_tree, RUN_LIST("."));
}

COMBINATION_TEST(walk, current_folder_with_slash)
{
	assert_equal(combination, build_tree, RUN_LIST("./"));
}

COMBINATION_TEST(walk, absolute_operand)
{
	char *path = NULL;

	cr_assert_geq(asprintf(&path, "%s//t", scratch_path()), 0);
	assert_equal(combination, build_tree, RUN_LIST(path));
	free(path);
}

COMBINATION_TEST(walk, several_operands_in_their_order)
{
	assert_equal(combination, build_mixed,
		     RUN_LIST("t/aa.py", "t/a", "t/B.py", "t/0.py", "t/B0", "t/a.b"));
}

COMBINATION_TEST(walk, file_below_no_folder)
{
	assert_equal(combination, build_mixed, RUN_LIST("t/a.py"));
}

static void build_top_level_file(void)
{
	source("a.py");
}

COMBINATION_TEST(walk, file_in_the_current_folder)
{
	assert_equal(combination, build_top_level_file, RUN_LIST("a.py"));
}

COMBINATION_TEST(walk, file_that_is_no_source)
{
	assert_equal(combination, build_suffixes,
		     RUN_LIST("t/X.PY", "t/a.pyw", "t/py", "t/apy", "t/a.py.bak", "t/a.pyc"));
}

COMBINATION_TEST(walk, file_called_only_by_its_suffix)
{
	assert_equal(combination, build_suffixes, RUN_LIST("t/.py", "t/..py"));
}

COMBINATION_TEST(walk, folder_called_like_a_source)
{
	assert_equal(combination, build_suffixes, RUN_LIST("t/x.py"));
}

/* CPython compiles hash-based byte-code again each time, and says so; here it is fresh by then. */
COMBINATION_TEST(walk, same_file_twice)
{
	struct oracle_outcome outcome = {0};
	const struct oracle_trial trial = {.build = build_tree,
					   .request = {.arguments = RUN_LIST("t/a.py", "t/a.py")},
					   .combination = combination};

	oracle_try(&outcome, &trial);
	ORACLE_ASSERT(&outcome, ORACLE_STATUS | ORACLE_ERRORS | ORACLE_TREE);
	cr_assert_eq(lines_count(outcome.ours.output, "Compiling 't/a.py'..."), 1, "%s",
		     outcome.ours.output);
	oracle_fini(&outcome);
}

COMBINATION_TEST(walk, operands_that_overlap)
{
	struct oracle_outcome outcome = {0};
	const struct oracle_trial trial = {.build = build_tree,
					   .request = {.arguments = RUN_LIST("t/b", "t", "t/a.py")},
					   .combination = combination};

	oracle_try(&outcome, &trial);
	ORACLE_ASSERT(&outcome, ORACLE_STATUS | ORACLE_ERRORS | ORACLE_TREE);
	if (combination->mode == COMBINATION_TIMESTAMP)
		ORACLE_ASSERT(&outcome, ORACLE_OUTPUT);
	oracle_fini(&outcome);
}

/* --- Permissions ----------------------------------------------------------------------------- */

static void build_closed(void)
{
	build_tree();
	scratch_mode("t/b/d", 0);
}

COMBINATION_TEST(walk, closed_folder)
{
	assert_stricter(combination, build_closed,
			(struct run_request){.arguments = RUN_LIST("t"), .unprivileged = true});
}

COMBINATION_TEST(walk, closed_folder_quiet)
{
	assert_stricter(combination, build_closed,
			(struct run_request){.arguments = RUN_LIST("-q", "t/b/d", "t"),
					     .unprivileged = true});
}

/* A folder beyond the limit is not even looked into. */
COMBINATION_TEST(walk, closed_folder_beyond_the_limit)
{
	const struct oracle_trial trial = {
		.build = build_closed,
		.request = {.arguments = RUN_LIST("-r", "1", "t"), .unprivileged = true},
		.combination = combination};

	oracle_assert_equal(&trial);
}
