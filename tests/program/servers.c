/*
 * servers: a compile server that dies or hangs costs one file, and none outlives the program.
 *
 * A script stands in for the server: the first that is started misbehaves, all others become the
 * real one.
 */
#include "config.h"

#include "support/combination.h"
#include "support/lines.h"
#include "support/misbehave.h"
#include "support/python.h"
#include "support/run.h"
#include "support/scratch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

TestSuite(servers, .timeout = 300);

#define SOURCES 9

static void build_tree(void)
{
	char path[32], text[64];

	scratch_folder("t");
	for (int i = 0; i < SOURCES; i++) {
		(void)snprintf(path, sizeof(path), "t/m%d.py", i);
		(void)snprintf(text, sizeof(text), "x = %d\n", i);
		scratch_file(path, text);
	}
}

/* A run with one misbehaving server: one file fails, of which `reason` is told, and a second run
 * has only that one to do. */
static void assert_costs_one_file(const struct combination *combination, const char *reason,
				  const char *const *arguments)
{
	const struct run_request request = {
		.arguments = arguments,
		.environment = RUN_LIST(MISBEHAVE_VARIABLE),
	};
	struct run_result result;
	char counts[100], *last;

	combination_run(&result, combination, request);
	RUN_ASSERT(&result, 1);
	cr_assert(lines_have(result.output, reason), "%s lacks: %s", result.output, reason);
	cr_assert_eq(lines_count(result.output, "***"), 1, "%s", result.output);
	(void)snprintf(counts, sizeof(counts), "Checked %d files: 0 fresh, %d compiled, 1 failed;",
		       SOURCES, SOURCES - 1);
	last = lines_last(result.output);
	cr_assert_eq(strncmp(last, counts, strlen(counts)), 0, "%s", last);
	free(last);
	run_result_fini(&result);

	combination_run(&result, combination, request);
	RUN_ASSERT(&result, 0);
	(void)snprintf(counts, sizeof(counts), "Checked %d files: %d fresh, 1 compiled, 0 failed;",
		       SOURCES, SOURCES - 1);
	last = lines_last(result.output);
	cr_assert_eq(strncmp(last, counts, strlen(counts)), 0, "%s", last);
	free(last);
	run_result_fini(&result);
}

COMBINATION_TEST(servers, killed_by_a_signal)
{
	build_tree();
	misbehave_first("greet(); receive(); os.kill(os.getpid(), 11)");
	assert_costs_one_file(combination,
			      "*** the compile server was killed by signal 11 (Segmentation fault)",
			      RUN_LIST("-v", "t"));
}

COMBINATION_TEST(servers, killed_for_memory)
{
	build_tree();
	misbehave_first("greet(); receive(); os.kill(os.getpid(), 9)");
	assert_costs_one_file(combination, "*** the compile server was killed by signal 9 (Killed)",
			      RUN_LIST("-v", "t"));
}

COMBINATION_TEST(servers, exits)
{
	build_tree();
	misbehave_first("greet(); receive(); os._exit(3)");
	assert_costs_one_file(combination, "*** the compile server ended with status 3",
			      RUN_LIST("-v", "t"));
}

/* Of 100 bytes come five. */
COMBINATION_TEST(servers, exits_amid_its_answer)
{
	build_tree();
	misbehave_first("greet(); receive(); n = (100).to_bytes(8, 'little'); "
			"os.write(0, bytes(8) + n + bytes(8) + b'begun'); os._exit(3)");
	assert_costs_one_file(combination, "*** the compile server ended with status 3",
			      RUN_LIST("-v", "t"));
}

COMBINATION_TEST(servers, writes_rubbish)
{
	build_tree();
	misbehave_first("greet(); receive(); os.write(0, b'no answer of any kind' * 2); "
			"time.sleep(200)");
	assert_costs_one_file(combination,
			      "*** the compile server was not understood: Protocol error",
			      RUN_LIST("-v", "t"));
}

COMBINATION_TEST(servers, does_not_answer)
{
	build_tree();
	misbehave_first("greet(); receive(); time.sleep(200)");
	assert_costs_one_file(combination, "*** the compile server did not answer within 3 s",
			      RUN_LIST("-v", "--timeout=3", "t"));
}

COMBINATION_TEST(servers, stops_amid_its_answer)
{
	build_tree();
	misbehave_first("greet(); receive(); os.write(0, bytes(12)); time.sleep(200)");
	assert_costs_one_file(combination, "*** the compile server did not answer within 3 s",
			      RUN_LIST("-v", "--timeout=3", "t"));
}

/* More than a socket holds: sending blocks. */
COMBINATION_TEST(servers, stops_reading)
{
	const size_t size = (size_t)1 << 20;
	char *source = malloc(size);

	cr_assert_not_null(source);
	memset(source, '\n', size);
	build_tree();
	for (int i = 0; i < SOURCES; i++) {
		char path[32];

		(void)snprintf(path, sizeof(path), "t/m%d.py", i);
		scratch_bytes(path, source, size);
	}
	free(source);
	misbehave_first("greet(); receive(); time.sleep(200)");
	assert_costs_one_file(combination, "*** the compile server did not answer within 3 s",
			      RUN_LIST("-v", "--timeout=3", "t"));
}

/* No stand-in: CPython since 3.9 takes time that grows with the square of the number of dots. */
COMBINATION_TEST(servers, source_that_keeps_a_real_compiler_busy)
{
	const size_t names = 200000, size = strlen("import ") + 2 * names;
	struct run_result result;
	char *source = malloc(size + 1);

	cr_assert_not_null(source);
	strcpy(source, "import ");
	for (size_t i = 0; i < names; i++)
		memcpy(source + strlen("import ") + 2 * i, "a.", 2);
	source[size - 1] = '\n';
	build_tree();
	scratch_bytes("t/dots.py", source, size);
	free(source);
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("-qv", "--timeout=3", "t")});
	RUN_ASSERT(&result, 1);
	cr_assert_eq(lines_count(result.output, "*** Error compiling 't/dots.py'..."), 1, "%s",
		     result.output);
	cr_assert(lines_have(result.output, "the compile server did not answer within 3 s"), "%s",
		  result.output);
	cr_assert(strstr(result.output, "Checked 10 files: 0 fresh, 9 compiled, 1 failed;"), "%s",
		  result.output);
	run_result_fini(&result);
}

/* Once, and not once a file. */
COMBINATION_TEST(servers, cannot_start)
{
	struct run_result result;

	build_tree();
	misbehave_always("os._exit(5)");
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("-q", "t"),
					     .environment = RUN_LIST(MISBEHAVE_VARIABLE)});
	RUN_ASSERT(&result, 3);
	cr_assert_str_eq(result.output, "");
	cr_assert_str_eq(result.errors, "pycompileall: the compile server ended with status 5\n");
	run_result_fini(&result);
}

/* ---- Limits ---- */

/* A source that takes too much memory to compile is an error of its own, and the rest goes on. */
COMBINATION_TEST(servers, memory_limit)
{
	static const char name[] = "t/big.py";
	const size_t count = (size_t)1 << 20;
	struct run_result result;
	char *source = malloc(2 * count + 8);

	if (run_sanitized())
		SCRATCH_SKIP("a sanitizer needs more address space than any limit");
	cr_assert_not_null(source);
	build_tree();
	memcpy(source, "x=[", 3);
	for (size_t i = 0; i < count; i++)
		memcpy(source + 3 + 2 * i, "a,", 2);
	memcpy(source + 3 + 2 * count, "]\n", 2);
	scratch_bytes(name, source, 2 * count + 5);
	free(source);
	combination_run(
		&result, combination,
		(struct run_request){.arguments = RUN_LIST("-qv", "--memory-limit", "100M", "t")});
	RUN_ASSERT(&result, 1);
	cr_assert_eq(lines_count(result.output, "*** Error compiling 't/big.py'..."), 1, "%s",
		     result.output);
	cr_assert_eq(lines_count(result.output, "***"), 1, "%s", result.output);
	cr_assert(strstr(result.output, "Checked 10 files: 0 fresh, 9 compiled, 1 failed;"), "%s",
		  result.output);
	run_result_fini(&result);
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("-q", "t")});
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
}

/* ---- The end of the program ---- */

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static void wait_for(const char *path)
{
	const struct timespec moment = {0, 2000000};

	for (int waited = 0; !is_there(path); waited++) {
		cr_assert_lt(waited, 30000, "%s did not appear within a minute", path);
		(void)nanosleep(&moment, NULL);
	}
}

/* SIGKILL leaves the program no chance to end a server, which is deep in work and does not look at
 * its socket. */
COMBINATION_TEST(servers, die_with_a_killed_program)
{
	struct run run;
	struct run_result result;

	build_tree();
	misbehave_first("greet(); receive(); os.mkdir('servers/busy'); time.sleep(200)");
	combination_start(&run, combination,
			  (struct run_request){.arguments = RUN_LIST("-q", "t"),
					       .environment = RUN_LIST(MISBEHAVE_VARIABLE)});
	wait_for("servers/busy");
	cr_assert_eq(kill(run.process, SIGKILL), 0);
	run_wait(&run, &result);
	cr_assert_eq(result.signal, SIGKILL);
	cr_assert_not(result.left_running, "a server outlived the program");
	run_result_fini(&result);
}

/* A parent that does not want to hear of its children must not make us deaf for ours. */
SCRATCH_TEST(servers, sigchld_ignored_at_the_start)
{
	struct run_result result;
	struct run run;

	build_tree();
	misbehave_first("greet(); receive(); os._exit(3)");
	cr_assert_neq(signal(SIGCHLD, SIG_IGN), SIG_ERR);
	run_start_ours(&run, (struct run_request){.arguments = RUN_LIST("-qj1", "t"),
						  .environment = RUN_LIST(MISBEHAVE_VARIABLE)});
	cr_assert_neq(signal(SIGCHLD, SIG_DFL), SIG_ERR);
	run_wait(&run, &result);
	RUN_ASSERT(&result, 1);
	cr_assert(lines_have(result.output, "the compile server ended with status 3"), "%s",
		  result.output);
	run_result_fini(&result);
}

/* A source "x = a.b.b.b...", and so on: `head`, and `link` again and again. */
static void make_chain(const char *path, const char *head, const char *link)
{
	const size_t links = 200000, length = strlen(link);
	size_t size = strlen(head);
	char *source = malloc(size + links * length + 1);

	cr_assert_not_null(source);
	memcpy(source, head, size);
	for (size_t i = 0; i < links; i++, size += length)
		memcpy(source + size, link, length);
	source[size++] = '\n';
	scratch_bytes(path, source, size);
	free(source);
}

/* No stand-in: the compilers of CPython 3.7 to 3.9 go down with such a source, where others call it
 * an error. Either way it costs itself and nothing else. */
PYTHON_TEST(servers, sources_that_bring_down_a_real_compiler)
{
	const bool cpython = strcmp(python->name, "cpython") == 0;
	const bool dies = cpython && python->version >= 0x0307 && python->version <= 0x0309;
	struct run_result result;
	char path[80];

	build_tree();
	make_chain("t/a_names.py", "x = a", ".b");
	make_chain("t/m5_calls.py", "x = f", "()");
	make_chain("t/z_sum.py", "x = 1", "+1");
	run_ours(&result, (struct run_request){.arguments = RUN_LIST("-v", "-j2", "--python",
								     python->path, "t")});
	RUN_ASSERT(&result, 1);
	cr_assert_eq(lines_count(result.output, "*** the compile server was killed by signal 11"),
		     dies ? 3 : 0, "%s: %s", python->path, result.output);
	if (cpython)
		cr_assert_eq(lines_count(result.output,
					 "Checked 12 files: 0 fresh, 9 compiled, 3 failed;"),
			     1, "%s: %s", python->path, result.output);
	for (int i = 0; i < SOURCES; i++) {
		(void)snprintf(path, sizeof(path), "t/__pycache__/m%d.%s.pyc", i, python->tag);
		cr_assert(is_there(path), "%s: no %s", python->path, path);
	}
	run_result_fini(&result);
}
