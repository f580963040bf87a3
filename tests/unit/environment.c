/* environment: against what Python 3.11 makes of the same variables. */
#include "config.h"

#include "environment.h"

#include <criterion/criterion.h>
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

Test(environment, mode_is_checked_hash_for_reproducible_builds)
{
	unsetenv("SOURCE_DATE_EPOCH");
	cr_assert_eq(environment_mode(), INVALIDATION_TIMESTAMP);
	setenv("SOURCE_DATE_EPOCH", "", 1);
	cr_assert_eq(environment_mode(), INVALIDATION_TIMESTAMP);
	setenv("SOURCE_DATE_EPOCH", "1", 1);
	cr_assert_eq(environment_mode(), INVALIDATION_CHECKED_HASH);
}
