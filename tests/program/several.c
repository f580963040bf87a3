/*
 * several: more than one interpreter in one run.
 *
 * What the run leaves and says is what single runs leave and say, and each source is looked at,
 * opened and read once, however many interpreters there are. Of those that are found
 * (support/python.h) three that know all invalidation modes are taken: the linked one, the oldest,
 * and the newest.
 */
#include "config.h"

#include "support/lines.h"
#include "support/python.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/snapshot.h"
#include "support/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(several, .timeout = 600);

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define TARGETS_MAX  3

static struct python targets[TARGETS_MAX];
static size_t target_count;

static bool is_chosen(const struct python *python)
{
	for (size_t i = 0; i < target_count; i++)
		if (strcmp(targets[i].tag, python->tag) == 0)
			return true;
	return false;
}

static void choose(const struct python *python)
{
	if (python && !is_chosen(python))
		targets[target_count++] = *python;
}

/* Sets `targets`, or skips the test. */
static void choose_targets(void)
{
	static struct python found[PYTHON_MAX];
	size_t count = python_find(found);
	const struct python *oldest = NULL, *newest = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!python_has_modes(&found[i]))
			continue;
		if (!oldest || found[i].version < oldest->version)
			oldest = &found[i];
		if (!newest || found[i].version > newest->version)
			newest = &found[i];
	}
	choose(count > 0 ? &found[0] : NULL);
	choose(oldest);
	choose(newest);
	if (target_count < 2)
		SCRATCH_SKIP("there is one interpreter only");
}

/* ---- Runs ---- */

static const char *const jobs[] = {"-j2", "-j1", "-j8"};

/* The first one does for a quick run. */
static size_t jobs_count(void)
{
	return run_quick() ? 1 : COUNT(jobs);
}

#define ARGUMENTS_MAX 16

/* --python for each of the targets from `first` to the one before `end`, and the arguments. */
static void set_arguments(const char *list[2 * TARGETS_MAX + ARGUMENTS_MAX], size_t first,
			  size_t end, const char *const *arguments)
{
	size_t used = 0;

	for (size_t i = first; i < end; i++) {
		list[used++] = "--python";
		list[used++] = targets[i].path;
	}
	while (*arguments) {
		cr_assert_lt(used, 2 * TARGETS_MAX + ARGUMENTS_MAX - 1);
		list[used++] = *arguments++;
	}
	list[used] = NULL;
}

static void run_targets(struct run_result *result, size_t first, size_t end,
			const char *const *arguments)
{
	const char *list[2 * TARGETS_MAX + ARGUMENTS_MAX];

	set_arguments(list, first, end, arguments);
	run_ours(result, (struct run_request){.arguments = list,
					      .environment = RUN_LIST(python_cache_variable())});
}

/* One run for all. */
static void run_all(struct run_result *result, const char *const *arguments)
{
	run_targets(result, 0, target_count, arguments);
}

static void run_one(struct run_result *result, size_t index, const char *const *arguments)
{
	run_targets(result, index, index + 1, arguments);
}

/* ---- What is left ---- */

/* Of the linked interpreter's library, where older ones do not understand everything. */
static void copy_packages(void)
{
	static const char *const packages[] = {"json", "email", "http", "re", "asyncio", "tomllib"};
	char from[PATH_MAX + 16], to[32];

	for (size_t i = 0; i < COUNT(packages); i++) {
		(void)snprintf(from, sizeof(from), "%s/%s", targets[0].library, packages[i]);
		(void)snprintf(to, sizeof(to), "t/%s", packages[i]);
		if (access(from, R_OK) == 0)
			scratch_copy_sources(from, to);
	}
	scratch_file("t/match.py", "match x:\n    case 1:\n        pass\n");
	scratch_file("t/bad.py", "x = = 1\n");
}

static void assert_same_code(const char *one, const char *other)
{
	struct run_result result;

	for (size_t i = 0; i < target_count; i++) {
		python_compare(&result, &targets[i], one, other);
		RUN_ASSERT(&result, 0);
		if (python_is_exact(&targets[i]))
			cr_assert(strstr(result.output, "the bytes of 0 differ"), "%s: %s",
				  result.command, result.output);
		cr_assert_not(lines_have(result.output, "0 files, the bytes of 0 differ"));
		run_result_fini(&result);
	}
}

SCRATCH_TEST(several, leave_what_single_runs_leave)
{
	struct run_result result;

	choose_targets();
	copy_packages();
	for (size_t i = 0; i < target_count; i++) {
		run_one(&result, i, RUN_LIST("-q", "t"));
		RUN_ASSERT(&result, 1);
		run_result_fini(&result);
	}
	scratch_move_caches("t", "singles");
	for (size_t i = 0; i < jobs_count(); i++) {
		run_all(&result, RUN_LIST(jobs[i], "-q", "t"));
		RUN_ASSERT(&result, 1);
		run_result_fini(&result);
		scratch_move_caches("t", "together");
		assert_same_code("singles", "together");
	}
}

/* ---- What is said ---- */

/* What compiles, for each of them or for the newer ones, with warnings and without. */
static const char *const sources[][2] = {
	{"t/bad.py", "x = = 1\n"},
	{"t/good.py", "x = 1\n"},
	{"t/match.py", "match x:\n    case 1:\n        pass\n"}, /* since 3.10 */
	{"t/quotes.py", "x = f'{'x'}'\n"},                       /* since 3.12 */
	{"t/return.py", "return\n"},
	{"t/walrus.py", "(x := 1)\n"},                             /* since 3.8 */
	{"t/warning.py", "if x is 1:\n    pass\nassert (1, 2)\n"}, /* warnings since 3.8 */
};

static void build_sources(void)
{
	for (size_t i = 0; i < COUNT(sources); i++)
		scratch_file(sources[i][0], sources[i][1]);
}

/* Prints a text with `label` behind each 'PATH', but not its last line, which has the counts. */
static void print_labelled(FILE *stream, const char *text, const char *path, const char *label)
{
	const char *end = strstr(text, "Checked 1 files");
	char *quoted = NULL;

	cr_assert_not_null(end, "%s", text);
	cr_assert_geq(asprintf(&quoted, "'%s'", path), 0);
	for (const char *at = strstr(text, quoted); at && at < end; at = strstr(text, quoted)) {
		at += strlen(quoted);
		(void)fprintf(stream, "%.*s for %s", (int)(at - text), text, label);
		text = at;
	}
	(void)fwrite(text, 1, (size_t)(end - text), stream);
	free(quoted);
}

/* What single runs say of a source, one interpreter after the other; the worst of their statuses.
 */
static int print_singles(FILE *output, FILE *errors, const char *path)
{
	struct run_result result;
	int worst = 0;

	for (size_t i = 0; i < target_count; i++) {
		run_one(&result, i, RUN_LIST("-v", path));
		RUN_ASSERT(&result, result.status);
		worst = result.status > worst ? result.status : worst;
		print_labelled(output, result.output, path, targets[i].tag);
		if (result.errors_size > 0)
			(void)fprintf(errors, "%s: %s", targets[i].tag, result.errors);
		run_result_fini(&result);
	}
	return worst;
}

/* The exit status for each source is the worst of all of them. */
static void assert_statuses(const int worst[COUNT(sources)])
{
	struct run_result result;

	for (size_t i = 0; i < COUNT(sources); i++) {
		scratch_delete("t/__pycache__");
		run_all(&result, RUN_LIST("-qq", sources[i][0]));
		RUN_ASSERT(&result, worst[i]);
		run_result_fini(&result);
	}
}

/* What they say, up to the counts; which sources are listed is said once. */
static void assert_says(const char *option, const char *output, const char *errors)
{
	struct run_result result;
	char *counts, *difference;

	scratch_delete("t/__pycache__");
	run_all(&result, RUN_LIST("-v", option, "t"));
	RUN_ASSERT(&result, 1);
	counts = strstr(result.output, "Checked 7 files: 0 fresh, ");
	cr_assert_not_null(counts, "%s", result.output);
	*counts = '\0';
	difference = lines_difference(output, result.output);
	cr_assert(!difference, "%s: %s", result.command, difference);
	difference = lines_difference(errors, result.errors);
	cr_assert(!difference, "%s: %s", result.command, difference);
	run_result_fini(&result);
}

/* At every -j: each source's lines stand together, an interpreter after the other. */
SCRATCH_TEST(several, say_what_single_runs_say)
{
	char *expected = NULL, *expected_errors = NULL;
	size_t size, errors_size;
	FILE *output = open_memstream(&expected, &size);
	FILE *errors = open_memstream(&expected_errors, &errors_size);
	int worst[COUNT(sources)];

	choose_targets();
	build_sources();
	(void)fputs("Listing 't'...\n", output);
	for (size_t i = 0; i < COUNT(sources); i++)
		worst[i] = print_singles(output, errors, sources[i][0]);
	cr_assert(fclose(output) == 0 && fclose(errors) == 0);
	assert_statuses(worst);
	for (size_t i = 0; i < jobs_count(); i++)
		assert_says(jobs[i], expected, expected_errors);
	free(expected);
	free(expected_errors);
}

/* ---- How often a source is touched ---- */

#define SOURCES 12

static void name_source(char name[32], size_t index)
{
	(void)snprintf(name, 32, "counted_%zu.py", index);
}

static void build_counted(void)
{
	char name[32], path[64];

	for (size_t i = 0; i < SOURCES; i++) {
		name_source(name, i);
		(void)snprintf(path, sizeof(path), "t/sub%zu/%s", i % 2, name);
		scratch_file(path, "x = 1\n");
	}
}

/*
 * A run for all of them looks at each source once by its name, and opens it as often as it is told
 * to: then it looks at it by its descriptor before and after it is read.
 */
static void assert_touched(const char *option, const char *mode, size_t opened)
{
	const char *list[2 * TARGETS_MAX + ARGUMENTS_MAX];
	struct run_result result;
	char name[32];

	set_arguments(list, 0, target_count, RUN_LIST("-q", option, mode, "t"));
	trace_run_ours(&result,
		       (struct run_request){.arguments = list,
					    .environment = RUN_LIST(python_cache_variable())},
		       "trace");
	RUN_ASSERT(&result, 0);
	for (size_t i = 0; i < SOURCES; i++) {
		name_source(name, i);
		cr_assert_eq(trace_count("trace", TRACE_LOOK, name), 1, "%s: %s", result.command,
			     name);
		cr_assert_eq(trace_count("trace", TRACE_OPEN, name), opened, "%s: %s",
			     result.command, name);
		cr_assert_eq(trace_count("trace", TRACE_LOOK_OPEN, name), 2 * opened, "%s: %s",
			     result.command, name);
	}
	run_result_fini(&result);
}

static void prepare_counting(void)
{
	const char *obstacle = trace_obstacle();

	if (obstacle)
		SCRATCH_SKIP("%s", obstacle);
	choose_targets();
	build_counted();
}

SCRATCH_TEST(several, touch_a_source_once)
{
	prepare_counting();
	for (size_t i = 0; i < jobs_count(); i++) {
		scratch_move_caches("t", "aside");
		assert_touched(jobs[i], "--invalidation-mode=timestamp", 1);
		assert_touched(jobs[i], "--invalidation-mode=timestamp", 0);
	}
}

/* To compare the hash it takes the whole source, but once. */
SCRATCH_TEST(several, touch_a_source_once_for_its_hash)
{
	struct run_result result;

	prepare_counting();
	run_all(&result, RUN_LIST("-q", "--invalidation-mode=checked-hash", "t"));
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	for (size_t i = 0; i < jobs_count(); i++)
		assert_touched(jobs[i], "--invalidation-mode=checked-hash", 1);
}

/* Where it is stale for one of them only. */
SCRATCH_TEST(several, touch_a_source_once_for_the_last)
{
	struct run_result result;

	prepare_counting();
	run_targets(&result, 0, target_count - 1, RUN_LIST("-q", "t"));
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	assert_touched("-j2", "--invalidation-mode=timestamp", 1);
	assert_touched("-j2", "--invalidation-mode=timestamp", 0);
}

/* ---- Each one's sys.path ---- */

/* EXE -m venv with a module in its site-packages. */
static void make_environment(const struct python *python, const char *folder)
{
	struct run_result result;
	char path[PATH_MAX];

	run_program(&result, &(struct run_request){.program = RUN_LIST(python->path, "-B", "-m",
								       "venv", "--without-pip"),
						   .arguments = RUN_LIST(folder)});
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	(void)snprintf(path, sizeof(path), "%s/lib/%s%u.%u/site-packages/own.py", folder,
		       strcmp(python->name, "pypy") == 0 ? "pypy" : "python", python->version >> 8,
		       python->version & 0xff);
	scratch_file(path, "x = 1\n");
}

/* Whether there is byte-code of prefix/WHERE/.../NAME.py for the interpreter. */
static bool is_compiled(const char *where, const char *name, const struct python *python)
{
	char folder[PATH_MAX], end[128];
	struct snapshot *tree;
	bool found = false;

	(void)snprintf(folder, sizeof(folder), "prefix%s/%s", scratch_path(), where);
	if (access(folder, F_OK) != 0)
		return false;
	(void)snprintf(end, sizeof(end), "/%s.%s.pyc", name, python->tag);
	tree = snapshot_take(folder, SNAPSHOT_PYC);
	for (size_t i = 0; i < tree->count; i++)
		found |= strstr(tree->entries[i].path, end) != NULL;
	snapshot_free(tree);
	return found;
}

/* What is out of the tree is left out, and all byte-code goes to a folder in it. */
static void compile_sys_path(struct run_result *result, const char *const *options)
{
	char elsewhere[PATH_MAX], python_path[PATH_MAX];

	(void)snprintf(elsewhere, sizeof(elsewhere), "^(?!%s/)", scratch_path());
	(void)snprintf(python_path, sizeof(python_path), "PYTHONPATH=%s/more", scratch_path());
	scratch_file("more/shared.py", "x = 1\n");
	run_ours(result,
		 (struct run_request){.options = options,
				      .arguments = RUN_LIST("-x", elsewhere),
				      .environment = RUN_LIST(python_cache_variable(), python_path,
							      "PYTHONPYCACHEPREFIX=prefix")});
	RUN_ASSERT(result, 0);
}

SCRATCH_TEST(several, compile_each_its_own_sys_path)
{
	char names[TARGETS_MAX][16], paths[TARGETS_MAX][32];
	const char *options[2 * TARGETS_MAX + 1] = {NULL};
	struct run_result result;

	choose_targets();
	for (size_t i = 0; i < target_count; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "env%zu", i);
		(void)snprintf(paths[i], sizeof(paths[i]), "env%zu/bin/python", i);
		make_environment(&targets[i], names[i]);
		options[2 * i] = "--python";
		options[2 * i + 1] = paths[i];
	}
	compile_sys_path(&result, options);
	for (size_t i = 0; i < target_count; i++) {
		for (size_t k = 0; k < target_count; k++)
			cr_assert_eq(is_compiled(names[i], "own", &targets[k]), i == k,
				     "%s: %s for %s", result.command, names[i], targets[k].tag);
		cr_assert(is_compiled("more", "shared", &targets[i]), "%s: %s", result.command,
			  targets[i].tag);
	}
	run_result_fini(&result);
}

/* ---- All that there are ---- */

/* One run, at which one server after the other has its turn. */
SCRATCH_TEST(several, all_at_once)
{
	static struct python found[PYTHON_MAX];
	size_t count = python_find(found);
	const char *list[2 * PYTHON_MAX + 3] = {"-q", "t"};
	struct run_result result;
	char path[PATH_MAX];

	build_counted();
	for (size_t i = 0; i < count; i++) {
		list[2 + 2 * i] = "--python";
		list[3 + 2 * i] = found[i].path;
	}
	run_ours(&result, (struct run_request){.arguments = list,
					       .environment = RUN_LIST(python_cache_variable())});
	RUN_ASSERT(&result, 0);
	cr_assert_str_empty(result.output);
	run_result_fini(&result);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < SOURCES; k++) {
			(void)snprintf(path, sizeof(path),
				       "t/sub%zu/__pycache__/counted_%zu.%s.pyc", k % 2, k,
				       found[i].tag);
			cr_assert_eq(access(path, F_OK), 0, "%s is missing", path);
		}
}
