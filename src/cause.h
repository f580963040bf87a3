/*
 * cause: errors that are no file's own but the system's, or the file system's.
 *
 * A full disk fails every file in the same way. Such an error is told in full where it is met
 * first, in the order of the output; at later files it is only counted, and a line at the end tells
 * how many those were. What counts as the same is the errno: two file systems that are both
 * read-only are told as one.
 */
#ifndef PYCOMPILEALL_CAUSE_H
#define PYCOMPILEALL_CAUSE_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

/* What an error kept from being done. */
enum cause_effect {
	CAUSE_UNCOMPILED, /* a file could not be compiled */
	CAUSE_UNLISTED    /* a folder could not be listed */
};

#define CAUSE_EFFECTS 2
#define CAUSE_ERRORS  6 /* how many errors are common ones */

/* Whether an errno is a common cause: ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE or ENOMEM. Pure. */
bool cause_is_common(int error);

/* What was told and counted. All zero is nothing yet. Not safe between threads. */
struct cause_tally {
	struct cause_count {
		bool told;      /* in full, once */
		bool on_errors; /* ... on standard error */
		size_t more;    /* times that it was met again */
	} counts[CAUSE_ERRORS][CAUSE_EFFECTS];
};

/*
 * Notes that a common cause is met at one more file or folder, of which standard error is told if
 * `on_errors`. True: for the first time, so it is to be told in full; false: it was counted.
 */
bool cause_meet(struct cause_tally *tally, int error, enum cause_effect effect, bool on_errors);

/*
 * Appends a line for each cause that was counted, to the stream where it was told:
 * "*** 3 more files could not be compiled: [Errno 28] No space left on device", on standard error
 * without the asterisks, as py_compile's messages are.
 */
void cause_append_counts(const struct cause_tally *tally, struct buffer *output,
			 struct buffer *errors);

#endif
