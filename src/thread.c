#include "config.h"

#include "thread.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* pthreads return their error instead of setting errno. */
static int as_errno(int error)
{
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

static void must(int error)
{
	if (error != 0)
		abort();
}

int thread_create(pthread_t *thread, void *(*run)(void *argument), void *argument)
{
	return as_errno(pthread_create(thread, NULL, run, argument));
}

void *thread_join(pthread_t thread)
{
	void *result;

	must(pthread_join(thread, &result));
	return result;
}

int thread_lock_init(pthread_mutex_t *lock)
{
	return as_errno(pthread_mutex_init(lock, NULL));
}

void thread_lock_fini(pthread_mutex_t *lock)
{
	must(pthread_mutex_destroy(lock));
}

void thread_lock(pthread_mutex_t *lock)
{
	must(pthread_mutex_lock(lock));
}

void thread_unlock(pthread_mutex_t *lock)
{
	must(pthread_mutex_unlock(lock));
}

int thread_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	int error = pthread_condattr_init(&attributes);

	if (error != 0)
		return as_errno(error);
	error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	if (error == 0)
		error = pthread_cond_init(condition, &attributes);
	must(pthread_condattr_destroy(&attributes));
	return as_errno(error);
}

void thread_condition_fini(pthread_cond_t *condition)
{
	must(pthread_cond_destroy(condition));
}

void thread_wait(pthread_cond_t *condition, pthread_mutex_t *lock)
{
	must(pthread_cond_wait(condition, lock));
}

int thread_wait_for(pthread_cond_t *condition, pthread_mutex_t *lock, unsigned milliseconds)
{
	struct timespec until;
	int error;

	if (clock_gettime(CLOCK_MONOTONIC, &until) != 0)
		abort();
	until.tv_sec += milliseconds / 1000;
	until.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	error = pthread_cond_timedwait(condition, lock, &until);
	if (error != ETIMEDOUT)
		must(error);
	return as_errno(error);
}

void thread_wake(pthread_cond_t *condition)
{
	must(pthread_cond_signal(condition));
}

void thread_wake_all(pthread_cond_t *condition)
{
	must(pthread_cond_broadcast(condition));
}
