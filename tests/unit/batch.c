#include "config.h"

#include "batch.h"

#include "report.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

/* The batch at hand, over the scratch folder. */
static struct report *report;
static struct folder *root;

static struct batch *create(const char *relative, const char *prefix)
{
	report = report_create(1);
	root = folder_open(".");
	return batch_create(report, root, relative, prefix, "");
}

static void release(void)
{
	folder_release(root);
	report_destroy(report);
}

SCRATCH_TEST(batch, keeps_names_and_prefix)
{
	struct batch *batch = create("sub", "t/sub/");
	char name[300];

	for (int i = 0; i < BATCH_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%0*d.py", 250 - i, i);
		cr_assert_eq(batch_add(batch, name, NULL), 0);
	}
	cr_assert_eq(batch->count, BATCH_MAX);
	for (int i = 0; i < BATCH_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%0*d.py", 250 - i, i);
		cr_assert_str_eq(batch_name(batch, (size_t)i), name);
	}
	cr_assert_str_eq(batch_prefix(batch), "t/sub/");
	batch_destroy(batch);
	release();
}

SCRATCH_TEST(batch, opens_its_folder_once)
{
	struct stat named, open;
	struct batch *batch;
	int descriptor;

	scratch_folder("sub");
	batch = create("sub", "sub/");
	descriptor = batch_folder(batch);
	cr_assert_geq(descriptor, 0);
	cr_assert_eq(batch_folder(batch), descriptor);
	cr_assert_eq(fstat(descriptor, &open), 0);
	cr_assert_eq(stat("sub", &named), 0);
	cr_assert_eq(open.st_ino, named.st_ino);
	batch_destroy(batch);
	cr_assert_eq(fcntl(descriptor, F_GETFD), -1, "the batch closes it");
	release();
}

SCRATCH_TEST(batch, folder_that_became_a_link_is_not_opened)
{
	struct batch *batch;

	scratch_folder("real");
	scratch_symlink("real", "sub");
	batch = create("sub", "sub/");
	cr_assert_eq(batch_folder(batch), -1);
	cr_assert(errno == ELOOP || errno == ENOTDIR);
	batch_destroy(batch);
	release();
}

SCRATCH_TEST(batch, root_itself_needs_no_opening)
{
	struct batch *batch = create("", "");

	cr_assert_eq(batch_folder(batch), folder_descriptor(root));
	batch_destroy(batch);
	cr_assert_neq(fcntl(folder_descriptor(root), F_GETFD), -1, "it is the root's to close");
	release();
}

SCRATCH_TEST(batch, queue_frees_it_behind_the_last_part)
{
	struct batch *batch = create("", "");
	struct queue *queue = queue_create(1);
	struct queue_ticket ticket;

	queue_join(queue, &ticket);
	cr_assert_eq(batch_add(batch, "a.py", report_operand(report, 0)), 0);
	cr_assert_eq(batch_push(batch, queue), 0);
	queue_close(queue);
	cr_assert(queue_next(queue, &ticket));
	cr_assert_eq(batch_of(ticket.job), batch);
	report_fill_silent(report_operand(report, 0));
	cr_assert_not(queue_next(queue, &ticket));
	queue_leave(queue, &ticket);
	queue_destroy(queue);
	release();
}

SCRATCH_TEST(batch, push_into_a_closed_queue_drops_it)
{
	struct batch *batch = create("", "");
	struct queue *queue = queue_create(1);

	queue_close(queue);
	cr_assert_eq(batch_add(batch, "a.py", report_operand(report, 0)), 0);
	cr_assert_eq(batch_push(batch, queue), -1);
	cr_assert_eq(errno, EPIPE);
	queue_destroy(queue);
	release();
}
