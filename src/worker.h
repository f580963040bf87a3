/*
 * worker: the way of one source: check, read, compile, write, report.
 *
 * A worker is a thread with what it needs for one source after the other: buffers that it keeps,
 * and for each target a compile server that it starts at its first source that is stale for it.
 * Many run the same body; they share only what struct worker_settings names and, where there are
 * several targets, the groups in which each gathers stale sources.
 */
#ifndef PYCOMPILEALL_WORKER_H
#define PYCOMPILEALL_WORKER_H

#include "filter.h"
#include "group.h"
#include "message.h"
#include "queue.h"
#include "report.h"
#include "source_name.h"
#include "target.h"

#include <stdbool.h>
#include <stddef.h>

/* What all workers of a run share. Constant while they run, but for queue, report and course. */
struct worker_settings {
	const struct targets *targets; /* whose byte-code is made; compilers come from them */
	bool force;                    /* nothing is fresh */
	bool hardlink_dupes;           /* equal .pyc files of consecutive levels become one */
	struct message_style style;    /* how to say things */
	struct source_name_rule names; /* what co_filename is made of */
	const struct filter *filter;   /* which sources are skipped */
	struct queue *queue;           /* where batches come from */
	struct report *report;         /* where lines and counts go */
	struct group_course *course;   /* of the groups, where there are several targets */
	/* Called by any worker where the run cannot go on: no server can be started. The text is
	 * valid during the call only. */
	void (*give_up)(void *context, const char *why);
	/* Called by any worker before every source or folder. */
	void (*begin)(void *context);
	/* Called by any worker at every source that is stale, before it is compiled. */
	void (*stale)(void *context);
	void *context; /* handed to all of them */
};

struct worker;

/*
 * A worker that the queue knows of; worker_start or worker_run must follow, or worker_destroy.
 * `settings` are borrowed and must outlive it. Not to be called by two threads at once, but by
 * other workers too. NULL with errno ENOMEM.
 */
struct worker *worker_create(const struct worker_settings *settings);

/* Starts a thread that works until the queue has ended. 0, or -1 with errno EAGAIN (too many
 * threads): nothing runs. */
int worker_start(struct worker *worker);

/* Works until the queue has ended, in the thread that calls. */
void worker_run(struct worker *worker);

/* Makes a compile at hand fail and no other begin. To be called by any thread, after queue_cancel.
 */
void worker_cancel(struct worker *worker);

/* Waits for the thread, if it has one. The worker stays, so that others may still cancel it. */
void worker_join(struct worker *worker);

/* Ends the servers of a worker that works no more, and frees. Returns how many servers were
 * started. */
unsigned worker_destroy(struct worker *worker);

#endif
