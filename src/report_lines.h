/*
 * report_lines: what there is to say at one place of the output, for the two streams.
 *
 * A stretch of it may be marked as the text of a common cause. Whether that cause was told already
 * is not known when the text is made, but when it is printed; then the stretch is cut out.
 */
#ifndef PYCOMPILEALL_REPORT_LINES_H
#define PYCOMPILEALL_REPORT_LINES_H

#include "buffer.h"
#include "cause.h"

#include <stdbool.h>
#include <stddef.h>

/* A stretch of one stream that tells of a common cause. */
struct report_mark {
	int error; /* errno */
	enum cause_effect effect;
	bool on_errors;    /* it is on standard error, else on standard output */
	size_t begin, end; /* bytes from the front of the stream */
};

/* All zero is empty; report_lines_fini frees. Standard output's lines are printed first. */
struct report_lines {
	struct buffer output; /* for standard output */
	struct buffer errors; /* for standard error */
	struct buffer marks;  /* struct report_mark, as they follow each other on their stream */
};

void report_lines_fini(struct report_lines *lines);

/* Forgets what they hold, and keeps the memory for the next use. */
void report_lines_clear(struct report_lines *lines);

/* Whether something was lost for want of memory. */
bool report_lines_failed(const struct report_lines *lines);

/* Appends what `from` has, marks and all, and clears it. What was lost there is lost in `to`. */
void report_lines_move(struct report_lines *to, struct report_lines *from);

/*
 * Marks what `stream`, which is one of the two, has from `begin` on as the text of an error. Does
 * nothing if that is not a common cause: it is told at every file.
 */
void report_lines_mark(struct report_lines *lines, const struct buffer *stream, size_t begin,
		       int error, enum cause_effect effect);

/*
 * Cuts out what was told before, in these lines or in others, and counts it in the tally: once for
 * all stretches of the same cause.
 */
void report_lines_cut(struct report_lines *lines, struct cause_tally *tally);

#endif
