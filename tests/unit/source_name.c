#include "config.h"

#include "source_name.h"

#include "buffer.h"

#include <criterion/criterion.h>

static void assert_name(const struct source_name_rule *rule, const char *operand, const char *path,
			const char *expected, enum source_name_result result)
{
	struct buffer name = BUFFER_INIT;

	cr_assert_eq(source_name_append(&name, rule, operand, path), result, "%s", path);
	cr_assert_str_eq(buffer_string(&name), expected, "%s became %s", path,
			 buffer_string(&name));
	buffer_fini(&name);
}

Test(source_name, nothing_asked_for_is_the_path)
{
	static const struct source_name_rule rule = {0};

	assert_name(&rule, "q", "./q//a.py", "./q//a.py", SOURCE_NAME_OWN);
	assert_name(&rule, NULL, "/a.py", "/a.py", SOURCE_NAME_OWN);
}

/* compileall of 3.13: stripdir and prependdir of compile_file. */
Test(source_name, strip_takes_whole_components)
{
	static const struct source_name_rule rule = {.strip = "/base"};

	assert_name(&rule, NULL, "/base/usr/a.py", "usr/a.py", SOURCE_NAME_CHANGED);
	assert_name(&rule, NULL, "/baseusr/a.py", "/baseusr/a.py", SOURCE_NAME_UNSTRIPPED);
	assert_name(&rule, NULL, "base/a.py", "base/a.py", SOURCE_NAME_UNSTRIPPED);
	assert_name(&rule, NULL, "/base", "/base", SOURCE_NAME_UNSTRIPPED);
	assert_name(&rule, NULL, "/base//usr//a.py", "usr/a.py", SOURCE_NAME_CHANGED);
}

Test(source_name, strip_may_end_in_slashes)
{
	static const struct source_name_rule one = {.strip = "/base//"}, all = {.strip = "/"};

	assert_name(&one, NULL, "/base/a.py", "a.py", SOURCE_NAME_CHANGED);
	assert_name(&all, NULL, "/base/a.py", "base/a.py", SOURCE_NAME_CHANGED);
}

Test(source_name, prepend_is_joined)
{
	static const struct source_name_rule root = {.prepend = "/"}, folder = {.prepend = "p/q"};
	static const struct source_name_rule both = {.strip = "/base", .prepend = "/"};

	assert_name(&folder, NULL, "a.py", "p/q/a.py", SOURCE_NAME_CHANGED);
	assert_name(&folder, NULL, "/a.py", "/a.py", SOURCE_NAME_CHANGED);
	assert_name(&root, NULL, "a/b.py", "/a/b.py", SOURCE_NAME_CHANGED);
	assert_name(&both, NULL, "/base/usr/a.py", "/usr/a.py", SOURCE_NAME_CHANGED);
	assert_name(&both, NULL, "/other/a.py", "/other/a.py", SOURCE_NAME_UNSTRIPPED);
}

Test(source_name, destination_stands_for_the_operand)
{
	static const struct source_name_rule rule = {.destination = "/dest"};

	assert_name(&rule, "q", "q/sub/a.py", "/dest/sub/a.py", SOURCE_NAME_CHANGED);
	assert_name(&rule, "q/", "q/a.py", "/dest/a.py", SOURCE_NAME_CHANGED);
	assert_name(&rule, NULL, "q/sub/a.py", "/dest/a.py", SOURCE_NAME_CHANGED);
}

Test(source_name, explicit_name_is_taken_as_it_is)
{
	static const struct source_name_rule rule = {.explicit = "<frozen x>"};

	assert_name(&rule, NULL, "q/a.py", "<frozen x>", SOURCE_NAME_CHANGED);
}
