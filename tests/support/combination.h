/*
 * combination: the numbers of workers and invalidation modes that the same tests are run with.
 */
#ifndef TESTS_COMBINATION_H
#define TESTS_COMBINATION_H

#include "run.h"
#include "scratch.h"

#include <criterion/parameterized.h>

enum combination_mode {
	COMBINATION_TIMESTAMP,
	COMBINATION_CHECKED_HASH,
	COMBINATION_UNCHECKED_HASH,
};

/* No pointers: Criterion hands it from one process to another. */
struct combination {
	int jobs;
	enum combination_mode mode;
	char jobs_option[8];  /* "-j8" */
	char mode_option[40]; /* "--invalidation-mode=timestamp" */
};

/*
 * SCRATCH_TEST() for every combination; the body's `combination` tells which. Failing assertions
 * tell by the command line in their message.
 */
#define COMBINATION_TEST(suite, name)                                                              \
	static void suite##_##name##_body(const struct combination *combination);                  \
	ParameterizedTestParameters(suite, name)                                                   \
	{                                                                                          \
		return combination_parameters();                                                   \
	}                                                                                          \
	ParameterizedTest(const struct combination *combination, suite, name,                      \
			  .fini = scratch_tell_kept)                                               \
	{                                                                                          \
		scratch_create();                                                                  \
		suite##_##name##_body(combination);                                                \
		scratch_remove();                                                                  \
	}                                                                                          \
	static void suite##_##name##_body(const struct combination *combination)

/* Every number of workers with every mode; a part of them if run_quick(). */
struct criterion_test_params combination_parameters(void);

/* The option that asks for a mode. A constant string. */
const char *combination_mode_option(enum combination_mode mode);

/* run_ours() with a combination's options; the request's `options` are set here. */
void combination_run(struct run_result *result, const struct combination *combination,
		     struct run_request request);

/* run_start_ours(), the same. */
void combination_start(struct run *run, const struct combination *combination,
		       struct run_request request);

#endif
