/*
 * branches: folders that one walk leaves to others, on their way through the queue.
 *
 * Branches are sibling folders: a seed of the queue, and each folder is a part. Whoever takes a
 * part walks it with feed_branch. Of all branches those are taken first whose output comes first:
 * what is far behind would only wait to be printed, until nobody may open a folder any more.
 */
#ifndef PYCOMPILEALL_BRANCHES_H
#define PYCOMPILEALL_BRANCHES_H

#include "folder.h"
#include "queue.h"
#include "walk.h"

#include <stdbool.h>
#include <stdint.h>

struct feed_settings;

struct branches {
	struct queue_job job;                 /* first: the queue knows only this */
	const struct feed_settings *settings; /* borrowed: how to walk them */
	struct folder *root;                  /* the operand; held */
	char *operand;                        /* its name; owned */
	size_t number;                        /* of the operand: its place among all */
	uint32_t targets;                     /* a bit for each target */
	struct walk_rest *rest;               /* the folders; owned */
};

/*
 * Makes branches of what a walk of the operand has left. `root` is held until the end, `operand` is
 * copied, `rest` belongs to them from now on, even if this fails: NULL with errno ENOMEM.
 */
struct branches *branches_create(const struct feed_settings *settings, struct folder *root,
				 const char *operand, struct walk_rest *rest);

/* Frees branches that were not handed to the queue. NULL is legal. */
void branches_destroy(struct branches *branches);

/* Hands them to the queue, which frees them when they are done. Never blocks. Cancelled: they are
 * dropped, and -1 with errno EPIPE. */
int branches_seed(struct branches *branches, struct queue *queue);

/* The branches a job is; NULL: it is something else. */
struct branches *branches_of(struct queue_job *job);

#endif
