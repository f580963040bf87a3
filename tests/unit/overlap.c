#include "config.h"

#include "overlap.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <unistd.h>

static struct overlap *overlap;

static int add_file(const char *path)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0);
	return overlap_add_file(overlap, path, &status);
}

static void set_up(void)
{
	scratch_file("t/a.py", "");
	scratch_file("t/sub/b.py", "");
	scratch_file("tt/c.py", "");
	overlap = overlap_create();
	cr_assert_not_null(overlap);
}

SCRATCH_TEST(overlap, different_operands_do_not)
{
	set_up();
	cr_assert_eq(add_file("t/a.py"), 0);
	cr_assert_eq(add_file("t/sub/b.py"), 0);
	cr_assert_eq(overlap_add_folder(overlap, "tt"), 0);
	cr_assert_eq(overlap_add_folder(overlap, "none"), 0);
	overlap_destroy(overlap);
}

SCRATCH_TEST(overlap, one_file_by_two_names_does)
{
	set_up();
	scratch_symlink("a.py", "t/link.py");
	cr_assert_eq(add_file("t/a.py"), 0);
	cr_assert_eq(add_file("./t//a.py"), 1);
	cr_assert_eq(add_file("t/link.py"), 1);
	overlap_destroy(overlap);
}

SCRATCH_TEST(overlap, folder_and_something_in_it_do)
{
	set_up();
	cr_assert_eq(overlap_add_folder(overlap, "t"), 0);
	cr_assert_eq(add_file("t/sub/b.py"), 1);
	cr_assert_eq(add_file("tt/c.py"), 0);
	cr_assert_eq(overlap_add_folder(overlap, "t/sub"), 1);
	cr_assert_eq(overlap_add_folder(overlap, "t/"), 1);
	overlap_destroy(overlap);
}

SCRATCH_TEST(overlap, folder_above_an_earlier_operand_does)
{
	set_up();
	scratch_symlink("t", "link");
	cr_assert_eq(add_file("t/sub/b.py"), 0);
	cr_assert_eq(overlap_add_folder(overlap, "tt"), 0);
	cr_assert_eq(overlap_add_folder(overlap, "link"), 1);
	cr_assert_eq(overlap_add_folder(overlap, "/"), 1);
	overlap_destroy(overlap);
}
