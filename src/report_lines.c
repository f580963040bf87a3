#include "config.h"

#include "report_lines.h"

#include <string.h>

void report_lines_fini(struct report_lines *lines)
{
	buffer_fini(&lines->output);
	buffer_fini(&lines->errors);
	buffer_fini(&lines->marks);
}

void report_lines_clear(struct report_lines *lines)
{
	buffer_clear(&lines->output);
	buffer_clear(&lines->errors);
	buffer_clear(&lines->marks);
}

bool report_lines_failed(const struct report_lines *lines)
{
	return buffer_failed(&lines->output) || buffer_failed(&lines->errors) ||
	       buffer_failed(&lines->marks);
}

/* A mark by its number. The bytes of a buffer are of no type, so it is copied. */
static struct report_mark get_mark(const struct report_lines *lines, size_t index)
{
	struct report_mark mark;

	memcpy(&mark, lines->marks.data + index * sizeof(mark), sizeof(mark));
	return mark;
}

static size_t mark_count(const struct report_lines *lines)
{
	return lines->marks.size / sizeof(struct report_mark);
}

static void move_marks(struct report_lines *to, const struct report_lines *from)
{
	for (size_t i = 0; i < mark_count(from); i++) {
		struct report_mark mark = get_mark(from, i);
		size_t before = mark.on_errors ? to->errors.size : to->output.size;

		mark.begin += before;
		mark.end += before;
		buffer_append(&to->marks, &mark, sizeof(mark));
	}
}

/* Nothing is appended where there is nothing, lest every empty buffer get memory. */
static void move(struct buffer *to, const struct buffer *from)
{
	if (from->size > 0 || buffer_failed(from))
		buffer_append_buffer(to, from);
}

void report_lines_move(struct report_lines *to, struct report_lines *from)
{
	move_marks(to, from);
	move(&to->output, &from->output);
	move(&to->errors, &from->errors);
	if (buffer_failed(&from->marks))
		to->marks.failed = true;
	report_lines_clear(from);
}

void report_lines_mark(struct report_lines *lines, const struct buffer *stream, size_t begin,
		       int error, enum cause_effect effect)
{
	struct report_mark mark = {
		.error = error,
		.effect = effect,
		.on_errors = stream == &lines->errors,
		.begin = begin,
		.end = stream->size,
	};

	if (cause_is_common(error))
		buffer_append(&lines->marks, &mark, sizeof(mark));
}

/* Whether an earlier mark is of the same cause. */
static bool is_repeated(const struct report_lines *lines, size_t index,
			const struct report_mark *mark)
{
	for (size_t i = 0; i < index; i++) {
		struct report_mark earlier = get_mark(lines, i);

		if (earlier.error == mark->error && earlier.effect == mark->effect)
			return true;
	}
	return false;
}

/* Takes `size` bytes out. */
static void cut(struct buffer *stream, size_t begin, size_t size)
{
	memmove(stream->data + begin, stream->data + begin + size, stream->size - begin - size);
	buffer_truncate(stream, stream->size - size);
}

void report_lines_cut(struct report_lines *lines, struct cause_tally *tally)
{
	size_t gone[] = {0, 0}; /* bytes that were cut out of each stream */

	for (size_t i = 0; i < mark_count(lines); i++) {
		struct report_mark mark = get_mark(lines, i);
		size_t size = mark.end - mark.begin;

		/* A file that fails for several interpreters is one file. */
		if (!is_repeated(lines, i, &mark) &&
		    cause_meet(tally, mark.error, mark.effect, mark.on_errors))
			continue;
		cut(mark.on_errors ? &lines->errors : &lines->output,
		    mark.begin - gone[mark.on_errors], size);
		gone[mark.on_errors] += size;
	}
	buffer_clear(&lines->marks);
}
