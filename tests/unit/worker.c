/* One worker over a scratch folder, with the real compile server ($COMPILE_SERVER). */
#include "config.h"

#include "worker.h"

#include "batch.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
	struct options options;
	struct targets targets;
	struct target *target;
	struct worker_settings settings;
	struct folder *root;
	struct filter *filter;
	unsigned servers;   /* started by the last run */
	char given_up[200]; /* why, or "" */
};

static void give_up(void *context, const char *why)
{
	struct fixture *fixture = context;

	(void)snprintf(fixture->given_up, sizeof(fixture->given_up), "%s", why);
}

static void set_server(struct fixture *fixture, const char *path)
{
	free(fixture->target->server);
	fixture->target->server = strdup(path);
	fixture->target->command.process.path = fixture->target->server;
}

static void set_up(struct fixture *fixture)
{
	char *names[] = {NULL};
	struct buffer problem = BUFFER_INIT;

	*fixture = (struct fixture){
		.settings = {.targets = &fixture->targets, .give_up = give_up, .context = fixture},
		.root = folder_open("."),
		.filter = filter_create(NULL, NULL, NULL),
	};
	fixture->settings.filter = fixture->filter;
	cr_assert_eq(options_parse(&fixture->options, 0, names, stderr), OPTIONS_OK);
	cr_assert_eq(targets_find(&fixture->targets, &fixture->options, &problem), 0);
	fixture->target = fixture->targets.list[0];
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

/* Lets one worker do the named sources; returns the counts. */
static struct report_counts run(struct fixture *fixture, const char *const *names, size_t count)
{
	struct worker_settings *settings = &fixture->settings;
	struct report_counts counts;
	struct worker *worker;
	struct batch *batch;

	settings->queue = queue_create(1);
	settings->report = report_create(count);
	batch = batch_create(settings->report, fixture->root, "", "", "");
	for (size_t i = 0; i < count; i++)
		cr_assert_eq(batch_add(batch, names[i], report_operand(settings->report, i)), 0);
	worker = worker_start(settings);
	cr_assert_not_null(worker);
	cr_assert_eq(batch_push(batch, settings->queue), 0);
	queue_close(settings->queue);
	worker_join(worker);
	fixture->servers = worker_destroy(worker);
	cr_assert_eq(report_end(settings->report, NULL), 0);
	counts = report_counts(settings->report);
	report_destroy(settings->report);
	queue_destroy(settings->queue);
	return counts;
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
	cr_assert_stdout_eq_str("Compiling 'a.py'...\nCompiling 'b.py'...\n");
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
