#include "config.h"

#include "lines.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the next line begins: behind the newline, or at the end. */
static const char *next(const char *line)
{
	return line + strcspn(line, "\n") + (strchr(line, '\n') ? 1 : 0);
}

bool lines_have(const char *text, const char *line)
{
	size_t length = strlen(line);

	for (const char *at = text; *at; at = next(at))
		if (strcspn(at, "\n") == length && memcmp(at, line, length) == 0)
			return true;
	return false;
}

size_t lines_count(const char *text, const char *prefix)
{
	size_t count = 0;

	for (const char *at = text; *at; at = next(at))
		if (strncmp(at, prefix, strlen(prefix)) == 0)
			count++;
	return count;
}

char *lines_last(const char *text)
{
	const char *last = text;

	for (const char *at = text; *at; at = next(at))
		last = at;
	char *line = strndup(last, strcspn(last, "\n"));
	cr_assert_not_null(line, "out of memory");
	return line;
}

char *lines_difference(const char *expected, const char *actual)
{
	size_t number = 1;
	char *text = NULL;

	if (strcmp(expected, actual) == 0)
		return NULL;
	while (*expected && *actual) {
		size_t length = (size_t)(next(expected) - expected);
		if (strncmp(expected, actual, length) != 0)
			break;
		expected += length;
		actual += length;
		number++;
	}
	int length = asprintf(&text, "line %zu is \"%.*s\", not \"%.*s\"", number,
			      (int)strcspn(actual, "\n"), actual, (int)strcspn(expected, "\n"),
			      expected);
	cr_assert_geq(length, 0, "out of memory");
	return text;
}
