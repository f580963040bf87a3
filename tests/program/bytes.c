/*
 * bytes: over scratch copies of real trees, the set of .pyc files and every byte of them are
 * CPython's, with all numbers of workers, levels and invalidation modes; so are both streams and
 * the exit status.
 */
#include "config.h"

#include "support/combination.h"
#include "support/oracle.h"
#include "support/run.h"
#include "support/scratch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

TestSuite(bytes, .timeout = 1800);

/* Where the interpreter's own library lives. The caller frees it. */
static char *standard_library(void)
{
	struct run_request request = {.arguments =
					      RUN_LIST("-I", "-c",
						       "import sysconfig; "
						       "print(end=sysconfig.get_path('stdlib'))")};
	struct run_result result;

	run_python(&result, request);
	RUN_ASSERT(&result, 0);
	char *path = strdup(result.output);
	run_result_fini(&result);
	return path;
}

/* One package where time is short. */
static void copy_standard_library(void)
{
	char *library = standard_library();
	char *package = NULL;

	cr_assert_geq(asprintf(&package, "%s/asyncio", library), 0);
	scratch_copy_sources(run_quick() ? package : library, "t");
	free(package);
	free(library);
}

/* Debian's packages for all versions; another system may have none, or it may be an empty folder.
 */
static void copy_packages(void)
{
	struct stat status;

	if (run_quick() || stat("/usr/lib/python3", &status) != 0)
		SCRATCH_SKIP("there is no /usr/lib/python3, or time is short");
	scratch_copy_sources("/usr/lib/python3", "t");
}

/* At -j1, -j2 and -j8 in turn, held against one run of CPython's. */
static void compare(enum combination_mode mode, const char *const *arguments)
{
	static const char *const jobs[] = {"-j1", "-j2", "-j8"};
	struct combination combination = {.mode = mode};
	struct oracle_outcome outcome = {0};
	const struct oracle_trial trial = {.request = {.arguments = arguments, .seconds = 600},
					   .combination = &combination};

	strcpy(combination.mode_option, combination_mode_option(mode));
	oracle_try_theirs(&outcome, &trial);
	for (size_t i = 0; i < sizeof(jobs) / sizeof(*jobs); i++) {
		strcpy(combination.jobs_option, jobs[i]);
		oracle_try_ours(&outcome, &trial);
		ORACLE_ASSERT(&outcome, ORACLE_ALL);
	}
	oracle_fini(&outcome);
}

#define LEVELS RUN_LIST("-o", "0", "-o", "1", "-o", "2", "t")

SCRATCH_TEST(bytes, standard_library_timestamp)
{
	copy_standard_library();
	compare(COMBINATION_TIMESTAMP, LEVELS);
}

SCRATCH_TEST(bytes, standard_library_checked_hash)
{
	copy_standard_library();
	compare(COMBINATION_CHECKED_HASH, LEVELS);
}

SCRATCH_TEST(bytes, standard_library_unchecked_hash)
{
	copy_standard_library();
	compare(COMBINATION_UNCHECKED_HASH, LEVELS);
}

SCRATCH_TEST(bytes, packages_timestamp)
{
	copy_packages();
	compare(COMBINATION_TIMESTAMP, LEVELS);
}

SCRATCH_TEST(bytes, packages_checked_hash)
{
	copy_packages();
	compare(COMBINATION_CHECKED_HASH, LEVELS);
}

SCRATCH_TEST(bytes, packages_unchecked_hash)
{
	copy_packages();
	compare(COMBINATION_UNCHECKED_HASH, LEVELS);
}

SCRATCH_TEST(bytes, standard_library_quiet)
{
	copy_standard_library();
	compare(COMBINATION_TIMESTAMP, RUN_LIST("-q", "t"));
}

SCRATCH_TEST(bytes, standard_library_silent)
{
	copy_standard_library();
	compare(COMBINATION_TIMESTAMP, RUN_LIST("-qq", "t"));
}
