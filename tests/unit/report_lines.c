#include "config.h"

#include "report_lines.h"

#include <criterion/criterion.h>
#include <errno.h>

static void say(struct report_lines *lines, struct buffer *stream, const char *text, int error)
{
	size_t begin = stream->size;

	buffer_append_string(stream, text);
	report_lines_mark(lines, stream, begin, error, CAUSE_UNCOMPILED);
}

static void assert_cut(struct report_lines *lines, struct cause_tally *tally, const char *output,
		       const char *errors)
{
	report_lines_cut(lines, tally);
	cr_assert_str_eq(buffer_string(&lines->output), output);
	cr_assert_str_eq(buffer_string(&lines->errors), errors);
	report_lines_clear(lines);
}

Test(report_lines, what_was_told_is_cut_out)
{
	struct report_lines lines = {0};
	struct cause_tally tally = {0};

	for (int round = 0; round < 3; round++) {
		buffer_append_string(&lines.output, "compiling\n");
		say(&lines, &lines.output, "disk full\n", ENOSPC);
		buffer_append_string(&lines.output, "behind\n");
		buffer_append_string(&lines.errors, "warning\n");
		assert_cut(&lines, &tally,
			   round == 0 ? "compiling\ndisk full\nbehind\n" : "compiling\nbehind\n",
			   "warning\n");
	}
	cr_assert_eq(tally.counts[0][CAUSE_UNCOMPILED].more, 2);
	report_lines_fini(&lines);
}

Test(report_lines, error_of_one_file_is_told_each_time)
{
	struct report_lines lines = {0};
	struct cause_tally tally = {0};

	for (int round = 0; round < 2; round++) {
		say(&lines, &lines.output, "denied\n", EACCES);
		assert_cut(&lines, &tally, "denied\n", "");
	}
	report_lines_fini(&lines);
}

/* As a source that fails for each of several interpreters, in the way of others or in its own. */
static void say_for_three(struct report_lines *lines, struct report_lines *part)
{
	say(part, &part->output, "full one\n", ENOSPC);
	report_lines_move(lines, part);
	buffer_append_string(&part->output, "between\n");
	say(part, &part->output, "read-only\n", EROFS);
	report_lines_move(lines, part);
	say(part, &part->output, "full two\n", ENOSPC);
	cr_assert_eq(part->marks.size, sizeof(struct report_mark));
	report_lines_move(lines, part);
	cr_assert_eq(part->output.size + part->marks.size, 0);
}

Test(report_lines, several_parts_of_one_file_are_one_file)
{
	struct report_lines lines = {0}, part = {0};
	struct cause_tally tally = {0};

	say_for_three(&lines, &part);
	assert_cut(&lines, &tally, "full one\nbetween\nread-only\n", "");
	cr_assert_eq(tally.counts[0][CAUSE_UNCOMPILED].more, 0);
	say_for_three(&lines, &part);
	assert_cut(&lines, &tally, "between\n", "");
	cr_assert_eq(tally.counts[0][CAUSE_UNCOMPILED].more, 1);
	report_lines_fini(&lines);
	report_lines_fini(&part);
}

Test(report_lines, streams_are_cut_each_for_itself)
{
	struct report_lines lines = {0};
	struct cause_tally tally = {0};

	for (int round = 0; round < 2; round++) {
		buffer_append_string(&lines.output, "written\n");
		buffer_append_string(&lines.errors, "warning\n");
		say(&lines, &lines.errors, "no memory\n", ENOMEM);
		say(&lines, &lines.errors, "no files\n", ENFILE);
		buffer_append_string(&lines.errors, "end\n");
		assert_cut(&lines, &tally, "written\n",
			   round == 0 ? "warning\nno memory\nno files\nend\n" : "warning\nend\n");
	}
	report_lines_fini(&lines);
}

Test(report_lines, what_is_lost_stays_lost)
{
	struct report_lines lines = {0}, part = {0};

	part.marks.failed = true;
	report_lines_move(&lines, &part);
	cr_assert(report_lines_failed(&lines));
	cr_assert_not(report_lines_failed(&part));
	report_lines_clear(&lines);
	cr_assert_not(report_lines_failed(&lines));
	report_lines_fini(&lines);
	report_lines_fini(&part);
}
