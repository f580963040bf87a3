/*
 * together: two runs over one tree, a run beside importing Pythons, a run beside an editor.
 *
 * Nobody coordinates them. Each .pyc must be whole at any moment, and at the end be the one of its
 * source; nobody may see an error.
 */
#include "config.h"

#include "support/combination.h"
#include "support/oracle.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

TestSuite(together, .timeout = 300);

#define SOURCES 24
#define ROUNDS  5 /* of our program, in each test */

static void build_tree(void)
{
	char path[32], text[4000] = "";

	scratch_folder("t");
	for (size_t i = 0; i < 60; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text),
			       "def f%zu(a): return [a, %zu]\n", i, i);
	for (int i = 0; i < SOURCES; i++) {
		(void)snprintf(path, sizeof(path), "t/m%02d.py", i);
		scratch_file(path, text);
	}
}

static void assert_quiet_success(const struct run_result *result)
{
	RUN_ASSERT(result, 0);
	cr_assert_str_eq(result->output, "", "%s", result->output);
	cr_assert_str_eq(result->errors, "", "%s", result->errors);
}

/* Nothing but sources, and what CPython makes of them. */
static void assert_as_cpython(const struct combination *combination)
{
	struct snapshot *ours = snapshot_take("t", SNAPSHOT_ALL), *theirs;

	oracle_compile(RUN_LIST("-qf", combination->mode_option, "t"));
	theirs = snapshot_take("t", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(theirs, ours, SNAPSHOT_SAME, "after all that");
	snapshot_free(ours);
	snapshot_free(theirs);
}

COMBINATION_TEST(together, two_runs)
{
	const struct run_request request = {.arguments = RUN_LIST("-qf", "t")};
	struct run_result result;
	struct run one, two;

	build_tree();
	for (int round = 0; round < ROUNDS; round++) {
		combination_start(&one, combination, request);
		combination_start(&two, combination, request);
		run_wait(&one, &result);
		assert_quiet_success(&result);
		run_result_fini(&result);
		run_wait(&two, &result);
		assert_quiet_success(&result);
		run_result_fini(&result);
	}
	assert_as_cpython(combination);
}

/* Starts Python on a script that ends when the folder "stop" appears. */
static void start_python(struct run *run, const char *script)
{
	const char *program[] = {getenv("PYTHON"), NULL};
	const struct run_request request = {
		.program = program,
		.arguments = RUN_LIST("-IS", "-c", script),
	};

	run_start(run, &request);
}

/* Ends it, and asserts that it found nothing wrong. */
static void stop_python(struct run *run)
{
	struct run_result result;

	scratch_folder("stop");
	run_wait(run, &result);
	assert_quiet_success(&result);
	run_result_fini(&result);
}

static void wait_for_start(void)
{
	const struct timespec moment = {0, 2000000};

	for (int waited = 0; access("started", F_OK) != 0; waited++) {
		cr_assert_lt(waited, 30000, "nothing happened within a minute");
		(void)nanosleep(&moment, NULL);
	}
}

/* Imports every module over and over, from byte-code where there is some, and writes it where not;
 * now and then it takes all byte-code away. */
static const char importer[] =
	"import importlib.util, os, sys\n"
	"sys.path.insert(0, 't')\n"
	"names = sorted(n[:-3] for n in os.listdir('t') if n.endswith('.py'))\n"
	"turn = 0\n"
	"while not os.path.exists('stop'):\n"
	"    for name in names:\n"
	"        sys.modules.pop(name, None)\n"
	"        assert importlib.import_module(name).f59(1) == [1, 59], name\n"
	"    turn += 1\n"
	"    if turn % 5 == 0:\n"
	"        for name in names[::2]:\n"
	"            try:\n"
	"                os.unlink(importlib.util.cache_from_source('t/' + name + '.py'))\n"
	"            except FileNotFoundError:\n"
	"                pass\n"
	"    os.makedirs('started', exist_ok=True)\n";

COMBINATION_TEST(together, beside_importing_pythons)
{
	struct run_result result;
	struct run one, two;

	build_tree();
	start_python(&one, importer);
	start_python(&two, importer);
	wait_for_start();
	for (int round = 0; round < ROUNDS; round++) {
		combination_run(&result, combination,
				(struct run_request){.arguments = RUN_LIST("-qf", "t")});
		assert_quiet_success(&result);
		run_result_fini(&result);
	}
	stop_python(&one);
	stop_python(&two);
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("-qf", "t")});
	assert_quiet_success(&result);
	run_result_fini(&result);
	assert_as_cpython(combination);
}

/* Saves the sources over and over, each time with another size and another value of `version`: half
 * of them as most editors do, by a rename, and half in place, where somebody may read part of it.
 */
static const char editor[] =
	"import os\n"
	"names = sorted(n for n in os.listdir('t') if n.endswith('.py'))\n"
	"version = 0\n"
	"while not os.path.exists('stop'):\n"
	"    for number, name in enumerate(names):\n"
	"        version += 1\n"
	"        text = 'version = %d\\n' % version + '#\\n' * (version % 5000)\n"
	"        if number % 2:\n"
	"            with open('new', 'w') as file:\n"
	"                file.write(text)\n"
	"            os.rename('new', 't/' + name)\n"
	"        else:\n"
	"            with open('t/' + name, 'w') as file:\n"
	"                file.write(text)\n"
	"    os.makedirs('started', exist_ok=True)\n";

/* Whatever a .pyc was made of: if its header is that of the source as it is now, then so is its
 * code. Prints how many agree. */
static const char checker[] =
	"import importlib.util, marshal, os\n"
	"count = 0\n"
	"for name in sorted(os.listdir('t')):\n"
	"    if not name.endswith('.py'):\n"
	"        continue\n"
	"    path = 't/' + name\n"
	"    source = open(path, 'rb').read()\n"
	"    data = open(importlib.util.cache_from_source(path), 'rb').read()\n"
	"    code = marshal.loads(data[16:])\n"
	"    if data[4:8] == bytes(4):\n"
	"        status = os.stat(path)\n"
	"        now = (int(status.st_mtime), status.st_size)\n"
	"        same = now == tuple(int.from_bytes(data[i:i + 4], 'little') for i in (8, 12))\n"
	"    else:\n"
	"        same = data[8:16] == importlib.util.source_hash(source)\n"
	"    if same:\n"
	"        assert code == compile(source, path, 'exec'), name\n"
	"        count += 1\n"
	"print(count)\n";

static int count_agreeing(void)
{
	struct run_result result;
	struct run_request request = {.arguments = RUN_LIST("-ISc", checker)};
	int count;

	run_python(&result, request);
	RUN_ASSERT(&result, 0);
	count = atoi(result.output);
	run_result_fini(&result);
	return count;
}

COMBINATION_TEST(together, beside_an_editor)
{
	struct run_result result;
	struct run run;

	build_tree();
	start_python(&run, editor);
	wait_for_start();
	for (int round = 0; round < ROUNDS; round++) {
		combination_run(&result, combination,
				(struct run_request){.arguments = RUN_LIST("-q", "t")});
		assert_quiet_success(&result);
		run_result_fini(&result);
	}
	stop_python(&run);
	(void)count_agreeing();
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("-q", "t")});
	assert_quiet_success(&result);
	run_result_fini(&result);
	cr_assert_eq(count_agreeing(), SOURCES);
}
