#include "config.h"

#include "feed.h"

#include "batch.h"
#include "branches.h"
#include "support/scratch.h"
#include "thread.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CAPACITY = 100
};

/* Feeds operands into a queue with one consumer, which then takes everything: a line a source. */
struct fixture {
	struct queue *queue;
	struct report *report;
	struct queue_ticket ticket;
	size_t announced; /* sources that `ahead` was told of */
	size_t batches;
	size_t waits; /* how often it was told that something is waited for */
	struct buffer taken;
};

static int ahead(void *context, size_t sources)
{
	struct fixture *fixture = context;

	fixture->announced += sources;
	fixture->batches += sources > 0;
	fixture->waits += sources == 0;
	return 0;
}

#ifndef USE_NFTW
static int ahead_of_none(void *context, size_t found)
{
	(void)context;
	(void)found;
	return 0;
}
#endif

static void take_all(struct fixture *fixture)
{
	struct queue_ticket *ticket = &fixture->ticket;

	while (queue_next(fixture->queue, ticket)) {
		struct batch *batch = batch_of(ticket->job);

		buffer_append_string(&fixture->taken, batch_prefix(batch));
		buffer_append_string(&fixture->taken, batch_name(batch, ticket->part));
		buffer_append_byte(&fixture->taken, '\n');
		report_fill_silent(batch->sources[ticket->part].slot);
	}
}

static struct fixture feed(int quiet, long depth, char *const *operands, size_t count)
{
	struct fixture fixture = {
		.queue = queue_create(CAPACITY),
		.report = report_create(count),
		.taken = BUFFER_INIT,
	};
	struct feed_settings settings = {
		.queue = fixture.queue,
		.report = fixture.report,
		.depth = depth,
		.style.quiet = quiet,
		.ahead = ahead,
		.context = &fixture,
	};

	queue_join(fixture.queue, &fixture.ticket);
	cr_assert_eq(feed_operands(&settings, operands, count), 0);
	queue_close(fixture.queue);
	take_all(&fixture);
	queue_leave(fixture.queue, &fixture.ticket);
	cr_assert_eq(report_end(fixture.report, NULL), 0);
	return fixture;
}

static void release(struct fixture *fixture)
{
	queue_destroy(fixture->queue);
	report_destroy(fixture->report);
	buffer_fini(&fixture->taken);
}

SCRATCH_TEST(feed, files_and_folders_in_their_order)
{
	static char *const operands[] = {"t", "one.py", "none.txt", "u/b.py"};
	struct fixture fixture;

	scratch_file("t/b.py", "");
	scratch_file("t/a/x.py", "");
	scratch_file("one.py", "");
	scratch_file("none.txt", "");
	scratch_file("u/b.py", "");
	cr_redirect_stdout();
	fixture = feed(0, -1, operands, 4);
	cr_assert_str_eq(buffer_string(&fixture.taken), "t/b.py\nt/a/x.py\none.py\nu/b.py\n");
	cr_assert_eq(fixture.announced, 5, "a folder may be work, too");
	cr_assert_stdout_eq_str("Listing 't'...\nListing 't/a'...\n");
	release(&fixture);
}

SCRATCH_TEST(feed, what_cannot_be_listed_is_trouble)
{
	static char *const operands[] = {"none", "", "fifo"};
	struct fixture fixture;

	scratch_fifo("fifo");
	cr_redirect_stdout();
	fixture = feed(1, -1, operands, 3);
	cr_assert_stdout_eq_str("Can't list 'none'\nCan't list ''\nCan't list 'fifo'\n");
	cr_assert_eq(report_counts(fixture.report).trouble, 3);
	release(&fixture);
}

/* Puts a link in the place of t/sub while the sources of t are handed over: the walk has seen the
 * folder, and goes on by its path. */
static int swap(void *context, size_t sources)
{
	(void)context;
	(void)sources;
	scratch_delete("t/sub");
	scratch_symlink("../outside", "t/sub");
	return 0;
}

SCRATCH_TEST(feed, does_not_walk_out_through_a_link_that_was_a_folder)
{
	char *const operands[] = {"t"};
	struct report *report = report_create(1);
	struct queue *queue = queue_create(CAPACITY);
	struct queue_ticket ticket;
	struct feed_settings settings = {
		.queue = queue, .report = report, .depth = -1, .ahead = swap};

	scratch_file("t/a.py", "");
	scratch_file("t/sub/b.py", "");
	scratch_file("outside/c.py", "");
	scratch_file("outside/deeper/d.py", "");
	queue_join(queue, &ticket);
	cr_redirect_stdout();
	cr_assert_eq(feed_operands(&settings, operands, 1), 0);
	cr_assert(queue_next(queue, &ticket));
	cr_assert_str_eq(batch_name(batch_of(ticket.job), 0), "a.py");
	report_fill_silent(batch_of(ticket.job)->sources[0].slot);
	queue_close(queue);
	cr_assert_not(queue_next(queue, &ticket), "nothing from outside");
	queue_leave(queue, &ticket);
	cr_assert_eq(report_end(report, NULL), 0);
	cr_assert_stdout_eq_str("Listing 't'...\nListing 't/sub'...\nCan't list 't/sub'\n");
	cr_assert_eq(report_counts(report).trouble, 1);
	queue_destroy(queue);
	report_destroy(report);
}

SCRATCH_TEST(feed, file_in_no_folder_is_a_failure_in_py_compiles_words)
{
	char *const operands[] = {"no/such.py"};
	struct report *report = report_create(1);
	struct queue *queue = queue_create(1);
	struct feed_settings settings = {
		.queue = queue,
		.report = report,
		.style.py_compile = true,
		.only_files = true,
		.ahead = ahead,
	};

	cr_redirect_stderr();
	cr_assert_eq(feed_operands(&settings, operands, 1), 0);
	cr_assert_eq(report_end(report, NULL), 0);
	cr_assert_eq(report_counts(report).failed, 1);
	cr_assert_stderr_eq_str("[Errno 2] No such file or directory: 'no/such.py'\n");
	report_destroy(report);
	queue_destroy(queue);
}

SCRATCH_TEST(feed, named_files_of_one_folder_share_a_batch)
{
	static char *const operands[] = {"t/a.py", "t/b.py", "u/c.py", "d.py", "e.py"};
	struct fixture fixture;

	for (size_t i = 0; i < 5; i++)
		scratch_file(operands[i], "");
	fixture = feed(2, -1, operands, 5);
	cr_assert_str_eq(buffer_string(&fixture.taken), "t/a.py\nt/b.py\nu/c.py\nd.py\ne.py\n");
	cr_assert_eq(fixture.batches, 3);
	release(&fixture);
}

SCRATCH_TEST(feed, large_folder_is_several_batches)
{
	static char *const operands[] = {"t/"};
	struct fixture fixture;
	char name[32];

	for (int i = 0; i < 2 * BATCH_MAX + 1; i++) {
		(void)snprintf(name, sizeof(name), "t/%04d.py", i);
		scratch_file(name, "");
	}
	fixture = feed(2, -1, operands, 1);
	cr_assert_eq(fixture.announced, 2 * BATCH_MAX + 1);
	cr_assert_eq(fixture.batches, 3);
	release(&fixture);
}

SCRATCH_TEST(feed, depth_is_kept)
{
	static char *const operands[] = {"t"};
	struct fixture fixture;

	scratch_file("t/a.py", "");
	scratch_file("t/sub/b.py", "");
	fixture = feed(2, 0, operands, 1);
	cr_assert_str_eq(buffer_string(&fixture.taken), "t/a.py\n");
	release(&fixture);
}

/* Takes everything, on a thread of its own. */
static void *consume(void *argument)
{
	take_all(argument);
	return NULL;
}

/* The second operand is fed when the first is done: nothing of the two is ever in one batch. */
SCRATCH_TEST(feed, operands_that_overlap_wait_for_each_other)
{
	char *const operands[] = {"t/a.py", "t/a.py", "t"};
	struct fixture fixture = {
		.queue = queue_create(CAPACITY),
		.report = report_create(3),
		.taken = BUFFER_INIT,
	};
	struct feed_settings settings = {
		.queue = fixture.queue,
		.report = fixture.report,
		.depth = -1,
		.style.quiet = 2,
		.ahead = ahead,
		.context = &fixture,
	};
	pthread_t thread;

	scratch_file("t/a.py", "");
	queue_join(fixture.queue, &fixture.ticket);
	cr_assert_eq(thread_create(&thread, consume, &fixture), 0);
	cr_assert_eq(feed_operands(&settings, operands, 3), 0);
	queue_close(fixture.queue);
	thread_join(thread);
	queue_leave(fixture.queue, &fixture.ticket);
	cr_assert_str_eq(buffer_string(&fixture.taken), "t/a.py\nt/a.py\nt/a.py\n");
	cr_assert_eq(fixture.batches, 3);
	cr_assert_eq(fixture.waits, 2, "nobody might have come for what was waited for");
	release(&fixture);
}

SCRATCH_TEST(feed, cancelled_queue_ends_it)
{
	static char *const operands[] = {"a.py"};
	struct fixture fixture = {.queue = queue_create(1), .report = report_create(1)};
	struct feed_settings settings = {
		.queue = fixture.queue,
		.report = fixture.report,
		.depth = -1,
		.ahead = ahead,
		.context = &fixture,
	};

	scratch_file("a.py", "");
	queue_cancel(fixture.queue);
	cr_assert_eq(feed_operands(&settings, operands, 1), -1);
	cr_assert_eq(errno, EPIPE);
	release(&fixture);
}

/* Without a source nothing is pushed that the queue could refuse. */
SCRATCH_TEST(feed, cancelled_queue_ends_a_walk_that_finds_nothing)
{
	static char *const operands[] = {"t"};
	struct fixture fixture = {.queue = queue_create(1), .report = report_create(1)};
	struct feed_settings settings = {
		.queue = fixture.queue,
		.report = fixture.report,
		.depth = -1,
		.ahead = ahead,
		.context = &fixture,
	};

	scratch_folder("t/a");
	queue_cancel(fixture.queue);
	cr_redirect_stdout();
	cr_assert_eq(feed_operands(&settings, operands, 1), -1);
	cr_assert_eq(errno, EPIPE);
	cr_assert_stdout_eq_str("");
	release(&fixture);
}

#ifndef USE_NFTW
/* A worker that only walks and counts; at the first source of all it may dawdle until so much else
 * is found that no folder is to be opened any more. */
struct walker {
	struct fixture *fixture;
	bool dawdles;
	struct queue_ticket ticket;
	pthread_t thread;
	size_t branches;
	size_t sources;
};

static void *walk_or_count(void *argument)
{
	struct walker *walker = argument;
	struct queue *queue = walker->fixture->queue;
	struct queue_ticket *ticket = &walker->ticket;

	while (queue_next(queue, ticket)) {
		const struct branches *branches = branches_of(ticket->job);

		if (branches) {
			walker->branches++;
			cr_assert_eq(feed_branch(branches, ticket->part), 0);
			continue;
		}
		walker->sources++;
		if (walker->dawdles &&
		    strcmp(batch_prefix(batch_of(ticket->job)), "t/0000/a/") == 0)
			while (!report_is_full(walker->fixture->report, NULL))
				sched_yield();
		report_fill_silent(batch_of(ticket->job)->sources[ticket->part].slot);
	}
	queue_leave(queue, ticket);
	return NULL;
}

static void look_again(void *context)
{
	queue_signal(context);
}

static void make_bushy_tree(size_t folders)
{
	char path[64];

	for (size_t i = 0; i < folders; i++) {
		(void)snprintf(path, sizeof(path), "t/%04zu/a/x.py", i);
		scratch_file(path, "");
		(void)snprintf(path, sizeof(path), "t/%04zu/b/x.py", i);
		scratch_file(path, "");
	}
}

static void append_listing(struct buffer *text, size_t folders)
{
	buffer_append_string(text, "Listing 't'...\n");
	for (size_t i = 0; i < folders; i++) {
		buffer_printf(text, "Listing 't/%04zu'...\n", i);
		buffer_printf(text, "Listing 't/%04zu/a'...\n", i);
		buffer_printf(text, "Listing 't/%04zu/b'...\n", i);
	}
}

/* Idle workers walk, give back, and walk again, and everything is found once and told in order. */
static void assert_shared(size_t folders, bool dawdles)
{
	enum {
		WALKERS = 3
	};
	char *const operands[] = {"t"};
	struct fixture fixture = {.queue = queue_create(2), .report = report_create(1)};
	struct feed_settings settings = {
		.queue = fixture.queue,
		.report = fixture.report,
		.depth = -1,
		.ahead = ahead_of_none,
	};
	struct walker walkers[WALKERS] = {0};
	struct buffer expected = BUFFER_INIT;
	size_t branches = 0, sources = 0, size;
	char *output;

	make_bushy_tree(folders);
	append_listing(&expected, folders);
	report_listen(fixture.report, look_again, fixture.queue);
	/* More than a pipe takes. */
	cr_assert_not_null(freopen("output", "w", stdout));
	for (size_t i = 0; i < WALKERS; i++) {
		walkers[i].fixture = &fixture;
		walkers[i].dawdles = dawdles;
		queue_join(fixture.queue, &walkers[i].ticket);
		cr_assert_eq(thread_create(&walkers[i].thread, walk_or_count, &walkers[i]), 0);
	}
	while (!queue_is_hungry(fixture.queue))
		sched_yield();
	cr_assert_eq(feed_operands(&settings, operands, 1), 0);
	queue_close(fixture.queue);
	for (size_t i = 0; i < WALKERS; i++) {
		thread_join(walkers[i].thread);
		branches += walkers[i].branches;
		sources += walkers[i].sources;
	}
	cr_assert_eq(sources, 2 * folders);
	cr_assert_gt(branches, 0);
	cr_assert_eq(report_end(fixture.report, NULL), 0);
	output = scratch_read("output", &size);
	cr_assert_eq(size, expected.size);
	cr_assert_eq(memcmp(output, expected.data, size), 0);
	free(output);
	buffer_fini(&expected);
	release(&fixture);
}

SCRATCH_TEST(feed, workers_share_the_walk)
{
	assert_shared(300, false);
}

SCRATCH_TEST(feed, workers_do_not_run_away_from_a_slow_source)
{
	assert_shared(4000, true);
}
#endif
