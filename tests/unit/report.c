#include "config.h"

#include "report.h"

#include "thread.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static struct report_lines lines_of(const char *output, const char *errors)
{
	struct report_lines lines = {0};

	buffer_append_string(&lines.output, output);
	buffer_append_string(&lines.errors, errors);
	return lines;
}

static void fill(struct report *report, struct report_slot *slot, const char *output)
{
	struct report_lines lines = lines_of(output, "");

	report_fill(report, slot, &lines);
	report_lines_fini(&lines);
}

static struct report_slot *open_slot(struct report *report, struct report_slot *slot,
				     const char *output, size_t children)
{
	struct report_lines lines = lines_of(output, "");
	struct report_slot *first = report_open(report, slot, &lines, children);

	report_lines_fini(&lines);
	return first;
}

Test(report, prints_in_the_order_of_the_slots, .init = cr_redirect_stdout)
{
	struct report *report = report_create(2);
	struct report_slot *files = open_slot(report, report_operand(report, 0), "folder\n", 3);
	struct report_slot *below;

	fill(report, report_operand(report, 1), "last\n");
	fill(report, report_child(files, 2), "c\n");
	below = open_slot(report, report_child(files, 1), "b\n", 1);
	fill(report, report_child(files, 0), "a\n");
	fill(report, below, "b/x\n");
	cr_assert_eq(report_end(report, "end\n"), 0);
	report_destroy(report);
	cr_assert_stdout_eq_str("folder\na\nb\nb/x\nc\nlast\nend\n");
}

Test(report, silent_slots_are_passed_at_a_flush, .init = cr_redirect_stdout)
{
	struct report *report = report_create(1);
	struct report_slot *files = open_slot(report, report_operand(report, 0), "", 2);

	fill(report, report_child(files, 1), "second\n");
	report_fill_silent(report_child(files, 0));
	report_flush(report);
	cr_assert_eq(report_end(report, NULL), 0);
	report_destroy(report);
	cr_assert_stdout_eq_str("second\n");
}

Test(report, nothing_behind_a_hole_is_printed, .init = cr_redirect_stdout)
{
	struct report *report = report_create(3);

	fill(report, report_operand(report, 0), "done\n");
	fill(report, report_operand(report, 2), "after the hole\n");
	report_cancel(report);
	fill(report, report_operand(report, 1), "cancelled\n");
	cr_assert_eq(report_end(report, "[interrupted]\n"), 0);
	report_destroy(report);
	cr_assert_stdout_eq_str("done\n[interrupted]\n");
}

/* Its walker may be at it still, and goes on to fill what it was given. */
Test(report, folder_filled_after_a_cancel_keeps_its_slots, .init = cr_redirect_stdout)
{
	struct report *report = report_create(2);
	struct report_slot *files;

	report_cancel(report);
	files = open_slot(report, report_operand(report, 0), "dropped\n", 2);
	cr_assert_not_null(files);
	report_fill_silent(report_child(files, 0));
	fill(report, report_child(files, 1), "dropped\n");
	cr_assert_null(open_slot(report, report_operand(report, 1), "", 0));
	cr_assert_eq(report_end(report, "[interrupted]\n"), 0);
	report_destroy(report);
	cr_assert_stdout_eq_str("[interrupted]\n");
}

Test(report, errors_go_to_standard_error, .init = cr_redirect_stderr)
{
	struct report *report = report_create(1);
	struct report_lines lines = lines_of("", "a.py:1: SyntaxWarning: what\n");

	report_fill(report, report_operand(report, 0), &lines);
	cr_assert_eq(lines.errors.size, 0, "filling clears the lines");
	report_lines_fini(&lines);
	cr_assert_eq(report_end(report, NULL), 0);
	report_destroy(report);
	cr_assert_stderr_eq_str("a.py:1: SyntaxWarning: what\n");
}

static void fill_full(struct report *report, struct report_slot *slot, const char *output)
{
	struct report_lines lines = lines_of(output, "");

	report_lines_mark(&lines, &lines.output, 0, ENOSPC, CAUSE_UNCOMPILED);
	report_fill(report, slot, &lines);
	report_lines_fini(&lines);
}

/* The first in the order of the slots, not of the fills. */
Test(report, common_cause_is_told_first_and_then_counted, .init = cr_redirect_stdout)
{
	struct report *report = report_create(4);

	fill_full(report, report_operand(report, 3), "d: full\n");
	fill_full(report, report_operand(report, 2), "c: full\n");
	fill(report, report_operand(report, 1), "b\n");
	fill_full(report, report_operand(report, 0), "a: full\n");
	cr_assert_eq(report_end(report, "end\n"), 0);
	report_destroy(report);
	cr_assert_stdout_eq_str("a: full\nb\n*** 2 more files could not be compiled: "
				"[Errno 28] No space left on device\nend\n");
}

Test(report, failing_standard_output_is_told)
{
	struct report *report = report_create(1);
	int full = open("/dev/full", O_WRONLY);

	cr_assert_geq(full, 0);
	cr_assert_eq(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
	fill(report, report_operand(report, 0), "lost\n");
	cr_assert_eq(report_end(report, NULL), -1);
	cr_assert_eq(errno, ENOSPC);
	report_destroy(report);
}

Test(report, counts_what_is_added)
{
	struct report *report = report_create(0);
	struct report_counts counts;

	report_add(report, REPORT_FRESH);
	report_add(report, REPORT_FRESH);
	report_add(report, REPORT_COMPILED);
	report_add(report, REPORT_FAILED);
	report_add(report, REPORT_TROUBLE);
	report_add_servers(report, 4);
	counts = report_counts(report);
	cr_assert_eq(counts.fresh, 2);
	cr_assert_eq(counts.compiled, 1);
	cr_assert_eq(counts.failed, 1);
	cr_assert_eq(counts.checked, 4, "trouble is no source");
	cr_assert_eq(counts.trouble, 1);
	cr_assert_eq(counts.servers, 4);
	report_destroy(report);
}

struct waiter {
	struct report *report;
	atomic_bool passed;
};

static void *wait_for_room(void *argument)
{
	struct waiter *waiter = argument;

	report_wait(waiter->report, NULL);
	atomic_store(&waiter->passed, true);
	return NULL;
}

Test(report, walker_waits_while_too_much_waits_to_be_printed, .init = cr_redirect_stdout)
{
	enum {
		MANY = 10000
	};
	struct report *report = report_create(MANY);
	struct waiter waiter = {.report = report};
	struct timespec moment = {.tv_nsec = 50000000};
	pthread_t thread;

	for (size_t i = 1; i < MANY; i++)
		fill(report, report_operand(report, i), "x\n");
	cr_assert_eq(thread_create(&thread, wait_for_room, &waiter), 0);
	nanosleep(&moment, NULL);
	cr_assert_not(atomic_load(&waiter.passed));
	fill(report, report_operand(report, 0), "first\n");
	thread_join(thread);
	cr_assert(atomic_load(&waiter.passed));
	cr_assert_eq(report_end(report, NULL), 0);
	report_destroy(report);
}

static void count_move(void *context)
{
	++*(size_t *)context;
}

Test(report, is_full_for_all_but_the_folder_that_is_printed_next, .init = cr_redirect_stdout)
{
	enum {
		MANY = 10000
	};
	struct report *report = report_create(MANY);
	size_t moves = 0;

	report_listen(report, count_move, &moves);
	report_flush(report);
	for (size_t i = 2; i < MANY; i++) {
		cr_assert_eq(report_is_full(report, report_operand(report, 1)), i >= 2 + 8192);
		fill(report, report_operand(report, i), "x\n");
	}
	cr_assert_eq(moves, 0);
	cr_assert_not(report_is_full(report, report_operand(report, 0)), "it is the next");
	fill(report, report_operand(report, 0), "x\n");
	cr_assert_eq(moves, 1, "now the other one is");
	cr_assert_not(report_is_full(report, report_operand(report, 1)));
	cr_assert(report_is_full(report, NULL));
	report_cancel(report);
	cr_assert_not(report_is_full(report, NULL));
	report_destroy(report);
}
