/*
 * compiler: with the real compile server ($COMPILE_SERVER), whose answers are held against
 * py_compile's of $PYTHON, and with scripts in its place that fail in their own ways.
 */
#include "config.h"

#include "compiler.h"

#include "protocol.h"
#include "pyc_header.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/stub.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static struct compiler *compiler;
static struct compiler_command command;
static struct compiler_answer answer;

static char *real_server(void)
{
	char *path = getenv("COMPILE_SERVER");

	cr_assert_not_null(path, "COMPILE_SERVER is not set");
	return path;
}

/* A compiler with that server, which inherits the environment that run_python gives to Python. */
static void start_with(char *server)
{
	cr_assert_eq(setenv("LC_ALL", "C.UTF-8", 1), 0);
	cr_assert_eq(unsetenv("PYTHONWARNINGS"), 0);
	compiler = compiler_create(compiler_embedded(&command, server), interpreter_embedded());
	cr_assert_not_null(compiler);
	answer = (struct compiler_answer){COMPILER_CODE, BUFFER_INIT, BUFFER_INIT};
}

static void start(void)
{
	start_with(real_server());
}

static void stop(void)
{
	compiler_destroy(compiler);
	buffer_fini(&answer.payload);
	buffer_fini(&answer.warnings);
}

static enum compiler_outcome compile(const char *name, const char *source, size_t size, int level,
				     bool quote)
{
	const struct compiler_request request = {name, source, size, level, quote};

	compiler_compile(compiler, &request, &answer);
	return answer.outcome;
}

static enum compiler_outcome compile_text(const char *name, const char *text)
{
	return compile(name, text, strlen(text), 0, true);
}

/* ---- Against py_compile ---- */

/* A source, the name and the level to compile it with. */
struct sample {
	char path[32]; /* in the scratch tree */
	char name[32];
	int level;
};

static struct sample samples[64];
static size_t sample_count;

static void add_sample(const char *path, const char *name, int level)
{
	struct sample *sample = &samples[sample_count++];

	cr_assert_leq(sample_count, COUNT(samples));
	(void)snprintf(sample->path, sizeof(sample->path), "%s", path);
	(void)snprintf(sample->name, sizeof(sample->name), "%s", name);
	sample->level = level;
}

/* Every text as a file of its own. */
static void add_texts(const char *const *texts, size_t count)
{
	char path[32];

	for (size_t i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "t%03zu.py", i);
		scratch_file(path, texts[i]);
		add_sample(path, path, 0);
	}
}

/*
 * For each source, name and level in the arguments: N.code (the .pyc), N.message (empty if there is
 * code) and N.warnings, N counting from 0.
 */
static const char oracle[] =
	"import py_compile, sys, warnings\n"
	"triples = zip(*[iter(sys.argv[1:])] * 3)\n"
	"for number, (source, name, level) in enumerate(triples):\n"
	"    message = ''\n"
	"    warnings.onceregistry.clear()\n"
	"    sys.stderr = open('%d.warnings' % number, 'w', errors='backslashreplace')\n"
	"    try:\n"
	"        py_compile.compile(source, '%d.code' % number, name, True, int(level))\n"
	"    except py_compile.PyCompileError as error:\n"
	"        message = error.msg\n"
	"    sys.stderr.close()\n"
	"    with open('%d.message' % number, 'w', errors='backslashreplace') as file:\n"
	"        file.write(message)\n";

/* Runs it for all samples. `filters` is PYTHONWARNINGS. */
static void run_oracle(const char *filters)
{
	const char *arguments[2 + 3 * COUNT(samples) + 1] = {"-c", oracle};
	char levels[COUNT(samples)][12], variable[80];
	struct run_result result;

	for (size_t i = 0; i < sample_count; i++) {
		(void)snprintf(levels[i], sizeof(levels[i]), "%d", samples[i].level);
		arguments[2 + 3 * i] = samples[i].path;
		arguments[3 + 3 * i] = samples[i].name;
		arguments[4 + 3 * i] = levels[i];
	}
	(void)snprintf(variable, sizeof(variable), "PYTHONWARNINGS=%s", filters);
	run_python(&result, (struct run_request){
				    .arguments = arguments,
				    .environment = RUN_LIST(variable),
			    });
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
}

/* Reads what the oracle wrote about a sample; the caller frees it. */
static char *read_oracle(size_t number, const char *what, size_t *size)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "%zu.%s", number, what);
	return scratch_read(path, size);
}

/* Asserts that `ours` is what the oracle wrote, without the first `skip` bytes of it. */
static void assert_equal(size_t number, const char *what, const struct buffer *ours, size_t skip)
{
	size_t size;
	char *theirs = read_oracle(number, what, &size);

	cr_assert_geq(size, skip);
	size -= skip;
	cr_assert(ours->size == size && (size == 0 || !memcmp(ours->data, theirs + skip, size)),
		  "%s of %s:\nours   %.*s\ntheirs %.*s", what, samples[number].path,
		  (int)ours->size, ours->data ? ours->data : "", (int)size, theirs + skip);
	free(theirs);
}

/* Compiles a sample and compares. Lines may be quoted where the name is the file's own. */
static void assert_sample_as_python(size_t number)
{
	const struct sample *sample = &samples[number];
	size_t size, message_size;
	char *source = scratch_read(sample->path, &size);
	char *message = read_oracle(number, "message", &message_size);
	bool own_name = strcmp(sample->name, sample->path) == 0;

	cr_assert_eq(compile(sample->name, source, size, sample->level, own_name),
		     message_size > 0 ? COMPILER_ERROR : COMPILER_CODE, "%s: %s", sample->path,
		     answer.outcome == COMPILER_CODE ? "" : buffer_string(&answer.payload));
	if (message_size > 0)
		assert_equal(number, "message", &answer.payload, 0);
	else
		assert_equal(number, "code", &answer.payload, PYC_HEADER_SIZE);
	assert_equal(number, "warnings", &answer.warnings, 0);
	free(source);
	free(message);
}

/*
 * Compiles all samples, py_compile first, then one server: code or message, and warnings, must be
 * equal. The last answer stands until stop().
 */
static void assert_as_python(const char *filters)
{
	run_oracle(filters);
	start();
	cr_assert_eq(setenv("PYTHONWARNINGS", filters, 1), 0);
	for (size_t i = 0; i < sample_count; i++)
		assert_sample_as_python(i);
	cr_assert_eq(compiler_starts(compiler), 1);
}

static const char module[] = "\"\"\"A module.\"\"\"\n"
			     "import os, sys\n"
			     "def f(a, *b, c=(1, 2.5, 'x'), **d):\n"
			     "    \"\"\"A function.\"\"\"\n"
			     "    assert a, 'needed'\n"
			     "    if __debug__:\n"
			     "        print(a)\n"
			     "    return [x for x in b if x in {1, 2, 3}]\n"
			     "class A(object):\n"
			     "    \"\"\"A class.\"\"\"\n"
			     "    name = 'a.py'\n"
			     "    def g(self):\n"
			     "        return lambda: self.name + os.name\n";

SCRATCH_TEST(compiler, code_at_every_level)
{
	scratch_file("a.py", module);
	for (int level = 0; level <= 2; level++)
		add_sample("a.py", "a.py", level);
	assert_as_python("");
	stop();
}

SCRATCH_TEST(compiler, level_that_there_is_not)
{
	scratch_file("a.py", module);
	add_sample("a.py", "a.py", 3);
	assert_as_python("");
	stop();
}

SCRATCH_TEST(compiler, code_has_the_name_of_the_request)
{
	static const char *const names[] = {
		"elsewhere/b.py", "\303\251.py", "not \377 utf-8.py", "a\nb.py", "x", "name",
	};

	scratch_file("a.py", module);
	for (size_t i = 0; i < COUNT(names); i++)
		add_sample("a.py", names[i], 0);
	assert_as_python("");
	stop();
}

SCRATCH_TEST(compiler, code_in_every_encoding)
{
	static const char *const texts[] = {
		"",
		"\n",
		"x = 1",
		"\357\273\277x = '\303\251'\n",
		"# coding: latin-1\nx = '\351'\n",
		"#!/bin/sh\n# -*- coding: cp1252 -*-\nx = '\200'\n",
		"x = 1\r\ny = 2\r\n",
		"x = 1\ry = 2\r",
		"if x:\n\ty = 1\f\n",
	};

	add_texts(texts, COUNT(texts));
	assert_as_python("");
	stop();
}

SCRATCH_TEST(compiler, errors)
{
	static const char *const texts[] = {
		"x = = 1\n",
		"x = (1,\ny = 2\n",
		"x = \"\"\"\n\n",
		"def f():\n    pass\nreturn 1\n",
		"x = 1\n\303\251 = 2; return '\303\251' # quoted by reading the file\n",
		"# coding: latin-1\nx = '\351'; return '\351'\n",
		"# coding: cp1252\nx = '\200' 1 1\n",
		"\357\273\277return 1\n",
		"x = 1\r\nreturn 1\r\n",
		"x = 1\rreturn 1\r",
		"\f\treturn 1",
		"nonlocal x\n",
		"def f(a, a): pass\n",
		"from __future__ import nope\n",
		"*a\n",
		"None = 1\n",
		"f\"{a b}\"\n",
		"x = '\\N{nope}'\n",
		"if x:\ny\n",
		"  x\n",
		"if x:\n        y\n\tz\n",
		"x = '\377'\n",
		"# coding: nope\n",
		"\357\273\277# coding: latin-1\n",
		"print 'x'\n",
		"x = 08\n",
		"1 is 1; return\n",
	};

	add_texts(texts, COUNT(texts));
	assert_as_python("");
	stop();
}

SCRATCH_TEST(compiler, error_in_a_source_elsewhere_quotes_nothing)
{
	scratch_file("a.py", "x = 1\nreturn x\n");
	add_sample("a.py", "elsewhere/a.py", 0);
	assert_as_python("");
	cr_assert_not(strstr(buffer_string(&answer.payload), "return x"));
	stop();
}

SCRATCH_TEST(compiler, error_escapes_what_is_not_utf8_in_the_name)
{
	scratch_file("a \377 \303\251.py", "return 1\n");
	add_sample("a \377 \303\251.py", "a \377 \303\251.py", 0);
	assert_as_python("");
	cr_assert(strstr(buffer_string(&answer.payload), "\"a \\udcff \303\251.py\""));
	stop();
}

SCRATCH_TEST(compiler, error_of_a_nul_byte)
{
	scratch_bytes("a.py", "x = 1\0\n", 7);
	add_sample("a.py", "a.py", 0);
	assert_as_python("");
	cr_assert_eq(answer.outcome, COMPILER_ERROR);
	stop();
}

/* Writes "a+a+...+a", nested `depth` deep. */
static void write_nested(const char *path, size_t depth)
{
	char *source = malloc(2 * depth + 2);

	cr_assert_not_null(source);
	for (size_t i = 0; i < depth; i++)
		memcpy(source + 2 * i, "a+", 2);
	memcpy(source + 2 * depth, "a\n", 2);
	scratch_bytes(path, source, 2 * depth + 2);
	free(source);
}

SCRATCH_TEST(compiler, error_of_too_deep_a_nesting)
{
	write_nested("a.py", 100000);
	add_sample("a.py", "a.py", 0);
	assert_as_python("");
	cr_assert_eq(answer.outcome, COMPILER_ERROR);
	stop();
}

/* Around the limit of up to Python 3.11: three levels for each of 1000 frames but those in use. */
#define NESTING_FROM 2950
#define NESTING_TO   2980

/* Compiles folder/DEPTH.py, and tells whether both compileall, before, and we could. */
static bool compiles_nested(size_t depth)
{
	char path[32];
	bool theirs, ours;
	char *source;
	size_t size;

	(void)snprintf(path, sizeof(path), "folder/%zu.pyc", depth);
	theirs = access(path, F_OK) == 0;
	(void)snprintf(path, sizeof(path), "folder/%zu.py", depth);
	source = scratch_read(path, &size);
	ours = compile(path, source, size, 0, true) == COMPILER_CODE;
	cr_assert_eq(ours, theirs, "%s", path);
	free(source);
	return ours;
}

SCRATCH_TEST(compiler, nesting_limit_is_that_of_compileall)
{
	struct run_result theirs;
	char path[32];

	if (atoi(interpreter_embedded()->version + strlen("3.")) >= 12)
		SCRATCH_SKIP("from Python 3.12 on the limit is another");
	for (size_t depth = NESTING_FROM; depth < NESTING_TO; depth++) {
		(void)snprintf(path, sizeof(path), "folder/%zu.py", depth);
		write_nested(path, depth);
	}
	run_python(&theirs,
		   (struct run_request){.arguments = RUN_LIST("-m", "compileall", "-b", "folder")});
	RUN_ASSERT(&theirs, 1);
	run_result_fini(&theirs);
	start();
	cr_assert(compiles_nested(NESTING_FROM));
	for (size_t depth = NESTING_FROM + 1; depth < NESTING_TO - 1; depth++)
		(void)compiles_nested(depth);
	cr_assert_not(compiles_nested(NESTING_TO - 1));
	stop();
}

static const char *const suspicious[] = {
	"x = 1\nif x is 1: pass\nif x is 2: pass\n",
	"assert (x, 'always')\n",
	"x = '\\d'\n",
	"\357\273\277x = '\303\251' is 1\n",
	"# coding: latin-1\nx = '\351' is 1\n",
	"x = 1\r\ny = x is 1\r\n",
	"()()\nreturn 1\n",
	"x = '\\d'\n",
};

SCRATCH_TEST(compiler, warnings_by_default)
{
	add_texts(suspicious, COUNT(suspicious));
	assert_as_python("");
	stop();
}

SCRATCH_TEST(compiler, warnings_all)
{
	add_texts(suspicious, COUNT(suspicious));
	assert_as_python("always");
	stop();
}

/* Which warnings the server has shown for other files plays no part. */
SCRATCH_TEST(compiler, warnings_once_a_file)
{
	add_texts(suspicious, COUNT(suspicious));
	assert_as_python("once");
	stop();
}

SCRATCH_TEST(compiler, warnings_made_errors)
{
	add_texts(suspicious, COUNT(suspicious));
	assert_as_python("ignore,,error::SyntaxWarning");
	stop();
}

SCRATCH_TEST(compiler, warning_of_a_source_elsewhere_quotes_nothing)
{
	scratch_file("a.py", "x = 1 is 1\n");
	add_sample("a.py", "elsewhere/a.py", 0);
	assert_as_python("");
	cr_assert_gt(answer.warnings.size, 0);
	stop();
}

/* ---- The source is what was sent ---- */

/* Watches a file of the scratch tree. Returns a descriptor that can be read once it was opened. */
static int watch_opening(const char *path)
{
	int watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	cr_assert_geq(watcher, 0);
	cr_assert_geq(inotify_add_watch(watcher, path, IN_OPEN), 0);
	return watcher;
}

SCRATCH_TEST(compiler, file_of_that_name_is_not_opened)
{
	static const char *const texts[] = {"return 1\n", "x = 1 1\n", "x = 1 is 1\n"};
	char event[sizeof(struct inotify_event) + NAME_MAX + 1];
	int watcher;

	start();
	scratch_file("a.py", "what stands there by now\n");
	watcher = watch_opening("a.py");
	for (size_t i = 0; i < COUNT(texts); i++)
		(void)compile_text("a.py", texts[i]);
	cr_assert_eq(read(watcher, event, sizeof(event)), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(close(watcher), 0);
	stop();
}

SCRATCH_TEST(compiler, error_quotes_what_was_sent)
{
	start();
	scratch_file("a.py", "what stands there by now\n");
	cr_assert_eq(compile_text("a.py", "return 1\n"), COMPILER_ERROR);
	cr_assert(strstr(buffer_string(&answer.payload), "    return 1\n"));
	stop();
}

SCRATCH_TEST(compiler, warning_quotes_what_was_sent)
{
	start();
	scratch_file("a.py", "what stands there by now\n");
	cr_assert_eq(compile_text("a.py", "x = 1 is 1\n"), COMPILER_CODE);
	cr_assert(strstr(buffer_string(&answer.warnings), "  x = 1 is 1\n"));
	cr_assert_eq(compile_text("a.py", "x = 2 is 2\n"), COMPILER_CODE);
	cr_assert(strstr(buffer_string(&answer.warnings), "  x = 2 is 2\n"));
	stop();
}

SCRATCH_TEST(compiler, one_server_for_many_requests)
{
	char text[64];

	start();
	for (int i = 0; i < 2000; i++) {
		(void)snprintf(text, sizeof(text), "x = %d%s\n", i, i % 3 ? "" : " is 1");
		cr_assert_eq(compile_text("a.py", text), COMPILER_CODE);
		cr_assert_eq(answer.warnings.size > 0, i % 3 == 0);
	}
	cr_assert_eq(compiler_starts(compiler), 1);
	stop();
}

SCRATCH_TEST(compiler, large_source)
{
	static const char line[] = "x = 'a line of the source'\n";
	const size_t size = sizeof(line) - 1, lines = 200000;
	char *source = malloc(lines * size);

	cr_assert_not_null(source);
	for (size_t i = 0; i < lines; i++)
		memcpy(source + i * size, line, size);
	start();
	cr_assert_eq(compile("a.py", source, lines * size, 0, true), COMPILER_CODE);
	cr_assert_gt(answer.payload.size, lines);
	free(source);
	stop();
}

SCRATCH_TEST(compiler, name_too_long)
{
	const size_t size = PROTOCOL_NAME_MAX + 1;
	char *name = malloc(size + 1);

	cr_assert_not_null(name);
	memset(name, 'x', size);
	name[size] = '\0';
	start();
	cr_assert_eq(compile_text(name, "x = 1\n"), COMPILER_ERROR);
	name[size - 1] = '\0';
	cr_assert_eq(compile_text(name, "x = 1\n"), COMPILER_CODE);
	free(name);
	stop();
}

/* ---- Servers that fail ---- */

/*
 * A shell script stands in for the server. In it, `receive` takes the whole of
 * compile_text("a.py", "x = 1\n"), and $real is the real server's path.
 */
static void start_with_script(const char *script)
{
	struct buffer text = BUFFER_INIT;
	static char path[] = "./server";

	buffer_printf(&text, "real='%s'\n%s", real_server(), script);
	stub_server(path, interpreter_embedded(), strlen("a.py") + strlen("x = 1\n"),
		    buffer_string(&text));
	buffer_fini(&text);
	start_with(path);
}

static void assert_outcome(enum compiler_outcome outcome, const char *payload)
{
	cr_assert_eq(compile_text("a.py", "x = 1\n"), outcome);
	cr_assert_str_eq(buffer_string(&answer.payload), payload);
	cr_assert_eq(answer.warnings.size, 0);
}

SCRATCH_TEST(compiler, server_missing)
{
	static char no_server[] = "./no_such_server";

	start_with(no_server);
	assert_outcome(COMPILER_NO_START, "cannot start compile server ./no_such_server: "
					  "No such file or directory");
	cr_assert_eq(compiler_starts(compiler), 0);
	stop();
}

SCRATCH_TEST(compiler, server_not_executable)
{
	static char server[] = "./server";

	scratch_file("server", "#!/bin/sh\n");
	start_with(server);
	assert_outcome(COMPILER_NO_START,
		       "cannot start compile server ./server: Permission denied");
	stop();
}

SCRATCH_TEST(compiler, server_that_ends_without_a_greeting)
{
	static char server[] = "/bin/true";

	start_with(server);
	assert_outcome(COMPILER_NO_START, "the compile server ended with status 0");
	stop();
}

SCRATCH_TEST(compiler, server_that_greets_with_nonsense)
{
	start_with_script("echo this is no greeting of any kind at all >&0\nexec sleep 100\n");
	assert_outcome(COMPILER_NO_START, "the compile server was not understood: Protocol error");
	stop();
}

/* The real server, for a program that was made for another Python. */
static void start_for(const struct interpreter *interpreter)
{
	start();
	compiler_destroy(compiler);
	compiler = compiler_create(compiler_embedded(&command, real_server()), interpreter);
	cr_assert_not_null(compiler);
}

SCRATCH_TEST(compiler, server_of_another_python)
{
	struct interpreter other = *interpreter_embedded();
	const unsigned char *magic = interpreter_embedded()->magic;
	char expected[PATH_MAX + 200];

	memcpy(other.magic, "\001\002\r\n", PYC_HEADER_MAGIC);
	(void)snprintf(expected, sizeof(expected),
		       "compile server %s is for %s (magic number %02x%02x0d0a), not "
		       "for %s (01020d0a)",
		       real_server(), other.cache_tag, magic[0], magic[1], other.cache_tag);
	start_for(&other);
	assert_outcome(COMPILER_NO_START, expected);
	stop();
}

SCRATCH_TEST(compiler, server_with_another_cache_tag)
{
	struct interpreter other = *interpreter_embedded();

	strcpy(other.cache_tag, "cpython-99");
	start_for(&other);
	cr_assert_eq(compile_text("a.py", "x = 1\n"), COMPILER_NO_START);
	stop();
}

SCRATCH_TEST(compiler, server_that_crashes)
{
	start_with_script("greet\nreceive\nkill -SEGV $$\n");
	assert_outcome(COMPILER_DIED,
		       "the compile server was killed by signal 11 (Segmentation fault)");
	stop();
}

SCRATCH_TEST(compiler, server_that_ends)
{
	start_with_script("greet\nreceive\nexit 3\n");
	assert_outcome(COMPILER_DIED, "the compile server ended with status 3");
	stop();
}

/* It leaves the request unread, and sending fails before receiving can. */
SCRATCH_TEST(compiler, server_that_ends_amid_the_request)
{
	const size_t size = (size_t)4 << 20;
	char *source = calloc(1, size);

	cr_assert_not_null(source);
	start_with_script("greet\nreceive\nexit 3\n");
	cr_assert_eq(compile("a.py", source, size, 0, true), COMPILER_DIED);
	cr_assert_str_eq(buffer_string(&answer.payload), "the compile server ended with status 3");
	free(source);
	stop();
}

/* 255 bytes are promised, of which five come. */
SCRATCH_TEST(compiler, server_that_ends_amid_the_answer)
{
	start_with_script(
		"greet\nreceive\nprintf '\\0\\0\\0\\0\\0\\0\\0\\0\\377\\0\\0\\0\\0\\0\\0\\0"
		"\\0\\0\\0\\0\\0\\0\\0\\0begun' >&0\nexit 4\n");
	assert_outcome(COMPILER_DIED, "the compile server ended with status 4");
	stop();
}

/* Of the error "no", as a shell's printf has it. */
#define ANSWER         "\\1\\0\\0\\0\\0\\0\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0no"
#define HALF_AN_ANSWER "\\1\\0\\0\\0\\0\\0\\0\\0\\2\\0\\0\\0"

SCRATCH_TEST(compiler, server_that_ends_amid_the_fixed_part_of_an_answer)
{
	start_with_script("greet\nreceive\nprintf '" HALF_AN_ANSWER "' >&0\nexit 4\n");
	assert_outcome(COMPILER_DIED, "the compile server ended with status 4");
	stop();
}

/* What it has answered holds; the next request finds it gone. */
SCRATCH_TEST(compiler, server_that_ends_behind_its_answer)
{
	start_with_script("greet\nreceive\nprintf '" ANSWER "' >&0\nexit 5\n");
	assert_outcome(COMPILER_ERROR, "no");
	assert_outcome(COMPILER_DIED, "the compile server ended with status 5");
	stop();
}

/* Half of an answer that nobody asked for comes with the greeting. */
SCRATCH_TEST(compiler, server_that_says_more_than_its_greeting)
{
	start_with_script("greet 0>all\nprintf '" HALF_AN_ANSWER "' >>all\ncat all >&0\n"
			  "receive\nexit 6\n");
	assert_outcome(COMPILER_NO_START, "the compile server was not understood: Protocol error");
	stop();
}

/* A second answer would be taken for that to the next request: another server has that one. */
SCRATCH_TEST(compiler, server_that_answers_twice)
{
	start_with_script("mkdir first 2>/dev/null || exec \"$real\"\n"
			  "greet\nreceive\nprintf '" ANSWER ANSWER "' >&0\nreceive\n");
	assert_outcome(COMPILER_ERROR, "no");
	cr_assert_eq(compile_text("a.py", "x = 1\n"), COMPILER_CODE, "%s",
		     buffer_string(&answer.payload));
	cr_assert_eq(compiler_starts(compiler), 2);
	stop();
}

/* The same, a while after the first one. */
SCRATCH_TEST(compiler, server_that_speaks_unasked)
{
	const struct timespec while_it_speaks = {.tv_nsec = 300000000};

	start_with_script("mkdir first 2>/dev/null || exec \"$real\"\n"
			  "greet\nreceive\nprintf '" ANSWER "' >&0\nsleep 0.1\n"
			  "printf '" ANSWER "' >&0\nreceive\n");
	assert_outcome(COMPILER_ERROR, "no");
	cr_assert_eq(nanosleep(&while_it_speaks, NULL), 0);
	cr_assert_eq(compile_text("a.py", "x = 1\n"), COMPILER_CODE, "%s",
		     buffer_string(&answer.payload));
	cr_assert_eq(compiler_starts(compiler), 2);
	stop();
}

/* What the first server has said beyond its answer is not for the second one to have said. */
SCRATCH_TEST(compiler, server_behind_one_that_said_too_much)
{
	const size_t size = ((size_t)1 << 20) + 1;
	struct buffer script = BUFFER_INIT;
	char *source = malloc(size);

	cr_assert_not_null(source);
	memset(source, '\n', size);
	buffer_printf(&script,
		      "mkdir first 2>/dev/null || exec \"$real\"\ngreet\n"
		      "head -c %zu <&0 >/dev/null\nprintf '" ANSWER ANSWER "' >&0\n"
		      "exec sleep 100\n",
		      PROTOCOL_REQUEST_SIZE + strlen("a.py") + size);
	start_with_script(buffer_string(&script));
	cr_assert_eq(compile("a.py", source, size, 0, true), COMPILER_ERROR);
	cr_assert_eq(compile_text("a.py", "x = 1\n"), COMPILER_CODE, "%s",
		     buffer_string(&answer.payload));
	cr_assert_eq(compiler_starts(compiler), 2);
	buffer_fini(&script);
	free(source);
	stop();
}

SCRATCH_TEST(compiler, server_that_answers_with_nonsense)
{
	start_with_script("greet\nreceive\necho this is no answer of any kind >&0\n"
			  "exec sleep 100\n");
	assert_outcome(COMPILER_DIED, "the compile server was not understood: Protocol error");
	stop();
}

/* "ok", marshalled as nothing at all. */
SCRATCH_TEST(compiler, server_that_answers_with_no_code)
{
	start_with_script("greet\nreceive\nprintf '\\0\\0\\0\\0\\0\\0\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0"
			  "\\0\\0\\0\\0\\0\\0\\0\\0ok' >&0\nexec sleep 100\n");
	assert_outcome(COMPILER_DIED, "the compile server was not understood: Protocol error");
	stop();
}

/* 4 GiB and a byte: refused, and not allocated. */
SCRATCH_TEST(compiler, server_that_promises_too_much)
{
	start_with_script("greet\nreceive\nprintf '\\0\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0\\1\\0\\0\\0"
			  "\\0\\0\\0\\0\\0\\0\\0\\0' >&0\nexec sleep 100\n");
	assert_outcome(COMPILER_DIED, "the compile server was not understood: Protocol error");
	cr_assert_lt(answer.payload.capacity, 4096);
	stop();
}

SCRATCH_TEST(compiler, next_request_after_a_death_has_a_new_server)
{
	start_with_script("if mkdir first 2>/dev/null; then greet; receive; exit 1; fi\n"
			  "exec \"$real\"\n");
	assert_outcome(COMPILER_DIED, "the compile server ended with status 1");
	cr_assert_eq(compile_text("a.py", "x = 1\n"), COMPILER_CODE);
	cr_assert_eq(compile_text("a.py", "x = 1\n"), COMPILER_CODE);
	cr_assert_eq(compiler_starts(compiler), 2);
	stop();
}

SCRATCH_TEST(compiler, next_request_after_a_giant_has_a_new_server)
{
	const size_t size = ((size_t)1 << 20) + 1;
	char *source = malloc(size);

	cr_assert_not_null(source);
	memset(source, '\n', size);
	start();
	cr_assert_eq(compile("a.py", source, size - 1, 0, true), COMPILER_CODE);
	cr_assert_eq(compile_text("a.py", "x = 1\n"), COMPILER_CODE);
	cr_assert_eq(compiler_starts(compiler), 1, "that was none");
	cr_assert_eq(compile("a.py", source, size, 0, true), COMPILER_CODE);
	cr_assert_eq(compiler_process(compiler), 0, "its server is still there");
	cr_assert_eq(compile_text("a.py", "x = 1\n"), COMPILER_CODE);
	cr_assert_eq(compiler_starts(compiler), 2);
	free(source);
	stop();
}

/* A server that does not heed the end of the conversation: waiting for it would take 100 s. */
SCRATCH_TEST(compiler, destroy_ends_a_server_that_does_not_listen)
{
	struct timespec before, after;

	start_with_script("greet\nreceive\nprintf '\\1\\0\\0\\0\\0\\0\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0"
			  "\\0\\0\\0\\0\\0\\0\\0\\0no' >&0\nexec sleep 100\n");
	assert_outcome(COMPILER_ERROR, "no");
	(void)clock_gettime(CLOCK_MONOTONIC, &before);
	stop();
	(void)clock_gettime(CLOCK_MONOTONIC, &after);
	cr_assert_lt(after.tv_sec - before.tv_sec, 50);
}

Test(compiler, destroy_of_nothing)
{
	compiler_destroy(NULL);
}

/* ---- Timeouts ---- */

static void set_timeout(unsigned seconds)
{
	command.timeout = seconds;
}

SCRATCH_TEST(compiler, server_that_does_not_greet_in_time)
{
	start_with_script("exec sleep 100\n");
	set_timeout(1);
	assert_outcome(COMPILER_NO_START, "the compile server did not greet within 1 s");
	stop();
}

SCRATCH_TEST(compiler, server_that_does_not_answer_in_time)
{
	start_with_script("greet\nreceive\nexec sleep 100\n");
	set_timeout(1);
	assert_outcome(COMPILER_DIED, "the compile server did not answer within 1 s");
	stop();
}

SCRATCH_TEST(compiler, server_that_stops_amid_the_greeting)
{
	start_with_script("printf pycs >&0\nexec sleep 100\n");
	set_timeout(1);
	assert_outcome(COMPILER_NO_START, "the compile server did not greet within 1 s");
	stop();
}

SCRATCH_TEST(compiler, server_that_stops_amid_the_answer)
{
	start_with_script("greet\nreceive\nprintf '" HALF_AN_ANSWER "' >&0\nexec sleep 100\n");
	set_timeout(1);
	assert_outcome(COMPILER_DIED, "the compile server did not answer within 1 s");
	stop();
}

/* The source is more than a socket holds, so that sending waits. */
static void assert_not_read_in_time(const char *script, size_t size)
{
	char *source = calloc(1, size);

	cr_assert_not_null(source);
	start_with_script(script);
	set_timeout(1);
	cr_assert_eq(compile("a.py", source, size, 0, true), COMPILER_DIED);
	cr_assert_str_eq(buffer_string(&answer.payload),
			 "the compile server did not answer within 1 s");
	free(source);
	stop();
}

SCRATCH_TEST(compiler, server_that_does_not_read_in_time)
{
	assert_not_read_in_time("greet\nreceive\nexec sleep 100\n", (size_t)4 << 20);
}

/* Each piece comes in time, all of them do not: 32 bytes of the greeting, 100 of the payload. */
#define DRIP "while sleep 0.4; do printf x >&0; done\n"

SCRATCH_TEST(compiler, server_that_drips_its_greeting)
{
	start_with_script("printf pycs >&0\n" DRIP);
	set_timeout(1);
	assert_outcome(COMPILER_NO_START, "the compile server did not greet within 1 s");
	stop();
}

SCRATCH_TEST(compiler, server_that_drips_its_answer)
{
	start_with_script("greet\nreceive\n"
			  "printf '\\0\\0\\0\\0\\0\\0\\0\\0\\144\\0\\0\\0' >&0\n"
			  "printf '\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0' >&0\n" DRIP);
	set_timeout(1);
	assert_outcome(COMPILER_DIED, "the compile server did not answer within 1 s");
	stop();
}

/* It takes four seconds to read all, and then it is gone. */
SCRATCH_TEST(compiler, server_that_reads_drop_by_drop)
{
	assert_not_read_in_time("greet\nreceive\nfor i in 0 1 2 3 4 5 6 7 8 9; do\n"
				"head -c 80000 <&0 >all; sleep 0.4; done\n",
				(size_t)1 << 20);
}

SCRATCH_TEST(compiler, deadline_of_each_source_is_its_own)
{
	start();
	cr_assert_eq(compile_text("a.py", "a = 1\n"), COMPILER_CODE);
	set_timeout(2);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(compile_text("a.py", "a = 1\n"), COMPILER_CODE);
		(void)usleep(1100000);
	}
	cr_assert_eq(compiler_starts(compiler), 1);
	stop();
}

/* ---- Asking ---- */

SCRATCH_TEST(compiler, ask_tells_what_the_server_is)
{
	const struct interpreter *embedded = interpreter_embedded();
	struct interpreter interpreter;

	start();
	compiler_destroy(compiler);
	compiler = compiler_create(&command, NULL);
	cr_assert_not_null(compiler);
	cr_assert_eq(compiler_process(compiler), 0);
	cr_assert_eq(compiler_start(compiler, &answer), COMPILER_CODE);
	cr_assert_eq(compiler_ask(compiler, &interpreter, &answer), COMPILER_CODE);
	cr_assert_gt(compiler_process(compiler), 0);
	cr_assert(interpreter_equals(&interpreter, embedded));
	cr_assert_str_eq(interpreter.version, embedded->version);
	cr_assert_eq(interpreter.level, 0);
	cr_assert_eq(compile_text("a.py", "x = 1\n"), COMPILER_CODE);
	cr_assert_eq(compiler_starts(compiler), 1, "the server that was asked compiles, too");
	stop();
}

/* ---- Cancelling ---- */

static void *cancel_soon(void *unused)
{
	(void)usleep(200000);
	compiler_cancel(compiler);
	return unused;
}

static void assert_cancelled_amid_a_request(void)
{
	pthread_t canceller;

	cr_assert_eq(pthread_create(&canceller, NULL, cancel_soon, NULL), 0);
	assert_outcome(COMPILER_DIED, "compiling was cancelled");
	cr_assert_eq(pthread_join(canceller, NULL), 0);
	cr_assert_eq(compiler_starts(compiler), 1);
	assert_outcome(COMPILER_DIED, "compiling was cancelled");
	cr_assert_eq(compiler_starts(compiler), 1);
	stop();
}

SCRATCH_TEST(compiler, cancel_while_a_server_is_at_work)
{
	start_with_script("greet\nexec sleep 100\n");
	assert_cancelled_amid_a_request();
}

/* cat waits for input, and never greets. */
SCRATCH_TEST(compiler, cancel_while_a_server_starts)
{
	static char server[] = "/bin/cat";

	start_with(server);
	assert_cancelled_amid_a_request();
}

SCRATCH_TEST(compiler, cancel_before_the_first_request)
{
	start();
	compiler_cancel(compiler);
	assert_outcome(COMPILER_DIED, "compiling was cancelled");
	cr_assert_eq(compiler_starts(compiler), 0);
	stop();
}

/* ---- What the server finds ---- */

/* What /proc/PID/status has in `field` ("SigBlk:") of a program that is started as a server: a set
 * of signals, signal 1 in the lowest bit. */
static unsigned long long server_signals(const char *field)
{
	unsigned long long signals;
	const char *found;
	char *status;
	size_t size;

	start_with_script("exec cat /proc/self/status >status\n");
	cr_assert_eq(compile_text("a.py", ""), COMPILER_NO_START);
	stop();
	status = scratch_read("status", &size);
	found = strstr(status, field);
	cr_assert_not_null(found);
	signals = strtoull(found + strlen(field), NULL, 16);
	free(status);
	return signals;
}

/* What a terminal sends to the whole process group does not reach it, and nothing else is held up.
 */
SCRATCH_TEST(compiler, server_has_only_the_interrupting_signals_blocked)
{
	const unsigned long long expected =
		1ull << (SIGINT - 1) | 1ull << (SIGTERM - 1) | 1ull << (SIGHUP - 1);
	sigset_t all;

	(void)sigfillset(&all);
	cr_assert_eq(pthread_sigmask(SIG_BLOCK, &all, NULL), 0);
	cr_assert_eq(server_signals("SigBlk:"), expected);
}

SCRATCH_TEST(compiler, server_ignores_neither_sigpipe_nor_sigchld)
{
	cr_assert_neq(signal(SIGPIPE, SIG_IGN), SIG_ERR);
	cr_assert_neq(signal(SIGCHLD, SIG_IGN), SIG_ERR);
	cr_assert_eq(server_signals("SigIgn:") & (1ull << (SIGPIPE - 1) | 1ull << (SIGCHLD - 1)),
		     0);
}

/* ---- Finding the server ---- */

Test(compiler, find_server_in_the_folder_of_the_environment)
{
	char *path;

	cr_assert_eq(setenv("PYCOMPILEALL_LIBEXECDIR", "/some/folder", 1), 0);
	path = compiler_find_server();
	cr_assert_str_eq(path, "/some/folder/compile_server");
	free(path);
}

/* The test is not in a folder called src, as the program in a build tree is. */
Test(compiler, find_server_where_it_is_installed)
{
	char *path;

	cr_assert_eq(unsetenv("PYCOMPILEALL_LIBEXECDIR"), 0);
	path = compiler_find_server();
	cr_assert_str_eq(path, PKGLIBEXECDIR "/compile_server");
	free(path);
}
