/*
 * heavy: sources that take a while to compile, so that a run can be looked at while it goes on.
 */
#ifndef TESTS_HEAVY_H
#define TESTS_HEAVY_H

/* How many there are, t/m00.py and so on: about three seconds of compiling on one core. */
#define HEAVY_SOURCES 40

/* Writes them into the scratch tree. */
void heavy_build(void);

#endif
