/*
 * What the environment says. Strings, each ended by a NUL byte: SOURCE_DATE_EPOCH, PYTHONOPTIMIZE,
 * PYTHONPYCACHEPREFIX.
 */
#include "config.h"

#include "environment.h"
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

const char fuzz_target[] = "environment";

/* An own reading of the number, as _Py_get_env_flag does it: text that is none counts as 1. */
static int expected_level(const char *text)
{
	long long number = 0;

	text += strspn(text, " \t\n\v\f\r");
	text += *text == '+';
	if (!*text || strspn(text, "0123456789") != strlen(text))
		return 1;
	for (; *text; text++) {
		number = number * 10 + (*text - '0');
		if (number > INT32_MAX)
			return 1;
	}
	return (int)number;
}

static void check_level(const char *text)
{
	char part[CACHE_PATH_OPTIMIZATION_SIZE], own[CACHE_PATH_OPTIMIZATION_SIZE];
	int level = environment_level();
	int resolved = environment_resolve_level(-1, 0, part);

	/* "-0" is a number, and not below zero. */
	if (strchr(text, '-'))
		FUZZ_CHECK(level == 0 || level == 1);
	else
		FUZZ_CHECK(level == (*text ? expected_level(text) : 0));
	FUZZ_CHECK(resolved == (level > 2 ? 2 : level));
	FUZZ_CHECK(strcmp(part, cache_path_optimization(own, level)) == 0);
	FUZZ_CHECK(strspn(part, "0123456789") == strlen(part));
	FUZZ_CHECK(environment_resolve_level(level, 0, part) == level);
	/* An interpreter's own level counts if it is higher. */
	FUZZ_CHECK(environment_resolve_level(-1, 1, part) == (resolved > 1 ? resolved : 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz_input input = {bytes, size};
	char *epoch = fuzz_take_string(&input);
	char *optimize = fuzz_take_string(&input);
	char *prefix = fuzz_take_string(&input);
	const char *found;

	FUZZ_CHECK(setenv("SOURCE_DATE_EPOCH", epoch, 1) == 0);
	FUZZ_CHECK(setenv("PYTHONOPTIMIZE", optimize, 1) == 0);
	FUZZ_CHECK(setenv("PYTHONPYCACHEPREFIX", prefix, 1) == 0);
	FUZZ_CHECK((environment_mode() == INVALIDATION_CHECKED_HASH) == (*epoch != '\0'));
	check_level(optimize);
	found = environment_pycache_prefix();
	FUZZ_CHECK(*prefix ? found && strcmp(found, prefix) == 0 : !found);
	free(epoch);
	free(optimize);
	free(prefix);
	return 0;
}
