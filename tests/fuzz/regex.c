/*
 * Patterns of -x: translated, compiled and tried on a path. Two strings, each ended by a NUL byte:
 * the pattern, the path.
 */
#include "config.h"

#include "buffer.h"
#include "fuzz.h"
#include "regex.h"
#include "text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

const char fuzz_target[] = "regex";

/* A search may take exponentially many steps of a pattern's length, up to PCRE2's limit. */
#define PATTERN_MAX 400 /* bytes */
#define PATH_SIZE   48  /* bytes */

static void cut(char *string, size_t size)
{
	if (strlen(string) > size)
		string[size] = '\0';
}

/* Compiles; NULL: the pattern is wrong, and it is said why, in one line. */
static struct regex *compile(const char *pattern)
{
	struct buffer problem = BUFFER_INIT;
	struct regex *regex = regex_compile(pattern, &problem);

	if (regex) {
		FUZZ_CHECK(problem.size == 0);
	} else {
		FUZZ_CHECK(errno == EINVAL);
		FUZZ_CHECK(!buffer_failed(&problem) && problem.size > 0);
		FUZZ_CHECK(problem.data[problem.size - 1] != '\n');
	}
	buffer_fini(&problem);
	return regex;
}

/* As re.escape does it: what could mean something stands behind a backslash. */
static void append_escaped(struct buffer *pattern, const char *path)
{
	for (; *path; path++) {
		if (strchr("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", *path))
			buffer_append_byte(pattern, '\\');
		buffer_append_byte(pattern, *path);
	}
}

static int search(const struct regex *regex, const char *path)
{
	struct regex_scratch *scratch = regex_scratch_create();
	int first, second;

	FUZZ_CHECK(scratch);
	first = regex_search(regex, scratch, path);
	FUZZ_CHECK(first == 0 || first == 1 || (first == -1 && errno == ELOOP));
	/* What an earlier search left in the scratch makes no difference. */
	second = regex_search(regex, scratch, "x");
	FUZZ_CHECK(second >= -1 && second <= 1);
	if (first >= 0)
		FUZZ_CHECK(regex_search(regex, scratch, path) == first);
	regex_scratch_destroy(scratch);
	return first;
}

/* The whole path, escaped, is found in it, and not in less than it. */
static void check_escaped(const char *path)
{
	struct buffer pattern = BUFFER_INIT;
	struct regex *regex;

	if (!*path)
		return;
	buffer_append_string(&pattern, "\\A");
	append_escaped(&pattern, path);
	buffer_append_string(&pattern, "\\Z");
	regex = compile(buffer_string(&pattern));
	FUZZ_CHECK(regex);
	FUZZ_CHECK(search(regex, path) == 1);
	FUZZ_CHECK(search(regex, "") == 0);
	regex_free(regex);
	buffer_fini(&pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static bool ready;
	struct fuzz_input input = {bytes, size};
	char *pattern = fuzz_take_string(&input);
	char *path = fuzz_take_string(&input);
	struct regex *regex;

	if (!ready)
		text_init();
	ready = true;
	cut(pattern, PATTERN_MAX);
	cut(path, PATH_SIZE);
	regex = compile(pattern);
	if (regex)
		(void)search(regex, path);
	regex_free(regex);
	check_escaped(path);
	free(pattern);
	free(path);
	return 0;
}
