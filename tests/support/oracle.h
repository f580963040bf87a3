/*
 * oracle: CPython's own compileall, run on the same tree with the same arguments.
 *
 * Byte-code and messages hold the path, so both programs work on the same path, one after the
 * other, each on a tree built anew.
 */
#ifndef TESTS_ORACLE_H
#define TESTS_ORACLE_H

#include "combination.h"
#include "run.h"
#include "snapshot.h"

/* One command line on one tree, for both programs. */
struct oracle_trial {
	/* Makes the tree in the empty scratch folder, the same each time. NULL: the tree stands
	 * already, and only its __pycache__ folders are removed. */
	void (*build)(void);
	/* What both are given; `program` and `options` are set here. */
	struct run_request request;
	/* CPython's: "compileall" or "py_compile"; NULL: the former. */
	const char *module;
	/* Options of the interpreter, for theirs, and variables that stand for them, for ours. */
	const char *const *interpreter;
	const char *const *instead;
	/* The path of compileall.py, to be run as a script; NULL: -m MODULE. */
	const char *script;
	/* Names of deliberate differences, comma-separated, that are patched into CPython's (see
	 * reference.py); NULL: CPython's as it is. */
	const char *reference;
	/* Workers (for ours) and mode (for both, "" is none); NULL: each program's default. */
	const struct combination *combination;
};

/* What came of it; all zeroes before. */
struct oracle_outcome {
	struct run_result theirs;
	struct run_result ours;
	struct snapshot *their_tree;
	struct snapshot *our_tree;
};

/* What is expected to be equal; a deliberate difference is left out. */
enum oracle_part {
	ORACLE_STATUS = 1,
	ORACLE_OUTPUT = 2,
	ORACLE_ERRORS = 4,
	ORACLE_TREE = 8,
	ORACLE_ALL = 15,
};

/*
 * Run one or both; neither may be killed, time out or leave processes. What an earlier run left in
 * `outcome` is replaced. Give it to oracle_fini.
 */
void oracle_try(struct oracle_outcome *outcome, const struct oracle_trial *trial);
void oracle_try_theirs(struct oracle_outcome *outcome, const struct oracle_trial *trial);
void oracle_try_ours(struct oracle_outcome *outcome, const struct oracle_trial *trial);

void oracle_fini(struct oracle_outcome *outcome);

/* The first part that differs, in words that the caller frees; NULL if all are equal. */
char *oracle_difference(const struct oracle_outcome *outcome, unsigned parts);

#define ORACLE_ASSERT(outcome, parts)                                                              \
	do {                                                                                       \
		char *difference_ = oracle_difference(outcome, parts);                             \
		cr_assert(!difference_, "%s", difference_ ? difference_ : "");                     \
	} while (0)

/* Tries and asserts that all is equal, whatever it is. */
void oracle_assert_equal(const struct oracle_trial *trial);

/* The same, but for the exit status: 0 with CPython and 1 here, where a folder cannot be listed
 * (cpython#88621). */
void oracle_assert_stricter(const struct oracle_trial *trial);

/* Runs only CPython's compileall on the tree as it stands; it must succeed. */
void oracle_compile(const char *const *arguments);

/* A path in CPython's place for byte-code; `level` 0 to 2. The caller frees it. */
char *oracle_cache_path(const char *source, int level);

#endif
