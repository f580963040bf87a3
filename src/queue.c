#include "config.h"

#include "queue.h"

#include "thread.h"

#include <errno.h>
#include <stdlib.h>

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t work;  /* consumers wait: there is a job, or it has ended */
	pthread_cond_t space; /* producers wait: there is room, all is done, or it has ended */

	struct queue_job *first, *last; /* jobs nobody has begun, oldest first */
	size_t count;                   /* how many they are */
	size_t capacity;                /* how many they may be */
	size_t unfinished;              /* jobs pushed and not finished */
	struct queue_ticket *tickets;   /* the consumers */
	bool closed;                    /* no push any more */
	atomic_bool cancelled;          /* no next any more; read without the lock */
};

struct queue *queue_create(size_t capacity)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return NULL;
	queue->capacity = capacity;
	if (thread_lock_init(&queue->lock) != 0)
		goto fail;
	if (thread_condition_init(&queue->work) != 0)
		goto fail_lock;
	if (thread_condition_init(&queue->space) != 0)
		goto fail_work;
	return queue;

fail_work:
	thread_condition_fini(&queue->work);
fail_lock:
	thread_lock_fini(&queue->lock);
fail:
	free(queue);
	return NULL;
}

/* Without the lock: finishing calls out. */
static void drop_reference(struct queue *queue, struct queue_job *job)
{
	if (!job || atomic_fetch_sub(&job->references, 1) != 1)
		return;
	job->finish(job);
	thread_lock(&queue->lock);
	if (--queue->unfinished == 0) {
		thread_wake_all(&queue->space);
		if (queue->closed)
			thread_wake_all(&queue->work);
	}
	thread_unlock(&queue->lock);
}

/* Takes the whole list of waiting jobs out; the lock is held. */
static struct queue_job *take_all(struct queue *queue)
{
	struct queue_job *jobs = queue->first;

	queue->first = queue->last = NULL;
	queue->count = 0;
	return jobs;
}

static void drop_all(struct queue *queue, struct queue_job *jobs)
{
	while (jobs) {
		struct queue_job *behind = jobs->behind;

		drop_reference(queue, jobs);
		jobs = behind;
	}
}

void queue_destroy(struct queue *queue)
{
	if (!queue)
		return;
	drop_all(queue, take_all(queue));
	thread_condition_fini(&queue->space);
	thread_condition_fini(&queue->work);
	thread_lock_fini(&queue->lock);
	free(queue);
}

/* Puts a ticket among the others; the lock is held. */
static void link_ticket(struct queue *queue, struct queue_ticket *ticket, struct queue_job *job)
{
	ticket->job = job;
	ticket->before = NULL;
	ticket->after = queue->tickets;
	if (ticket->after)
		ticket->after->before = ticket;
	queue->tickets = ticket;
}

static void unlink_ticket(struct queue *queue, struct queue_ticket *ticket)
{
	if (ticket->before)
		ticket->before->after = ticket->after;
	else
		queue->tickets = ticket->after;
	if (ticket->after)
		ticket->after->before = ticket->before;
}

void queue_join(struct queue *queue, struct queue_ticket *ticket)
{
	thread_lock(&queue->lock);
	link_ticket(queue, ticket, NULL);
	thread_unlock(&queue->lock);
}

static bool has_parts(const struct queue_job *job)
{
	return job && atomic_load(&job->next) < job->parts;
}

/* Whether a consumer works on the job; the lock is held. */
static bool is_held(const struct queue *queue, const struct queue_job *job)
{
	const struct queue_ticket *ticket = queue->tickets;

	while (ticket && ticket->job != job)
		ticket = ticket->after;
	return ticket != NULL;
}

/* Puts an unfinished job back, with the reference that the ticket had. Nobody else may hold it: a
 * job is either in the list or held, and of several that hold it only the last to leave puts it
 * back. The lock is held. */
static void put_back(struct queue *queue, struct queue_job *job)
{
	job->behind = queue->first;
	queue->first = job;
	if (!queue->last)
		queue->last = job;
	queue->count++;
	thread_wake_all(&queue->work);
}

void queue_leave(struct queue *queue, struct queue_ticket *ticket)
{
	struct queue_job *job = ticket->job;

	thread_lock(&queue->lock);
	unlink_ticket(queue, ticket);
	if (!atomic_load(&queue->cancelled) && has_parts(job) && !is_held(queue, job)) {
		put_back(queue, job);
		job = NULL;
	}
	if (!queue->tickets)
		thread_wake_all(&queue->space);
	thread_unlock(&queue->lock);
	ticket->job = NULL;
	drop_reference(queue, job);
}

static void init_job(struct queue_job *job)
{
	atomic_init(&job->next, 0);
	atomic_init(&job->references, 1);
	job->behind = NULL;
}

int queue_push(struct queue *queue, struct queue_job *job)
{
	bool refused;

	init_job(job);
	thread_lock(&queue->lock);
	while (queue->count >= queue->capacity && !queue->closed && queue->tickets)
		thread_wait(&queue->space, &queue->lock);
	refused = queue->closed || !queue->tickets;
	if (!refused) {
		if (queue->last)
			queue->last->behind = job;
		else
			queue->first = job;
		queue->last = job;
		queue->count++;
		queue->unfinished++;
		thread_wake(&queue->work);
	}
	thread_unlock(&queue->lock);
	if (refused) {
		errno = EPIPE;
		return -1;
	}
	return 0;
}

void queue_drain(struct queue *queue)
{
	thread_lock(&queue->lock);
	while (queue->unfinished > 0 && queue->tickets && !atomic_load(&queue->cancelled))
		thread_wait(&queue->space, &queue->lock);
	thread_unlock(&queue->lock);
}

/* The oldest job that nobody has begun, with the queue's reference; NULL: none. Lock held. */
static struct queue_job *take_first(struct queue *queue)
{
	struct queue_job *job = queue->first;

	if (!job)
		return NULL;
	queue->first = job->behind;
	if (!queue->first)
		queue->last = NULL;
	if (queue->count-- == queue->capacity)
		thread_wake_all(&queue->space);
	return job;
}

/* A job with parts left that another consumer has begun, with a reference; NULL: none. Lock held,
 * so the other ticket cannot give up its own reference meanwhile. */
static struct queue_job *take_shared(struct queue *queue)
{
	for (struct queue_ticket *other = queue->tickets; other; other = other->after) {
		if (has_parts(other->job)) {
			atomic_fetch_add(&other->job->references, 1);
			return other->job;
		}
	}
	return NULL;
}

/* Waits for a job to work on; NULL: there will be none. */
static struct queue_job *take_job(struct queue *queue, struct queue_ticket *ticket)
{
	struct queue_job *done = ticket->job, *job = NULL;

	thread_lock(&queue->lock);
	ticket->job = NULL;
	if (done) {
		/* Finishing calls out: not under the lock. */
		thread_unlock(&queue->lock);
		drop_reference(queue, done);
		thread_lock(&queue->lock);
	}
	while (!atomic_load(&queue->cancelled)) {
		job = take_first(queue);
		if (!job)
			job = take_shared(queue);
		if (job || (queue->closed && queue->unfinished == 0))
			break;
		thread_wait(&queue->work, &queue->lock);
	}
	ticket->job = job;
	thread_unlock(&queue->lock);
	return job;
}

static bool take_part(struct queue_ticket *ticket)
{
	/* Looking first keeps `next` from growing past `parts` without bound. */
	if (!has_parts(ticket->job))
		return false;
	ticket->part = atomic_fetch_add(&ticket->job->next, 1);
	return ticket->part < ticket->job->parts;
}

bool queue_next(struct queue *queue, struct queue_ticket *ticket)
{
	while (!atomic_load(&queue->cancelled)) {
		if (take_part(ticket))
			return true;
		if (!take_job(queue, ticket))
			return false;
	}
	return false;
}

void queue_begin(struct queue *queue, struct queue_ticket *ticket, struct queue_job *job)
{
	init_job(job);
	thread_lock(&queue->lock);
	queue->unfinished++;
	link_ticket(queue, ticket, job);
	thread_wake_all(&queue->work);
	thread_unlock(&queue->lock);
}

bool queue_take(struct queue *queue, struct queue_ticket *ticket)
{
	return !atomic_load(&queue->cancelled) && take_part(ticket);
}

void queue_end(struct queue *queue, struct queue_ticket *ticket)
{
	thread_lock(&queue->lock);
	unlink_ticket(queue, ticket);
	thread_unlock(&queue->lock);
	drop_reference(queue, ticket->job);
}

void queue_hold(struct queue_job *job)
{
	atomic_fetch_add(&job->references, 1);
}

void queue_release(struct queue *queue, struct queue_job *job)
{
	drop_reference(queue, job);
}

void queue_invite(struct queue *queue, const struct queue_ticket *ticket)
{
	if (!has_parts(ticket->job))
		return;
	thread_lock(&queue->lock);
	thread_wake_all(&queue->work);
	thread_unlock(&queue->lock);
}

void queue_close(struct queue *queue)
{
	thread_lock(&queue->lock);
	queue->closed = true;
	thread_wake_all(&queue->work);
	thread_wake_all(&queue->space);
	thread_unlock(&queue->lock);
}

void queue_cancel(struct queue *queue)
{
	struct queue_job *jobs;

	thread_lock(&queue->lock);
	queue->closed = true;
	atomic_store(&queue->cancelled, true);
	jobs = take_all(queue);
	thread_wake_all(&queue->work);
	thread_wake_all(&queue->space);
	thread_unlock(&queue->lock);
	drop_all(queue, jobs);
}
