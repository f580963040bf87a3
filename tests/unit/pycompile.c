/*
 * pycompile: the public functions, with the real compile server ($COMPILE_SERVER), beside importlib
 * and py_compile of $PYTHON.
 */
#include "config.h"

#include "pycompile.h"

#include "support/run.h"
#include "support/scratch.h"
#include "support/stub.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const char *server;
static struct pycompile *context;
static struct pycompile_result *result;

static void start_with(const char *path)
{
	server = path;
	cr_assert_not_null(server, "COMPILE_SERVER is not set");
	cr_assert_eq(setenv("LC_ALL", "C.UTF-8", 1), 0);
	cr_assert_eq(unsetenv("PYTHONWARNINGS"), 0);
	cr_assert_eq(unsetenv("PYTHONOPTIMIZE"), 0);
	cr_assert_eq(unsetenv("SOURCE_DATE_EPOCH"), 0);
	context = pycompile_create(server);
	cr_assert_not_null(context);
}

static void start(void)
{
	start_with(getenv("COMPILE_SERVER"));
}

static void stop(void)
{
	pycompile_result_destroy(result);
	result = NULL;
	pycompile_destroy(context);
}

/* Compiles; the result stays until the next one or stop. */
static enum pycompile_outcome compile(const char *file, const struct pycompile_options *options)
{
	pycompile_result_destroy(result);
	result = pycompile_compile(context, file, options);
	cr_assert_not_null(result);
	return pycompile_result_outcome(result);
}

/* Runs Python, while no compile server runs: it would pass for a process that Python left behind.
 */
static void run_python_alone(struct run_result *run, const char *const *arguments)
{
	if (context) {
		pycompile_destroy(context);
		context = pycompile_create(server);
		cr_assert_not_null(context);
	}
	run_python(run, (struct run_request){.arguments = arguments});
	RUN_ASSERT(run, 0);
}

/* Runs a Python script and returns what it printed; the caller frees it. */
static char *ask_python(const char *script)
{
	struct run_result run;
	char *output;

	run_python_alone(&run, RUN_LIST("-c", script));
	output = strdup(run.output);
	run_result_fini(&run);
	cr_assert_not_null(output);
	return output;
}

static void assert_python_says(const char *script, const char *expected)
{
	char *output = ask_python(script);

	cr_assert_str_eq(output, expected, "%s", script);
	free(output);
}

/* ---- The Python ---- */

Test(pycompile, python_is_the_interpreter)
{
	const unsigned char *magic = pycompile_magic_number();
	char expected[200];

	(void)snprintf(expected, sizeof(expected), "%s %s %02x%02x%02x%02x\n",
		       pycompile_python_version(), pycompile_cache_tag(), magic[0], magic[1],
		       magic[2], magic[3]);
	assert_python_says("import sys, importlib.util as u\n"
			   "print(sys.version.split()[0], sys.implementation.cache_tag,"
			   " u.MAGIC_NUMBER.hex())",
			   expected);
}

/* ---- Paths ---- */

static const char *const path_samples[] = {
	"/foo/bar/baz.py", "baz.py", "a.b.py", ".py", "q//a.py", "./x.py", "../x.py", "x", "",
};

static const char *const optimization_samples[] = {"", "1", "2", "abc9", "\303\251"};

/* What the library finds for all samples, as Python's print has it. */
static void append_paths(FILE *stream, const char *prefix)
{
	for (size_t i = 0; i < COUNT(path_samples); i++)
		for (size_t j = 0; j < COUNT(optimization_samples); j++) {
			char *path = pycompile_cache_from_source(path_samples[i],
								 optimization_samples[j], prefix);

			cr_assert_not_null(path);
			(void)fprintf(stream, "%s\n", path);
			free(path);
		}
}

SCRATCH_TEST(pycompile, cache_from_source_is_importlibs)
{
	size_t size;
	char *expected;
	FILE *stream = open_memstream(&expected, &size);

	append_paths(stream, NULL);
	append_paths(stream, "/cache");
	append_paths(stream, "rel");
	cr_assert_eq(fclose(stream), 0);
	assert_python_says("import sys, importlib.util as u\n"
			   "for sys.pycache_prefix in None, '/cache', 'rel':\n"
			   "  for p in ('/foo/bar/baz.py', 'baz.py', 'a.b.py', '.py', 'q//a.py',"
			   " './x.py', '../x.py', 'x', ''):\n"
			   "    for o in '', '1', '2', 'abc9', '\\xe9':\n"
			   "      print(u.cache_from_source(p, optimization=o))",
			   expected);
	free(expected);
}

Test(pycompile, cache_from_source_without_optimization_is_the_environments)
{
	char *path, *named;

	cr_assert_eq(setenv("PYTHONOPTIMIZE", "2", 1), 0);
	path = pycompile_cache_from_source("a.py", NULL, NULL);
	named = pycompile_cache_from_source("a.py", "2", NULL);
	cr_assert_str_eq(path, named);
	free(path);
	free(named);
}

Test(pycompile, cache_from_source_empty_prefix_is_none)
{
	char *path = pycompile_cache_from_source("a.py", "", "");
	char *plain = pycompile_cache_from_source("a.py", "", NULL);

	cr_assert_str_eq(path, plain);
	free(path);
	free(plain);
}

Test(pycompile, cache_from_source_wrong_optimization)
{
	static const char *const wrong[] = {"a b", "-1", "1.", " ", "\377"};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		errno = 0;
		cr_assert_null(pycompile_cache_from_source("a.py", wrong[i], NULL), "%s", wrong[i]);
		cr_assert_eq(errno, EINVAL);
	}
}

/* Where there was a folder there is none any more. */
SCRATCH_TEST(pycompile, cache_from_source_without_a_current_folder)
{
	scratch_folder("gone");
	cr_assert_eq(chdir("gone"), 0);
	cr_assert_eq(rmdir("../gone"), 0);
	cr_assert_null(pycompile_cache_from_source("a.py", "", "/cache"));
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(chdir(scratch_path()), 0);
}

Test(pycompile, source_from_cache_is_the_inverse)
{
	enum pycompile_path_error error = PYCOMPILE_PATH_DOTS;
	char *path = pycompile_cache_from_source("/foo/baz.py", "1", NULL);
	char *source = pycompile_source_from_cache(path, NULL, &error);

	cr_assert_str_eq(source, "/foo/baz.py");
	cr_assert_eq(error, PYCOMPILE_PATH_OK);
	free(source);
	free(path);
	source = pycompile_source_from_cache("/cache/foo/baz.tag.pyc", "/cache", NULL);
	cr_assert_str_eq(source, "/foo/baz.py");
	free(source);
}

Test(pycompile, source_from_cache_tells_why_not)
{
	static const struct {
		const char *path;
		enum pycompile_path_error error;
	} cases[] = {
		{"baz.tag.pyc", PYCOMPILE_PATH_NOT_IN_PYCACHE},
		{"__pycache__/baz.pyc", PYCOMPILE_PATH_DOTS},
		{"__pycache__/a.b.tag.opt-1.pyc", PYCOMPILE_PATH_DOTS},
		{"__pycache__/a.b.tag.pyc", PYCOMPILE_PATH_NO_OPT},
		{"__pycache__/a.tag.opt-.pyc", PYCOMPILE_PATH_OPT_NOT_ALPHANUMERIC},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		enum pycompile_path_error error = PYCOMPILE_PATH_OK;

		errno = 0;
		cr_assert_null(pycompile_source_from_cache(cases[i].path, NULL, &error));
		cr_assert_eq(error, cases[i].error, "%s", cases[i].path);
		cr_assert_eq(errno, EINVAL);
		cr_assert_null(pycompile_source_from_cache(cases[i].path, NULL, NULL));
	}
}

/* ---- Headers ---- */

static void assert_read_back(struct pycompile_header header)
{
	unsigned char bytes[PYCOMPILE_HEADER_SIZE];
	struct pycompile_header again;

	memcpy(header.magic, pycompile_magic_number(), sizeof(header.magic));
	pycompile_header_build(bytes, &header);
	pycompile_header_read(&again, bytes);
	cr_assert_arr_eq(again.magic, header.magic, sizeof(header.magic));
	cr_assert_eq(again.flags, header.flags);
	cr_assert_eq(again.mtime, header.mtime);
	cr_assert_eq(again.size, header.size);
	cr_assert_eq(again.hash, header.hash);
}

Test(pycompile, header_reads_what_it_builds)
{
	assert_read_back((struct pycompile_header){.mtime = 0x81828384, .size = 0xf1f2f3f4});
	assert_read_back((struct pycompile_header){
		.flags = PYCOMPILE_FLAG_HASH | PYCOMPILE_FLAG_CHECKED, .hash = 0x8182838485868788});
}

Test(pycompile, header_is_that_of_pep_552)
{
	static const unsigned char bytes[PYCOMPILE_HEADER_SIZE] = {
		0xa7, 0x0d, '\r', '\n', 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8,
	};
	struct pycompile_header header;

	pycompile_header_read(&header, bytes);
	cr_assert_arr_eq(header.magic, bytes, sizeof(header.magic));
	cr_assert_eq(header.flags, 0);
	cr_assert_eq(header.mtime, 0x04030201);
	cr_assert_eq(header.size, 0x08070605);
	cr_assert_eq(header.hash, 0);
}

Test(pycompile, header_mtime_is_pythons)
{
	cr_assert_eq(pycompile_header_mtime((struct timespec){1600000000, 999999999}), 1600000001);
	cr_assert_eq(pycompile_header_mtime((struct timespec){-6, 500000000}), (uint32_t)-5);
}

Test(pycompile, source_hash_is_importlibs)
{
	unsigned long long hash = pycompile_source_hash("x = 1\n", 6);
	char expected[32];

	(void)snprintf(expected, sizeof(expected), "%016llx\n", hash);
	assert_python_says("import importlib.util as u\n"
			   "print(u.source_hash(b'x = 1\\n')[::-1].hex())",
			   expected);
}

/* ---- Compiling, beside py_compile ---- */

static void assert_equal_files(const char *left, const char *right)
{
	struct stat one, other;
	size_t left_size, right_size;
	char *left_bytes = scratch_read(left, &left_size);
	char *right_bytes = scratch_read(right, &right_size);

	cr_assert_eq(left_size, right_size, "%s", left);
	cr_assert_eq(memcmp(left_bytes, right_bytes, left_size), 0, "%s", left);
	cr_assert_eq(stat(left, &one), 0);
	cr_assert_eq(stat(right, &other), 0);
	cr_assert_eq(one.st_mode, other.st_mode, "%s", left);
	free(left_bytes);
	free(right_bytes);
}

/*
 * Lets py_compile.compile do the same with `arguments`, beside its first two, and compares the file
 * it wrote.
 */
static void assert_written_as(const char *source, const struct pycompile_options *options,
			      const char *arguments)
{
	char script[400];

	cr_assert_eq(compile(source, options), PYCOMPILE_WRITTEN, "%s",
		     pycompile_result_message(result));
	(void)snprintf(script, sizeof(script),
		       "import py_compile as p; M = p.PycInvalidationMode\n"
		       "p.compile('%s', 'expected.pyc'%s)",
		       source, arguments);
	assert_python_says(script, "");
	assert_equal_files(pycompile_result_path(result), "expected.pyc");
	scratch_delete("expected.pyc");
}

static const char module_text[] = "\"\"\"doc\"\"\"\n"
				  "def f(x):\n"
				  "    \"\"\"doc\"\"\"\n"
				  "    assert x\n"
				  "    return lambda: x\n";

SCRATCH_TEST(pycompile, bytes_are_py_compiles)
{
	static const struct {
		struct pycompile_options options;
		const char *arguments;
	} cases[] = {
		{{.optimize = -1}, ", invalidation_mode=M.TIMESTAMP"},
		{{.optimize = 0, .mode = PYCOMPILE_MODE_TIMESTAMP},
		 ", optimize=0, invalidation_mode=M.TIMESTAMP"},
		{{.optimize = 1, .mode = PYCOMPILE_MODE_CHECKED_HASH},
		 ", optimize=1, invalidation_mode=M.CHECKED_HASH"},
		{{.optimize = 2, .mode = PYCOMPILE_MODE_UNCHECKED_HASH},
		 ", optimize=2, invalidation_mode=M.UNCHECKED_HASH"},
		{{.optimize = 0, .dfile = "/other/name.py"}, ", '/other/name.py', optimize=0"},
		{{.optimize = 0, .cfile = "out/deep/x.pyc"}, ", optimize=0"},
	};

	start();
	scratch_file("t/m.py", module_text);
	scratch_mode("t/m.py", 0755);
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_written_as("t/m.py", &cases[i].options, cases[i].arguments);
	stop();
}

SCRATCH_TEST(pycompile, path_is_what_py_compile_returns)
{
	struct pycompile_options options = PYCOMPILE_OPTIONS_INIT;
	char *expected = pycompile_cache_from_source("t/m.py", "1", NULL);

	start();
	scratch_file("t/m.py", "x = 1\n");
	options.optimize = 1;
	cr_assert_eq(compile("t/m.py", &options), PYCOMPILE_WRITTEN);
	cr_assert_str_eq(pycompile_result_path(result), expected);
	cr_assert_str_eq(pycompile_result_error_type(result), "");
	cr_assert_str_eq(pycompile_result_message(result), "");
	cr_assert_str_eq(pycompile_result_warnings(result), "");
	cr_assert_eq(pycompile_result_errno(result), 0);
	free(expected);
	stop();
}

SCRATCH_TEST(pycompile, prefix_is_where_it_goes)
{
	struct pycompile_options options = PYCOMPILE_OPTIONS_INIT;
	char *expected;

	start();
	scratch_file("t/m.py", "x = 1\n");
	options.prefix = "cache";
	expected = pycompile_cache_from_source("t/m.py", "", "cache");
	cr_assert_eq(compile("t/m.py", &options), PYCOMPILE_WRITTEN);
	cr_assert_str_eq(pycompile_result_path(result), expected);
	cr_assert_eq(access(expected, R_OK), 0);
	cr_assert_eq(pycompile_check("t/m.py", &options), PYCOMPILE_FRESH);
	cr_assert_eq(pycompile_check("t/m.py", NULL), PYCOMPILE_STALE_MISSING);
	free(expected);
	stop();
}

SCRATCH_TEST(pycompile, defaults_are_the_environments)
{
	struct pycompile_header header;
	size_t size;
	char *bytes;

	start();
	scratch_file("m.py", "x = 1\n");
	cr_assert_eq(setenv("SOURCE_DATE_EPOCH", "1", 1), 0);
	cr_assert_eq(setenv("PYTHONOPTIMIZE", "2", 1), 0);
	cr_assert_eq(compile("m.py", NULL), PYCOMPILE_WRITTEN);
	cr_assert(strstr(pycompile_result_path(result), ".opt-2.pyc"));
	bytes = scratch_read(pycompile_result_path(result), &size);
	pycompile_header_read(&header, (const unsigned char *)bytes);
	cr_assert_eq(header.flags, PYCOMPILE_FLAG_HASH | PYCOMPILE_FLAG_CHECKED);
	cr_assert_eq(header.hash, pycompile_source_hash("x = 1\n", 6));
	free(bytes);
	stop();
}

/* ---- Errors, beside py_compile ---- */

/*
 * Runs py_compile.compile(`arguments`) with doraise, and compares the error with that of the
 * result: type and text, and where it is an OSError its errno.
 */
static void assert_raised_as(const char *arguments)
{
	char script[600], *expected, *found;
	size_t size;
	FILE *stream = open_memstream(&found, &size);

	(void)snprintf(script, sizeof(script),
		       "import py_compile as p\n"
		       "try: p.compile(%s, doraise=True)\n"
		       "except p.PyCompileError as e: print(e.exc_type_name, 0, e.msg, sep='|')\n"
		       "except OSError as e: print(type(e).__name__, e.errno or 17, e, sep='|')",
		       arguments);
	expected = ask_python(script);
	(void)fprintf(stream, "%s|%d|%s\n", pycompile_result_error_type(result),
		      pycompile_result_errno(result), pycompile_result_message(result));
	cr_assert_eq(fclose(stream), 0);
	cr_assert_str_eq(found, expected);
	cr_assert_null(pycompile_result_path(result));
	free(found);
	free(expected);
}

SCRATCH_TEST(pycompile, rejected_sources)
{
	static const char *const texts[] = {
		"x = (\n",                        /* SyntaxError */
		"return 1\n",                     /* SyntaxError of the compiler proper */
		"if x:\ny\n",                     /* IndentationError */
		"if x:\n        y\n\tz\n",        /* TabError */
		"x = '\\ud800'\ny = '\xff'\n",    /* undecodable */
		"# coding: nonsense\n",           /* unknown encoding */
		"def f(a, a): pass\n",            /* SyntaxError with a name */
		"\xef\xbb\xbf# coding: latin-1\n" /* two encodings */
	};

	start();
	for (size_t i = 0; i < COUNT(texts); i++) {
		scratch_file("m.py", texts[i]);
		cr_assert_eq(compile("m.py", NULL), PYCOMPILE_REJECTED, "%zu", i);
		assert_raised_as("'m.py'");
	}
	stop();
}

SCRATCH_TEST(pycompile, rejected_types_are_told)
{
	static const struct {
		const char *text;
		const char *type;
	} cases[] = {
		{"x = (\n", "SyntaxError"},
		{"if x:\ny\n", "IndentationError"},
		{"if x:\n        y\n\tz\n", "TabError"},
	};

	start();
	for (size_t i = 0; i < COUNT(cases); i++) {
		scratch_file("m.py", cases[i].text);
		cr_assert_eq(compile("m.py", NULL), PYCOMPILE_REJECTED);
		cr_assert_str_eq(pycompile_result_error_type(result), cases[i].type);
	}
	stop();
}

SCRATCH_TEST(pycompile, null_bytes_are_rejected)
{
	start();
	scratch_bytes("m.py", "x\0y\n", 4);
	cr_assert_eq(compile("m.py", NULL), PYCOMPILE_REJECTED);
	assert_raised_as("'m.py'");
	stop();
}

SCRATCH_TEST(pycompile, level_that_there_is_not)
{
	struct pycompile_options options = PYCOMPILE_OPTIONS_INIT;

	start();
	scratch_file("m.py", "x = 1\n");
	options.optimize = 3;
	cr_assert_eq(compile("m.py", &options), PYCOMPILE_REJECTED);
	cr_assert_str_eq(pycompile_result_error_type(result), "ValueError");
	assert_raised_as("'m.py', optimize=3");
	stop();
}

SCRATCH_TEST(pycompile, dfile_is_named_in_errors)
{
	struct pycompile_options options = PYCOMPILE_OPTIONS_INIT;

	start();
	scratch_file("m.py", "x = (\n");
	options.dfile = "other.py";
	cr_assert_eq(compile("m.py", &options), PYCOMPILE_REJECTED);
	assert_raised_as("'m.py', dfile='other.py'");
	stop();
}

SCRATCH_TEST(pycompile, source_that_is_not_there)
{
	start();
	cr_assert_eq(compile("none.py", NULL), PYCOMPILE_OS_ERROR);
	assert_raised_as("'none.py'");
	cr_assert_eq(compile("no/folder/none.py", NULL), PYCOMPILE_OS_ERROR);
	assert_raised_as("'no/folder/none.py'");
	cr_assert_eq(compile("", NULL), PYCOMPILE_OS_ERROR);
	assert_raised_as("''");
	stop();
}

SCRATCH_TEST(pycompile, source_that_is_a_folder)
{
	start();
	scratch_folder("m.py");
	cr_assert_eq(compile("m.py", NULL), PYCOMPILE_OS_ERROR);
	cr_assert_str_eq(pycompile_result_error_type(result), "IsADirectoryError");
	assert_raised_as("'m.py'");
	stop();
}

SCRATCH_TEST(pycompile, source_that_is_a_fifo)
{
	start();
	scratch_fifo("m.py");
	cr_assert_eq(compile("m.py", NULL), PYCOMPILE_OS_ERROR);
	cr_assert_eq(pycompile_result_errno(result), EINVAL);
	stop();
}

SCRATCH_TEST(pycompile, folder_that_is_a_file)
{
	start();
	scratch_file("f", "");
	cr_assert_eq(compile("f/m.py", NULL), PYCOMPILE_OS_ERROR);
	cr_assert_str_eq(pycompile_result_error_type(result), "NotADirectoryError");
	assert_raised_as("'f/m.py'");
	stop();
}

SCRATCH_TEST(pycompile, target_that_is_a_link)
{
	struct pycompile_options options = PYCOMPILE_OPTIONS_INIT;

	start();
	scratch_file("m.py", "x = 1\n");
	scratch_file("kept", "kept\n");
	scratch_symlink("kept", "m.pyc");
	options.cfile = "m.pyc";
	cr_assert_eq(compile("m.py", &options), PYCOMPILE_OS_ERROR);
	cr_assert_str_eq(pycompile_result_error_type(result), "FileExistsError");
	assert_raised_as("'m.py', 'm.pyc'");
	stop();
}

SCRATCH_TEST(pycompile, target_that_is_not_regular)
{
	struct pycompile_options options = PYCOMPILE_OPTIONS_INIT;

	start();
	scratch_file("m.py", "x = 1\n");
	scratch_folder("m.pyc");
	options.cfile = "m.pyc";
	cr_assert_eq(compile("m.py", &options), PYCOMPILE_OS_ERROR);
	assert_raised_as("'m.py', 'm.pyc'");
	stop();
}

/* Above the target a file stands where its folder should be made. */
SCRATCH_TEST(pycompile, target_that_cannot_be_made)
{
	start();
	scratch_file("m.py", "x = 1\n");
	scratch_file("__pycache__", "");
	cr_assert_eq(compile("m.py", NULL), PYCOMPILE_OS_ERROR);
	cr_assert_eq(pycompile_result_errno(result), ENOTDIR);
	cr_assert_str_eq(pycompile_result_error_type(result), "NotADirectoryError");
	stop();
}

SCRATCH_TEST(pycompile, permission_is_denied)
{
	if (geteuid() == 0 && seteuid(65534) != 0)
		SCRATCH_SKIP("cannot give up root's rights");
	cr_assert_eq(seteuid(0), 0);
	scratch_file("m.py", "x = 1\n");
	scratch_mode("m.py", 0);
	scratch_mode(".", 0755);
	start();
	cr_assert_eq(seteuid(65534), 0);
	cr_assert_eq(compile("m.py", NULL), PYCOMPILE_OS_ERROR);
	cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(pycompile_result_errno(result), EACCES);
	cr_assert_str_eq(pycompile_result_error_type(result), "PermissionError");
	cr_assert_str_eq(pycompile_result_message(result), "[Errno 13] Permission denied: 'm.py'");
	stop();
}

/* A failure leaves what was there. */
SCRATCH_TEST(pycompile, failure_keeps_the_old_file)
{
	struct pycompile_options options = PYCOMPILE_OPTIONS_INIT;
	size_t size;
	char *bytes;

	start();
	scratch_file("m.py", "x = (\n");
	scratch_file("m.pyc", "old");
	options.cfile = "m.pyc";
	cr_assert_eq(compile("m.py", &options), PYCOMPILE_REJECTED);
	bytes = scratch_read("m.pyc", &size);
	cr_assert_str_eq(bytes, "old");
	free(bytes);
	stop();
}

/* ---- Warnings ---- */

SCRATCH_TEST(pycompile, warnings_are_pythons)
{
	struct run_result run;

	start();
	scratch_file("m.py", "x = 1\nx is 1\n");
	cr_assert_eq(compile("m.py", NULL), PYCOMPILE_WRITTEN);
	run_python_alone(&run, RUN_LIST("-m", "py_compile", "m.py"));
	cr_assert_str_eq(pycompile_result_warnings(result), run.errors);
	run_result_fini(&run);
	scratch_file("m.py", "x = 1\n");
	cr_assert_eq(compile("m.py", NULL), PYCOMPILE_WRITTEN);
	cr_assert_str_eq(pycompile_result_warnings(result), "", "those of before are gone");
	stop();
}

/* ---- Servers that fail ---- */

SCRATCH_TEST(pycompile, server_that_is_not_there)
{
	start_with("./none");
	scratch_file("m.py", "x = 1\n");
	cr_assert_eq(compile("m.py", NULL), PYCOMPILE_SERVER_ABSENT);
	cr_assert_str_eq(pycompile_result_error_type(result), "ChildProcessError");
	cr_assert(strstr(pycompile_result_message(result), "./none"));
	cr_assert_eq(pycompile_result_errno(result), 0);
	stop();
}

/* The right greeting, and then nothing more. */
SCRATCH_TEST(pycompile, server_that_dies)
{
	stub_server("server", interpreter_embedded(), 0, "greet\nexit 7\n");
	start_with("./server");
	scratch_file("m.py", "x = 1\n");
	cr_assert_eq(compile("m.py", NULL), PYCOMPILE_SERVER_DIED, "%s",
		     pycompile_result_message(result));
	cr_assert_str_eq(pycompile_result_error_type(result), "ChildProcessError");
	cr_assert(strstr(pycompile_result_message(result), "status 7"));
	stop();
}

Test(pycompile, nothing_is_no_trouble)
{
	pycompile_destroy(NULL);
	pycompile_result_destroy(NULL);
}

/* ---- Staleness ---- */

static const struct pycompile_options by_time = {.mode = PYCOMPILE_MODE_TIMESTAMP};
static const struct pycompile_options by_hash = {.mode = PYCOMPILE_MODE_CHECKED_HASH};

static void compile_module(const struct pycompile_options *options)
{
	scratch_file("m.py", "x = 1\n");
	cr_assert_eq(compile("m.py", options), PYCOMPILE_WRITTEN);
	cr_assert_eq(pycompile_check("m.py", options), PYCOMPILE_FRESH);
}

static const char *compiled(void)
{
	return pycompile_result_path(result);
}

SCRATCH_TEST(pycompile, check_tells_each_reason)
{
	start();
	scratch_file("m.py", "x = 1\n");
	cr_assert_eq(pycompile_check("m.py", &by_time), PYCOMPILE_STALE_MISSING);
	compile_module(&by_time);
	cr_assert_eq(pycompile_check("m.py", &by_hash), PYCOMPILE_STALE_FLAGS);
	scratch_mtime("m.py", SCRATCH_MTIME + 1, 0);
	cr_assert_eq(pycompile_check("m.py", &by_time), PYCOMPILE_STALE_MTIME);
	scratch_file("m.py", "x = 10\n");
	cr_assert_eq(pycompile_check("m.py", &by_time), PYCOMPILE_STALE_SIZE);
	compile_module(&by_hash);
	scratch_file("m.py", "x = 2\n");
	cr_assert_eq(pycompile_check("m.py", &by_hash), PYCOMPILE_STALE_HASH);
	compile_module(&by_time);
	scratch_patch(compiled(), 0, "\1", 1);
	cr_assert_eq(pycompile_check("m.py", &by_time), PYCOMPILE_STALE_MAGIC);
	scratch_truncate(compiled(), PYCOMPILE_HEADER_SIZE);
	cr_assert_eq(pycompile_check("m.py", &by_time), PYCOMPILE_STALE_TRUNCATED);
	scratch_delete(compiled());
	scratch_folder(compiled());
	cr_assert_eq(pycompile_check("m.py", &by_time), PYCOMPILE_UNREADABLE);
	stop();
}

SCRATCH_TEST(pycompile, check_takes_any_mode_by_default)
{
	static const enum pycompile_mode modes[] = {
		PYCOMPILE_MODE_TIMESTAMP,
		PYCOMPILE_MODE_CHECKED_HASH,
		PYCOMPILE_MODE_UNCHECKED_HASH,
	};

	start();
	for (size_t i = 0; i < COUNT(modes); i++) {
		struct pycompile_options options = {.mode = modes[i]};

		compile_module(&options);
		cr_assert_eq(pycompile_check("m.py", NULL), PYCOMPILE_FRESH);
	}
	stop();
}

SCRATCH_TEST(pycompile, check_looks_where_it_is_told)
{
	struct pycompile_options options = PYCOMPILE_OPTIONS_INIT;

	start();
	options.cfile = "out/m.pyc";
	compile_module(&options);
	cr_assert_eq(pycompile_check("m.py", NULL), PYCOMPILE_STALE_MISSING);
	stop();
}

SCRATCH_TEST(pycompile, check_of_what_is_no_source)
{
	scratch_folder("folder.py");
	scratch_fifo("fifo.py");
	cr_assert_eq(pycompile_check("none.py", NULL), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_eq(pycompile_check("folder.py", NULL), -1);
	cr_assert_eq(errno, EISDIR);
	cr_assert_eq(pycompile_check("fifo.py", NULL), -1);
	cr_assert_eq(errno, EINVAL);
}

Test(pycompile, staleness_names)
{
	cr_assert_str_eq(pycompile_staleness_name(PYCOMPILE_FRESH), "fresh");
	cr_assert_str_eq(pycompile_staleness_name(PYCOMPILE_STALE_HASH), "source hash");
	cr_assert_str_eq(pycompile_staleness_name(PYCOMPILE_UNREADABLE), "unreadable");
	cr_assert_null(pycompile_staleness_name(PYCOMPILE_UNREADABLE + 1));
	cr_assert_null(pycompile_staleness_name(-1));
}
