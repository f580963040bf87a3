/*
 * target: what is made for each interpreter, with scripts in the place of interpreters. Such a
 * script is called as Python would be, with the server's script as an argument that it ignores.
 */
#include "config.h"

#include "target.h"

#include "protocol.h"
#include "support/scratch.h"
#include "support/stub.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STAY "exec sleep 100\n"

static const struct interpreter alpha = {.cache_tag = "alpha-1",
					 .magic = "\1\2\r\n",
					 .hash_kind = SOURCE_HASH_SIP13},
				beta = {.cache_tag = "beta-2",
					.magic = "\3\4\r\n",
					.hash_kind = SOURCE_HASH_SIP24};

static struct options options;
static struct targets targets;
static struct buffer problem;

/* Nothing of the user's speaks for what was not asked for, and nothing is kept by now. */
static void set_up(void)
{
	static const char *const names[] = {"PYTHONOPTIMIZE", "PYTHONPYCACHEPREFIX",
					    "SOURCE_DATE_EPOCH"};
	char cache[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert_eq(unsetenv(names[i]), 0);
	(void)snprintf(cache, sizeof(cache), "%s/cache", scratch_path());
	cr_assert_eq(setenv("XDG_CACHE_HOME", cache, 1), 0);
	cr_assert_eq(setenv("PYCOMPILEALL_LIBEXECDIR", scratch_path(), 1), 0);
}

/* targets_find with the words of a command line; the last must be NULL. */
static int find(const char *const *words)
{
	static char copies[40][100];
	char *argv[42] = {copies[0]};
	int count = 1;

	while (words[count - 1]) {
		(void)snprintf(copies[count], sizeof(copies[0]), "%s", words[count - 1]);
		argv[count] = copies[count];
		count++;
	}
	cr_assert_eq(options_parse(&options, count, argv, stderr), OPTIONS_OK);
	errno = 0;
	return targets_find(&targets, &options, &problem);
}

#define FIND(...) find((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void release(void)
{
	targets_fini(&targets);
	options_fini(&options);
	buffer_fini(&problem);
}

/* The words do not do, with this errno and this sentence. */
static void assert_refused(int result, int error, const char *sentence)
{
	int found = errno;

	cr_assert_eq(result, -1);
	cr_assert_str_eq(buffer_string(&problem), sentence);
	cr_assert_eq(found, error, "%s", strerror(found));
	release();
}

static void make_stub(const char *path, const struct interpreter *interpreter, const char *script)
{
	struct buffer text = BUFFER_INIT;

	buffer_printf(&text, "printf x >>%s.starts\n%s", path, script);
	stub_server(path, interpreter, 0, buffer_string(&text));
	buffer_fini(&text);
}

/* How often that script was started. */
static size_t starts(const char *path)
{
	char name[100];
	size_t size;

	(void)snprintf(name, sizeof(name), "%s.starts", path);
	if (access(name, F_OK) != 0)
		return 0;
	free(scratch_read(name, &size));
	return size;
}

/* ---- Levels ---- */

/* The first target's levels, as "level:optimization" with spaces between. */
static void assert_levels(const char *expected)
{
	const struct target *target = targets.list[0];
	struct buffer text = BUFFER_INIT;

	for (size_t i = 0; i < target->level_count; i++)
		buffer_printf(&text, "%s%d:%s", i > 0 ? " " : "", target->levels[i].level,
			      target->levels[i].optimization);
	cr_assert_str_eq(buffer_string(&text), expected);
	buffer_fini(&text);
	release();
}

SCRATCH_TEST(target, levels_are_sorted_and_no_two_alike)
{
	set_up();
	cr_assert_eq(FIND("-o", "2", "-o", "0", "-o1", "-o", "2", "-o", "0"), 0);
	assert_levels("0: 1:1 2:2");
	cr_assert_eq(FIND("-o", "0", "-o", "-1"), 0);
	assert_levels("0:");
	cr_assert_eq(FIND("-o", "-1", "-o", "-7"), 0);
	assert_levels("0:");
	cr_assert_eq(FIND(), 0);
	assert_levels("0:");
}

/* compile() refuses them all, and the first refusal ends a source. */
SCRATCH_TEST(target, first_level_above_2_is_the_last)
{
	set_up();
	cr_assert_eq(FIND("-o", "9", "-o", "3", "-o", "1", "-o", "4"), 0);
	assert_levels("1:1 3:3");
}

SCRATCH_TEST(target, own_level_is_the_environments)
{
	set_up();
	cr_assert_eq(setenv("PYTHONOPTIMIZE", "2", 1), 0);
	cr_assert_eq(FIND(), 0);
	assert_levels("2:2");
	cr_assert_eq(FIND("-o", "-1", "-o", "0"), 0);
	assert_levels("2:2 0:");
	cr_assert_eq(setenv("PYTHONOPTIMIZE", "7", 1), 0);
	cr_assert_eq(FIND("-o", "-1", "-o", "0", "-o", "1", "-o", "2", "-o", "3", "-o", "4"), 0);
	assert_levels("2:7 0: 1:1 2:2 3:3");
}

SCRATCH_TEST(target, own_level_is_the_interpreters)
{
	struct interpreter optimizing = alpha;

	set_up();
	optimizing.level = 2;
	make_stub("python", &optimizing, "greet\n" STAY);
	cr_assert_eq(FIND("--python", "./python", "-o", "-1"), 0);
	assert_levels("2:2");
	cr_assert_eq(FIND("--python", "./python"), 0);
	assert_levels("2:2");
	cr_assert_eq(FIND("--python", "./python", "-o", "1"), 0);
	assert_levels("1:1");
	cr_assert_eq(setenv("PYTHONOPTIMIZE", "1", 1), 0);
	cr_assert_eq(FIND("--python", "./python"), 0);
	assert_levels("2:2");
}

/* ---- Which targets there are ---- */

SCRATCH_TEST(target, embedded_interpreter_is_the_default)
{
	const struct target *target;

	set_up();
	cr_assert_eq(FIND(), 0);
	cr_assert_eq(targets.count, 1);
	cr_assert_eq(targets.python_count, 1);
	target = targets.list[0];
	cr_assert(interpreter_equals(&target->interpreter, interpreter_embedded()));
	cr_assert_null(target->label);
	cr_assert_null(target->asked, "it need not be asked");
	cr_assert_str_eq(target->cache.cache_tag, interpreter_embedded()->cache_tag);
	cr_assert_eq(target->command.timeout, OPTIONS_TIMEOUT);
	cr_assert(target->command.process.bound);
	cr_assert(target->demand.any_mode);
	release();
}

SCRATCH_TEST(target, interpreters_are_what_they_say)
{
	set_up();
	make_stub("one", &alpha, "greet\n" STAY);
	make_stub("two", &beta, "greet\n" STAY);
	cr_assert_eq(FIND("--python", "./one", "--python", "./two", "--timeout", "9"), 0, "%s",
		     buffer_string(&problem));
	cr_assert_eq(targets.count, 2);
	cr_assert_eq(targets.python_count, 2);
	cr_assert(interpreter_equals(&targets.list[0]->interpreter, &alpha));
	cr_assert(interpreter_equals(&targets.list[1]->interpreter, &beta));
	cr_assert_str_eq(targets.list[0]->interpreter.version, "3.11.2");
	cr_assert_str_eq(targets.list[0]->label, "alpha-1");
	cr_assert_str_eq(targets.list[1]->label, "beta-2");
	cr_assert_str_eq(targets.list[1]->cache.cache_tag, "beta-2");
	cr_assert_eq(targets.list[1]->demand.interpreter, &targets.list[1]->interpreter);
	cr_assert_eq(targets.list[1]->command.timeout, 9);
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(targets.pythons[i].index, i);
	release();
}

/* As on the command line of a shell: a name without a slash is looked for on PATH. */
SCRATCH_TEST(target, interpreter_is_found_on_path)
{
	char path[PATH_MAX];

	set_up();
	make_stub("bin/python9", &alpha, "greet\n" STAY);
	(void)snprintf(path, sizeof(path), "%s/bin:%s", scratch_path(), getenv("PATH"));
	scratch_file("bin/python9.starts", "");
	cr_assert_eq(setenv("PATH", path, 1), 0);
	cr_assert_eq(FIND("--python", "python9"), 0);
	(void)snprintf(path, sizeof(path), "%s/bin/python9", scratch_path());
	cr_assert_str_eq(targets.pythons[0].path, path);
	cr_assert_null(targets.list[0]->label, "there is no other");
	release();
}

/* Whichever of them comes in between. */
SCRATCH_TEST(target, names_of_one_interpreter_are_one_target)
{
	set_up();
	make_stub("one", &alpha, "greet\n" STAY);
	make_stub("two", &beta, "greet\n" STAY);
	scratch_symlink("one", "another");
	cr_assert_eq(FIND("--python", "./one", "--python", "./another"), 0);
	cr_assert_eq(targets.count, 1);
	cr_assert_eq(targets.python_count, 2);
	cr_assert_eq(targets.pythons[0].index, 0);
	cr_assert_eq(targets.pythons[1].index, 0);
	cr_assert_str_eq(targets.pythons[1].path, "./another");
	cr_assert_null(targets.list[0]->label);
	release();
	cr_assert_eq(FIND("--python", "./one", "--python", "./another", "--python", "./two",
			  "--python", "./one"),
		     0);
	cr_assert_eq(targets.count, 2);
	cr_assert_eq(targets.python_count, 4);
	cr_assert_eq(targets.pythons[0].index, 0);
	cr_assert_eq(targets.pythons[1].index, 0);
	cr_assert_eq(targets.pythons[2].index, 1);
	cr_assert_eq(targets.pythons[3].index, 0);
	cr_assert(interpreter_equals(&targets.list[1]->interpreter, &beta));
	release();
}

/* Each waits for the other's start before it greets. */
SCRATCH_TEST(target, interpreters_are_asked_side_by_side)
{
	set_up();
	make_stub("one", &alpha, "until test -e two.starts; do sleep 0.01; done\ngreet\n" STAY);
	make_stub("two", &beta, "until test -e one.starts; do sleep 0.01; done\ngreet\n" STAY);
	cr_assert_eq(FIND("--python", "./one", "--python", "./two", "--timeout", "20"), 0, "%s",
		     buffer_string(&problem));
	release();
}

/* ---- Interpreters that will not do ---- */

SCRATCH_TEST(target, missing_interpreter)
{
	set_up();
	scratch_file("plain", "text\n");
	assert_refused(FIND("--python", "./no'ne"), ENOENT,
		       "interpreter \"./no'ne\": No such file or directory");
	assert_refused(FIND("--python", "no-such-python"), ENOENT,
		       "interpreter 'no-such-python': No such file or directory");
	assert_refused(FIND("--python", "./plain"), EACCES,
		       "interpreter './plain': Permission denied");
	assert_refused(FIND("--python", ""), ENOENT, "interpreter '': No such file or directory");
}

SCRATCH_TEST(target, what_cannot_be_run)
{
	set_up();
	scratch_file("text", "no program\n");
	scratch_mode("text", 0755);
	assert_refused(FIND("--python", "./text"), ECHILD,
		       "interpreter './text': cannot start compile server ./text: Exec format "
		       "error");
}

/* What it says on standard error is not shown. */
SCRATCH_TEST(target, what_is_no_python)
{
	int saved = dup(STDERR_FILENO), file;
	size_t size;

	set_up();
	scratch_file("no_python", "#!/bin/sh\necho unknown option -S >&2\nexit 2\n");
	scratch_mode("no_python", 0755);
	file = open("errors", O_CREAT | O_WRONLY, 0600);
	cr_assert_geq(dup2(file, STDERR_FILENO), 0);
	(void)FIND("--python", "./no_python");
	cr_assert_geq(dup2(saved, STDERR_FILENO), 0);
	assert_refused(-1, ECHILD,
		       "interpreter './no_python': does not answer as Python 3.6 or later would: "
		       "the compile server ended with status 2");
	free(scratch_read("errors", &size));
	cr_assert_eq(size, 0);
	(void)close(file);
	(void)close(saved);
}

SCRATCH_TEST(target, what_speaks_nonsense)
{
	set_up();
	make_stub("python", &alpha, "printf '%0100d' 7 >&0\n" STAY);
	assert_refused(FIND("--python", "./python"), ECHILD,
		       "interpreter './python': does not answer as Python 3.6 or later would: the "
		       "compile server was not understood: Protocol error");
}

/* And none of the others, which did answer, is left. */
SCRATCH_TEST(target, what_hangs)
{
	struct timespec before, after;

	set_up();
	make_stub("one", &alpha, "greet\n" STAY);
	make_stub("two", &beta, STAY);
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	assert_refused(FIND("--python", "./one", "--python", "./two", "--timeout", "1"), ECHILD,
		       "interpreter './two': does not answer as Python 3.6 or later would: the "
		       "compile server did not greet within 1 s");
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	cr_assert_lt(after.tv_sec - before.tv_sec, 20);
}

SCRATCH_TEST(target, two_that_write_the_same_files)
{
	struct interpreter other = alpha;

	set_up();
	other.magic[0] = 9;
	make_stub("one", &alpha, "greet\n" STAY);
	make_stub("two", &other, "greet\n" STAY);
	assert_refused(FIND("--python", "./one", "--python", "./two"), EINVAL,
		       "argument --python: ./one and ./two both write alpha-1.pyc files, of "
		       "different magic numbers");
}

SCRATCH_TEST(target, one_place_for_several)
{
	set_up();
	make_stub("one", &alpha, "greet\n" STAY);
	make_stub("two", &beta, "greet\n" STAY);
	assert_refused(FIND("--python", "./one", "--python", "./two", "-b"), EINVAL,
		       "-b goes with one interpreter");
	assert_refused(FIND("--python", "./one", "--python", "./two", "--py-compile", "--cfile",
			    "x", "a.py"),
		       EINVAL, "--cfile goes with one interpreter");
	cr_assert_eq(FIND("--python", "./one", "--python", "./one", "-b"), 0, "they are one");
	cr_assert(targets.list[0]->cache.legacy);
	release();
}

/* ---- Modes and places ---- */

SCRATCH_TEST(target, interpreter_without_hashes_has_one_mode)
{
	struct interpreter old = alpha;

	set_up();
	old.hash_kind = SOURCE_HASH_NONE;
	make_stub("python", &old, "greet\n" STAY);
	assert_refused(FIND("--python", "./python", "--invalidation-mode", "checked-hash"), EINVAL,
		       "argument --invalidation-mode: Python 3.11.2 knows timestamp only");
	assert_refused(FIND("--python", "./python", "--invalidation-mode", "unchecked-hash"),
		       EINVAL, "argument --invalidation-mode: Python 3.11.2 knows timestamp only");
	cr_assert_eq(FIND("--python", "./python", "--invalidation-mode", "timestamp"), 0);
	cr_assert_not(targets.list[0]->demand.any_mode);
	release();
	cr_assert_eq(setenv("SOURCE_DATE_EPOCH", "1", 1), 0);
	cr_assert_eq(FIND("--python", "./python"), 0);
	cr_assert_eq(targets.list[0]->demand.mode, INVALIDATION_TIMESTAMP);
	release();
}

SCRATCH_TEST(target, mode_is_the_one_asked_for)
{
	set_up();
	make_stub("python", &beta, "greet\n" STAY);
	cr_assert_eq(FIND("--python", "./python", "--invalidation-mode", "unchecked-hash"), 0);
	cr_assert_eq(targets.list[0]->demand.mode, INVALIDATION_UNCHECKED_HASH);
	cr_assert_not(targets.list[0]->demand.any_mode);
	release();
	cr_assert_eq(setenv("SOURCE_DATE_EPOCH", "1", 1), 0);
	cr_assert_eq(FIND("--python", "./python"), 0);
	cr_assert_eq(targets.list[0]->demand.mode, INVALIDATION_CHECKED_HASH);
	cr_assert(targets.list[0]->demand.any_mode);
	release();
}

SCRATCH_TEST(target, prefix_is_the_environments)
{
	set_up();
	cr_assert_eq(FIND(), 0);
	cr_assert_null(targets.list[0]->cache.prefix);
	cr_assert_null(targets.cwd);
	release();
	cr_assert_eq(setenv("PYTHONPYCACHEPREFIX", "/p", 1), 0);
	cr_assert_eq(FIND(), 0);
	cr_assert_str_eq(targets.list[0]->cache.prefix, "/p");
	cr_assert_str_eq(targets.list[0]->cache.cwd, scratch_path());
	release();
}

/* ---- How servers are started ---- */

/* Whether a line of the text is this one. */
static size_t count_lines(const char *text, const char *line)
{
	size_t count = 0, size = strlen(line);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		count += strncmp(text, line, size) == 0 && text[size] == '\n';
	}
	return count;
}

SCRATCH_TEST(target, environment_of_a_server)
{
	static const struct {
		const char *variable;
		size_t lines;
	} cases[] = {
		{"PYTHONPATH=/p", 0},         {"PYTHONHOME=/h", 0},
		{"PYTHONSTARTUP=s", 0},       {"PYTHONOPTIMIZE=2", 0},
		{"PYTHONHASHSEED=5", 0},      {"PYTHONSAFEPATH=1", 0},
		{"PYTHONUTF8=1", 1},          {"PYTHONWARNINGS=error", 1},
		{"PYTHONCOERCECLOCALE=0", 1}, {"MY_PYTHONPATH=mine", 1},
		{"LC_ALL=C.UTF-8", 1},
	};
	char *text;
	size_t size;

	set_up();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(putenv(strdup(cases[i].variable)), 0);
	make_stub("python", &alpha, "env >environment\ngreet\n" STAY);
	cr_assert_eq(FIND("--python", "./python"), 0, "%s", buffer_string(&problem));
	text = scratch_read("environment", &size);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(count_lines(text, cases[i].variable), cases[i].lines, "%s in:\n%s",
			     cases[i].variable, text);
	cr_assert_eq(count_lines(text, "PYTHONHASHSEED=0"), 1, "%s", text);
	free(text);
	release();
}

SCRATCH_TEST(target, arguments_of_a_server)
{
	char expected[PATH_MAX];
	char *text;
	size_t size;

	set_up();
	make_stub("python", &alpha, "printf '%s\\n' \"$@\" >arguments\ngreet\n" STAY);
	cr_assert_eq(FIND("--python", "./python"), 0);
	text = scratch_read("arguments", &size);
	(void)snprintf(expected, sizeof(expected), "-S\n-B\n-s\n%s/compile_server.py\n",
		       scratch_path());
	cr_assert_str_eq(text, expected);
	free(text);
	release();
}

SCRATCH_TEST(target, first_compiler_has_the_server_that_was_asked)
{
	struct compiler *first, *second;

	set_up();
	make_stub("python", &alpha, "greet\n" STAY);
	cr_assert_eq(FIND("--python", "./python"), 0);
	first = target_compiler(targets.list[0]);
	second = target_compiler(targets.list[0]);
	cr_assert_not_null(first);
	cr_assert_not_null(second);
	cr_assert_eq(compiler_starts(first), 1);
	cr_assert_gt(compiler_process(first), 0);
	cr_assert_eq(compiler_starts(second), 0);
	cr_assert_eq(starts("./python"), 1);
	compiler_destroy(first);
	compiler_destroy(second);
	release();
}

/* The compilers that follow hold their servers against the first answer. */
SCRATCH_TEST(target, server_that_turns_into_another)
{
	const struct compiler_request request = {"a.py", "", 0, 0, false};
	struct compiler_answer answer = {.outcome = COMPILER_CODE};
	struct compiler *compiler;

	set_up();
	make_stub("python", &alpha, "greet\n" STAY);
	cr_assert_eq(FIND("--python", "./python"), 0);
	make_stub("python", &beta, "greet\n" STAY);
	compiler_destroy(target_compiler(targets.list[0]));
	compiler = target_compiler(targets.list[0]);
	compiler_compile(compiler, &request, &answer);
	cr_assert_eq(answer.outcome, COMPILER_NO_START);
	cr_assert_str_eq(buffer_string(&answer.payload),
			 "compile server ./python is for beta-2 (magic number 03040d0a), not for "
			 "alpha-1 (01020d0a)");
	compiler_destroy(compiler);
	buffer_fini(&answer.payload);
	buffer_fini(&answer.warnings);
	release();
}

/* ---- What is kept between runs ---- */

/* Another file may run it tomorrow, without a trace of that in its own. */
SCRATCH_TEST(target, script_is_asked_each_time)
{
	set_up();
	make_stub("python", &alpha, "greet\n" STAY);
	for (size_t runs = 1; runs <= 2; runs++) {
		cr_assert_eq(FIND("--python", "./python"), 0);
		release();
		cr_assert_eq(starts("./python"), runs);
	}
	cr_assert_eq(access("cache", F_OK), -1);
}

/*
 * A real executable, $PYTHON, which is run by its own file, with a server of the test's that counts
 * its starts and greets as `interpreter`.
 */
static char *set_up_program(const struct interpreter *interpreter)
{
	static char python[PATH_MAX];
	const char *path = getenv("PYTHON");
	char front[4] = "";
	int file;

	cr_assert_not_null(path, "PYTHON is not set");
	(void)snprintf(python, sizeof(python), "%s", path);
	file = open(python, O_RDONLY | O_CLOEXEC);
	if (file < 0 || read(file, front, sizeof(front)) != sizeof(front) ||
	    memcmp(front, "\177ELF", sizeof(front)) != 0)
		SCRATCH_SKIP("%s is no program of its own", python);
	(void)close(file);
	set_up();
	scratch_bytes("greeting", "", 0);
	stub_server("greeter", interpreter, 0, "greet\n");
	cr_assert_eq(system("./greeter <>greeting"), 0);
	scratch_file("compile_server.py",
		     "import os, time\n"
		     "os.write(os.open('python.starts', os.O_CREAT | os.O_APPEND | os.O_WRONLY), "
		     "b'x')\n"
		     "with open('greeting', 'rb') as file:\n"
		     "    os.write(0, file.read())\n"
		     "time.sleep(100)\n");
	return python;
}

/* Finds the program in a run of its own; it has been started `expected` times by then. */
static void assert_starts(char *python, const char *option, size_t expected)
{
	cr_assert_eq(FIND("--python", python, option), 0, "%s", buffer_string(&problem));
	cr_assert(interpreter_equals(&targets.list[0]->interpreter, &beta));
	cr_assert_eq(targets.list[0]->interpreter.level, beta.level);
	cr_assert_eq(starts("python"), expected);
	release();
}

SCRATCH_TEST(target, program_is_asked_once)
{
	char *python = set_up_program(&beta);

	assert_starts(python, "-v", 1);
	assert_starts(python, "-v", 1);
	assert_starts(python, "-v", 1);
}

SCRATCH_TEST(target, cache_is_neither_read_nor_written_if_so_asked)
{
	char *python = set_up_program(&beta);

	assert_starts(python, "--no-interpreter-cache", 1);
	cr_assert_eq(access("cache", F_OK), -1);
	assert_starts(python, "-v", 2);
	assert_starts(python, "--no-interpreter-cache", 3);
	assert_starts(python, "-v", 3);
}

SCRATCH_TEST(target, forgotten_program_is_asked_again)
{
	char *python = set_up_program(&beta);

	assert_starts(python, "-v", 1);
	cr_assert_eq(FIND("--python", python), 0);
	targets_forget(&targets);
	release();
	assert_starts(python, "-v", 2);
}

/* A compiler for one that was not asked starts a server when there is something to compile. */
SCRATCH_TEST(target, known_program_is_started_when_it_is_needed)
{
	char *python = set_up_program(&beta);
	struct compiler *compiler;

	assert_starts(python, "-v", 1);
	cr_assert_eq(FIND("--python", python), 0);
	cr_assert_null(targets.list[0]->asked);
	compiler = target_compiler(targets.list[0]);
	cr_assert_eq(compiler_starts(compiler), 0);
	compiler_destroy(compiler);
	cr_assert_eq(starts("python"), 1);
	release();
}

/* Without a place to keep the answer in, it is asked each time. */
SCRATCH_TEST(target, program_without_a_cache)
{
	char *python = set_up_program(&beta);

	scratch_file("cache", "a file\n");
	assert_starts(python, "-v", 1);
	assert_starts(python, "-v", 2);
}
