/* The queue in one thread; tests/threads/queue_threads.c has it under many. */
#include "config.h"

#include "queue.h"

#include "thread.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdatomic.h>
#include <time.h>

static unsigned finished;

static void finish(struct queue_job *job)
{
	(void)job;
	finished++;
}

static struct queue_job job_of(size_t parts)
{
	return (struct queue_job){.parts = parts, .finish = finish};
}

Test(queue, hands_out_jobs_oldest_first_and_parts_in_order)
{
	struct queue *queue = queue_create(4);
	struct queue_job first = job_of(2), second = job_of(1);
	struct queue_ticket ticket;

	queue_join(queue, &ticket);
	cr_assert_eq(queue_push(queue, &first), 0);
	cr_assert_eq(queue_push(queue, &second), 0);
	queue_close(queue);
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &first && ticket.part == 0);
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &first && ticket.part == 1);
	cr_assert_eq(finished, 0);
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &second && ticket.part == 0);
	cr_assert_eq(finished, 1);
	cr_assert_not(queue_next(queue, &ticket));
	cr_assert_eq(finished, 2);
	queue_leave(queue, &ticket);
	queue_destroy(queue);
}

Test(queue, idle_consumer_shares_a_job_that_was_begun)
{
	struct queue *queue = queue_create(1);
	struct queue_job job = job_of(3);
	struct queue_ticket one, two;

	queue_join(queue, &one);
	queue_join(queue, &two);
	cr_assert_eq(queue_push(queue, &job), 0);
	queue_close(queue);
	cr_assert(queue_next(queue, &one));
	cr_assert(queue_next(queue, &two));
	cr_assert(two.job == &job && two.part == 1);
	cr_assert(queue_next(queue, &one));
	cr_assert_eq(one.part, 2);
	queue_leave(queue, &one);
	cr_assert_eq(finished, 0, "the other consumer still works on it");
	cr_assert_not(queue_next(queue, &two));
	cr_assert_eq(finished, 1);
	queue_leave(queue, &two);
	queue_destroy(queue);
}

Test(queue, job_begun_amid_another_is_shared)
{
	struct queue *queue = queue_create(1);
	struct queue_job job = job_of(1), inner = job_of(3);
	struct queue_ticket one, two, within;

	queue_join(queue, &one);
	queue_join(queue, &two);
	cr_assert_eq(queue_push(queue, &job), 0);
	queue_close(queue);
	cr_assert(queue_next(queue, &one));
	queue_begin(queue, &within, &inner);
	cr_assert(queue_take(queue, &within));
	cr_assert_eq(within.part, 0);
	cr_assert(queue_next(queue, &two));
	cr_assert(two.job == &inner && two.part == 1);
	cr_assert(queue_take(queue, &within));
	cr_assert_not(queue_take(queue, &within));
	queue_end(queue, &within);
	cr_assert_eq(finished, 0, "the other consumer still works on it");
	queue_leave(queue, &two);
	cr_assert_eq(finished, 1);
	cr_assert_not(queue_next(queue, &one));
	cr_assert_eq(finished, 2);
	queue_leave(queue, &one);
	queue_destroy(queue);
}

Test(queue, widened_queue_takes_more)
{
	struct queue *queue = queue_create(1);
	struct queue_job first = job_of(1), second = job_of(1);
	struct queue_ticket ticket;

	queue_join(queue, &ticket);
	cr_assert_eq(queue_push(queue, &first), 0);
	cr_assert(queue_is_full(queue));
	queue_widen(queue, 2);
	cr_assert_not(queue_is_full(queue));
	cr_assert_eq(queue_push(queue, &second), 0);
	queue_widen(queue, 1);
	queue_cancel(queue);
	cr_assert_eq(finished, 2);
	queue_leave(queue, &ticket);
	queue_destroy(queue);
}

Test(queue, held_job_is_not_finished)
{
	struct queue *queue = queue_create(1);
	struct queue_job job = job_of(1);
	struct queue_ticket ticket;

	queue_join(queue, &ticket);
	cr_assert_eq(queue_push(queue, &job), 0);
	cr_assert(queue_next(queue, &ticket));
	queue_hold(&job);
	queue_leave(queue, &ticket);
	cr_assert_eq(finished, 0);
	queue_release(queue, &job);
	cr_assert_eq(finished, 1);
	queue_destroy(queue);
}

struct idler {
	struct queue *queue;
	struct queue_ticket ticket;
	struct queue_job *got;
};

static void *idle(void *argument)
{
	struct idler *idler = argument;

	if (queue_next(idler->queue, &idler->ticket))
		idler->got = idler->ticket.job;
	queue_leave(idler->queue, &idler->ticket);
	return NULL;
}

/* What is at work may turn out to be work for two, also when nothing new will be pushed. */
Test(queue, idle_consumer_stays_while_a_job_is_unfinished)
{
	struct queue *queue = queue_create(1);
	struct queue_job job = job_of(1), inner = job_of(2);
	struct idler idler = {.queue = queue};
	struct timespec moment = {.tv_nsec = 50000000};
	struct queue_ticket ticket, within;
	pthread_t thread;

	queue_join(queue, &ticket);
	queue_join(queue, &idler.ticket);
	cr_assert_eq(queue_push(queue, &job), 0);
	cr_assert(queue_next(queue, &ticket));
	queue_close(queue);
	cr_assert_eq(thread_create(&thread, idle, &idler), 0);
	nanosleep(&moment, NULL);
	queue_begin(queue, &within, &inner);
	thread_join(thread);
	cr_assert(idler.got == &inner);
	cr_assert(queue_take(queue, &within));
	queue_end(queue, &within);
	queue_leave(queue, &ticket);
	cr_assert_eq(finished, 2);
	queue_destroy(queue);
}

Test(queue, consumer_that_leaves_puts_the_rest_back)
{
	struct queue *queue = queue_create(1);
	struct queue_job job = job_of(3);
	struct queue_ticket one, two;

	queue_join(queue, &one);
	queue_join(queue, &two);
	cr_assert_eq(queue_push(queue, &job), 0);
	cr_assert(queue_next(queue, &one));
	queue_leave(queue, &one);
	queue_close(queue);
	cr_assert(queue_next(queue, &two));
	cr_assert(two.job == &job && two.part == 1);
	cr_assert(queue_next(queue, &two));
	cr_assert_not(queue_next(queue, &two));
	cr_assert_eq(finished, 1);
	queue_leave(queue, &two);
	queue_destroy(queue);
}

/* Were it put back by each of them, the list of jobs would lead from it to itself. */
Test(queue, consumers_that_share_a_job_and_leave_put_it_back_once)
{
	struct queue *queue = queue_create(1);
	struct queue_job job = job_of(3);
	struct queue_ticket one, two, three;

	queue_join(queue, &one);
	queue_join(queue, &two);
	queue_join(queue, &three);
	cr_assert_eq(queue_push(queue, &job), 0);
	cr_assert(queue_next(queue, &one));
	cr_assert(queue_next(queue, &two));
	queue_leave(queue, &one);
	queue_leave(queue, &two);
	queue_close(queue);
	cr_assert(queue_next(queue, &three));
	cr_assert(three.job == &job && three.part == 2);
	cr_assert_eq(finished, 0);
	cr_assert_not(queue_next(queue, &three));
	cr_assert_eq(finished, 1);
	queue_leave(queue, &three);
	queue_destroy(queue);
}

Test(queue, push_without_a_consumer_is_refused)
{
	struct queue *queue = queue_create(1);
	struct queue_job job = job_of(1);
	struct queue_ticket ticket;

	queue_join(queue, &ticket);
	queue_leave(queue, &ticket);
	errno = 0;
	cr_assert_eq(queue_push(queue, &job), -1);
	cr_assert_eq(errno, EPIPE);
	cr_assert_eq(finished, 0, "the job is still the caller's");
	queue_destroy(queue);
}

Test(queue, push_after_close_is_refused)
{
	struct queue *queue = queue_create(1);
	struct queue_job job = job_of(1);
	struct queue_ticket ticket;

	queue_join(queue, &ticket);
	queue_close(queue);
	cr_assert_eq(queue_push(queue, &job), -1);
	cr_assert_eq(errno, EPIPE);
	queue_leave(queue, &ticket);
	queue_destroy(queue);
}

Test(queue, cancel_finishes_what_waits_and_ends_consumers)
{
	struct queue *queue = queue_create(4);
	struct queue_job first = job_of(2), second = job_of(1);
	struct queue_ticket ticket;

	queue_join(queue, &ticket);
	cr_assert_eq(queue_push(queue, &first), 0);
	cr_assert_eq(queue_push(queue, &second), 0);
	cr_assert(queue_next(queue, &ticket));
	queue_cancel(queue);
	cr_assert_eq(finished, 1, "the job that nobody had begun");
	cr_assert_not(queue_next(queue, &ticket));
	queue_leave(queue, &ticket);
	cr_assert_eq(finished, 2);
	queue_destroy(queue);
}

struct pusher {
	struct queue *queue;
	struct queue_job *job;
	atomic_bool done;
};

static void *push(void *argument)
{
	struct pusher *pusher = argument;

	cr_assert_eq(queue_push(pusher->queue, pusher->job), 0);
	atomic_store(&pusher->done, true);
	return NULL;
}

Test(queue, push_waits_while_the_queue_is_full)
{
	struct queue *queue = queue_create(1);
	struct queue_job first = job_of(1), second = job_of(1);
	struct pusher pusher = {.queue = queue, .job = &second};
	struct timespec moment = {.tv_nsec = 50000000};
	struct queue_ticket ticket;
	pthread_t thread;

	queue_join(queue, &ticket);
	cr_assert_eq(queue_push(queue, &first), 0);
	cr_assert_eq(thread_create(&thread, push, &pusher), 0);
	nanosleep(&moment, NULL);
	cr_assert_not(atomic_load(&pusher.done), "a second job was taken into a queue of one");
	cr_assert(queue_next(queue, &ticket));
	thread_join(thread);
	cr_assert(atomic_load(&pusher.done));
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &second);
	queue_close(queue);
	cr_assert_not(queue_next(queue, &ticket));
	queue_leave(queue, &ticket);
	queue_destroy(queue);
}

Test(queue, seeds_come_first_while_few_jobs_wait)
{
	struct queue *queue = queue_create(4);
	struct queue_job one = job_of(1), two = job_of(1), seed = job_of(2);
	struct queue_ticket ticket, other;

	queue_join(queue, &ticket);
	queue_join(queue, &other);
	cr_assert_eq(queue_push(queue, &one), 0);
	cr_assert_eq(queue_push(queue, &two), 0);
	cr_assert_eq(queue_seed(queue, &seed), 0);
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &one, "there is a job for each consumer");
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &seed && ticket.part == 0);
	cr_assert(queue_next(queue, &other));
	cr_assert(other.job == &seed && other.part == 1, "its parts are taken in their order");
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &two);
	cr_assert_eq(finished, 1, "the seed is still worked on");
	queue_leave(queue, &other);
	cr_assert_eq(finished, 2);
	queue_close(queue);
	cr_assert_not(queue_next(queue, &ticket));
	cr_assert_eq(finished, 3);
	queue_leave(queue, &ticket);
	queue_destroy(queue);
}

static bool ripe;

static bool is_ripe(const struct queue_job *job, size_t part)
{
	(void)job;
	return ripe || part == 1;
}

Test(queue, seed_waits_until_it_is_ripe)
{
	struct queue *queue = queue_create(4);
	struct queue_job early = job_of(2), late = job_of(1), job = job_of(1);
	struct queue_ticket ticket;

	early.is_ripe = is_ripe;
	queue_join(queue, &ticket);
	cr_assert_eq(queue_seed(queue, &late), 0);
	cr_assert_eq(queue_seed(queue, &early), 0);
	cr_assert_eq(queue_add(queue, &job), 0);
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &job, "enough waits");
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &late, "the first one is not ripe");
	ripe = true;
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &early && ticket.part == 0);
	ripe = false;
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &early && ticket.part == 1, "this part always is");
	queue_leave(queue, &ticket);
	cr_assert_eq(finished, 3);
	queue_destroy(queue);
}

#define SLEEPERS 4

static struct queue *slept_at;
static atomic_uint taken;
static atomic_bool over;

/* Takes one part, and leaves only when all is over: leaving wakes others. */
static void *sleep_and_take(void *argument)
{
	const struct timespec moment = {.tv_nsec = 1000000};
	struct queue_ticket ticket;

	(void)argument;
	queue_join(slept_at, &ticket);
	if (queue_next(slept_at, &ticket))
		taken++;
	while (!over)
		(void)nanosleep(&moment, NULL);
	queue_leave(slept_at, &ticket);
	return NULL;
}

/* Waits until so many have taken a part, and a while longer, in which no more may. */
static void assert_taken(unsigned expected)
{
	const struct timespec moment = {.tv_nsec = 50000000};

	for (int waited = 0; waited < 100 && taken < expected; waited++)
		(void)nanosleep(&moment, NULL);
	(void)nanosleep(&moment, NULL);
	cr_assert_eq(taken, expected);
}

/* When it comes, and when it gets ripe. */
Test(queue, seed_wakes_sleepers_for_all_its_parts)
{
	struct queue_job seed = job_of(2), late = job_of(2);
	pthread_t threads[SLEEPERS];

	slept_at = queue_create(1);
	late.is_ripe = is_ripe;
	for (size_t i = 0; i < SLEEPERS; i++)
		cr_assert_eq(thread_create(&threads[i], sleep_and_take, NULL), 0);
	assert_taken(0);
	cr_assert_eq(queue_seed(slept_at, &late), 0);
	assert_taken(0);
	cr_assert_eq(queue_seed(slept_at, &seed), 0);
	assert_taken(2);
	ripe = true;
	queue_signal(slept_at);
	assert_taken(4);
	over = true;
	for (size_t i = 0; i < SLEEPERS; i++)
		thread_join(threads[i]);
	cr_assert_eq(finished, 2);
	queue_destroy(slept_at);
}

Test(queue, jobs_may_come_of_a_job_when_the_queue_is_closed)
{
	struct queue *queue = queue_create(1);
	struct queue_job seed = job_of(1), one = job_of(1), two = job_of(1), none = job_of(1);
	struct queue_ticket ticket;

	queue_join(queue, &ticket);
	cr_assert_eq(queue_seed(queue, &seed), 0);
	queue_close(queue);
	cr_assert_eq(queue_push(queue, &none), -1);
	cr_assert(queue_next(queue, &ticket));
	cr_assert_not(queue_is_full(queue));
	cr_assert_eq(queue_add(queue, &one), 0);
	cr_assert(queue_is_full(queue));
	cr_assert_eq(queue_add(queue, &two), 0, "full or not");
	cr_assert(queue_next(queue, &ticket));
	cr_assert(queue_next(queue, &ticket));
	cr_assert(ticket.job == &two);
	cr_assert_not(queue_is_full(queue));
	cr_assert_not(queue_next(queue, &ticket));
	cr_assert_eq(finished, 3);
	queue_leave(queue, &ticket);
	queue_destroy(queue);
}

Test(queue, cancel_finishes_seeds)
{
	struct queue *queue = queue_create(1);
	struct queue_job held = job_of(3), waiting = job_of(1), late = job_of(1);
	struct queue_ticket ticket;

	queue_join(queue, &ticket);
	cr_assert_eq(queue_seed(queue, &held), 0);
	cr_assert(queue_next(queue, &ticket));
	cr_assert_eq(queue_seed(queue, &waiting), 0);
	queue_cancel(queue);
	cr_assert(queue_is_cancelled(queue));
	cr_assert_eq(finished, 1, "the other one is worked on");
	cr_assert_eq(queue_seed(queue, &late), -1);
	cr_assert_eq(errno, EPIPE);
	cr_assert_eq(queue_add(queue, &late), -1);
	cr_assert_eq(errno, EPIPE);
	cr_assert_not(queue_next(queue, &ticket));
	queue_leave(queue, &ticket);
	cr_assert_eq(finished, 2);
	queue_destroy(queue);
}

struct sleeper {
	struct queue *queue;
	struct queue_ticket ticket;
};

static void *take_one(void *argument)
{
	struct sleeper *sleeper = argument;

	cr_assert(queue_next(sleeper->queue, &sleeper->ticket));
	queue_leave(sleeper->queue, &sleeper->ticket);
	return NULL;
}

Test(queue, is_hungry_while_a_consumer_sleeps)
{
	struct sleeper sleeper = {.queue = queue_create(1)};
	struct queue_job seed = job_of(1);
	struct timespec moment = {.tv_nsec = 1000000};
	pthread_t thread;

	queue_join(sleeper.queue, &sleeper.ticket);
	cr_assert_not(queue_is_hungry(sleeper.queue));
	cr_assert_eq(thread_create(&thread, take_one, &sleeper), 0);
	while (!queue_is_hungry(sleeper.queue))
		nanosleep(&moment, NULL);
	seed.is_ripe = is_ripe;
	cr_assert_eq(queue_seed(sleeper.queue, &seed), 0);
	cr_assert_not(queue_is_hungry(sleeper.queue), "something waits for it");
	ripe = true;
	queue_signal(sleeper.queue);
	thread_join(thread);
	cr_assert_not(queue_is_hungry(sleeper.queue));
	cr_assert_eq(finished, 1);
	queue_destroy(sleeper.queue);
}

Test(queue, try_takes_what_is_there_and_does_not_wait)
{
	struct queue *queue = queue_create(2);
	struct queue_job first = job_of(2), second = job_of(1), seed = job_of(1);
	struct queue_ticket one, two;

	queue_join(queue, &one);
	queue_join(queue, &two);
	cr_assert_not(queue_try(queue, &one));
	cr_assert_eq(queue_push(queue, &first), 0);
	cr_assert(queue_try(queue, &one));
	cr_assert(one.job == &first && one.part == 0);
	cr_assert_not(queue_try(queue, &two), "another has begun it");
	cr_assert(queue_next(queue, &two), "it is shared");
	cr_assert(two.job == &first && two.part == 1);
	cr_assert_not(queue_try(queue, &one));
	cr_assert_eq(finished, 0);
	cr_assert_not(queue_try(queue, &two));
	cr_assert_eq(finished, 1);
	cr_assert_eq(queue_seed(queue, &seed), 0);
	cr_assert(queue_try(queue, &two));
	cr_assert_eq(two.job, &seed);
	cr_assert_eq(queue_push(queue, &second), 0);
	cr_assert(queue_next(queue, &one), "a try that failed changes nothing");
	cr_assert_eq(one.job, &second);
	queue_leave(queue, &one);
	queue_leave(queue, &two);
	cr_assert_eq(finished, 3);
	queue_destroy(queue);
}
