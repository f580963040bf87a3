/*
 * trace: a run's system calls, as strace sees them.
 */
#ifndef TESTS_TRACE_H
#define TESTS_TRACE_H

#include "run.h"

#include <stddef.h>

/* What is counted: calls that look at a file by its name, that open it, that look at it by its
 * descriptor, that start a program, and that start a thread or a process. */
enum trace_call {
	TRACE_LOOK,
	TRACE_OPEN,
	TRACE_LOOK_OPEN,
	TRACE_EXECUTE,
	TRACE_CLONE,
};

/*
 * NULL if runs can be traced here, else the reason why not: there is no strace, it must not trace,
 * or the program has a sanitizer, which does not go together with it. A constant string.
 */
const char *trace_obstacle(void);

/* run_ours() under strace, which writes what the program and all that it starts call to `trace`. */
void trace_run_ours(struct run_result *result, struct run_request request, const char *trace);

/* How many calls the trace has of this kind for a file whose last component is `name`; NULL: for
 * any file. */
size_t trace_count(const char *trace, enum trace_call call, const char *name);

#endif
