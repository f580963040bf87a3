#include "config.h"

#include "interpreter.h"

#include "protocol.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the linked interpreter itself says, by $PYTHON. */
static void assert_python_says(const char *expression, const char *expected)
{
	char command[500], answer[200] = "";
	FILE *pipe;

	(void)snprintf(command, sizeof(command),
		       "\"$PYTHON\" -I -S -c 'import sys, _imp, importlib.util as u; print(%s)'",
		       expression);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	cr_assert_not_null(fgets(answer, sizeof(answer), pipe));
	cr_assert_eq(pclose(pipe), 0);
	answer[strcspn(answer, "\n")] = '\0';
	cr_assert_str_eq(answer, expected, "%s", expression);
}

Test(interpreter, embedded_is_what_the_linked_python_says)
{
	const struct interpreter *embedded = interpreter_embedded();
	char text[100];

	assert_python_says("sys.implementation.cache_tag", embedded->cache_tag);
	(void)snprintf(text, sizeof(text), "%02x%02x%02x%02x", embedded->magic[0],
		       embedded->magic[1], embedded->magic[2], embedded->magic[3]);
	assert_python_says("u.MAGIC_NUMBER.hex()", text);
	assert_python_says("sys.version.split()[0]", embedded->version);
}

Test(interpreter, embedded_hash_kind_is_what_the_linked_python_computes)
{
	const struct interpreter *embedded = interpreter_embedded();
	uint64_t hash = source_hash(embedded->hash_kind, embedded->magic, "x = 1\n", 6);
	char text[100];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)hash);
	assert_python_says("int.from_bytes(u.source_hash(b\"x = 1\\n\"), \"little\")", text);
}

/* ---- Greetings ---- */

/* As CPython 3.10 would greet. */
static const struct protocol_greeting greeting = {
	.version = PROTOCOL_VERSION,
	.magic = {0x6f, 0x0d, 0x0d, 0x0a},
	.tag_size = 11,
	.python = 0x030a0df0,
	.level = 1,
	.hash = {0x8c, 0xc0, 0xcd, 0x25, 0x25, 0xe7, 0xfd, 0x27},
};

Test(interpreter, greeting_tells_everything)
{
	struct interpreter interpreter;

	memset(&interpreter, 0xff, sizeof(interpreter));
	cr_assert_eq(interpreter_from_greeting(&interpreter, &greeting, "cpython-310 and more"), 0);
	cr_assert_str_eq(interpreter.version, "3.10.13");
	cr_assert_str_eq(interpreter.cache_tag, "cpython-310");
	cr_assert_arr_eq(interpreter.magic, greeting.magic, PYC_HEADER_MAGIC);
	cr_assert_eq(interpreter.hash_kind, SOURCE_HASH_SIP24);
	cr_assert_eq(interpreter.level, 1);
}

/* As sys.version begins, for these sys.hexversions. */
Test(interpreter, version_is_the_hexversion_in_words)
{
	static const struct {
		uint32_t python;
		const char *version;
	} cases[] = {
		{0x030b02f0, "3.11.2"},      {0x03060ff0, "3.6.15"},
		{0x030e00a7, "3.14.0a7"},    {0x030e00b3, "3.14.0b3"},
		{0x030e00c2, "3.14.0rc2"},   {0x030d00f0, "3.13.0"},
		{0xffffffff, "255.255.255"}, {0xffffffcf, "255.255.255rc15"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct protocol_greeting other = greeting;
		struct interpreter interpreter;

		other.python = cases[i].python;
		cr_assert_eq(interpreter_from_greeting(&interpreter, &other, "cpython-310"), 0);
		cr_assert_str_eq(interpreter.version, cases[i].version);
	}
}

static int greet_with_tag(const char *tag, size_t size, struct interpreter *interpreter)
{
	struct protocol_greeting other = greeting;

	other.tag_size = (uint32_t)size;
	errno = 0;
	return interpreter_from_greeting(interpreter, &other, tag);
}

#define ASSERT_TAG_REFUSED(tag)                                                                    \
	do {                                                                                       \
		struct interpreter interpreter_;                                                   \
		cr_assert_eq(greet_with_tag(tag, sizeof(tag) - 1, &interpreter_), -1, "%s", tag);  \
		cr_assert_eq(errno, EPROTO);                                                       \
	} while (0)

/* It becomes part of a file's name, and must not lead out of its folder. */
Test(interpreter, tag_must_do_as_part_of_a_name)
{
	ASSERT_TAG_REFUSED("");
	ASSERT_TAG_REFUSED("/");
	ASSERT_TAG_REFUSED("../../etc/cpython");
	ASSERT_TAG_REFUSED("cpython/310");
	ASSERT_TAG_REFUSED("cpython-310/");
	ASSERT_TAG_REFUSED(".");
	ASSERT_TAG_REFUSED(".cpython");
	ASSERT_TAG_REFUSED("cpython\0x");
	ASSERT_TAG_REFUSED("\0");
}

Test(interpreter, tag_has_a_longest_size)
{
	struct interpreter interpreter;
	char tag[INTERPRETER_TAG_SIZE + 1];

	memset(tag, 't', sizeof(tag));
	cr_assert_eq(greet_with_tag(tag, INTERPRETER_TAG_SIZE - 1, &interpreter), 0);
	cr_assert_eq(strlen(interpreter.cache_tag), INTERPRETER_TAG_SIZE - 1);
	cr_assert_eq(greet_with_tag(tag, INTERPRETER_TAG_SIZE, &interpreter), -1);
	cr_assert_eq(errno, EPROTO);
	cr_assert_eq(greet_with_tag(tag, UINT32_MAX, &interpreter), -1);
	cr_assert_eq(errno, EPROTO);
	cr_assert_eq(greet_with_tag("a.b-c_\xc3\xa9", 8, &interpreter), 0, "any other will do");
}

/* A hash that none of the known ones gives: its .pyc files cannot be judged. */
Test(interpreter, hash_must_be_known)
{
	struct protocol_greeting other = greeting;
	struct interpreter interpreter;

	other.hash[7] ^= 1;
	errno = 0;
	cr_assert_eq(interpreter_from_greeting(&interpreter, &other, "cpython-310"), -1);
	cr_assert_eq(errno, EPROTO);
	memset(other.hash, 0, sizeof(other.hash));
	cr_assert_eq(interpreter_from_greeting(&interpreter, &other, "cpython-036"), 0);
	cr_assert_eq(interpreter.hash_kind, SOURCE_HASH_NONE);
}

/* Another version, or another level, of the same byte-code is no other interpreter. */
Test(interpreter, equal_if_byte_code_and_place_are)
{
	struct interpreter one, other;

	cr_assert_eq(interpreter_from_greeting(&one, &greeting, "cpython-310"), 0);
	other = one;
	other.level = 2;
	(void)strcpy(other.version, "3.10.14");
	cr_assert(interpreter_equals(&one, &other));
	other.magic[1]++;
	cr_assert_not(interpreter_equals(&one, &other));
	other = one;
	other.cache_tag[0] = 'x';
	cr_assert_not(interpreter_equals(&one, &other));
	other = one;
	other.hash_kind = SOURCE_HASH_SIP13;
	cr_assert_not(interpreter_equals(&one, &other));
}

/* ---- Headers ---- */

static const struct stat status = {.st_size = 0x0102030405, .st_mtim = {.tv_sec = 0x5f5e1000}};

static void assert_header(enum source_hash_kind kind, enum invalidation_mode mode,
			  const struct stat *source, const char *expected, size_t expected_size)
{
	struct interpreter interpreter = {.magic = "\x6f\r\r\n", .hash_kind = kind};
	unsigned char bytes[PYC_HEADER_SIZE];
	size_t size;

	memset(bytes, 0xee, sizeof(bytes));
	size = interpreter_build_header(&interpreter, mode, source, "", bytes);
	cr_assert_eq(size, expected_size);
	cr_assert_arr_eq(bytes, expected, PYC_HEADER_SIZE);
}

Test(interpreter, header_by_mode)
{
	static const struct stat empty = {.st_size = 0};

	assert_header(SOURCE_HASH_SIP24, INVALIDATION_TIMESTAMP, &status,
		      "\x6f\r\r\n\0\0\0\0\x00\x10\x5e\x5f\x05\x04\x03\x02", 16);
	/* The hash of no bytes, by CPython 3.10. */
	assert_header(SOURCE_HASH_SIP24, INVALIDATION_CHECKED_HASH, &empty,
		      "\x6f\r\r\n\3\0\0\0\x8c\xc0\xcd\x25\x25\xe7\xfd\x27", 16);
	assert_header(SOURCE_HASH_SIP24, INVALIDATION_UNCHECKED_HASH, &empty,
		      "\x6f\r\r\n\1\0\0\0\x8c\xc0\xcd\x25\x25\xe7\xfd\x27", 16);
}

/* 12 bytes, and not one more is touched. */
Test(interpreter, header_before_pep_552)
{
	assert_header(SOURCE_HASH_NONE, INVALIDATION_TIMESTAMP, &status,
		      "\x6f\r\r\n\x00\x10\x5e\x5f\x05\x04\x03\x02\xee\xee\xee\xee", 12);
}
