#include "config.h"

#include "group.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Changing from target to target with each source costs 10 to 20 % of the time that compiling
 * takes; with every 256th, three interpreters at once take as long as one after the other. */
#define SOURCES_MAX 256

/* Of all sources together, unless the last one is longer. */
#define BYTES_MAX (8 << 20)

struct member {
	struct source *source; /* NULL: done and reported */
	atomic_size_t left;    /* parts that are not done */
};

struct place {
	unsigned member, target;
};

struct group {
	struct queue_job job; /* first: the queue knows only this */
	struct queue *queue;
	struct report *report;
	struct group_course *course;
	size_t targets;
	size_t count; /* members */
	size_t bytes; /* in their sources */
	bool crowded; /* many descriptors are in use */
	struct member members[SOURCES_MAX];
	struct place places[]; /* of the parts, as soon as it has begun */
};

struct group *group_create(struct queue *queue, struct report *report, size_t targets,
			   struct group_course *course)
{
	struct group *group =
		calloc(1, sizeof(*group) + SOURCES_MAX * targets * sizeof(group->places[0]));

	if (!group)
		return NULL;
	group->queue = queue;
	group->report = report;
	group->course = course;
	group->targets = targets;
	return group;
}

static void drop_member(struct group *group, struct member *member)
{
	struct queue_job *batch = &member->source->batch->job;

	source_destroy(member->source);
	member->source = NULL;
	queue_release(group->queue, batch);
}

void group_destroy(struct group *group)
{
	if (!group)
		return;
	for (size_t i = 0; i < group->count; i++)
		if (group->members[i].source)
			drop_member(group, &group->members[i]);
	free(group);
}

/* Whether half of all descriptors there may be are below this one, so that the other half had
 * better be left to what needs one for a moment. The lowest free one is always taken. */
static bool is_high(int descriptor)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) != 0 || (rlim_t)descriptor >= limit.rlim_cur / 2;
}

void group_add(struct group *group, struct source *source)
{
	struct member *member = &group->members[group->count++];

	queue_hold(&source->batch->job);
	member->source = source;
	group->bytes += source->bytes.size;
	group->crowded |= is_high(source->folder);
}

bool group_is_full(const struct group *group)
{
	return group->count == SOURCES_MAX || group->bytes >= BYTES_MAX || group->crowded;
}

/* Adds the parts that are about one target. */
static void add_parts(struct group *group, unsigned target)
{
	for (unsigned i = 0; i < group->count; i++) {
		struct member *member = &group->members[i];

		if (!(member->source->stale & UINT32_C(1) << target))
			continue;
		group->places[group->job.parts++] = (struct place){.member = i, .target = target};
		member->left++;
	}
}

static void finish(struct queue_job *job)
{
	group_destroy(group_of(job));
}

void group_begin(struct group *group, struct queue_ticket *ticket)
{
	unsigned targets = (unsigned)group->targets, first = atomic_load(&group->course->target);

	group->job.finish = finish;
	for (unsigned i = 0; i < targets; i++)
		add_parts(group, (first + i) % targets);
	queue_begin(group->queue, ticket, &group->job);
}

struct group *group_of(struct queue_job *job)
{
	return job->finish == finish ? (struct group *)job : NULL;
}

/* Looks first: whoever writes takes the word away from all other processors. */
static void set_course(struct group_course *course, unsigned target)
{
	if (atomic_load_explicit(&course->target, memory_order_relaxed) != target)
		atomic_store_explicit(&course->target, target, memory_order_relaxed);
}

struct group_part group_part(const struct group *group, size_t index)
{
	const struct place *place = &group->places[index];

	set_course(group->course, place->target);
	return (struct group_part){.source = group->members[place->member].source,
				   .target = place->target};
}

void group_done(struct group *group, size_t index)
{
	struct member *member = &group->members[group->places[index].member];

	if (atomic_fetch_sub(&member->left, 1) != 1)
		return;
	source_report(member->source, group->report, source_outcome(member->source));
	drop_member(group, member);
}
