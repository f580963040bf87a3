/*
 * queue: jobs handed from producers to consumers, a bounded number at a time.
 *
 * A job is a number of like parts (for us: the files of one folder). It is given to one consumer,
 * but a consumer that finds nothing waiting takes parts of a job that another one has begun. So
 * hand-over costs one lock a job and not one a part, and still nobody idles while any part of any
 * job waits.
 *
 * A seed (for us: folders that are still to be walked) is a job of which others come. It is taken
 * when few other jobs wait, and given back as soon as enough do: whoever works on a seed must look
 * at queue_is_full now and then, and put what is left of it back as further seeds. So a consumer
 * never holds back what others could do while it is at something long.
 *
 * Who produces: a thread that is no consumer, by queue_push, which blocks while the queue is full;
 *     and consumers, by what never blocks: from a seed come jobs (queue_add) and seeds
 *     (queue_seed), and one that finds that a part is itself work for several makes a job of it
 *     (queue_begin): idle consumers join in, and what they leave, it does itself.
 * Who consumes: threads between queue_join and queue_leave, each with a ticket of its own.
 * What throttles: `capacity`, the number of jobs that nobody has begun. Consumers may exceed it by
 *     what comes of one part of a seed each.
 * Who frees: the queue holds one reference to a job and each ticket that works on it another;
 *     whoever gives up the last one calls the job's `finish`, outside the lock.
 * How it stops: queue_close lets consumers drain what is there and then end; queue_cancel drops
 *     what is there. A consumer that leaves in mid-job puts the rest of it back, unless another is
 *     at the same job. When the last consumer is gone, producers get EPIPE instead of waiting for
 *     ever. Consumers stay as long as any job is unfinished, since more may come of it.
 */
#ifndef PYCOMPILEALL_QUEUE_H
#define PYCOMPILEALL_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct queue;

/* What is handed over: to be embedded, first, in the producer's own struct. */
struct queue_job {
	size_t parts;                          /* how many; set before the push, 1 or more */
	void (*finish)(struct queue_job *job); /* called once, after the last part or cancel */
	/* Of a seed: whether a part may be taken by now. Called under the queue's lock, so it must
	 * not block; queue_signal tells when its answer may have changed. */
	bool (*is_ripe)(const struct queue_job *job, size_t part);
	/* Of a seed: whether it is to be taken after another one, as far as parts of that are left;
	 * NULL: it goes before all. Called under the lock, too, which keeps `next` of both. */
	bool (*is_behind)(const struct queue_job *job, const struct queue_job *other);
	bool seed;                /* the queue's */
	atomic_size_t next;       /* the queue's: the first part nobody has taken */
	atomic_size_t references; /* the queue's */
	struct queue_job *behind; /* the queue's: the next job waiting */
};

/* One consumer's place. All of it is the queue's, but `job` and `part` are to be read. */
struct queue_ticket {
	struct queue_job *job;               /* the job at hand */
	size_t part;                         /* the part at hand, from 0 */
	struct queue_ticket *before, *after; /* the other consumers */
};

/*
 * A queue that holds at most `capacity` (1 or more) jobs that nobody has begun. NULL with errno
 * ENOMEM or that of pthreads.
 */
struct queue *queue_create(size_t capacity);

/* Lets more jobs wait than queue_create was told of. Any thread. */
void queue_widen(struct queue *queue, size_t capacity);

/* Frees a queue that no thread uses any more; jobs still in it are finished. NULL is legal. */
void queue_destroy(struct queue *queue);

/* Announces a consumer, so that producers know that somebody will come: called before the
 * consumer's thread starts, or by it. Never blocks for long. */
void queue_join(struct queue *queue, struct queue_ticket *ticket);

/* The consumer takes no more. What is left of its job goes back to the front of the queue. */
void queue_leave(struct queue *queue, struct queue_ticket *ticket);

/*
 * Hands over a job. Blocks while the queue is full. 0, or -1 with errno EPIPE: the queue is closed
 * or cancelled, or all consumers have left; the job is the caller's still, unfinished.
 */
int queue_push(struct queue *queue, struct queue_job *job);

/*
 * Blocks until every job that was pushed or begun is finished, or the queue is cancelled, or no
 * consumer is left. For a producer that is no consumer.
 */
void queue_drain(struct queue *queue);

/*
 * Takes the next part: ticket->job and ticket->part. Blocks while there is none and there may be
 * one: as long as the queue is open or a job is unfinished, of which another consumer may make
 * more. False: there will be none; the consumer is to leave.
 */
bool queue_next(struct queue *queue, struct queue_ticket *ticket);

/* The same, but takes a part only if there is one at once, and none of a job that another consumer
 * has begun. False: there is none now, or there will be none. Never blocks for long. */
bool queue_try(struct queue *queue, struct queue_ticket *ticket);

/*
 * Tells consumers that sleep that the job at hand can be shared. To be called when a part turns out
 * to be long: waking somebody for a part of microseconds would cost more than the part.
 */
void queue_invite(struct queue *queue, const struct queue_ticket *ticket);

/*
 * Begins a job in the midst of a part of another: it waits in no list, and is shared by idle
 * consumers from now on. `ticket` is a further one, for this job alone, of a consumer between
 * queue_join and queue_leave; queue_take then takes the parts, and queue_end gives the job up.
 */
void queue_begin(struct queue *queue, struct queue_ticket *ticket, struct queue_job *job);

/* Takes the next part of the job at hand, and of no other. False: all are taken, or the queue was
 * cancelled. Never blocks. */
bool queue_take(struct queue *queue, struct queue_ticket *ticket);

/* Gives up a job that was begun, whose last part may not be done yet. */
void queue_end(struct queue *queue, struct queue_ticket *ticket);

/*
 * Hands over a job, whatever the capacity, and never blocks. For whoever keeps another job
 * unfinished meanwhile, even if the queue is closed. 0, or -1 with errno EPIPE: the queue is
 * cancelled; the job is the caller's still, unfinished.
 */
int queue_add(struct queue *queue, struct queue_job *job);

/* The same for a seed, whose place among the others is_behind tells. Its parts are taken in their
 * order, one by one. Also for a producer before queue_close. */
int queue_seed(struct queue *queue, struct queue_job *seed);

/* Looks once more which seeds are ripe. Any thread; never blocks for long. */
void queue_signal(struct queue *queue);

/* Whether as many jobs wait as may: nobody should make more. */
bool queue_is_full(struct queue *queue);

/* Whether consumers sleep for want of work, more than there are jobs for. Cheap. */
bool queue_is_hungry(struct queue *queue);

/* Whether all is to end. */
bool queue_is_cancelled(const struct queue *queue);

/* Holds a job, so that it is not finished before a queue_release. To be called with one held. */
void queue_hold(struct queue_job *job);
void queue_release(struct queue *queue, struct queue_job *job);

/* No job will come any more. Pushing after this is EPIPE. May be called again. */
void queue_close(struct queue *queue);

/* Stops as fast as it can: what waits is finished without being worked on, and every queue_next
 * returns false from now on. May be called by any thread, any number of times. */
void queue_cancel(struct queue *queue);

#endif
