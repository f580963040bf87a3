/*
 * group: stale sources of one worker that are compiled together, one target after the other.
 *
 * A worker has one compile server for each target. Going from one to the next with each source
 * would find cold caches every time, which costs more than a small source does. So a worker that
 * compiles for several targets gathers stale sources, and the group is a job of the queue whose
 * parts are all of them for one target, then all of them for the next, and so on. Idle workers join
 * in, at the same target. For the same reason a group begins with the target that the run is at:
 * interpreters that differ, at work at once, push each other's code out of the caches that the
 * processors share.
 *
 * Who owns: a group belongs to the worker that gathers, until group_begin; then to the queue. Its
 *     sources are its own, and each holds its batch, so none of the batches ends before.
 * Who reports: whoever has done the last part of a source, which is freed then.
 * What bounds it: the number of sources, their bytes, and the descriptors in use, for a batch keeps
 *     its folder open.
 * How it stops: what a cancel leaves undone is freed and not reported.
 */
#ifndef PYCOMPILEALL_GROUP_H
#define PYCOMPILEALL_GROUP_H

#include "queue.h"
#include "report.h"
#include "source.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct group;

/* Where a run is; one for all its groups. Zeroes to begin with; it is the groups' own. */
struct group_course {
	atomic_uint target; /* the number of the one that was last gone over to */
};

/* A source and a target that it is stale for: one part of the job. */
struct group_part {
	struct source *source;
	size_t target; /* its number */
};

/* An empty one for sources of so many targets. The others are borrowed. NULL with errno ENOMEM. */
struct group *group_create(struct queue *queue, struct report *report, size_t targets,
			   struct group_course *course);

/* Frees a group that was not begun; its sources are not reported. NULL is legal. */
void group_destroy(struct group *group);

/* Takes over a source that is loaded, judged and stale for one target or more, and holds its batch,
 * which is at hand. Not to be called of a full group. */
void group_add(struct group *group, struct source *source);

/* Whether it is to wait for no more. */
bool group_is_full(const struct group *group);

/* Makes a group that is not empty a job that is begun with `ticket`, as of queue_begin. From then
 * on the queue frees it. */
void group_begin(struct group *group, struct queue_ticket *ticket);

/* The group that a job is; NULL: it is something else. */
struct group *group_of(struct queue_job *job);

/* What is to be done in a part of the job, now. */
struct group_part group_part(const struct group *group, size_t index);

/* Says that a part is done, by its result in the source, which may be gone from now on. */
void group_done(struct group *group, size_t index);

#endif
