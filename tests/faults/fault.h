/*
 * fault: makes one call of a program fail, or all from one on, to see what the program does then.
 *
 * A library that is loaded before the others (LD_PRELOAD) has functions of the same names as
 * theirs. Each of these asks here whether it is to fail, and else calls the real one. What is to
 * fail is said by the environment:
 *
 *   FAULT_CALL     the name of the function
 *   FAULT_NUMBER   which call of it, from 1
 *   FAULT_ERROR    the errno it fails with; 0: it does less than it was asked for
 *   FAULT_DEADLY   set: the program is killed instead, before the call is made
 *   FAULT_LASTING  set: all later calls fail, too
 *   FAULT_IN_CHILD set: calls of processes that the program forks, up to their exec; else only
 *                  those of the program itself
 *   FAULT_LOG      a file that gets a line for each call that failed: its number and what it was
 *                  about
 *
 * Programs that the program starts are let alone: LD_PRELOAD is taken out of the environment.
 */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <stdbool.h>

/* Whether a call is to fail. Then errno is set, and the call noted; `descriptor` or `path` tells
 * what it is about (-1 and NULL: nothing to tell). */
bool fault_due(const char *call, int descriptor, const char *path);

/* The same where a call may also do less. `*shorter` is set if it is to; then this returns false.
 */
bool fault_due_or_short(const char *call, int descriptor, bool *shorter);

/* The function of this name that would have been called. Ends the program if there is none. */
void *fault_real(const char *name);

#endif
