#include "config.h"

#include "cache_file.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct cache_file file;

static void assert_place(const struct cache_rule *rule, const char *path, const char *shown,
			 bool beside)
{
	static const char source[] = "q/a.py";

	cache_file_set(&file, rule, 42, source, source + 2, "1");
	cr_assert_str_eq(cache_file_path(&file), path);
	cr_assert_str_eq(cache_file_shown(&file), shown);
	cr_assert_eq(file.base, beside ? 42 : AT_FDCWD);
}

Test(cache_file, place_by_rule)
{
	struct cache_rule rule = {.cache_tag = "tag", .cwd = "/cwd"};

	assert_place(&rule, "__pycache__/a.tag.opt-1.pyc", "q/__pycache__/a.tag.opt-1.pyc", true);
	rule.prefix = "/prefix";
	assert_place(&rule, "/prefix/cwd/q/a.tag.opt-1.pyc", "/prefix/cwd/q/a.tag.opt-1.pyc",
		     false);
	rule.prefix = "relative";
	assert_place(&rule, "relative/cwd/q/a.tag.opt-1.pyc", "relative/cwd/q/a.tag.opt-1.pyc",
		     false);
	rule.legacy = true;
	assert_place(&rule, "./a.pyc", "q/a.pyc", true);
	rule.explicit = "x.out";
	assert_place(&rule, "./x.out", "x.out", false);
	rule.explicit = "/x.out";
	assert_place(&rule, "//x.out", "/x.out", false);
	rule.explicit = "deep/er/x.out";
	assert_place(&rule, "deep/er/x.out", "deep/er/x.out", false);
	cache_file_fini(&file);
}

SCRATCH_TEST(cache_file, write_makes_all_folders_of_an_explicit_path)
{
	const struct cache_rule rule = {.cache_tag = "tag", .explicit = "deep/er/x.out"};
	const struct file_io_content content = {"head", 4, "body", 4, 0644};
	static const char source[] = "a.py";

	cache_file_set(&file, &rule, AT_FDCWD, source, source, "");
	cr_assert_eq(cache_file_write(&file, &content, NULL), 0);
	cr_assert_eq(access("deep/er/x.out", F_OK), 0);
	cache_file_fini(&file);
}

/* The path that os.makedirs of CPython names. */
SCRATCH_TEST(cache_file, folder_that_fails_is_blamed)
{
	const struct cache_rule rule = {.cache_tag = "tag", .explicit = "way.py/deep/er/x.out"};
	const struct file_io_content content = {"head", 4, "body", 4, 0644};
	static const char source[] = "a.py";

	scratch_file("way.py", "");
	cache_file_set(&file, &rule, AT_FDCWD, source, source, "");
	cr_assert_eq(cache_file_write(&file, &content, NULL), -1);
	cr_assert_str_eq(cache_file_blamed(&file), "way.py/deep");
	cache_file_fini(&file);
}

/* Writes two levels and links the second to the first if they are equal; the link count. */
static nlink_t link_levels(const char *second)
{
	const struct cache_rule rule = {.cache_tag = "tag"};
	static const char source[] = "a.py";
	struct stat status;

	scratch_file("__pycache__/a.tag.pyc", "same");
	scratch_file("__pycache__/a.tag.opt-1.pyc", second);
	cache_file_set(&file, &rule, AT_FDCWD, source, source, "1");
	cr_assert_eq(cache_file_link_if_equal(&file, "a.tag.pyc", NULL), 0);
	cr_assert_eq(cache_file_link_if_equal(&file, "a.tag.pyc", NULL), 0,
		     "once more changes nothing");
	cr_assert_eq(stat("__pycache__/a.tag.opt-1.pyc", &status), 0);
	cache_file_fini(&file);
	cr_assert_eq(unlink("__pycache__/a.tag.pyc"), 0);
	cr_assert_eq(unlink("__pycache__/a.tag.opt-1.pyc"), 0);
	cr_assert_eq(rmdir("__pycache__"), 0, "a temporary was left");
	return status.st_nlink;
}

SCRATCH_TEST(cache_file, equal_files_become_one)
{
	cr_assert_eq(link_levels("same"), 2);
	cr_assert_eq(link_levels("diff"), 1);
	cr_assert_eq(link_levels("longer"), 1);
}
