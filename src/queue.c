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
	struct queue_job *seeds;        /* of which parts are left, the next one first */
	size_t unfinished;              /* jobs of any kind that are not finished */
	struct queue_ticket *tickets;   /* the consumers, once for each job they are at */
	size_t consumers;               /* how many they are */
	bool closed;                    /* no push any more */
	atomic_bool cancelled;          /* no next any more; read without the lock */
	atomic_size_t idle;             /* consumers that sleep; read without the lock */
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

void queue_widen(struct queue *queue, size_t capacity)
{
	thread_lock(&queue->lock);
	if (queue->capacity < capacity)
		queue->capacity = capacity;
	thread_wake_all(&queue->space);
	thread_unlock(&queue->lock);
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

/* Takes all that waits out, seeds behind the others; the lock is held. */
static struct queue_job *take_all(struct queue *queue)
{
	struct queue_job *jobs = queue->first;

	if (jobs)
		queue->last->behind = queue->seeds;
	else
		jobs = queue->seeds;
	queue->first = queue->last = queue->seeds = NULL;
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
	queue->consumers++;
	thread_unlock(&queue->lock);
}

static bool has_parts(const struct queue_job *job)
{
	return job && atomic_load(&job->next) < job->parts;
}

/* Whether others can take parts of a job that a ticket holds. Those of a seed wait in a list. */
static bool can_be_shared(const struct queue_job *job)
{
	return has_parts(job) && !job->seed;
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
	queue->consumers--;
	if (!atomic_load(&queue->cancelled) && can_be_shared(job) && !is_held(queue, job)) {
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
	job->seed = false;
	job->behind = NULL;
}

/* What a job's owner gets that the queue does not take. */
static int refuse(void)
{
	errno = EPIPE;
	return -1;
}

/* Puts a new job behind the others; the lock is held. */
static void append(struct queue *queue, struct queue_job *job)
{
	if (queue->last)
		queue->last->behind = job;
	else
		queue->first = job;
	queue->last = job;
	queue->count++;
	queue->unfinished++;
	thread_wake(&queue->work);
}

int queue_push(struct queue *queue, struct queue_job *job)
{
	bool refused;

	init_job(job);
	thread_lock(&queue->lock);
	while (queue->count >= queue->capacity && !queue->closed && queue->tickets)
		thread_wait(&queue->space, &queue->lock);
	refused = queue->closed || !queue->tickets;
	if (!refused)
		append(queue, job);
	thread_unlock(&queue->lock);
	return refused ? refuse() : 0;
}

int queue_add(struct queue *queue, struct queue_job *job)
{
	bool refused;

	init_job(job);
	thread_lock(&queue->lock);
	refused = atomic_load(&queue->cancelled);
	if (!refused)
		append(queue, job);
	thread_unlock(&queue->lock);
	return refused ? refuse() : 0;
}

/* Wakes as many consumers as there are parts for; with a hundred of them asleep that matters. The
 * lock is held. */
static void wake_for(struct queue *queue, size_t parts)
{
	if (parts == 0)
		return;
	if (parts >= atomic_load_explicit(&queue->idle, memory_order_relaxed))
		thread_wake_all(&queue->work);
	else
		while (parts-- > 0)
			thread_wake(&queue->work);
}

/* Puts a seed among the others; the lock is held. */
static void insert_seed(struct queue *queue, struct queue_job *seed)
{
	struct queue_job **place = &queue->seeds;

	while (*place && seed->is_behind && seed->is_behind(seed, *place))
		place = &(*place)->behind;
	seed->behind = *place;
	*place = seed;
	queue->unfinished++;
	wake_for(queue, seed->parts);
}

int queue_seed(struct queue *queue, struct queue_job *seed)
{
	bool refused;

	init_job(seed);
	seed->seed = true;
	thread_lock(&queue->lock);
	refused = atomic_load(&queue->cancelled);
	if (!refused)
		insert_seed(queue, seed);
	thread_unlock(&queue->lock);
	return refused ? refuse() : 0;
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
		if (can_be_shared(other->job)) {
			atomic_fetch_add(&other->job->references, 1);
			return other->job;
		}
	}
	return NULL;
}

static bool is_ripe(const struct queue_job *seed)
{
	return !seed->is_ripe || seed->is_ripe(seed, atomic_load(&seed->next));
}

/*
 * Takes a part of the first ripe seed: the job, with a reference; NULL: none is ripe. The lock is
 * held, and nobody takes parts of seeds without it.
 */
static struct queue_job *take_seed(struct queue *queue, size_t *part)
{
	struct queue_job **place = &queue->seeds, *seed;

	while (*place && !is_ripe(*place))
		place = &(*place)->behind;
	seed = *place;
	if (!seed)
		return NULL;
	*part = atomic_fetch_add(&seed->next, 1);
	if (has_parts(seed))
		atomic_fetch_add(&seed->references, 1);
	else
		*place = seed->behind;
	return seed;
}

/* Takes what is best done now; NULL: there is nothing. Seeds before jobs, as long as there may soon
 * be less of these than consumers, and parts of others' jobs last. The lock is held. */
static struct queue_job *take_any(struct queue *queue, size_t *part, bool share)
{
	struct queue_job *job = NULL;

	if (queue->count < queue->consumers)
		job = take_seed(queue, part);
	if (!job)
		job = take_first(queue);
	if (!job && share)
		job = take_shared(queue);
	return job;
}

static void sleep_until_work(struct queue *queue)
{
	atomic_fetch_add_explicit(&queue->idle, 1, memory_order_relaxed);
	thread_wait(&queue->work, &queue->lock);
	atomic_fetch_sub_explicit(&queue->idle, 1, memory_order_relaxed);
}

/* Waits for a job to work on, if it may; NULL: there will be none, or is none. */
static struct queue_job *take_job(struct queue *queue, struct queue_ticket *ticket, bool wait)
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
		job = take_any(queue, &ticket->part, wait);
		if (job || !wait || (queue->closed && queue->unfinished == 0))
			break;
		sleep_until_work(queue);
	}
	ticket->job = job;
	thread_unlock(&queue->lock);
	return job;
}

static bool take_part(struct queue_ticket *ticket)
{
	/* Looking first keeps `next` from growing past `parts` without bound. */
	if (!can_be_shared(ticket->job))
		return false;
	ticket->part = atomic_fetch_add(&ticket->job->next, 1);
	return ticket->part < ticket->job->parts;
}

static bool take(struct queue *queue, struct queue_ticket *ticket, bool wait)
{
	struct queue_job *job;

	while (!atomic_load(&queue->cancelled)) {
		if (take_part(ticket))
			return true;
		job = take_job(queue, ticket, wait);
		if (!job)
			return false;
		if (job->seed)
			return true;
	}
	return false;
}

bool queue_next(struct queue *queue, struct queue_ticket *ticket)
{
	return take(queue, ticket, true);
}

bool queue_try(struct queue *queue, struct queue_ticket *ticket)
{
	return take(queue, ticket, false);
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

/* Parts of ripe seeds, as far as there may be sleepers for them. The lock is held. */
static size_t count_ripe(const struct queue *queue)
{
	size_t idle = atomic_load_explicit(&queue->idle, memory_order_relaxed), parts = 0;

	for (struct queue_job *seed = queue->seeds; seed && parts < idle; seed = seed->behind)
		if (is_ripe(seed))
			parts += seed->parts - atomic_load(&seed->next);
	return parts;
}

void queue_signal(struct queue *queue)
{
	thread_lock(&queue->lock);
	wake_for(queue, count_ripe(queue));
	thread_unlock(&queue->lock);
}

bool queue_is_full(struct queue *queue)
{
	bool full;

	thread_lock(&queue->lock);
	full = queue->count >= queue->capacity;
	thread_unlock(&queue->lock);
	return full;
}

bool queue_is_hungry(struct queue *queue)
{
	bool hungry;

	/* Mostly nobody is. */
	if (atomic_load_explicit(&queue->idle, memory_order_relaxed) == 0)
		return false;
	thread_lock(&queue->lock);
	/* What was handed over a moment ago may not have been taken up yet. */
	hungry = atomic_load(&queue->idle) > queue->count && !queue->seeds;
	thread_unlock(&queue->lock);
	return hungry;
}

bool queue_is_cancelled(const struct queue *queue)
{
	return atomic_load(&queue->cancelled);
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
