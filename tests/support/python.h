/*
 * python: the interpreters that --python is tested with.
 *
 * The linked one ($PYTHON) comes first. The others are those of pyenv, and python3.N and pypy3 in
 * the folders of PATH; or, where the environment variable PYCOMPILEALL_TESTS_PYTHONS is set, those
 * whose paths it names, separated by colons. Of several that make the same byte-code the first one
 * is taken, and what is older than 3.6 or does not run is left out.
 */
#ifndef TESTS_PYTHON_H
#define TESTS_PYTHON_H

#include "run.h"
#include "scratch.h"

#include <criterion/parameterized.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define PYTHON_MAX 24 /* that are tested at most */

/* No pointers: Criterion hands it from one process to another. */
struct python {
	char path[PATH_MAX];    /* of the executable, absolute */
	char library[PATH_MAX]; /* the folder of its standard library */
	char tag[32];           /* sys.implementation.cache_tag */
	char magic[16];         /* importlib.util.MAGIC_NUMBER in hexadecimal digits */
	char name[32];          /* sys.implementation.name: "cpython", "pypy" */
	unsigned version;       /* sys.hexversion without the last 16 bits: 0x030b is 3.11 */
};

/*
 * SCRATCH_TEST() for each of them; the body's `python` tells which. Failing assertions tell it by
 * the command line in their message.
 */
#define PYTHON_TEST(suite, test)                                                                   \
	static void suite##_##test##_body(const struct python *python);                            \
	ParameterizedTestParameters(suite, test)                                                   \
	{                                                                                          \
		return python_parameters();                                                        \
	}                                                                                          \
	ParameterizedTest(const struct python *python, suite, test, .fini = scratch_tell_kept)     \
	{                                                                                          \
		scratch_create();                                                                  \
		suite##_##test##_body(python);                                                     \
		scratch_remove();                                                                  \
	}                                                                                          \
	static void suite##_##test##_body(const struct python *python)

struct criterion_test_params python_parameters(void);

/* Finds them, and tells how many there are; asks each one what it is. */
size_t python_find(struct python pythons[PYTHON_MAX]);

/* Whether it knows byte-code that is checked by the source's hash (PEP 552). */
bool python_has_modes(const struct python *python);

/*
 * Whether its byte-code follows from the source alone. In others, up to CPython 3.10, the order of
 * a set of strings counts, and what was compiled before; with PyPy two runs over the same sources
 * give other bytes.
 */
bool python_is_exact(const struct python *python);

/*
 * Compares two folders of byte-code by the interpreter (see same_code.py): exit status 0 if the
 * code is the same, and the last line of the output tells how many files there are and in how many
 * of them the bytes differ.
 */
void python_compare(struct run_result *result, const struct python *python, const char *theirs,
		    const char *ours);

/* The variable by which what is known of interpreters is kept in the scratch tree, in the folder
 * PYTHON_CACHE; a static string. */
const char *python_cache_variable(void);

#define PYTHON_CACHE "cache/pycompileall"

#endif
