/*
 * buffer: content, growth, and what remains when memory runs out.
 */
#include "config.h"

#include "buffer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

/* More than any allocator gives; not a constant, so that no compiler warns of it. */
static volatile size_t too_much = SIZE_MAX;

Test(buffer, string_of_nothing)
{
	struct buffer buffer = BUFFER_INIT;

	cr_assert_str_eq(buffer_string(&buffer), "");
	cr_assert_null(buffer.data);
}

Test(buffer, append_joins)
{
	struct buffer buffer = BUFFER_INIT;

	buffer_append(&buffer, "ab", 2);
	buffer_append_byte(&buffer, 'c');
	buffer_append_string(&buffer, "def");
	buffer_printf(&buffer, "%s-%d", "g", 42);
	cr_assert_eq(buffer.size, 10);
	cr_assert_str_eq(buffer_string(&buffer), "abcdefg-42");
	buffer_fini(&buffer);
}

Test(buffer, append_keeps_nul)
{
	struct buffer buffer = BUFFER_INIT;

	buffer_append(&buffer, "a\0b", 3);
	cr_assert_eq(buffer.size, 3);
	cr_assert_eq(memcmp(buffer.data, "a\0b", 3), 0);
	buffer_fini(&buffer);
}

Test(buffer, append_nothing)
{
	struct buffer buffer = BUFFER_INIT;

	buffer_append(&buffer, NULL, 0);
	buffer_append_string(&buffer, "");
	cr_assert_eq(buffer.size, 0);
	cr_assert_not(buffer_failed(&buffer));
	buffer_fini(&buffer);
}

Test(buffer, append_grows)
{
	struct buffer buffer = BUFFER_INIT;
	unsigned allocations = 0;

	for (unsigned i = 0; i < 100000; i++) {
		size_t capacity = buffer.capacity;

		buffer_append_byte(&buffer, (char)(i % 251));
		allocations += buffer.capacity != capacity;
	}
	cr_assert_eq(buffer.size, 100000);
	cr_assert_leq(allocations, 17, "%u, though each should double the room", allocations);
	for (unsigned i = 0; i < 100000; i++)
		cr_assert_eq(buffer.data[i], (char)(i % 251), "byte %u", i);
	buffer_fini(&buffer);
}

Test(buffer, append_of_another_joins_both)
{
	struct buffer one = BUFFER_INIT, other = BUFFER_INIT;

	buffer_append_string(&one, "one");
	buffer_append_buffer(&one, &other);
	cr_assert_eq(one.size, 3);
	buffer_append(&other, " and\0more", 9);
	buffer_append_buffer(&one, &other);
	cr_assert_eq(one.size, 12);
	cr_assert_eq(memcmp(one.data, "one and\0more", 12), 0);
	cr_assert_eq(other.size, 9, "it keeps what it has");
	cr_assert_eq(memcmp(other.data, " and\0more", 9), 0);
	buffer_fini(&one);
	buffer_fini(&other);
}

/* What was lost there is missing here, too; what was here before stays. */
Test(buffer, append_of_one_that_failed_fails)
{
	struct buffer one = BUFFER_INIT, other = BUFFER_INIT;

	buffer_append_string(&one, "one");
	buffer_append_string(&other, "other");
	buffer_append(&other, "x", too_much);
	buffer_append_buffer(&one, &other);
	cr_assert(buffer_failed(&one));
	cr_assert_str_eq(buffer_string(&one), "");
	buffer_clear(&other);
	buffer_append_buffer(&one, &other);
	cr_assert(buffer_failed(&one), "a sound one mends nothing");
	buffer_fini(&one);
	buffer_fini(&other);
}

/* A string that ends where the allocation does leaves no room for the NUL: each size is tried. */
Test(buffer, string_at_every_size)
{
	struct buffer buffer = BUFFER_INIT;

	for (size_t size = 1; size <= 2000; size++) {
		buffer_append_byte(&buffer, 'x');
		cr_assert_eq(strlen(buffer_string(&buffer)), size);
	}
	buffer_fini(&buffer);
}

Test(buffer, printf_longer_than_room)
{
	struct buffer buffer = BUFFER_INIT;

	buffer_append_string(&buffer, "<");
	buffer_printf(&buffer, "%01000d>", 7);
	cr_assert_eq(buffer.size, 1002);
	cr_assert_str_eq(buffer_string(&buffer) + 998, "007>");
	buffer_fini(&buffer);
}

Test(buffer, reserve_gives_place_behind)
{
	struct buffer buffer = BUFFER_INIT;
	char *place;

	buffer_append_string(&buffer, "head ");
	place = buffer_reserve(&buffer, 5000);
	cr_assert_eq(buffer.size, 5);
	memset(place, 'r', 5000);
	buffer.size += 5000;
	cr_assert_eq(strlen(buffer_string(&buffer)), 5005);
	cr_assert_eq(memcmp(buffer.data, "head rr", 7), 0);
	buffer_fini(&buffer);
}

Test(buffer, reserve_too_much)
{
	struct buffer buffer = BUFFER_INIT;

	buffer_append_string(&buffer, "kept");
	errno = 0;
	cr_assert_null(buffer_reserve(&buffer, too_much));
	cr_assert_eq(errno, ENOMEM);
	cr_assert_str_eq(buffer_string(&buffer), "kept");
	buffer_fini(&buffer);
}

Test(buffer, failed_stays)
{
	struct buffer buffer = BUFFER_INIT;

	buffer_append_string(&buffer, "before");
	buffer_append(&buffer, "x", too_much);
	buffer_append_string(&buffer, "after");
	buffer_append_byte(&buffer, '!');
	buffer_printf(&buffer, "%d", 1);
	cr_assert(buffer_failed(&buffer));
	cr_assert_eq(buffer.size, strlen("before"));
	cr_assert_str_eq(buffer_string(&buffer), "");
	buffer_fini(&buffer);
}

Test(buffer, clear_forgets_failure)
{
	struct buffer buffer = BUFFER_INIT;
	const char *data;

	buffer_append_string(&buffer, "before");
	data = buffer.data;
	buffer_append(&buffer, "x", too_much);
	buffer_clear(&buffer);
	cr_assert_not(buffer_failed(&buffer));
	buffer_append_string(&buffer, "anew");
	cr_assert_str_eq(buffer_string(&buffer), "anew");
	cr_assert_eq(buffer.data, data, "the memory is used again");
	buffer_fini(&buffer);
}

Test(buffer, truncate_cuts)
{
	struct buffer buffer = BUFFER_INIT;

	buffer_append_string(&buffer, "abcdef");
	buffer_truncate(&buffer, 7);
	cr_assert_str_eq(buffer_string(&buffer), "abcdef");
	buffer_truncate(&buffer, 2);
	cr_assert_str_eq(buffer_string(&buffer), "ab");
	buffer_fini(&buffer);
}

Test(buffer, fini_empties)
{
	struct buffer buffer = BUFFER_INIT;

	buffer_append_string(&buffer, "old");
	buffer_fini(&buffer);
	cr_assert_str_eq(buffer_string(&buffer), "");
	buffer_append_string(&buffer, "new");
	cr_assert_str_eq(buffer_string(&buffer), "new");
	buffer_fini(&buffer);
}
