/*
 * worker: the way of one source: check, read, compile, write, report.
 *
 * A worker is one thread with what it needs for one source after the other: buffers that it keeps,
 * and a compile server that it starts at its first stale source. Many run the same body; they share
 * only what struct worker_settings names.
 */
#ifndef PYCOMPILEALL_WORKER_H
#define PYCOMPILEALL_WORKER_H

#include "cache_file.h"
#include "filter.h"
#include "message.h"
#include "queue.h"
#include "report.h"
#include "source_name.h"
#include "staleness.h"

#include <stdbool.h>
#include <stddef.h>

/* One optimization level to be written. */
struct worker_level {
	int level;             /* what compile() is given; never negative: -1 is resolved before */
	char optimization[12]; /* its part in the cache file's name, "" or digits */
};

/* What all workers of a run share. Constant while they run, but for the queue and the report. */
struct worker_settings {
	struct staleness_demand demand;    /* what a fresh .pyc must be */
	enum invalidation_mode mode;       /* of what is written */
	const struct worker_level *levels; /* sorted, no two alike */
	size_t level_count;                /* at most WORKER_LEVELS_MAX */
	bool force;                        /* nothing is fresh */
	bool hardlink_dupes;               /* equal .pyc files of consecutive levels become one */
	struct message_style style;        /* how to say things */
	struct cache_rule cache;           /* where byte-code goes */
	struct source_name_rule names;     /* what co_filename is made of */
	const struct filter *filter;       /* which sources are skipped */
	const char *server;                /* path of the compile server */
	struct queue *queue;               /* where batches come from */
	struct report *report;             /* where lines and counts go */
	/* Called by any worker where the run cannot go on: no server can be started. The text is
	 * valid during the call only. */
	void (*give_up)(void *context, const char *why);
	void *context; /* handed to give_up */
};

/* The interpreter's own, 0, 1, 2, and one above 2, which compile() refuses. */
#define WORKER_LEVELS_MAX 5

struct worker;

/*
 * A worker whose thread runs from now on until the queue has ended. `settings` are borrowed and
 * must outlive it. NULL with errno EAGAIN (too many threads) or ENOMEM.
 */
struct worker *worker_start(const struct worker_settings *settings);

/* Makes a compile at hand fail and no other begin. To be called by any thread, after queue_cancel.
 */
void worker_cancel(struct worker *worker);

/* Waits for the thread. The worker stays, so that others may still cancel it. */
void worker_join(struct worker *worker);

/* Ends the server of a joined worker and frees. Returns how many servers were started. */
unsigned worker_destroy(struct worker *worker);

#endif
