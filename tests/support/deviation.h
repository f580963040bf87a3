/*
 * deviation: where the program differs from CPython on purpose, by name.
 *
 * A difference between both is settled by holding the program against CPython's own code with the
 * deliberate difference patched in (reference.py): so no difference is just waved through, and one
 * that a deviation does not explain to the last byte remains.
 */
#ifndef TESTS_DEVIATION_H
#define TESTS_DEVIATION_H

#include "oracle.h"

#include <stddef.h>

/* How many there are. */
size_t deviation_count(void);

/* A deviation's name and reason, constant strings; `index` is below deviation_count(). */
const char *deviation_name(size_t index);
const char *deviation_reason(size_t index);

/*
 * If the outcome of a trial differs, tries each deviation that may apply, and counts it in
 * `met[index]` if CPython's outcome is another with it. Replaces `theirs` and `their_tree` by what
 * is expected then; whether `ours` is equal is for the caller to see.
 */
void deviation_settle(struct oracle_outcome *outcome, const struct oracle_trial *trial,
		      size_t *met);

#endif
