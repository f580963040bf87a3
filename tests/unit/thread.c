#include "config.h"

#include "thread.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <time.h>

static void *double_it(void *argument)
{
	*(int *)argument *= 2;
	return argument;
}

Test(thread, returns_what_it_ran)
{
	pthread_t thread;
	int number = 21;

	cr_assert_eq(thread_create(&thread, double_it, &number), 0);
	cr_assert_eq(thread_join(thread), &number);
	cr_assert_eq(number, 42);
}

Test(thread, wait_for_ends_by_itself)
{
	pthread_mutex_t lock;
	pthread_cond_t condition;
	struct timespec before, after;
	double passed;

	cr_assert_eq(thread_lock_init(&lock), 0);
	cr_assert_eq(thread_condition_init(&condition), 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	thread_lock(&lock);
	while (thread_wait_for(&condition, &lock, 30) == 0)
		continue;
	cr_assert_eq(errno, ETIMEDOUT);
	thread_unlock(&lock);
	clock_gettime(CLOCK_MONOTONIC, &after);
	passed = (double)(after.tv_sec - before.tv_sec) +
		 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
	cr_assert_geq(passed, 0.03);
	thread_condition_fini(&condition);
	thread_lock_fini(&lock);
}

struct flag {
	pthread_mutex_t lock;
	pthread_cond_t condition;
	int raised;
};

static void *raise_flag(void *argument)
{
	struct flag *flag = argument;

	thread_lock(&flag->lock);
	flag->raised = 1;
	thread_wake(&flag->condition);
	thread_unlock(&flag->lock);
	return NULL;
}

Test(thread, wake_ends_a_wait)
{
	struct flag flag = {.raised = 0};
	pthread_t thread;

	cr_assert_eq(thread_lock_init(&flag.lock), 0);
	cr_assert_eq(thread_condition_init(&flag.condition), 0);
	cr_assert_eq(thread_create(&thread, raise_flag, &flag), 0);
	thread_lock(&flag.lock);
	while (!flag.raised)
		thread_wait(&flag.condition, &flag.lock);
	thread_unlock(&flag.lock);
	thread_join(thread);
	thread_condition_fini(&flag.condition);
	thread_lock_fini(&flag.lock);
}
