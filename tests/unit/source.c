/* source: its names, its bytes, and what is told of it. */
#include "config.h"

#include "source.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* More than any allocator gives; not a constant, so that no compiler warns of it. */
static volatile size_t too_much = SIZE_MAX;

static struct report *report;
static struct folder *root;
static struct batch *batch;
static struct source *source;

/* A batch of one source in the folder "q", for three targets. */
static void set_up(void)
{
	report = report_create(1);
	root = folder_open(".");
	batch = batch_create(report, root, "q", "shown/q/", "shown");
	cr_assert_eq(batch_add(batch, "a.py", report_operand(report, 0)), 0);
	source = source_create(3);
	cr_assert_not_null(source);
}

static void release(void)
{
	source_destroy(source);
	batch_destroy(batch);
	folder_release(root);
	report_destroy(report);
}

SCRATCH_TEST(source, names_are_the_batchs)
{
	scratch_file("q/a.py", "x = 1\n");
	set_up();
	cr_assert_eq(source->targets, 3);
	cr_assert_eq(source_set(source, batch, 0), 0);
	cr_assert_str_eq(source_path(source), "shown/q/a.py");
	cr_assert_str_eq(source->name, "a.py");
	cr_assert_eq(source->folder, batch_folder(batch));
	cr_assert_eq(source->batch, batch);
	release();
}

SCRATCH_TEST(source, folder_that_is_not_there)
{
	set_up();
	cr_assert_eq(source_set(source, batch, 0), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_str_eq(source_path(source), "shown/q/a.py", "there is a message to print");
	release();
}

/* What was read first stands, and its status with it, until the source is another. */
SCRATCH_TEST(source, bytes_are_read_once)
{
	scratch_file("q/a.py", "first\n");
	set_up();
	cr_assert_eq(source_set(source, batch, 0), 0);
	cr_assert_eq(source_load(source), 0);
	scratch_file("q/a.py", "the second\n");
	cr_assert_eq(source_load(source), 0);
	cr_assert_str_eq(buffer_string(&source->bytes), "first\n");
	cr_assert_eq(source->status.st_size, 6);
	cr_assert_eq(source_set(source, batch, 0), 0);
	cr_assert_eq(source_load(source), 0);
	cr_assert_str_eq(buffer_string(&source->bytes), "the second\n");
	cr_assert_eq(source->status.st_size, 11);
	release();
}

SCRATCH_TEST(source, failed_reading_is_tried_again)
{
	scratch_folder("q");
	set_up();
	cr_assert_eq(source_set(source, batch, 0), 0);
	cr_assert_eq(source_load(source), -1);
	cr_assert_eq(errno, ENOENT);
	scratch_file("q/a.py", "x = 1\n");
	cr_assert_eq(source_load(source), 0);
	cr_assert_eq(source->bytes.size, 6);
	release();
}

SCRATCH_TEST(source, lost_name_is_no_name)
{
	scratch_file("q/a.py", "x = 1\n");
	set_up();
	cr_assert_eq(source_set(source, batch, 0), 0);
	buffer_append_string(&source->coname, "name.py");
	cr_assert_eq(source_settle(source), 0);
	cr_assert_str_eq(source_coname(source), "name.py");
	buffer_append(&source->coname, "x", too_much);
	cr_assert_eq(source_settle(source), -1);
	cr_assert_eq(errno, ENOMEM);
	cr_assert_str_eq(source_coname(source), "");
	release();
}

SCRATCH_TEST(source, lines_come_in_the_order_of_the_targets)
{
	struct report_counts counts;

	scratch_file("q/a.py", "x = 1\n");
	set_up();
	cr_assert_eq(source_set(source, batch, 0), 0);
	buffer_append_string(&source->results[2].lines.output, "of 2\n");
	buffer_append_string(&source->results[0].lines.output, "of 0\n");
	buffer_append_string(&source->results[1].lines.errors, "error of 1\n");
	buffer_append_string(&source->results[0].lines.errors, "error of 0\n");
	buffer_append_string(&source->lines.output, "before\n");
	cr_redirect_stdout();
	cr_redirect_stderr();
	source_report(source, report, REPORT_FAILED);
	cr_assert_eq(source->results[0].lines.output.size, 0, "they are not told again");
	cr_assert_eq(source->lines.output.size, 0);
	cr_assert_eq(report_end(report, NULL), 0);
	counts = report_counts(report);
	cr_assert_eq(counts.failed, 1);
	cr_assert_eq(counts.checked, 1);
	cr_assert_stdout_eq_str("before\nof 0\nof 2\n");
	cr_assert_stderr_eq_str("error of 0\nerror of 1\n");
	release();
}

SCRATCH_TEST(source, nothing_to_compile_is_not_counted)
{
	scratch_file("q/a.py", "x = 1\n");
	set_up();
	cr_assert_eq(source_set(source, batch, 0), 0);
	source_report(source, report, -1);
	cr_assert_eq(report_counts(report).checked, 0);
	cr_assert_not(report_failed(report));
	release();
}

/* The report must know, so that the run does not end as if all had been said. */
SCRATCH_TEST(source, lost_line_of_a_target_is_known_to_the_report)
{
	scratch_file("q/a.py", "x = 1\n");
	set_up();
	cr_assert_eq(source_set(source, batch, 0), 0);
	buffer_append(&source->results[1].lines.output, "x", too_much);
	source_report(source, report, REPORT_COMPILED);
	cr_assert(report_failed(report));
	release();
}

Test(source, destroy_of_nothing)
{
	source_destroy(NULL);
}
