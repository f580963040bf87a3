/*
 * Names for byte-code: what -d, -s and -p make of a path.
 *
 * Byte 0: bit 0 -d, bit 1 -s, bit 2 -p, bit 3 an operand, bit 4 --dfile are given. Then strings,
 * each ended by a NUL byte: these five, and the path.
 */
#include "config.h"

#include "buffer.h"
#include "fuzz.h"
#include "source_name.h"

#include <stdbool.h>
#include <string.h>

const char fuzz_target[] = "source_name";

/* Before what is appended: it must stay. */
#define FRONT "/front"

static enum source_name_result name(struct buffer *buffer, const struct source_name_rule *rule,
				    const char *operand, const char *path)
{
	enum source_name_result result;

	buffer_clear(buffer);
	buffer_append_string(buffer, FRONT);
	result = source_name_append(buffer, rule, operand, path);
	FUZZ_CHECK(!buffer_failed(buffer));
	FUZZ_CHECK(strncmp(buffer_string(buffer), FRONT, strlen(FRONT)) == 0);
	return result;
}

static const char *appended(struct buffer *buffer)
{
	return buffer_string(buffer) + strlen(FRONT);
}

/* A path from which joining leaves out nothing. */
static bool is_plain(const char *path)
{
	return *path && *path != '/' && !strstr(path, "//");
}

/* Beneath the folder that is stripped, the rest of the path is the name. */
static void check_strip(struct buffer *buffer, const char *strip, const char *path)
{
	const struct source_name_rule rule = {.strip = strip};
	struct buffer below = BUFFER_INIT;

	if (!is_plain(path))
		return;
	buffer_append_string(&below, strip);
	buffer_append_byte(&below, '/');
	buffer_append_string(&below, path);
	if (*strip && strip[strlen(strip) - 1] == '/')
		buffer_truncate(&below, 0);
	if (below.size > 0) {
		FUZZ_CHECK(name(buffer, &rule, NULL, buffer_string(&below)) == SOURCE_NAME_CHANGED);
		FUZZ_CHECK(strcmp(appended(buffer), path) == 0);
	}
	buffer_fini(&below);
}

/* An absolute path wins over what is put in front, another one ends the name. */
static void check_prepend(struct buffer *buffer, const char *prepend, const char *path)
{
	const struct source_name_rule rule = {.prepend = prepend};
	const char *result;

	FUZZ_CHECK(name(buffer, &rule, NULL, path) == SOURCE_NAME_CHANGED);
	result = appended(buffer);
	FUZZ_CHECK(strlen(result) >= strlen(path));
	FUZZ_CHECK(strcmp(result + strlen(result) - strlen(path), path) == 0);
	if (*path == '/')
		FUZZ_CHECK(strcmp(result, path) == 0);
	else
		FUZZ_CHECK(strncmp(result, prepend, strlen(prepend)) == 0);
}

/* Whether -s leads to the path: whole components, slashes at its end do not count. */
static bool leads_to(const char *strip, const char *path)
{
	size_t length = strlen(strip);

	while (length > 0 && strip[length - 1] == '/')
		length--;
	return strlen(path) > length && strncmp(path, strip, length) == 0 && path[length] == '/';
}

static void check_result(struct buffer *buffer, const struct source_name_rule *rule,
			 const char *operand, const char *path)
{
	enum source_name_result result = name(buffer, rule, operand, path);
	bool asked = rule->explicit || rule->destination || rule->strip || rule->prepend;

	FUZZ_CHECK((result == SOURCE_NAME_OWN) == !asked);
	if (result == SOURCE_NAME_OWN ||
	    (result == SOURCE_NAME_UNSTRIPPED && !rule->prepend && !rule->destination))
		FUZZ_CHECK(strcmp(appended(buffer), path) == 0);
	if (result == SOURCE_NAME_UNSTRIPPED)
		FUZZ_CHECK(rule->strip || (rule->destination && operand));
	else if (rule->strip && !rule->explicit && !rule->destination)
		FUZZ_CHECK(leads_to(rule->strip, path));
	if (rule->explicit)
		FUZZ_CHECK(strcmp(appended(buffer), rule->explicit) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz_input input = {bytes, size};
	uint8_t given = fuzz_take_byte(&input);
	struct buffer buffer = BUFFER_INIT;
	struct source_name_rule rule;
	char *strings[6];

	for (size_t i = 0; i < 6; i++)
		strings[i] = fuzz_take_string(&input);
	rule.destination = given & 1 ? strings[0] : NULL;
	rule.strip = given & 2 ? strings[1] : NULL;
	rule.prepend = given & 4 ? strings[2] : NULL;
	rule.explicit = given & 16 ? strings[4] : NULL;
	check_result(&buffer, &rule, given & 8 ? strings[3] : NULL, strings[5]);
	check_strip(&buffer, strings[1], strings[5]);
	check_prepend(&buffer, strings[2], strings[5]);
	for (size_t i = 0; i < 6; i++)
		free(strings[i]);
	buffer_fini(&buffer);
	return 0;
}
