/*
 * fault_tree: a tree with byte-code that is stale, fresh and missing, for runs that something
 * happens to, and what may have become of it afterwards.
 */
#ifndef TESTS_FAULT_TREE_H
#define TESTS_FAULT_TREE_H

#include "run.h"
#include "snapshot.h"

#include <stdbool.h>

/* How the program is called. The tree is "t". */
struct fault_way {
	const char *const *arguments;
	const char *environment; /* a variable, or NULL */
	bool prefix;             /* byte-code goes to t/cache */
};

/* The tree before a run, and after one that succeeds; in memory. */
struct fault_trees {
	struct snapshot *before, *after;
};

/* The request of a run; valid until the next one is asked for. */
struct run_request fault_tree_request(const struct fault_way *way);

/* A run that nothing happens to, and that must succeed. */
void fault_tree_run(const struct fault_way *way);

/* Makes the tree, and a list of its sources, "list". fault_tree_free frees what was taken up. */
void fault_tree_build(struct fault_trees *trees, const struct fault_way *way);
void fault_tree_free(struct fault_trees *trees);

/* Makes the tree what it was; or puts there what was there, beside what else is. Links between
 * files are not made again. */
void fault_tree_restore(const struct snapshot *tree);
void fault_tree_put(const struct snapshot *tree);

/* Whether a path is that of a temporary. */
bool fault_tree_is_temporary(const char *path);

/* What may have come beside byte-code. */
enum fault_left {
	FAULT_LEFT_NOTHING,
	FAULT_LEFT_MARKERS,
	FAULT_LEFT_TEMPORARIES /* and markers */
};

/* Asserts that every .pyc or folder is the old or the new one, that nothing else has come but what
 * may be left, and nothing has gone: in a snapshot, or in the tree as it is. `what` was done. */
void fault_tree_assert_snapshot(const struct snapshot *tree, const struct fault_trees *trees,
				enum fault_left left, const char *what);
void fault_tree_assert_whole(const struct fault_trees *trees, enum fault_left left,
			     const char *what);

/* Asserts that every .pyc is the right new one. */
void fault_tree_assert_complete(const struct fault_trees *trees, const char *what);

/* A run that nothing happens to. Asserts that it puts everything right and removes what was left.
 */
void fault_tree_mend(const struct fault_way *way, const struct fault_trees *trees,
		     const char *what);

/* How many temporaries there are. Asserts that a marker stands beside each, without which nobody
 * would find it. */
size_t fault_tree_temporaries(const char *what);

#endif
