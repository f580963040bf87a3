/*
 * target: an interpreter whose byte-code is to be made, and what is to be made for it.
 *
 * Without --python there is one target, the embedded interpreter, of which everything is known.
 * Each --python names another: what it is, its executable is asked before anything else happens,
 * all of them side by side, or it is known from an earlier run (interpreter_cache).
 */
#ifndef PYCOMPILEALL_TARGET_H
#define PYCOMPILEALL_TARGET_H

#include "buffer.h"
#include "cache_file.h"
#include "compiler.h"
#include "executable.h"
#include "interpreter.h"
#include "options.h"
#include "staleness.h"

#include <stdbool.h>
#include <stddef.h>

/* One optimization level to be written. */
struct target_level {
	int level;             /* what compile() is given; never negative: -1 is resolved before */
	char optimization[12]; /* its part in the cache file's name, "" or digits */
};

/* The interpreter's own, 0, 1, 2, and one above 2, which compile() refuses. */
#define TARGET_LEVELS_MAX 5

struct target {
	struct interpreter interpreter;
	const char *label;              /* names it in messages; NULL: there is no other */
	struct staleness_demand demand; /* what a fresh .pyc must be; its mode is what is written */
	struct target_level levels[TARGET_LEVELS_MAX]; /* -1's, others sorted; no two alike */
	size_t level_count;
	struct cache_rule cache; /* where its byte-code goes */

	struct compiler_command command; /* how its servers are started */
	char *server;                    /* path of the server: program or script */
	char *path;                      /* of the executable; the embedded one's is a constant */
	struct executable executable;    /* which file that is; path NULL: embedded, or not known */
	char **environment;              /* borrowed from struct targets */
	char *arguments[6];
	struct compiler *asked; /* has a server that has greeted; NULL: none */
};

/* A --python as it was given. Two may name one target: both make the same byte-code. */
struct target_python {
	char *path;   /* of the executable */
	size_t index; /* of the target */
};

/* All targets of a run. */
struct targets {
	struct target **list;
	size_t count;
	struct target_python *pythons; /* in the order given; without --python the embedded one */
	size_t python_count;
	char **environment;            /* of the servers that are started as EXE script */
	char *cwd;                     /* what the cache rules refer to; NULL: not needed */
	struct durability *durability; /* the same; NULL: not asked for */
};

/*
 * Finds, and where need be asks, all interpreters that the options name, and settles what is to be
 * made for each. Blocks until they have answered, up to the options' timeout. Returns 0, or -1 with
 * errno: EINVAL, the options do not go together, `problem` has the sentence; any other: the run
 * cannot be done, and `problem` says why (empty: errno says it). Call targets_fini in any case.
 */
int targets_find(struct targets *targets, const struct options *options, struct buffer *problem);

/* Ends what was started and frees. */
void targets_fini(struct targets *targets);

/* Waits until all that was written is on its disks, if that was asked for. 0, or -1 with errno as
 * of durability_sync. */
int targets_sync(const struct targets *targets);

/* Forgets what earlier runs kept of the interpreters, so that the next run asks them: a server may
 * have turned out to be another than was believed. */
void targets_forget(const struct targets *targets);

/*
 * A compiler for the target; the caller destroys it, before the targets. The first one has the
 * server that was asked, if one was. Not to be called by two threads at once. NULL with errno.
 */
struct compiler *target_compiler(struct target *target);

#endif
