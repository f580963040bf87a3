/*
 * feed: turns operands into batches for the workers, and gives every line its slot.
 *
 * Whoever feeds the operands walks the folders among them, but is not alone in that: when workers
 * have nothing to do it leaves them branches, which they walk with feed_branch, and they leave each
 * other branches in turn. A worker walks only until the queue is full: then, and when the report
 * is full, it gives back all that it has not come to, as branches again. So no worker is ever at a
 * source while it keeps folders to itself, and none waits within a walk.
 */
#ifndef PYCOMPILEALL_FEED_H
#define PYCOMPILEALL_FEED_H

#include "message.h"
#include "queue.h"
#include "report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct feed_settings {
	struct queue *queue;        /* where batches go */
	struct report *report;      /* has a slot for each operand */
	long depth;                 /* levels below an operand to enter; negative: all */
	struct message_style style; /* how to say things */
	bool only_files;            /* every operand is a source, whatever it is called or is */
	/* For each operand a bit for each target that it is compiled for; NULL: all for all. */
	const uint32_t *targets;
	/* The operands are sys.path, which nobody named: "." is left out, and what is missing is no
	 * trouble. */
	bool sys_path;
	/* Called by any thread, with the number of sources or folders that were found, before they
	 * are handed over: there should be workers that take them, now or when all is fed. With 0:
	 * what was handed over is waited for, so they must work by now. Returns 0, or -1 with
	 * errno: the feeding ends. */
	int (*ahead)(void *context, size_t found);
	void *context; /* handed to ahead */
};

/*
 * Feeds all operands in their order, but for what is left to workers: files as they are, folders
 * walked. Blocks while the queue is full or too much output waits. What cannot be reached or listed
 * is reported and counted. Returns 0, or -1 with errno: EPIPE, the queue was cancelled; ENOMEM; or
 * that of `ahead`.
 */
int feed_operands(const struct feed_settings *settings, char *const *operands, size_t count);

struct branches;

/*
 * For a worker: walks number `index` of the branches, or its beginning. Never blocks but on the
 * disk. `settings` of feed_operands must live until then. Returns as that does.
 */
int feed_branch(const struct branches *branches, size_t index);

#endif
