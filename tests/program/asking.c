/*
 * asking: what an EXE of --python is: virtual environments, what is no Python, and what is kept of
 * the answers.
 */
#include "config.h"

#include "support/lines.h"
#include "support/python.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/snapshot.h"
#include "support/trace.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(asking, .timeout = 300);

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void build_tree(void)
{
	scratch_file("t/a.py", "a = 1\n");
	scratch_file("t/sub/b.py", "def b():\n    'doc'\n");
}

/* A run over the tree by one interpreter, which must come off. */
static void compile_with(const char *python, const char *option)
{
	struct run_result result;

	run_ours(&result, (struct run_request){.options = RUN_LIST("-q", "--python", python),
					       .arguments = RUN_LIST("t", option),
					       .environment = RUN_LIST(python_cache_variable())});
	RUN_ASSERT(&result, 0);
	cr_assert_eq(result.errors_size, 0, "%s: %s", result.command, result.errors);
	run_result_fini(&result);
}

/* ---- Virtual environments ---- */

/* In `env`, by the interpreter's own module venv. */
static void make_environment(const char *python, const char *option)
{
	struct run_result result;

	run_program(&result, &(struct run_request){.program = RUN_LIST(python, "-B", "-m", "venv",
								       "--without-pip", "env"),
						   .arguments = RUN_LIST(option)});
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
}

/* By its bin/python, on a path of either kind: the same byte-code as by the interpreter itself. */
PYTHON_TEST(asking, virtual_environment)
{
	char absolute[PATH_MAX];
	const char *paths[] = {"env/bin/python", "./env/../env/bin/python", absolute};
	struct snapshot *expected, *actual;

	(void)snprintf(absolute, sizeof(absolute), "%s/env/bin/python", scratch_path());
	make_environment(python->path, NULL);
	build_tree();
	compile_with(python->path, NULL);
	expected = snapshot_take("t", SNAPSHOT_PYC);
	cr_assert_eq(expected->count, 2, "%s", python->path);
	for (size_t i = 0; i < COUNT(paths); i++) {
		scratch_move_caches("t", "aside");
		compile_with(paths[i], NULL);
		actual = snapshot_take("t", SNAPSHOT_PYC);
		SNAPSHOT_ASSERT(expected, actual, SNAPSHOT_SAME, python->path);
		snapshot_free(actual);
	}
	snapshot_free(expected);
}

/* A line "Listing ..." for each folder of sys.path, which the interpreter itself tells. */
static char *expected_folders(const char *const *environment)
{
	static const char script[] = "import os, sys\n"
				     "sys.path[0] = os.getcwd()\n"
				     "for path in sys.path:\n"
				     "    print('Listing {!r}...'.format(path))\n";
	struct run_result result;
	char *output;

	run_program(&result,
		    &(struct run_request){.program = RUN_LIST("env/bin/python", "-B", "-c", script),
					  .environment = environment});
	RUN_ASSERT(&result, 0);
	output = strdup(result.output);
	cr_assert_not_null(output);
	run_result_fini(&result);
	return output;
}

/* The lines that begin with a prefix; the caller frees them. */
static char *lines_beginning(const char *text, const char *prefix)
{
	char *copy = strdup(text), *rest = copy, *line, *lines = NULL;
	size_t size;
	FILE *stream = open_memstream(&lines, &size);

	cr_assert(copy && stream);
	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			(void)fprintf(stream, "%s\n", line);
	cr_assert_eq(fclose(stream), 0);
	free(copy);
	return lines;
}

/*
 * Without operands: the environment's own sys.path, which PYTHONPATH begins. What lies out of the
 * tree is not compiled, and all byte-code goes to a folder in it.
 */
PYTHON_TEST(asking, sys_path)
{
	char elsewhere[PATH_MAX], python_path[PATH_MAX + 32];
	const char *environment[] = {python_path, "PYTHONPYCACHEPREFIX=prefix",
				     python_cache_variable(), NULL};
	struct run_result result;
	char *expected, *actual, *difference;

	(void)snprintf(elsewhere, sizeof(elsewhere), "^(?!%s/|near)", scratch_path());
	(void)snprintf(python_path, sizeof(python_path), "PYTHONPATH=%s/more:near", scratch_path());
	make_environment(python->path, NULL);
	scratch_file("more/m.py", "x = 1\n");
	scratch_file("near/n.py", "x = 1\n");
	expected = expected_folders(environment);
	cr_assert(strstr(expected, "/env/lib"), "%s", expected);
	cr_assert(strstr(expected, "/more'..."), "%s", expected);
	run_ours(&result, (struct run_request){.options = RUN_LIST("--python", "env/bin/python"),
					       .arguments = RUN_LIST("-x", elsewhere),
					       .environment = environment});
	RUN_ASSERT(&result, 0);
	actual = lines_beginning(result.output, "Listing ");
	difference = lines_difference(expected, actual);
	cr_assert(!difference, "%s: %s", result.command, difference);
	cr_assert_eq(lines_count(result.output, "Compiling "), 2, "%s", result.output);
	free(actual);
	free(expected);
	run_result_fini(&result);
}

/* ---- What is no Python ---- */

#define BAD_MAX 16

/* Makes what can be made, and names all; returns how many there are. */
static size_t make_bad(const char *names[BAD_MAX])
{
	static char old[PATH_MAX];
	size_t count = 0;
	glob_t found;

	scratch_symlink("nothing", "bad/broken");
	names[count++] = "bad/broken";
	scratch_symlink("loop", "bad/loop");
	names[count++] = "bad/loop";
	names[count++] = "bad/missing";
	names[count++] = "no-such-python-on-path";
	names[count++] = "";
	scratch_folder("bad/folder");
	names[count++] = "bad/folder";
	scratch_file("bad/plain", "#!/bin/sh\n");
	names[count++] = "bad/plain";
	scratch_file("bad/program", "no program\n\n");
	scratch_mode("bad/program", 0755);
	names[count++] = "bad/program";
	scratch_file("bad/words", "#!/bin/sh\necho a; echo b >&2; echo c >&0; exit 7\n");
	scratch_mode("bad/words", 0755);
	names[count++] = "bad/words";
	scratch_file("bad/silent", "#!/bin/sh\nexec sleep 100\n");
	scratch_mode("bad/silent", 0755);
	names[count++] = "bad/silent";
	names[count++] = "/bin/true";
	names[count++] = "/bin/cat";
	(void)snprintf(old, sizeof(old), "%s/.pyenv/versions/2.7.*/bin/python2.7", getenv("HOME"));
	if (glob(old, 0, NULL, &found) == 0) {
		(void)snprintf(old, sizeof(old), "%s", found.gl_pathv[0]);
		names[count++] = old;
		globfree(&found);
	}
	return count;
}

/* One line that names it, and nothing else happens. */
static void assert_refused(const char *name, const char *const *pythons)
{
	struct snapshot *before = snapshot_take("t", SNAPSHOT_ALL), *after;
	struct run_result result;
	char begin[PATH_MAX + 64];

	run_ours(&result, (struct run_request){.options = RUN_LIST("--timeout", "1"),
					       .arguments = pythons,
					       .environment = RUN_LIST(python_cache_variable())});
	RUN_ASSERT(&result, 3);
	(void)snprintf(begin, sizeof(begin), "pycompileall: interpreter '%s': ", name);
	cr_assert_eq(strncmp(result.errors, begin, strlen(begin)), 0, "%s: %s", result.command,
		     result.errors);
	cr_assert_eq(strchr(result.errors, '\n'), result.errors + result.errors_size - 1,
		     "%s: not one line: %s", result.command, result.errors);
	cr_assert_eq(result.output_size, 0, "%s: %s", result.command, result.output);
	after = snapshot_take("t", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, result.command);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

SCRATCH_TEST(asking, what_is_no_python)
{
	const char *good = getenv("PYTHON"), *names[BAD_MAX];
	size_t count = make_bad(names);

	build_tree();
	scratch_file("t/__pycache__/a.cpython-30.pyc", "old");
	for (size_t i = 0; i < count; i++) {
		assert_refused(names[i], RUN_LIST("t", "--python", names[i]));
		assert_refused(names[i], RUN_LIST("t", "--python", good, "--python", names[i]));
		if (!run_quick())
			assert_refused(names[i],
				       RUN_LIST("t", "--python", names[i], "--python", good));
	}
}

/* ---- What is kept of the answers ---- */

/* What is in the cache folder; the caller frees it. */
static struct snapshot *take_records(void)
{
	scratch_folder(PYTHON_CACHE);
	return snapshot_take(PYTHON_CACHE, SNAPSHOT_ALL);
}

/* The path of the only one, in memory of the caller's. */
static char *record_path(void)
{
	struct snapshot *records = take_records();
	char *path;

	cr_assert_eq(records->count, 2, "%zu records", records->count - 1);
	path = strdup(records->entries[1].path);
	snapshot_free(records);
	return path;
}

/* A copy of the linked interpreter, which can be replaced. */
static void make_copy(void)
{
	make_environment(getenv("PYTHON"), "--copies");
	build_tree();
}

#define COPY "env/bin/python"

/* The real path's last link, since --copies may copy one of the names only. */
static void copy_path(char path[PATH_MAX])
{
	cr_assert_not_null(realpath(COPY, path));
	cr_assert_eq(strncmp(path, scratch_path(), strlen(scratch_path())), 0, "%s is no copy",
		     path);
}

/* Whether a run asks the copy, by what it leaves in the cache folder. */
static bool asks(const char *option)
{
	struct snapshot *before = take_records(), *after;
	char *difference;
	bool asked;

	compile_with(COPY, option);
	after = take_records();
	difference = snapshot_difference(before, after, SNAPSHOT_UNTOUCHED);
	asked = difference != NULL;
	free(difference);
	snapshot_free(before);
	snapshot_free(after);
	return asked;
}

SCRATCH_TEST(asking, once_and_no_more)
{
	struct stat status;
	char *path;

	make_copy();
	cr_assert(asks(NULL));
	path = record_path();
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0600);
	cr_assert_not(asks(NULL));
	scratch_mtime("t/a.py", SCRATCH_MTIME + 5, 0);
	cr_assert_not(asks(NULL), "a server for a source is not asked");
	free(path);
}

/* Not even a process. */
SCRATCH_TEST(asking, nobody_when_nothing_is_stale)
{
	const char *obstacle = trace_obstacle();
	const struct run_request request = {
		.arguments = RUN_LIST("-v", "--python", getenv("PYTHON"), "t"),
		.environment = RUN_LIST(python_cache_variable())};
	struct run_result result;

	if (obstacle)
		SCRATCH_SKIP("%s", obstacle);
	build_tree();
	for (int i = 0; i < 2; i++) {
		trace_run_ours(&result, request, "trace");
		RUN_ASSERT(&result, 0);
		size_t programs = trace_count("trace", TRACE_EXECUTE, NULL);
		cr_assert(i == 0 ? programs > 1 : programs == 1, "%s: %zu programs", result.command,
			  programs);
		cr_assert_eq(
			lines_count(result.output, i == 0 ? "Checked 2 files: 0 fresh, 2 compiled"
							  : "Checked 2 files: 2 fresh, 0 compiled, "
							    "0 failed; 0 compile servers started"),
			1, "%s", result.output);
		run_result_fini(&result);
	}
}

SCRATCH_TEST(asking, again_when_it_was_touched)
{
	static const struct timespec times[] = {
		{SCRATCH_MTIME, 1}, {SCRATCH_MTIME + 1, 1}, {SCRATCH_MTIME + 1, 2}};
	char path[PATH_MAX];

	make_copy();
	copy_path(path);
	cr_assert(asks(NULL));
	for (size_t i = 0; i < COUNT(times); i++) {
		scratch_mtime(path, times[i].tv_sec, times[i].tv_nsec);
		cr_assert(asks(NULL));
		cr_assert_not(asks(NULL));
	}
}

/* By one of the same size and time. */
SCRATCH_TEST(asking, again_when_it_was_replaced)
{
	struct timespec times[2] = {{0, UTIME_OMIT}, {0, 0}};
	char path[PATH_MAX], *content;
	struct stat status;
	size_t size;

	make_copy();
	copy_path(path);
	cr_assert(asks(NULL));
	cr_assert_eq(stat(path, &status), 0);
	content = scratch_read(path, &size);
	scratch_bytes("other", content, size);
	free(content);
	scratch_mode("other", 0755);
	times[1] = status.st_mtim;
	cr_assert_eq(utimensat(AT_FDCWD, "other", times, 0), 0);
	cr_assert_eq(rename("other", path), 0);
	cr_assert(asks(NULL));
	cr_assert_not(asks(NULL));
}

/* It may start another one tomorrow. */
SCRATCH_TEST(asking, a_script_each_time)
{
	struct snapshot *records;
	char *script = NULL;

	build_tree();
	cr_assert_geq(
		asprintf(&script, "#!/bin/sh\necho >>starts\nexec %s \"$@\"\n", getenv("PYTHON")),
		0);
	scratch_file("python", script);
	scratch_mode("python", 0755);
	free(script);
	for (off_t starts = 1; starts <= 2; starts++) {
		struct stat status;
		compile_with("./python", "-j1");
		cr_assert_eq(stat("starts", &status), 0);
		cr_assert_eq(status.st_size, starts);
	}
	records = take_records();
	cr_assert_eq(records->count, 1);
	snapshot_free(records);
}

/* ---- A cache that is not wanted, or is not there ---- */

/*
 * Lets the only record say that the interpreter has another magic number. As in
 * src/interpreter_cache.c, what is in front of the last 8 bytes is hashed with the key "pyci",
 * which CPython from 3.11 on can do.
 */
static void plant_lie(void)
{
	static const char script[] = "import _imp, sys\n"
				     "with open(sys.argv[1], 'r+b') as file:\n"
				     "    record = bytearray(file.read())\n"
				     "    record[48:52] = b'\\1\\2\\r\\n'\n"
				     "    key = int.from_bytes(b'pyci', 'little')\n"
				     "    record[-8:] = _imp.source_hash(key, bytes(record[:-8]))\n"
				     "    file.seek(0)\n"
				     "    file.write(record)\n";
	struct run_result result;
	char *path = record_path();

	run_python(&result,
		   (struct run_request){.arguments = RUN_LIST("-c",
							      "import sys\nassert sys.hexversion > "
							      "0x30b0000")});
	if (result.status != 0)
		SCRATCH_SKIP("the linked interpreter has another source hash");
	run_result_fini(&result);
	run_python(&result, (struct run_request){.arguments = RUN_LIST("-c", script, path)});
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	free(path);
}

SCRATCH_TEST(asking, without_the_cache)
{
	struct snapshot *before, *after;

	build_tree();
	compile_with(getenv("PYTHON"), "--no-interpreter-cache");
	cr_assert_neq(access("cache", F_OK), 0, "a cache was made");
	compile_with(getenv("PYTHON"), NULL);
	plant_lie();
	before = take_records();
	scratch_move_caches("t", "aside");
	compile_with(getenv("PYTHON"), "--no-interpreter-cache");
	after = take_records();
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, "--no-interpreter-cache");
	snapshot_free(before);
	snapshot_free(after);
}

/* A lie is found out by the first source, and costs that run only. */
SCRATCH_TEST(asking, when_a_record_was_wrong)
{
	struct snapshot *expected, *actual;
	struct run_result result;

	build_tree();
	compile_with(getenv("PYTHON"), NULL);
	expected = snapshot_take("t", SNAPSHOT_ALL);
	plant_lie();
	run_ours(&result,
		 (struct run_request){.options = RUN_LIST("-q", "-j1"),
				      .arguments = RUN_LIST("--python", getenv("PYTHON"), "t"),
				      .environment = RUN_LIST(python_cache_variable())});
	RUN_ASSERT(&result, 3);
	cr_assert(lines_count(result.errors, "pycompileall: compile server ") == 1 &&
			  strstr(result.errors, ", not for cpython-") &&
			  strstr(result.errors, "(01020d0a)\n"),
		  "%s", result.errors);
	cr_assert_eq(result.output_size, 0, "%s", result.output);
	run_result_fini(&result);
	actual = snapshot_take("t", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(expected, actual, SNAPSHOT_SAME, "the run that believed it");
	snapshot_free(actual);
	scratch_mtime("t/a.py", SCRATCH_MTIME + 5, 0);
	compile_with(getenv("PYTHON"), NULL);
	scratch_mtime("t/a.py", SCRATCH_MTIME, 0);
	compile_with(getenv("PYTHON"), NULL);
	actual = snapshot_take("t", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(expected, actual, SNAPSHOT_SAME, "the runs after it");
	snapshot_free(actual);
	snapshot_free(expected);
}

/* A folder that must not be written, and a file in its place. */
SCRATCH_TEST(asking, when_the_cache_cannot_be_written)
{
	struct run_request request = {.options = RUN_LIST("-q", "--python", getenv("PYTHON")),
				      .arguments = RUN_LIST("t"),
				      .environment = RUN_LIST(python_cache_variable()),
				      .unprivileged = true};
	struct run_result result;

	build_tree();
	scratch_folder("cache");
	scratch_mode("cache", 0555);
	for (int i = 0; i < 2; i++) {
		run_ours(&result, request);
		RUN_ASSERT(&result, 0);
		cr_assert(result.output_size == 0 && result.errors_size == 0, "%s: %s",
			  result.command, result.errors);
		cr_assert_neq(access(PYTHON_CACHE, F_OK), 0);
		run_result_fini(&result);
		scratch_delete("cache");
		scratch_file("cache", "");
		scratch_move_caches("t", "aside");
	}
}
