/*
 * recompile: what is done with a stale source for one target: compile, write, link.
 */
#ifndef PYCOMPILEALL_RECOMPILE_H
#define PYCOMPILEALL_RECOMPILE_H

#include "cache_file.h"
#include "compiler.h"
#include "marker.h"
#include "source.h"
#include "worker.h"

#include <stdbool.h>
#include <stddef.h>

/* A source and a target, and what a worker has for them. Its own are `cache`, `marker` and
 * `answer`; all else is borrowed. */
struct recompile {
	const struct worker_settings *settings;
	struct source *source;
	const struct target *target;
	struct source_target *result; /* of that target */
	struct message_style style;   /* how to say things of that target */
	struct compiler *compiler;
	struct cache_file cache;       /* where the level at hand goes */
	struct marker marker;          /* where it has written last */
	struct compiler_answer answer; /* of the compile server */
	const struct target_level
		*answered; /* the level that the answer's code is of; NULL: none */
};

/* Sets what it is about. */
void recompile_set(struct recompile *recompile, struct source *source, size_t target,
		   struct compiler *compiler);

/*
 * Judges every level; verdicts and lines are in the source's result for the target. Returns whether
 * any is stale. A source that cannot be read for its hash will fail when it is to be compiled.
 */
bool recompile_judge(struct recompile *recompile);

/* Removes what dead runs have left where the byte-code goes of the source that was just judged. */
void recompile_tidy(struct recompile *recompile);

/*
 * Compiles the stale levels; an error at one stops the later ones, as in compileall. 0, or -1: it
 * failed, and that was said.
 */
int recompile_run(struct recompile *recompile);

/* Frees what it owns. */
void recompile_fini(struct recompile *recompile);

#endif
