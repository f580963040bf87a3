/*
 * interpreters: the byte-code of --python is that of the interpreter's own compileall.
 *
 * For each interpreter that is found (support/python.h), over a copy of its own standard library.
 * Byte for byte where the byte-code follows from the source; elsewhere all code objects must be
 * equal, and the end of the run tells in how many files the bytes differ.
 */
#include "config.h"

#include "support/combination.h"
#include "support/lines.h"
#include "support/python.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/snapshot.h"
#include "support/tally.h"
#include "support/zoo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(interpreters, .timeout = 1800);

/* Folders of modules that nobody but the tests of the standard library imports. */
#define TESTS "/(test|tests|idle_test)/"

/* A part of the standard library that every version has, or most; a quick run does with the first
 * ones. */
static const char *const packages[] = {"json",     "email",           "http",      "logging",
				       "asyncio",  "collections",     "encodings", "html",
				       "urllib",   "importlib",       "wsgiref",   "xml",
				       "unittest", "multiprocessing", "distutils"};

#define PACKAGES       (sizeof(packages) / sizeof(*packages))
#define PACKAGES_QUICK 3

/* ---- Both programs ---- */

/* CPython's or PyPy's own. Its byte-code must not depend on the hash seed, unless it cannot help
 * it. */
static void run_theirs(struct run_result *result, const struct python *python,
		       const char *const *options, const char *const *arguments)
{
	const struct run_request request = {
		.program = RUN_LIST(python->path, "-m", "compileall"),
		.options = options,
		.arguments = arguments,
		.environment = RUN_LIST("PYTHONDONTWRITEBYTECODE=1",
					python_is_exact(python) ? NULL : "PYTHONHASHSEED=0"),
		.seconds = 900,
	};

	run_program(result, &request);
}

static void run_with(struct run_result *result, const struct python *python, const char *variable,
		     const char *const *options, const char *const *arguments)
{
	const struct run_request request = {
		.program = RUN_LIST(run_our_path(), "-j2", "--python", python->path),
		.options = options,
		.arguments = arguments,
		.environment = RUN_LIST(python_cache_variable(), variable),
		.seconds = 900,
	};

	run_program(result, &request);
}

static void run_ours_for(struct run_result *result, const struct python *python,
			 const char *const *options, const char *const *arguments)
{
	run_with(result, python, NULL, options, arguments);
}

static void assert_same_words(const struct run_result *theirs, const struct run_result *ours)
{
	char *output = lines_difference(theirs->output, ours->output);
	char *errors = lines_difference(theirs->errors, ours->errors);

	cr_assert(!output, "%s: standard output: %s", ours->command, output);
	cr_assert(!errors, "%s: standard error: %s", ours->command, errors);
	RUN_ASSERT(ours, theirs->status);
}

static void count(const char *what, const struct python *python, size_t number)
{
	char name[128];

	(void)snprintf(name, sizeof(name), "%s:%s", what, python->tag);
	tally_add(name, number);
}

/* ---- The trees ---- */

static void copy_library(const struct python *python)
{
	scratch_copy_sources(python->library, "lib");
	scratch_delete("lib/site-packages");
	scratch_delete("lib/dist-packages");
}

static void copy_packages(const struct python *python)
{
	char from[PATH_MAX + 64], to[64];

	size_t some = run_quick() ? PACKAGES_QUICK : PACKAGES;

	scratch_folder("lib");
	for (size_t i = 0; i < some; i++) {
		(void)snprintf(from, sizeof(from), "%s/%s", python->library, packages[i]);
		(void)snprintf(to, sizeof(to), "lib/%s", packages[i]);
		if (access(from, R_OK) == 0)
			scratch_copy_sources(from, to);
	}
}

/* ---- The same byte-code ---- */

struct sizes {
	size_t files;
	size_t differ; /* in bytes; the code is the same */
};

static struct sizes assert_same_code(const struct python *python, const char *one,
				     const char *other)
{
	struct run_result result;
	struct sizes sizes;
	char *last;

	python_compare(&result, python, one, other);
	RUN_ASSERT(&result, 0);
	last = lines_last(result.output);
	cr_assert_eq(
		sscanf(last, "%zu files, the bytes of %zu differ", &sizes.files, &sizes.differ), 2,
		"%s", last);
	cr_assert_gt(sizes.files, (size_t)0, "%s: nothing was compared", result.command);
	if (python_is_exact(python))
		cr_assert_eq(sizes.differ, (size_t)0, "%s: %s", result.command, last);
	free(last);
	run_result_fini(&result);
	return sizes;
}

/* All that is compiled, and all that is said of it. */
static void assert_as_theirs(const struct python *python, void (*build)(const struct python *),
			     const char *const *options)
{
	struct run_result theirs, ours;
	struct sizes sizes;

	build(python);
	run_theirs(&theirs, python, options, RUN_LIST("-q", "lib"));
	/* On the same path, since it is in the byte-code. */
	scratch_move_caches("lib", "theirs");
	run_ours_for(&ours, python, options, RUN_LIST("-q", "lib"));
	assert_same_words(&theirs, &ours);
	sizes = assert_same_code(python, "theirs", "lib");
	count("files-beside-compileall", python, sizes.files);
	if (!python_is_exact(python))
		count("of-other-bytes", python, sizes.differ);
	run_result_fini(&theirs);
	run_result_fini(&ours);
}

/* ---- The second run ---- */

/* Every source is fresh, and no server was started, not even to be asked what it is. */
static void assert_all_fresh(const struct python *python, const char *const *options)
{
	struct run_result result;
	size_t files, fresh;
	char rest[128], *last;

	run_ours_for(&result, python, options, RUN_LIST("-qv", "lib"));
	RUN_ASSERT(&result, 0);
	last = lines_last(result.output);
	cr_assert_eq(sscanf(last, "Checked %zu files: %zu fresh, %127[^\n]", &files, &fresh, rest),
		     3, "%s", last);
	cr_assert_str_eq(rest, "0 compiled, 0 failed; 0 compile servers started", "%s: %s",
			 result.command, last);
	cr_assert(files > 0 && fresh == files, "%s: %s", result.command, last);
	free(last);
	run_result_fini(&result);
}

/* The interpreter's log of imports says so of some modules. */
static void assert_imported(const struct python *python)
{
	static const char *const files[] = {"json/__pycache__/__init__", "json/__pycache__/decoder",
					    "email/__pycache__/message",
					    "email/__pycache__/charset", "http/__pycache__/client"};
	static const char script[] = "import sys; sys.path.insert(0, sys.argv[1] + '/lib')\n"
				     "import json, email.message, http.client\n";
	char line[PATH_MAX];
	struct run_result result;

	run_program(&result, &(struct run_request){.program = RUN_LIST(python->path, "-v", "-S",
								       "-B", "-c", script),
						   .arguments = RUN_LIST(scratch_path())});
	RUN_ASSERT(&result, 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		(void)snprintf(line, sizeof(line), "# %s/lib/%s.%s.pyc matches ", scratch_path(),
			       files[i], python->tag);
		cr_assert_eq(lines_count(result.errors, line), 1, "%s: no line '%s'",
			     result.command, line);
	}
	run_result_fini(&result);
}

/* ---- The standard library, in all modes ---- */

static void assert_mode(const struct python *python, const char *mode, bool whole)
{
	void (*build)(const struct python *) = run_quick() ? copy_packages : copy_library;

	if (mode && !python_has_modes(python))
		SCRATCH_SKIP("%s knows no source hashes", python->tag);
	assert_as_theirs(python, build, whole ? RUN_LIST(mode) : RUN_LIST("-x", TESTS, mode));
	/* What does not compile is among the tests. */
	assert_all_fresh(python, RUN_LIST("-x", TESTS, mode));
	if (!run_quick() || whole)
		assert_imported(python);
}

PYTHON_TEST(interpreters, timestamps)
{
	assert_mode(python, NULL, true);
}

PYTHON_TEST(interpreters, checked_hashes)
{
	assert_mode(python, "--invalidation-mode=checked-hash", false);
}

PYTHON_TEST(interpreters, unchecked_hashes)
{
	assert_mode(python, "--invalidation-mode=unchecked-hash", false);
}

/* ---- Errors and warnings ---- */

static void build_bad(const struct python *python)
{
	(void)python;
	zoo_build_sources();
	cr_assert_eq(rename("zoo", "lib"), 0);
}

/* Sources that do not compile, that compile with a warning, and in all encodings. */
PYTHON_TEST(interpreters, bad_sources)
{
	assert_as_theirs(python, build_bad, NULL);
}

/* ---- What was compiled before, and the hash seed ---- */

/* One run over the tree, which must come off; then its byte-code is put aside. */
static void run_and_keep(const struct python *python, const char *variable,
			 const char *const *options, const char *aside)
{
	struct run_result result;

	run_with(&result, python, variable, options, RUN_LIST("-q", "-x", TESTS));
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	scratch_move_caches("lib", aside);
}

/* What is directly in the tree, from the last name to the first: a list for -i. */
static void list_backwards(const char *path)
{
	struct snapshot *tree = snapshot_take("lib", SNAPSHOT_ALL);
	FILE *list = fopen(path, "w");

	cr_assert_not_null(list);
	for (size_t i = tree->count; i-- > 0;) {
		const char *name = tree->entries[i].path + strlen("lib/");
		if (i > 0 && !strchr(name, '/'))
			(void)fprintf(list, "lib/%s\n", name);
	}
	cr_assert_eq(fclose(list), 0);
	snapshot_free(tree);
}

/*
 * With other -j and another order the code is the same, and where that follows from the source the
 * bytes are, too; the user's hash seed does not reach the servers.
 */
PYTHON_TEST(interpreters, history)
{
	const char *const *ways[] = {RUN_LIST("-j1", "-i", "backwards.list"),
				     RUN_LIST("-j2", "lib"), RUN_LIST("-j8", "lib")};
	size_t some = run_quick() ? 1 : sizeof(ways) / sizeof(*ways);
	struct sizes sum = {0}, sizes;

	copy_packages(python);
	list_backwards("backwards.list");
	run_and_keep(python, "PYTHONHASHSEED=1", RUN_LIST("-j1", "lib"), "base");
	run_and_keep(python, "PYTHONHASHSEED=2", RUN_LIST("-j1", "lib"), "other");
	sizes = assert_same_code(python, "base", "other");
	cr_assert(sizes.differ == 0 || !python_is_exact(python), "%s: %zu files differ",
		  python->path, sizes.differ);
	if (!python_is_exact(python))
		count("of-other-bytes-in-the-same-order", python, sizes.differ);
	for (size_t i = 0; i < some; i++) {
		run_and_keep(python, NULL, ways[i], "other");
		sizes = assert_same_code(python, "base", "other");
		sum.files += sizes.files;
		sum.differ += sizes.differ;
	}
	count("files-in-other-orders", python, sum.files);
	if (!python_is_exact(python))
		count("of-other-bytes-then", python, sum.differ);
}
