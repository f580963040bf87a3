/*
 * tally: what tests counted, summed over all processes and printed at the end of the run.
 *
 * Each test has a process of its own, so what it counted goes to a file that the runner reads and
 * removes when all tests have ended.
 */
#ifndef TESTS_TALLY_H
#define TESTS_TALLY_H

#include <stddef.h>

/* Adds to a count; `name` has no space. To be called in a test. */
void tally_add(const char *name, size_t count);

#endif
