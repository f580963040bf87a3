/*
 * thread: pthreads behind names of our own.
 *
 * Creating a thread, a lock or a condition can fail for want of resources and says so with errno.
 * Locking, waiting and joining fail only for a bug in the caller: those abort, so that no caller
 * carries an error path that cannot be tested.
 */
#ifndef PYCOMPILEALL_THREAD_H
#define PYCOMPILEALL_THREAD_H

#include <pthread.h>

/* Starts `run(argument)` on a new thread. 0, or -1 with errno (EAGAIN: too many threads). */
int thread_create(pthread_t *thread, void *(*run)(void *argument), void *argument);

/* Waits for the thread's end and returns what it returned. */
void *thread_join(pthread_t thread);

/* A lock; 0, or -1 with errno. thread_lock_fini needs it unlocked. */
int thread_lock_init(pthread_mutex_t *lock);
void thread_lock_fini(pthread_mutex_t *lock);
void thread_lock(pthread_mutex_t *lock);
void thread_unlock(pthread_mutex_t *lock);

/* A condition on the monotonic clock; 0, or -1 with errno. */
int thread_condition_init(pthread_cond_t *condition);
void thread_condition_fini(pthread_cond_t *condition);

/* Unlocks, waits to be woken, locks again. Wakes without cause happen: test what you wait for. */
void thread_wait(pthread_cond_t *condition, pthread_mutex_t *lock);

/* The same, at most `milliseconds` long. 0, or -1 with errno ETIMEDOUT. */
int thread_wait_for(pthread_cond_t *condition, pthread_mutex_t *lock, unsigned milliseconds);

/* Wake one thread that waits, or all. */
void thread_wake(pthread_cond_t *condition);
void thread_wake_all(pthread_cond_t *condition);

#endif
