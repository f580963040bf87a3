/*
 * misbehave: a Python script that stands in for the compile server, for tests of the program.
 */
#ifndef TESTS_MISBEHAVE_H
#define TESTS_MISBEHAVE_H

/*
 * Makes the folder "servers" with a compile server in it, and the variable that leads the program
 * there is MISBEHAVE_VARIABLE. The first one that is started runs the Python statements `script`
 * (each line of which is indented by nothing), in which greet() sends the greeting of the linked
 * interpreter and receive() takes the fixed part of a request; `os` is imported. All others, and
 * the first one if the script ends, become the real server.
 */
void misbehave_first(const char *script);

/* The same, but all of them run the script. */
void misbehave_always(const char *script);

#define MISBEHAVE_VARIABLE "PYCOMPILEALL_LIBEXECDIR=servers"

#endif
