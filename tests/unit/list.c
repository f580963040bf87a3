#include "config.h"

#include "list.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void assert_names(const struct list *list, size_t count, const char *const *expected)
{
	cr_assert_eq(list->count, count, "%zu names", list->count);
	for (size_t i = 0; i < count; i++)
		cr_assert_str_eq(list->names[i], expected[i]);
}

static void assert_text(enum list_format format, const char *text, size_t size, size_t count,
			const char *const *expected)
{
	struct list list = {0};

	cr_assert_eq(list_add_text(&list, format, text, size), 0);
	assert_names(&list, count, expected);
	list_fini(&list);
}

#define ASSERT_LINES(text, ...)                                                                    \
	do {                                                                                       \
		static const char *const expected_[] = {__VA_ARGS__};                              \
		assert_text(LIST_LINES, text, sizeof(text) - 1,                                    \
			    sizeof(expected_) / sizeof(expected_[0]), expected_);                  \
	} while (0)

Test(list, lines_end_as_universal_newlines_do)
{
	ASSERT_LINES("a\nb\r\nc\rd", "a", "b", "c", "d");
	ASSERT_LINES("a\n\nb\n", "a", "", "b");
	ASSERT_LINES("\r\n\r", "", "");
}

/* str.strip() of Python. */
Test(list, white_space_around_is_stripped)
{
	ASSERT_LINES(" \t a b \v\f\n", "a b");
	ASSERT_LINES("\xc2\xa0x\xe3\x80\x80\n", "x");
	ASSERT_LINES("\x1cx\x1f\xc2\x85\n", "x");
	ASSERT_LINES("\xe2\x80\x8bx\n", "\xe2\x80\x8bx");
}

Test(list, nuls_end_names_that_hold_anything)
{
	static const char text[] = "a\nb\0 c \0\0last";
	static const char *const expected[] = {"a\nb", " c ", "last"};

	assert_text(LIST_NULS, text, sizeof(text) - 1, 3, expected);
}

Test(list, whole_lines_keep_their_white_space)
{
	static const char text[] = " a \nb\r\n";
	static const char *const expected[] = {" a ", "b"};

	assert_text(LIST_WHOLE_LINES, text, sizeof(text) - 1, 2, expected);
}

Test(list, lines_with_a_nul_byte_are_refused)
{
	struct list list = {0};

	cr_assert_eq(list_add_text(&list, LIST_LINES, "a\0b\n", 4), -1);
	cr_assert_eq(errno, EINVAL);
	list_fini(&list);
}

SCRATCH_TEST(list, file_and_standard_input)
{
	static const char *const expected[] = {"one", "two", "\xff"};
	struct list list = {0};
	int input;

	scratch_file("list", "one\ntwo\n");
	scratch_file("raw", "\xff\n");
	cr_assert_eq(list_add_file(&list, "list", LIST_LINES), 0);
	input = open("raw", O_RDONLY);
	cr_assert_eq(dup2(input, STDIN_FILENO), STDIN_FILENO);
	cr_assert_eq(list_add_file(&list, "-", LIST_LINES), 0);
	assert_names(&list, 3, expected);
	cr_assert_eq(list_add_file(&list, "raw", LIST_LINES), -1);
	cr_assert_eq(errno, EILSEQ);
	cr_assert_eq(list_add_file(&list, "none", LIST_LINES), -1);
	cr_assert_eq(errno, ENOENT);
	list_fini(&list);
}

Test(list, find_tells_where_a_name_is)
{
	static const char text[] = "a\nb\n\na\nb b\n";
	struct list list = {0};

	cr_assert_eq(list_find(&list, "a"), 0, "there is none in an empty one");
	cr_assert_eq(list_add_text(&list, LIST_LINES, text, sizeof(text) - 1), 0);
	cr_assert_eq(list_find(&list, "a"), 0, "the first of two");
	cr_assert_eq(list_find(&list, "b"), 1);
	cr_assert_eq(list_find(&list, ""), 2);
	cr_assert_eq(list_find(&list, "b b"), 4);
	cr_assert_eq(list_find(&list, "c"), 5);
	cr_assert_eq(list_find(&list, "b "), 5);
	list_fini(&list);
}
