#include "config.h"

#include "folder.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the descriptor is the folder at `path`. */
static bool is_folder_at(int descriptor, const char *path)
{
	struct stat open, named;

	return fstat(descriptor, &open) == 0 && stat(path, &named) == 0 &&
	       open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

/* Opens beneath both ways, which must agree, and tells errno or 0. */
static int open_both_ways(const struct folder *root, const char *relative)
{
	int one = folder_open_beneath(root, relative), error = one < 0 ? errno : 0;
	int other = folder_open_stepwise(folder_descriptor(root), relative);

	cr_assert_eq(one < 0, other < 0, "the two ways differ on '%s'", relative);
	if (one >= 0) {
		cr_assert(is_folder_at(other, relative));
		cr_assert(is_folder_at(one, relative));
		close(one);
		close(other);
	}
	return error;
}

SCRATCH_TEST(folder, opens_what_lies_beneath)
{
	struct folder *root;

	scratch_folder("a/b/c");
	root = folder_open(".");
	cr_assert_not_null(root);
	cr_assert_eq(open_both_ways(root, "a"), 0);
	cr_assert_eq(open_both_ways(root, "a/b/c"), 0);
	cr_assert_eq(open_both_ways(root, "a//b"), 0);
	cr_assert_eq(open_both_ways(root, "."), 0);
	folder_release(root);
}

SCRATCH_TEST(folder, follows_no_link_beneath)
{
	struct folder *root;

	scratch_folder("real/inner");
	scratch_symlink("real", "link");
	scratch_symlink("/", "outside");
	root = folder_open(".");
	cr_assert_neq(open_both_ways(root, "link"), 0);
	cr_assert_neq(open_both_ways(root, "link/inner"), 0);
	cr_assert_neq(open_both_ways(root, "outside/tmp"), 0);
	folder_release(root);
}

SCRATCH_TEST(folder, operand_may_be_a_link)
{
	struct folder *root;

	scratch_folder("real/inner");
	scratch_symlink("real", "link");
	root = folder_open("link");
	cr_assert_not_null(root);
	cr_assert(is_folder_at(folder_descriptor(root), "real"));
	folder_release(root);
}

SCRATCH_TEST(folder, errors_are_those_of_open)
{
	struct folder *root = folder_open(".");
	char name[300];

	scratch_file("file", "");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cr_assert_null(folder_open("none"));
	cr_assert_eq(errno, ENOENT);
	cr_assert_null(folder_open("file"));
	cr_assert_eq(errno, ENOTDIR);
	cr_assert_eq(open_both_ways(root, "none"), ENOENT);
	cr_assert_eq(open_both_ways(root, "file"), ENOTDIR);
	cr_assert_eq(open_both_ways(root, name), ENAMETOOLONG);
	folder_release(root);
}

SCRATCH_TEST(folder, closes_with_the_last_that_holds_it)
{
	struct folder *folder = folder_open(".");
	int descriptor = folder_descriptor(folder);

	cr_assert_eq(folder_hold(folder), folder);
	folder_release(folder);
	cr_assert_neq(fcntl(descriptor, F_GETFD), -1);
	folder_release(folder);
	cr_assert_eq(fcntl(descriptor, F_GETFD), -1);
}

Test(folder, lies_beneath_goes_by_whole_components)
{
	cr_assert(folder_lies_beneath("/a", "/a/b"));
	cr_assert(folder_lies_beneath("/a", "/a/b/c"));
	cr_assert(folder_lies_beneath("/", "/a"));
	cr_assert_not(folder_lies_beneath("/a", "/ab"));
	cr_assert_not(folder_lies_beneath("/a/b", "/a"));
	cr_assert_not(folder_lies_beneath("/a", "/a"));
	cr_assert_not(folder_lies_beneath("/", "/"));
}
