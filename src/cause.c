#include "config.h"

#include "cause.h"

#include "buffer.h"
#include "py_error.h"

#include <errno.h>

static const int common[CAUSE_ERRORS] = {ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE, ENOMEM};

/* The place of an errno among the common ones, or CAUSE_ERRORS. */
static size_t place_of(int error)
{
	size_t place = 0;

	while (place < CAUSE_ERRORS && common[place] != error)
		place++;
	return place;
}

bool cause_is_common(int error)
{
	return place_of(error) < CAUSE_ERRORS;
}

bool cause_meet(struct cause_tally *tally, int error, enum cause_effect effect, bool on_errors)
{
	struct cause_count *count = &tally->counts[place_of(error)][effect];

	if (count->told) {
		count->more++;
		return false;
	}
	count->told = true;
	count->on_errors = on_errors;
	return true;
}

static void append_count(struct buffer *buffer, const struct cause_count *count, int error,
			 enum cause_effect effect)
{
	static const struct {
		const char *noun, *participle;
	} words[CAUSE_EFFECTS] = {
		[CAUSE_UNCOMPILED] = {"file", "compiled"},
		[CAUSE_UNLISTED] = {"folder", "listed"},
	};

	buffer_printf(buffer, "%s%zu more %s%s could not be %s: ", count->on_errors ? "" : "*** ",
		      count->more, words[effect].noun, count->more == 1 ? "" : "s",
		      words[effect].participle);
	py_error_append_text(buffer, error, NULL);
	buffer_append_byte(buffer, '\n');
}

void cause_append_counts(const struct cause_tally *tally, struct buffer *output,
			 struct buffer *errors)
{
	for (size_t place = 0; place < CAUSE_ERRORS; place++)
		for (size_t effect = 0; effect < CAUSE_EFFECTS; effect++) {
			const struct cause_count *count = &tally->counts[place][effect];

			if (count->more > 0)
				append_count(count->on_errors ? errors : output, count,
					     common[place], (enum cause_effect)effect);
		}
}
