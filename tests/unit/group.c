/* group: in which order its parts come, when it is full, and who ends what. */
#include "config.h"

#include "group.h"

#include "support/descriptors.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define SOURCES 64
#define TARGETS 3

static struct queue *queue;
static struct queue_ticket ticket, within;
static struct report *report;
static struct folder *root;
static struct batch *batch;
static struct group_course course;
static struct group *group;

/* A batch of sources in the folder "q" is at hand. */
static void set_up(void)
{
	char name[16];

	scratch_folder("q");
	queue = queue_create(1);
	report = report_create(SOURCES);
	root = folder_open(".");
	batch = batch_create(report, root, "q", "q/", "q");
	for (size_t i = 0; i < SOURCES; i++) {
		(void)snprintf(name, sizeof(name), "%zu.py", i);
		cr_assert_eq(batch_add(batch, name, report_operand(report, i)), 0);
	}
	queue_join(queue, &ticket);
	cr_assert_eq(batch_push(batch, queue), 0);
	cr_assert(queue_next(queue, &ticket));
	group = group_create(queue, report, TARGETS, &course);
	cr_assert_not_null(group);
}

static void release_all_but_batch(void)
{
	queue_destroy(queue);
	report_destroy(report);
	folder_release(root);
}

static void release(void)
{
	queue_leave(queue, &ticket);
	release_all_but_batch();
}

/* Adds the batch's source number `index`, stale for the targets of which `stale` has a bit. */
static struct source *add(size_t index, uint32_t stale, const char *text)
{
	struct source *source = source_create(TARGETS);
	char path[16];

	(void)snprintf(path, sizeof(path), "q/%zu.py", index);
	scratch_file(path, text);
	cr_assert_eq(source_set(source, batch, index), 0);
	cr_assert_eq(source_load(source), 0);
	source->stale = stale;
	group_add(group, source);
	return source;
}

static void assert_part(size_t index, const struct source *source, size_t target)
{
	struct group_part part = group_part(group, index);

	cr_assert(queue_take(queue, &within));
	cr_assert_eq(within.part, index);
	cr_assert_eq(part.source, source, "part %zu", index);
	cr_assert_eq(part.target, target, "part %zu", index);
}

SCRATCH_TEST(group, parts_come_target_by_target)
{
	struct source *all, *two, *last;

	set_up();
	all = add(0, 7, "");
	two = add(1, 5, "");
	last = add(2, 4, "");
	group_begin(group, &within);
	cr_assert_eq(group_of(within.job), group);
	cr_assert_null(group_of(&batch->job));
	assert_part(0, all, 0);
	assert_part(1, two, 0);
	assert_part(2, all, 1);
	assert_part(3, all, 2);
	assert_part(4, two, 2);
	assert_part(5, last, 2);
	cr_assert_not(queue_take(queue, &within));
	queue_end(queue, &within);
	release();
}

/* With the target that another worker is at, and no other before all are done for it. */
SCRATCH_TEST(group, begins_with_the_target_that_the_run_is_at)
{
	struct source *one, *two;

	set_up();
	one = add(0, 7, "");
	two = add(1, 7, "");
	course.target = 1;
	group_begin(group, &within);
	assert_part(0, one, 1);
	assert_part(1, two, 1);
	cr_assert_eq(course.target, 1);
	assert_part(2, one, 2);
	cr_assert_eq(course.target, 2);
	assert_part(3, two, 2);
	assert_part(4, one, 0);
	assert_part(5, two, 0);
	cr_assert_eq(course.target, 0);
	cr_assert_not(queue_take(queue, &within));
	queue_end(queue, &within);
	release();
}

/* Each with its last part, as what it has become by all of them. */
SCRATCH_TEST(group, source_is_reported_when_it_is_done)
{
	struct source *failing;

	set_up();
	(void)add(0, 3, "");
	failing = add(1, 3, "");
	group_begin(group, &within);
	failing->results[0].failed = true;
	buffer_append_string(&failing->results[0].lines.output, "why\n");
	group_done(group, 1);
	group_done(group, 0);
	cr_assert_eq(report_counts(report).checked, 0);
	group_done(group, 2);
	cr_assert_eq(report_counts(report).compiled, 1);
	group_done(group, 3);
	cr_assert_eq(report_counts(report).compiled, 1);
	cr_assert_eq(report_counts(report).failed, 1);
	queue_end(queue, &within);
	cr_redirect_stdout();
	cr_assert_eq(report_end(report, NULL), 0);
	cr_assert_stdout_eq_str("why\n");
	release();
}

/* The folder is needed to the end. */
SCRATCH_TEST(group, batch_stays_as_long_as_its_sources)
{
	size_t before;

	set_up();
	(void)add(0, 1, "");
	(void)add(1, 1, "");
	before = descriptors_count();
	group_begin(group, &within);
	for (size_t i = 1; i < SOURCES; i++)
		cr_assert(queue_next(queue, &ticket));
	cr_assert_not(queue_try(queue, &ticket) && ticket.job == &batch->job);
	group_done(group, 0);
	cr_assert_eq(descriptors_count(), before);
	group_done(group, 1);
	cr_assert_eq(descriptors_count(), before - 1);
	queue_end(queue, &within);
	release();
}

SCRATCH_TEST(group, what_was_not_begun_is_not_reported)
{
	size_t before;

	set_up();
	(void)add(0, 7, "");
	before = descriptors_count();
	queue_cancel(queue);
	queue_leave(queue, &ticket);
	cr_assert_eq(descriptors_count(), before);
	group_destroy(group);
	cr_assert_eq(descriptors_count(), before - 1);
	cr_assert_eq(report_counts(report).checked, 0);
	release_all_but_batch();
}

SCRATCH_TEST(group, what_a_cancel_leaves_is_not_reported)
{
	size_t before;

	set_up();
	(void)add(0, 1, "");
	(void)add(1, 3, "");
	(void)add(2, 2, "");
	before = descriptors_count();
	group_begin(group, &within);
	group_done(group, 0);
	group_done(group, 1);
	queue_cancel(queue);
	cr_assert_not(queue_take(queue, &within));
	queue_leave(queue, &ticket);
	cr_assert_eq(descriptors_count(), before);
	queue_end(queue, &within);
	cr_assert_eq(descriptors_count(), before - 1);
	cr_assert_eq(report_counts(report).checked, 1);
	release_all_but_batch();
}

SCRATCH_TEST(group, begun_after_a_cancel_does_nothing)
{
	set_up();
	(void)add(0, 7, "");
	queue_cancel(queue);
	group_begin(group, &within);
	cr_assert_not(queue_take(queue, &within));
	queue_end(queue, &within);
	cr_assert_eq(report_counts(report).checked, 0);
	release();
}

/* ---- What bounds it ---- */

SCRATCH_TEST(group, full_of_sources)
{
	size_t count = 0;

	set_up();
	while (!group_is_full(group))
		(void)add(count++ % SOURCES, 1, "");
	cr_assert_eq(count, 256);
	group_destroy(group);
	release();
}

SCRATCH_TEST(group, full_of_bytes)
{
	static char text[(4 << 20) + 1];

	memset(text, '#', sizeof(text) - 1);
	set_up();
	(void)add(0, 1, text);
	cr_assert_not(group_is_full(group));
	(void)add(1, 1, text);
	cr_assert(group_is_full(group));
	group_destroy(group);
	release();
}

/* The folder's descriptor may be any below half of the limit. */
SCRATCH_TEST(group, full_where_descriptors_are_few)
{
	struct rlimit limit;
	struct source *source;

	set_up();
	source = add(0, 1, "");
	cr_assert_not(group_is_full(group));
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)source->folder * 2 + 2;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	(void)add(1, 1, "");
	cr_assert_not(group_is_full(group));
	limit.rlim_cur -= 2;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	(void)add(2, 1, "");
	cr_assert(group_is_full(group));
	group_destroy(group);
	release();
}

Test(group, destroy_of_nothing)
{
	group_destroy(NULL);
}
