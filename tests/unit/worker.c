/*
 * Workers over a scratch folder, with the real compile server ($COMPILE_SERVER), and with scripts
 * in the place of several interpreters.
 */
#include "config.h"

#include "worker.h"

#include "batch.h"
#include "support/scratch.h"
#include "support/stub.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

/* A worker that waits for ever would hold up all tests. */
TestSuite(worker, .timeout = 120);

struct fixture {
	struct options options;
	struct targets targets;
	struct target *target;
	struct worker_settings settings;
	struct group_course course;
	struct folder *root;
	struct filter *filter;
	unsigned servers;   /* started by the last run */
	uint32_t only;      /* a bit for each target that the sources are for; 0: all */
	size_t batch_size;  /* sources in a batch; 0: all */
	char given_up[200]; /* why, or "" */
	atomic_uint begun;  /* how many sources and folders the workers began with */
	atomic_uint stale;  /* how often a worker met something to compile */
};

static void give_up(void *context, const char *why)
{
	struct fixture *fixture = context;

	(void)snprintf(fixture->given_up, sizeof(fixture->given_up), "%s", why);
}

static void count_begun(void *context)
{
	struct fixture *fixture = context;

	fixture->begun++;
}

static void count_stale(void *context)
{
	struct fixture *fixture = context;

	fixture->stale++;
}

static void set_server(struct fixture *fixture, const char *path)
{
	free(fixture->target->server);
	fixture->target->server = strdup(path);
	fixture->target->command.process.path = fixture->target->server;
}

/* `words` is a command line. */
static void set_up_for(struct fixture *fixture, int count, char *const *words)
{
	struct buffer problem = BUFFER_INIT;

	*fixture = (struct fixture){
		.settings = {.targets = &fixture->targets,
			     .give_up = give_up,
			     .begin = count_begun,
			     .stale = count_stale,
			     .course = &fixture->course,
			     .context = fixture},
		.root = folder_open("."),
		.filter = filter_create(NULL, NULL, NULL),
	};
	fixture->settings.filter = fixture->filter;
	cr_assert_eq(options_parse(&fixture->options, count, words, stderr), OPTIONS_OK);
	cr_assert_eq(targets_find(&fixture->targets, &fixture->options, &problem), 0, "%s",
		     buffer_string(&problem));
	fixture->target = fixture->targets.list[0];
}

static void set_up(struct fixture *fixture)
{
	char *words[] = {NULL};

	set_up_for(fixture, 0, words);
	cr_assert_not_null(getenv("COMPILE_SERVER"), "COMPILE_SERVER is not set");
	set_server(fixture, getenv("COMPILE_SERVER"));
}

static void release(struct fixture *fixture)
{
	folder_release(fixture->root);
	filter_destroy(fixture->filter);
	targets_fini(&fixture->targets);
	options_fini(&fixture->options);
}

#define WORKERS_MAX 4

static void set_up_run(struct fixture *fixture, size_t sources)
{
	fixture->settings.queue = queue_create(sources);
	fixture->settings.report = report_create(sources);
}

static struct report_counts end_run(struct fixture *fixture)
{
	struct report_counts counts;

	cr_assert_eq(report_end(fixture->settings.report, NULL), 0);
	counts = report_counts(fixture->settings.report);
	report_destroy(fixture->settings.report);
	queue_destroy(fixture->settings.queue);
	return counts;
}

/* Hands over the names from `first` to the one before `end` as one batch. */
static void push(struct fixture *fixture, const char *const *names, size_t first, size_t end)
{
	struct report *report = fixture->settings.report;
	struct batch *batch = batch_create(report, fixture->root, "", "", "");

	for (size_t i = first; i < end; i++)
		cr_assert_eq(batch_add(batch, names[i], report_operand(report, i)), 0);
	if (fixture->only)
		batch->targets = fixture->only;
	cr_assert_eq(batch_push(batch, fixture->settings.queue), 0);
}

static void push_all(struct fixture *fixture, const char *const *names, size_t count)
{
	size_t size = fixture->batch_size ? fixture->batch_size : count;

	for (size_t i = 0; i < count; i += size)
		push(fixture, names, i, i + size < count ? i + size : count);
	queue_close(fixture->settings.queue);
}

static struct worker *start(const struct worker_settings *settings)
{
	struct worker *worker = worker_create(settings);

	cr_assert_not_null(worker);
	cr_assert_eq(worker_start(worker), 0);
	return worker;
}

/* Lets so many workers do the named sources; returns the counts. */
static struct report_counts run_many(struct fixture *fixture, size_t workers,
				     const char *const *names, size_t count)
{
	struct queue_ticket ticket;
	struct worker *worker[WORKERS_MAX];

	/* All is there when the first one starts. */
	set_up_run(fixture, count);
	queue_join(fixture->settings.queue, &ticket);
	push_all(fixture, names, count);
	for (size_t i = 0; i < workers; i++) {
		worker[i] = start(&fixture->settings);
	}
	queue_leave(fixture->settings.queue, &ticket);
	fixture->servers = 0;
	for (size_t i = 0; i < workers; i++)
		worker_join(worker[i]);
	for (size_t i = 0; i < workers; i++)
		fixture->servers += worker_destroy(worker[i]);
	return end_run(fixture);
}

static struct report_counts run(struct fixture *fixture, const char *const *names, size_t count)
{
	return run_many(fixture, 1, names, count);
}

SCRATCH_TEST(worker, compiles_what_is_missing_and_then_nothing)
{
	static const char *const names[] = {"a.py", "b.py"};
	struct report_counts counts;
	struct fixture fixture;

	scratch_file("a.py", "x = 1\n");
	scratch_file("b.py", "y = 2\n");
	set_up(&fixture);
	cr_redirect_stdout();
	counts = run(&fixture, names, 2);
	cr_assert_eq(counts.compiled, 2);
	cr_assert_eq(fixture.servers, 1);
	counts = run(&fixture, names, 2);
	cr_assert_eq(counts.fresh, 2);
	cr_assert_eq(fixture.servers, 0);
	cr_assert_eq(fixture.stale, 2, "nothing more was stale");
	cr_assert_eq(fixture.begun, 4, "two sources, twice");
	cr_assert_stdout_eq_str("Compiling 'a.py'...\nCompiling 'b.py'...\n");
	release(&fixture);
}

/* Without a thread of its own. */
SCRATCH_TEST(worker, runs_in_the_thread_that_calls)
{
	static const char *const names[] = {"a.py", "b.py"};
	struct fixture fixture;
	struct worker *worker;

	scratch_file("a.py", "x = 1\n");
	scratch_file("b.py", "y = 2\n");
	set_up(&fixture);
	fixture.settings.style.quiet = 1;
	set_up_run(&fixture, 2);
	worker = worker_create(&fixture.settings);
	cr_assert_not_null(worker);
	push_all(&fixture, names, 2);
	worker_run(worker);
	worker_join(worker);
	cr_assert_eq(worker_destroy(worker), 1);
	cr_assert_eq(end_run(&fixture).compiled, 2);
	release(&fixture);
}

static void ignore(struct queue_job *job)
{
	(void)job;
}

/* The queue does not count on it any more. */
SCRATCH_TEST(worker, one_that_never_ran_leaves_the_queue)
{
	struct queue_job job = {.parts = 1, .finish = ignore};
	struct fixture fixture;
	struct worker *idle;

	set_up(&fixture);
	set_up_run(&fixture, 0);
	idle = worker_create(&fixture.settings);
	cr_assert_not_null(idle);
	cr_assert_eq(worker_destroy(idle), 0);
	cr_assert_eq(queue_push(fixture.settings.queue, &job), -1);
	cr_assert_eq(errno, EPIPE);
	(void)end_run(&fixture);
	release(&fixture);
}

SCRATCH_TEST(worker, only_the_stale_level_is_compiled)
{
	static const char *const names[] = {"a.py"};
	struct fixture fixture;

	scratch_file("a.py", "x = 1\n");
	set_up(&fixture);
	cr_redirect_stdout();
	(void)run(&fixture, names, 1);
	fixture.target->levels[1] = (struct target_level){.level = 2, .optimization = "2"};
	fixture.target->level_count = 2;
	fixture.settings.style.verbose = true;
	cr_assert_eq(run(&fixture, names, 1).compiled, 1);
	cr_assert_stdout_eq_str("Compiling 'a.py'...\n"
				"Fresh 'a.py'\nStale 'a.py' [opt-2] (missing)\n"
				"Compiling 'a.py'...\n");
	release(&fixture);
}

SCRATCH_TEST(worker, failure_of_one_source_is_a_result)
{
	static const char *const names[] = {"bad.py", "good.py", "gone.py"};
	struct report_counts counts;
	struct fixture fixture;

	scratch_file("bad.py", "x = = 1\n");
	scratch_file("good.py", "x = 1\n");
	set_up(&fixture);
	cr_redirect_stdout();
	fixture.settings.style.quiet = 1;
	counts = run(&fixture, names, 3);
	cr_assert_eq(counts.failed, 1);
	cr_assert_eq(counts.compiled, 1);
	cr_assert_eq(counts.checked, 2, "what is gone is no source");
	cr_assert_stdout_eq_str("*** Error compiling 'bad.py'...\n"
				"  File \"bad.py\", line 1\n"
				"    x = = 1\n"
				"        ^\n"
				"SyntaxError: invalid syntax\n\n");
	cr_assert_eq(access("__pycache__", F_OK), 0);
	release(&fixture);
}

SCRATCH_TEST(worker, server_that_cannot_start_ends_the_run)
{
	static const char *const names[] = {"a.py"};
	struct fixture fixture;

	scratch_file("a.py", "x = 1\n");
	set_up(&fixture);
	set_server(&fixture, "no/such/server");
	fixture.settings.style.quiet = 2;
	cr_assert_eq(run(&fixture, names, 1).failed, 1);
	cr_assert_not_null(strstr(fixture.given_up, "no/such/server"), "'%s'", fixture.given_up);
	release(&fixture);
}

/* ---- Several interpreters ---- */

/* The second one is of the time before PEP 552: its headers have 12 bytes. */
static const struct interpreter alpha = {.cache_tag = "alpha-1",
					 .magic = "\1\2\r\n",
					 .hash_kind = SOURCE_HASH_SIP13},
				beta = {.cache_tag = "beta-2",
					.magic = "\3\4\r\n",
					.hash_kind = SOURCE_HASH_NONE};

#define SOURCE     "x = 1\n"
#define ALPHA_PYC  "__pycache__/a.alpha-1.pyc"
#define BETA_PYC   "__pycache__/a.beta-2.pyc"
#define ZEROES_8   "\\0\\0\\0\\0\\0\\0\\0\\0"
#define CODE(text) "printf '" ZEROES_8 "\\1\\0\\0\\0\\0\\0\\0\\0" ZEROES_8 text "' >&0\n"
#define NO         "printf '\\1\\0\\0\\0\\0\\0\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0" ZEROES_8 "no' >&0\n"

/* "a.py" with two interpreters that run these scripts for each request. */
static void set_up_two(struct fixture *fixture, const char *one, const char *two)
{
	char name[] = "pycompileall", option[] = "--python", first[] = "./one", second[] = "./two";
	char timeout[] = "--timeout=20";
	char *words[] = {name, option, first, option, second, timeout, NULL};
	char script[1000];

	scratch_file("a.py", SOURCE);
	(void)snprintf(script, sizeof(script), "greet\nwhile receive; do\n%sdone\n", one);
	stub_server("one", &alpha, strlen("a.py") + strlen(SOURCE), script);
	(void)snprintf(script, sizeof(script), "greet\nwhile receive; do\n%sdone\n", two);
	stub_server("two", &beta, strlen("a.py") + strlen(SOURCE), script);
	set_up_for(fixture, 6, words);
	cr_assert_eq(fixture->targets.count, 2);
}

/* The .pyc of a target is its header, of so many bytes, and one byte of code. */
static void assert_code(const char *path, const struct interpreter *interpreter, size_t header_size,
			char code)
{
	size_t size;
	char *bytes = scratch_read(path, &size);

	cr_assert_eq(size, header_size + 1, "%s has %zu bytes", path, size);
	cr_assert_arr_eq(bytes, interpreter->magic, PYC_HEADER_MAGIC);
	cr_assert_eq(bytes[header_size], code);
	free(bytes);
}

/* Opening and closing alternate, for like events behind each other would be told as one. */
static int watch(const char *path)
{
	int watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	cr_assert_geq(watcher, 0);
	cr_assert_geq(inotify_add_watch(watcher, path, IN_OPEN | IN_CLOSE_NOWRITE), 0);
	return watcher;
}

/* How often the file that is watched was opened. */
static size_t count_opened(int watcher)
{
	struct inotify_event events[16];
	ssize_t size = read(watcher, events, sizeof(events));
	size_t count = 0;

	(void)close(watcher);
	for (size_t i = 0; size > 0 && i < (size_t)size / sizeof(events[0]); i++)
		count += (events[i].mask & IN_OPEN) != 0;
	return count;
}

static const char *const a_py[] = {"a.py"};

/* Whoever has it shares it with another, or does all of it. */
static void assert_both_made_from_one_reading(size_t workers)
{
	struct fixture fixture;
	int watcher;

	set_up_two(&fixture, CODE("c"), CODE("\\343"));
	watcher = watch("a.py");
	cr_redirect_stdout();
	cr_assert_eq(run_many(&fixture, workers, a_py, 1).compiled, 1);
	cr_assert_eq(count_opened(watcher), 1);
	assert_code(ALPHA_PYC, &alpha, PYC_HEADER_SIZE, 'c');
	assert_code(BETA_PYC, &beta, PYC_HEADER_OLD, '\343');
	cr_assert_eq(run_many(&fixture, workers, a_py, 1).fresh, 1);
	cr_assert_eq(fixture.servers, 0);
	cr_assert_stdout_eq_str("Compiling 'a.py' for alpha-1...\n"
				"Compiling 'a.py' for beta-2...\n");
	release(&fixture);
}

SCRATCH_TEST(worker, source_for_two_targets_is_read_once)
{
	assert_both_made_from_one_reading(1);
}

SCRATCH_TEST(worker, source_for_two_targets_is_read_once_by_several)
{
	assert_both_made_from_one_reading(3);
}

/* The first one answers only when the second one's .pyc is there: one worker would wait in vain. */
SCRATCH_TEST(worker, targets_of_a_source_are_compiled_side_by_side)
{
	struct fixture fixture;
	struct report_counts counts;

	set_up_two(&fixture, "until test -e " BETA_PYC "; do sleep 0.01; done\n" CODE("c"),
		   CODE("\\343"));
	cr_redirect_stdout();
	counts = run_many(&fixture, 2, a_py, 1);
	cr_assert_eq(counts.compiled, 1);
	cr_assert_stdout_eq_str("Compiling 'a.py' for alpha-1...\n"
				"Compiling 'a.py' for beta-2...\n");
	release(&fixture);
}

SCRATCH_TEST(worker, only_the_stale_target_is_compiled)
{
	struct fixture fixture;

	set_up_two(&fixture, CODE("c"), CODE("\\343"));
	fixture.settings.style.quiet = 1;
	cr_assert_eq(run(&fixture, a_py, 1).compiled, 1);
	scratch_delete(BETA_PYC);
	scratch_mtime(ALPHA_PYC, SCRATCH_MTIME, 0);
	fixture.settings.style.quiet = 0;
	fixture.settings.style.verbose = true;
	cr_redirect_stdout();
	cr_assert_eq(run(&fixture, a_py, 1).compiled, 1);
	cr_assert_eq(fixture.servers, 1);
	cr_assert_stdout_eq_str("Fresh 'a.py' for alpha-1\nStale 'a.py' for beta-2 (missing)\n"
				"Compiling 'a.py' for beta-2...\n");
	release(&fixture);
}

/* It is one failure, and what the other makes stands. */
SCRATCH_TEST(worker, failure_for_one_target_leaves_the_other)
{
	struct report_counts counts;
	struct fixture fixture;

	set_up_two(&fixture, NO, CODE("\\343"));
	fixture.settings.style.quiet = 1;
	cr_redirect_stdout();
	counts = run_many(&fixture, 2, a_py, 1);
	cr_assert_eq(counts.failed, 1);
	cr_assert_eq(counts.compiled, 0);
	cr_assert_eq(counts.checked, 1);
	cr_assert_eq(access(ALPHA_PYC, F_OK), -1);
	assert_code(BETA_PYC, &beta, PYC_HEADER_OLD, '\343');
	cr_assert_stdout_eq_str("*** Error compiling 'a.py' for alpha-1...\nno\n");
	release(&fixture);
}

SCRATCH_TEST(worker, sources_may_be_for_some_of_the_targets)
{
	struct fixture fixture;

	set_up_two(&fixture, CODE("c"), CODE("\\343"));
	fixture.only = 2;
	cr_redirect_stdout();
	cr_assert_eq(run_many(&fixture, 2, a_py, 1).compiled, 1);
	cr_assert_eq(access(ALPHA_PYC, F_OK), -1);
	cr_assert_eq(access(BETA_PYC, F_OK), 0);
	cr_assert_stdout_eq_str("Compiling 'a.py' for beta-2...\n");
	release(&fixture);
}

/* ---- Sources that are compiled together ---- */

#define LOG(text) "printf " text " >>log\n"

static void assert_log(const char *expected)
{
	size_t size;
	char *text = scratch_read("log", &size);

	cr_assert_eq(size, strlen(expected), "%.*s", (int)size, text);
	cr_assert_arr_eq(text, expected, size, "%.*s", (int)size, text);
	free(text);
}

static const char *const three[] = {"a.py", "b.py", "c.py"};

static void build_three(void)
{
	for (size_t i = 0; i < 3; i++)
		scratch_file(three[i], SOURCE);
}

/* Going from server to server with each source would find cold caches each time. */
SCRATCH_TEST(worker, sources_are_compiled_for_one_target_after_the_other)
{
	struct fixture fixture;

	build_three();
	set_up_two(&fixture, LOG("1") CODE("c"), LOG("2") CODE("c"));
	cr_redirect_stdout();
	cr_assert_eq(run(&fixture, three, 3).compiled, 3);
	assert_log("111222");
	cr_assert_stdout_eq_str(
		"Compiling 'a.py' for alpha-1...\nCompiling 'a.py' for beta-2...\n"
		"Compiling 'b.py' for alpha-1...\nCompiling 'b.py' for beta-2...\n"
		"Compiling 'c.py' for alpha-1...\nCompiling 'c.py' for beta-2...\n");
	release(&fixture);
}

/* Folders are small: what is gathered may be of several. */
SCRATCH_TEST(worker, sources_of_several_batches_are_compiled_together)
{
	struct fixture fixture;

	build_three();
	set_up_two(&fixture, LOG("1") CODE("c"), LOG("2") CODE("c"));
	fixture.batch_size = 1;
	fixture.settings.style.quiet = 1;
	cr_assert_eq(run(&fixture, three, 3).compiled, 3);
	assert_log("111222");
	release(&fixture);
}

/* So that what is gathered does not grow with the tree. */
SCRATCH_TEST(worker, so_many_sources_at_most_are_gathered)
{
	enum {
		GROUP = 256,
		REST = 8,
		ALL = GROUP + REST
	};
	static char names[ALL][16], log[2 * ALL + 1];
	const char *list[ALL];
	struct fixture fixture;

	/* The stub wants names and sources that have as many bytes together as those of "a.py". */
	for (size_t i = 0; i < ALL; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "%04zu.py", i);
		scratch_file(names[i], &SOURCE[strlen("000")]);
		list[i] = names[i];
	}
	set_up_two(&fixture, LOG("1") CODE("c"), LOG("2") CODE("c"));
	fixture.settings.style.quiet = 1;
	fixture.batch_size = BATCH_MAX;
	cr_assert_eq(run(&fixture, list, ALL).compiled, ALL);
	memset(log, '1', GROUP);
	memset(log + GROUP, '2', GROUP);
	memset(log + 2 * GROUP, '2', REST);
	memset(log + 2 * GROUP + REST, '1', REST);
	assert_log(log);
	release(&fixture);
}

/* The server that has "b.py" ends; its successor goes on with what follows. */
SCRATCH_TEST(worker, source_that_kills_a_server_costs_only_itself)
{
	struct report_counts counts;
	struct fixture fixture;

	build_three();
	set_up_two(&fixture, "if grep -q b.py request; then exit 7; fi\n" CODE("c"), CODE("c"));
	fixture.settings.style.quiet = 1;
	cr_redirect_stdout();
	counts = run(&fixture, three, 3);
	cr_assert_eq(counts.compiled, 2);
	cr_assert_eq(counts.failed, 1);
	cr_assert_eq(fixture.servers, 3);
	cr_assert_eq(access("__pycache__/b.alpha-1.pyc", F_OK), -1);
	cr_assert_eq(access("__pycache__/b.beta-2.pyc", F_OK), 0);
	cr_assert_eq(access("__pycache__/c.alpha-1.pyc", F_OK), 0);
	cr_assert_stdout_eq_str("*** Error compiling 'b.py' for alpha-1...\n"
				"the compile server ended with status 7\n");
	release(&fixture);
}

/* What cannot be read fails by itself, for each of the targets. */
SCRATCH_TEST(worker, unreadable_source_is_not_gathered)
{
	struct report_counts counts;
	struct fixture fixture;

	build_three();
	set_up_two(&fixture, CODE("c"), CODE("c"));
	scratch_delete("b.py");
	scratch_folder("b.py");
	fixture.settings.style.quiet = 1;
	fixture.settings.style.py_compile = true;
	cr_redirect_stderr();
	counts = run(&fixture, three, 3);
	cr_assert_eq(counts.compiled, 2);
	cr_assert_eq(counts.failed, 1);
	release(&fixture);
}

/* A worker that has gathered and finds no more compiles it, although the queue is open. */
SCRATCH_TEST(worker, what_is_gathered_is_compiled_before_waiting)
{
	struct worker *worker;
	struct fixture fixture;

	build_three();
	set_up_two(&fixture, CODE("c"), CODE("c"));
	fixture.settings.style.quiet = 1;
	set_up_run(&fixture, 3);
	worker = start(&fixture.settings);
	push(&fixture, three, 0, 3);
	queue_drain(fixture.settings.queue);
	cr_assert_eq(report_counts(fixture.settings.report).compiled, 3);
	queue_close(fixture.settings.queue);
	worker_join(worker);
	(void)worker_destroy(worker);
	(void)end_run(&fixture);
	release(&fixture);
}

/* A cancel while the first of three is compiled: none of them is reported, and all is freed. */
SCRATCH_TEST(worker, cancelled_run_drops_what_is_gathered)
{
	struct worker *worker;
	struct fixture fixture;
	struct timespec moment = {.tv_nsec = 10000000};

	build_three();
	set_up_two(&fixture, LOG("1") "exec sleep 60\n", CODE("c"));
	fixture.settings.style.quiet = 2;
	set_up_run(&fixture, 3);
	worker = start(&fixture.settings);
	push(&fixture, three, 0, 3);
	while (access("log", F_OK) != 0)
		nanosleep(&moment, NULL);
	queue_cancel(fixture.settings.queue);
	worker_cancel(worker);
	worker_join(worker);
	(void)worker_destroy(worker);
	cr_assert_eq(end_run(&fixture).checked, 0);
	release(&fixture);
}
