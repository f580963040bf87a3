/*
 * fault_run: a run of the program in which a call fails (see tests/faults/fault.h).
 */
#ifndef TESTS_FAULT_RUN_H
#define TESTS_FAULT_RUN_H

#include "run.h"

#include <stdbool.h>
#include <stddef.h>

/* What fails. */
struct fault {
	const char *call; /* "openat"; "malloc" stands for all that allocates */
	size_t number;    /* the first call that fails, from 1 */
	int error;        /* the errno; 0: a call that does less than it was asked for */
	bool deadly;      /* the program is killed instead */
	bool lasting;     /* the later ones, too */
	bool in_child;    /* those of the forked child, up to its exec */
};

/*
 * Why no call of the program under test can be made to fail, or those of this name cannot: a
 * constant string. NULL: they can.
 */
const char *fault_impossible(const char *call);

/*
 * Runs the program with the fault. The request's environment is added to. Returns what the first
 * call that failed was about, in memory of the caller's; NULL: no call failed.
 */
char *fault_run(struct run_result *result, const struct fault *fault, struct run_request request);

/* What was done, for messages: what `about` was, and of which run; the caller frees it. */
char *fault_describe(const struct fault *fault, const char *about, const struct run_result *result);

#endif
