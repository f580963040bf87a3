/*
 * Names as Python prints and sorts them. Three strings, each ended by a NUL byte.
 */
#include "config.h"

#include "buffer.h"
#include "fuzz.h"
#include "text.h"

#include <stdbool.h>
#include <string.h>

const char fuzz_target[] = "text";

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

/* By code point, one character after the other. */
static int compare_characters(const char *left, const char *right)
{
	const char *left_end = left + strlen(left), *right_end = right + strlen(right);

	while (left < left_end && right < right_end) {
		uint32_t one = text_next_character(&left, left_end);
		uint32_t other = text_next_character(&right, right_end);

		if (one != other)
			return one < other ? -1 : 1;
	}
	return (left < left_end) - (right < right_end);
}

/* An order, by which qsort may sort. */
static void check_order(char *const names[3])
{
	int ab = sign(text_compare(names[0], names[1]));
	int bc = sign(text_compare(names[1], names[2]));
	int ac = sign(text_compare(names[0], names[2]));

	FUZZ_CHECK(text_compare(names[0], names[0]) == 0);
	FUZZ_CHECK(ab == compare_characters(names[0], names[1]));
	FUZZ_CHECK((ab == 0) == (strcmp(names[0], names[1]) == 0));
	FUZZ_CHECK(sign(text_compare(names[1], names[0])) == -ab);
	if (ab == bc)
		FUZZ_CHECK(ac == ab);
}

/* Whether no byte would move a terminal's cursor, or end a line. */
static bool is_harmless(const struct buffer *buffer)
{
	for (size_t i = 0; i < buffer->size; i++) {
		unsigned char byte = (unsigned char)buffer->data[i];

		if (byte < 0x20 || byte == 0x7f)
			return false;
	}
	return true;
}

/* Printed twice, in one piece or behind another, a name looks the same. */
static void check_printed(const char *name)
{
	struct buffer printed = BUFFER_INIT, again = BUFFER_INIT;

	text_append_repr(&printed, name);
	FUZZ_CHECK(!buffer_failed(&printed) && is_harmless(&printed));
	FUZZ_CHECK(printed.data[0] == '\'' || printed.data[0] == '"');
	FUZZ_CHECK(printed.data[printed.size - 1] == printed.data[0]);
	/* What is printed is text that needs no more escapes. */
	buffer_clear(&again);
	text_append_utf8(&again, printed.data, printed.size);
	FUZZ_CHECK(again.size == printed.size && memcmp(again.data, printed.data, again.size) == 0);
	buffer_clear(&printed);
	text_append_name(&printed, name);
	text_append_utf8(&printed, name, strlen(name));
	FUZZ_CHECK(!buffer_failed(&printed));
	buffer_fini(&printed);
	buffer_fini(&again);
}

/* Characters are taken until the end and never beyond it. */
static void check_characters(const char *name)
{
	size_t size = strlen(name);
	char *copy = fuzz_copy(name, size);
	const char *position = copy;

	while (position < copy + size) {
		const char *before = position;
		uint32_t character = text_next_character(&position, copy + size);

		FUZZ_CHECK(position > before && position <= copy + size);
		FUZZ_CHECK(character <= 0x10ffff);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static bool ready;
	struct fuzz_input input = {bytes, size};
	char *names[3];

	if (!ready)
		text_init();
	ready = true;
	for (size_t i = 0; i < 3; i++)
		names[i] = fuzz_take_string(&input);
	check_order(names);
	for (size_t i = 0; i < 3; i++) {
		check_printed(names[i]);
		check_characters(names[i]);
		free(names[i]);
	}
	return 0;
}
