/*
 * The queue under many threads, without a test framework, so that it runs under ThreadSanitizer.
 * Prints one line a case and exits 1 at the first that fails.
 */
#include "config.h"

#include "queue.h"
#include "thread.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define JOBS  400
#define PARTS 7

/* A job that counts what happens to it. */
struct counted {
	struct queue_job job;
	atomic_uint taken[PARTS];
	atomic_uint *finished;
};

struct consumer {
	struct queue *queue;
	struct queue_ticket ticket;
	pthread_t thread;
	unsigned leave_after; /* parts; 0: stays to the end */
	unsigned parts;
};

static void fail(const char *what)
{
	(void)fprintf(stderr, "queue_threads: %s\n", what);
	exit(1);
}

static void finish(struct queue_job *job)
{
	struct counted *counted = (struct counted *)job;

	atomic_fetch_add(counted->finished, 1);
}

static void *consume(void *argument)
{
	struct consumer *consumer = argument;

	while (queue_try(consumer->queue, &consumer->ticket) ||
	       queue_next(consumer->queue, &consumer->ticket)) {
		struct counted *counted = (struct counted *)consumer->ticket.job;

		queue_invite(consumer->queue, &consumer->ticket);
		atomic_fetch_add(&counted->taken[consumer->ticket.part], 1);
		if (++consumer->parts == consumer->leave_after)
			break;
	}
	queue_leave(consumer->queue, &consumer->ticket);
	return NULL;
}

static void start(struct consumer *consumer, struct queue *queue, unsigned leave_after)
{
	*consumer = (struct consumer){.queue = queue, .leave_after = leave_after};
	queue_join(queue, &consumer->ticket);
	if (thread_create(&consumer->thread, consume, consumer) != 0)
		fail("no thread");
}

static void set_up_jobs(struct counted *jobs, atomic_uint *finished)
{
	atomic_init(finished, 0);
	for (size_t i = 0; i < JOBS; i++) {
		for (size_t part = 0; part < PARTS; part++)
			atomic_init(&jobs[i].taken[part], 0);
		jobs[i].finished = finished;
		jobs[i].job.parts = 1 + i % PARTS;
		jobs[i].job.finish = finish;
	}
}

/* Every part of every job is taken once and every job is finished once, whatever the number of
 * threads and the room in the queue; some consumers leave in mid-job. */
static void check_all_taken(size_t threads, size_t capacity, size_t leavers)
{
	static struct counted jobs[JOBS];
	struct consumer consumers[16];
	struct queue *queue = queue_create(capacity);
	atomic_uint finished;

	if (!queue)
		fail("no queue");
	set_up_jobs(jobs, &finished);
	for (size_t i = 0; i < threads; i++)
		start(&consumers[i], queue, i < leavers ? (unsigned)(i + 3) : 0);
	for (size_t i = 0; i < JOBS; i++)
		if (queue_push(queue, &jobs[i].job) != 0)
			fail("push refused");
	queue_close(queue);
	for (size_t i = 0; i < threads; i++)
		(void)thread_join(consumers[i].thread);
	queue_destroy(queue);
	for (size_t i = 0; i < JOBS; i++)
		for (size_t part = 0; part < jobs[i].job.parts; part++)
			if (atomic_load(&jobs[i].taken[part]) != 1)
				fail("a part was not taken exactly once");
	if (atomic_load(&finished) != JOBS)
		fail("a job was not finished exactly once");
}

/* A producer that waits for room learns that the last consumer has gone. */
static void check_consumer_dies(void)
{
	static struct counted jobs[JOBS];
	struct consumer consumer;
	struct queue *queue = queue_create(1);
	atomic_uint finished;
	size_t pushed = 0;

	if (!queue)
		fail("no queue");
	set_up_jobs(jobs, &finished);
	start(&consumer, queue, 5);
	while (pushed < JOBS && queue_push(queue, &jobs[pushed].job) == 0)
		pushed++;
	if (pushed == JOBS || errno != EPIPE)
		fail("the producer did not learn that all consumers are gone");
	(void)thread_join(consumer.thread);
	queue_destroy(queue);
	if (atomic_load(&finished) != pushed)
		fail("a job of a dead consumer was not finished");
}

/* Cancelling in the middle: consumers end, and every job that was pushed is finished once. */
static void check_cancel(void)
{
	static struct counted jobs[JOBS];
	struct consumer consumers[4];
	struct queue *queue = queue_create(8);
	atomic_uint finished;
	size_t pushed = 0;

	if (!queue)
		fail("no queue");
	set_up_jobs(jobs, &finished);
	for (size_t i = 0; i < 4; i++)
		start(&consumers[i], queue, 0);
	while (pushed < JOBS && queue_push(queue, &jobs[pushed].job) == 0)
		if (++pushed == JOBS / 2)
			queue_cancel(queue);
	if (pushed != JOBS / 2)
		fail("a push was taken after the cancel");
	for (size_t i = 0; i < 4; i++)
		(void)thread_join(consumers[i].thread);
	queue_destroy(queue);
	if (atomic_load(&finished) != pushed)
		fail("a cancelled job was not finished exactly once");
}

/* Jobs that come of jobs: a seed has SHOOTS parts, and of each comes a job and, unless it is a
 * leaf, another seed. */
#define SHOOTS 3
#define HEIGHT 6

struct plant {
	struct queue_job job;
	unsigned height; /* of a seed; 0: a leaf */
	atomic_uint *finished;
};

struct gardener {
	struct queue *queue;
	struct queue_ticket ticket;
	pthread_t thread;
	atomic_uint *finished;
	unsigned seeds, parts; /* taken */
	unsigned leave_after;  /* parts; 0: stays to the end */
};

static void finish_plant(struct queue_job *job)
{
	struct plant *plant = (struct plant *)job;

	atomic_fetch_add(plant->finished, 1);
	free(plant);
}

static struct plant *create_plant(unsigned height, size_t parts, atomic_uint *finished)
{
	struct plant *plant = calloc(1, sizeof(*plant));

	if (!plant)
		fail("no memory");
	plant->height = height;
	plant->finished = finished;
	plant->job.parts = parts;
	plant->job.finish = finish_plant;
	return plant;
}

static void grow(struct gardener *gardener, unsigned height)
{
	struct plant *job = create_plant(0, PARTS, gardener->finished), *seed;

	if (queue_add(gardener->queue, &job->job) != 0)
		fail("add refused");
	if (height == 0)
		return;
	seed = create_plant(height - 1, SHOOTS, gardener->finished);
	if (queue_seed(gardener->queue, &seed->job) != 0)
		fail("seed refused");
}

static void *tend(void *argument)
{
	struct gardener *gardener = argument;

	while (queue_next(gardener->queue, &gardener->ticket)) {
		if (gardener->ticket.job->seed) {
			gardener->seeds++;
			grow(gardener, ((struct plant *)gardener->ticket.job)->height);
			queue_signal(gardener->queue);
		} else if (++gardener->parts == gardener->leave_after) {
			break;
		}
	}
	queue_leave(gardener->queue, &gardener->ticket);
	return NULL;
}

/* Whatever comes of one seed is taken once, though the queue is closed at once. */
static void check_growth(size_t threads, size_t leavers)
{
	struct gardener gardeners[16] = {0};
	struct queue *queue = queue_create(threads);
	unsigned expected = 0, shoots = 1, seeds = 0, parts = 0;
	atomic_uint finished;
	struct plant *seed;

	if (!queue)
		fail("no queue");
	atomic_init(&finished, 0);
	for (size_t i = 0; i < threads; i++) {
		gardeners[i].queue = queue;
		gardeners[i].finished = &finished;
		gardeners[i].leave_after = i < leavers ? (unsigned)(i + 3) : 0;
		queue_join(queue, &gardeners[i].ticket);
		if (thread_create(&gardeners[i].thread, tend, &gardeners[i]) != 0)
			fail("no thread");
	}
	seed = create_plant(HEIGHT, SHOOTS, &finished);
	if (queue_seed(queue, &seed->job) != 0)
		fail("seed refused");
	queue_close(queue);
	for (size_t i = 0; i < threads; i++) {
		(void)thread_join(gardeners[i].thread);
		seeds += gardeners[i].seeds;
		parts += gardeners[i].parts;
	}
	queue_destroy(queue);
	for (unsigned height = 0; height <= HEIGHT; height++)
		expected += shoots *= SHOOTS;
	if (seeds != expected || parts != expected * PARTS)
		fail("a part of what grew was not taken exactly once");
	/* A seed for all shoots but the last ones, and one to begin with; a job for each shoot. */
	if (atomic_load(&finished) != expected + 1 + (expected - shoots))
		fail("what grew was not finished exactly once");
}

int main(void)
{
	static const size_t capacities[] = {1, 2, 64};

	for (size_t threads = 1; threads <= 16; threads *= 2)
		for (size_t i = 0; i < 3; i++)
			check_all_taken(threads, capacities[i], threads / 2);
	(void)puts("queue_threads: every part once: ok");
	for (int i = 0; i < 20; i++)
		check_consumer_dies();
	(void)puts("queue_threads: a consumer that dies: ok");
	for (int i = 0; i < 20; i++)
		check_cancel();
	(void)puts("queue_threads: cancel: ok");
	for (size_t threads = 1; threads <= 16; threads *= 2)
		check_growth(threads, threads / 2);
	(void)puts("queue_threads: jobs that come of jobs: ok");
	return 0;
}
