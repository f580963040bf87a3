/* environment: against what Python 3.11 makes of the same variables. */
#include "config.h"

#include "environment.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

Test(environment, level_is_read_as_python_does)
{
	static const struct {
		const char *value;
		int level;
	} cases[] = {{"", 0},  {"0", 0}, {"1", 1},  {"2", 2},
		     {"7", 7}, {"x", 1}, {"-2", 1}, {"2 ", 1}};

	unsetenv("PYTHONOPTIMIZE");
	cr_assert_eq(environment_level(), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setenv("PYTHONOPTIMIZE", cases[i].value, 1);
		cr_assert_eq(environment_level(), cases[i].level, "'%s'", cases[i].value);
	}
}

Test(environment, empty_prefix_is_none)
{
	unsetenv("PYTHONPYCACHEPREFIX");
	cr_assert_null(environment_pycache_prefix());
	setenv("PYTHONPYCACHEPREFIX", "", 1);
	cr_assert_null(environment_pycache_prefix());
	setenv("PYTHONPYCACHEPREFIX", "/p", 1);
	cr_assert_str_eq(environment_pycache_prefix(), "/p");
}

Test(environment, level_asked_for_is_resolved)
{
	static const struct {
		const char *own;
		int asked, level;
		const char *optimization;
	} cases[] = {
		{"2", 0, 0, ""}, {"0", 1, 1, "1"},  {"", 7, 7, "7"},
		{"", -1, 0, ""}, {"1", -1, 1, "1"}, {"7", -5, 2, "7"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[CACHE_PATH_OPTIMIZATION_SIZE];

		setenv("PYTHONOPTIMIZE", cases[i].own, 1);
		cr_assert_eq(environment_resolve_level(cases[i].asked, 0, text), cases[i].level);
		cr_assert_str_eq(text, cases[i].optimization);
	}
}

/* The greater of the two, as Python 3.11 started with -O or -OO. */
Test(environment, level_of_an_interpreter_started_with_one)
{
	static const struct {
		const char *own;
		int started, asked, level;
		const char *optimization;
	} cases[] = {
		{"", 1, -1, 1, "1"},  {"", 2, -1, 2, "2"},  {"1", 2, -1, 2, "2"},
		{"2", 1, -1, 2, "2"}, {"7", 1, -1, 2, "7"}, {"0", 1, -1, 1, "1"},
		{"", 7, -1, 2, "7"},  {"", 2, 0, 0, ""},    {"1", 2, 1, 1, "1"},
		{"", 2, 3, 3, "3"},   {"x", 0, -1, 1, "1"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[CACHE_PATH_OPTIMIZATION_SIZE];

		setenv("PYTHONOPTIMIZE", cases[i].own, 1);
		cr_assert_eq(environment_resolve_level(cases[i].asked, cases[i].started, text),
			     cases[i].level, "case %zu", i);
		cr_assert_str_eq(text, cases[i].optimization, "case %zu", i);
	}
}

static void set(const char *name, const char *value)
{
	if (value)
		cr_assert_eq(setenv(name, value, 1), 0);
	else
		cr_assert_eq(unsetenv(name), 0);
}

/* A relative path counts as not set, as the specification has it. */
Test(environment, cache_folder)
{
	static const struct {
		const char *cache, *home, *folder;
	} cases[] = {
		{"/c", "/h", "/c/" PACKAGE_NAME},
		{NULL, "/h", "/h/.cache/" PACKAGE_NAME},
		{"", "/h", "/h/.cache/" PACKAGE_NAME},
		{"c", "/h", "/h/.cache/" PACKAGE_NAME},
		{"/c", NULL, "/c/" PACKAGE_NAME},
		{NULL, NULL, NULL},
		{"", "", NULL},
		{"c", "h", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *folder;

		set("XDG_CACHE_HOME", cases[i].cache);
		set("HOME", cases[i].home);
		errno = 0;
		folder = environment_cache_folder();
		if (cases[i].folder) {
			cr_assert_not_null(folder, "case %zu", i);
			cr_assert_str_eq(folder, cases[i].folder);
		} else {
			cr_assert_null(folder, "case %zu", i);
			cr_assert_eq(errno, ENOENT);
		}
		free(folder);
	}
}

Test(environment, mode_is_checked_hash_for_reproducible_builds)
{
	unsetenv("SOURCE_DATE_EPOCH");
	cr_assert_eq(environment_mode(), INVALIDATION_TIMESTAMP);
	setenv("SOURCE_DATE_EPOCH", "", 1);
	cr_assert_eq(environment_mode(), INVALIDATION_TIMESTAMP);
	setenv("SOURCE_DATE_EPOCH", "1", 1);
	cr_assert_eq(environment_mode(), INVALIDATION_CHECKED_HASH);
}
