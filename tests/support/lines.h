/*
 * lines: questions about a text's lines.
 */
#ifndef TESTS_LINES_H
#define TESTS_LINES_H

#include <stdbool.h>
#include <stddef.h>

/* Whether one line is exactly `line`. */
bool lines_have(const char *text, const char *line);

/* How many lines begin with `prefix`. */
size_t lines_count(const char *text, const char *prefix);

/* The last line, which the caller frees; without its newline. "" if there is none. */
char *lines_last(const char *text);

/*
 * Tells the first line in which two texts differ, in words that the caller frees; NULL if they are
 * equal.
 */
char *lines_difference(const char *expected, const char *actual);

#endif
