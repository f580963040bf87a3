#include "config.h"

#include "interrupt.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static atomic_int reactions;

static void react(void *context)
{
	atomic_fetch_add((atomic_int *)context, 1);
}

static void wait_for_reaction(void)
{
	struct timespec moment = {.tv_nsec = 1000000};

	for (int i = 0; i < 2000 && atomic_load(&reactions) == 0; i++)
		nanosleep(&moment, NULL);
}

static struct interrupt *create(void)
{
	struct interrupt *interrupt = interrupt_create();

	cr_assert_not_null(interrupt);
	return interrupt;
}

static struct interrupt *watch(void)
{
	struct interrupt *interrupt = create();

	cr_assert_eq(interrupt_watch(interrupt, react, &reactions), 0);
	return interrupt;
}

/* Whoever started the tests may have it ignored. */
static void listen_to(int signal)
{
	(void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

/* As from another process. */
static void send(int signal)
{
	int status;
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0)
		_exit(kill(getppid(), signal) == 0 ? 0 : 1);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
}

static void assert_caught(int signal)
{
	struct interrupt *interrupt;

	listen_to(signal);
	interrupt = watch();
	send(signal);
	wait_for_reaction();
	send(signal);
	cr_assert_eq(interrupt_destroy(interrupt), signal);
	cr_assert_eq(atomic_load(&reactions), 1, "once, however often it comes");
}

Test(interrupt, catches_sigint)
{
	assert_caught(SIGINT);
}

Test(interrupt, catches_sigterm)
{
	assert_caught(SIGTERM);
}

Test(interrupt, catches_sighup)
{
	assert_caught(SIGHUP);
}

/* The signal by which the thread is ended ends it only where we sent it. */
Test(interrupt, catches_sigusr1_of_somebody_else)
{
	assert_caught(SIGUSR1);
}

static void assert_came(int signal)
{
	struct interrupt *interrupt;

	listen_to(signal);
	interrupt = create();
	cr_assert_not(interrupt_came(interrupt));
	cr_assert_eq(kill(getpid(), signal), 0);
	cr_assert(interrupt_came(interrupt));
	cr_assert(interrupt_came(interrupt), "it has come once and for all");
	cr_assert_eq(interrupt_destroy(interrupt), signal);
}

Test(interrupt, comes_without_a_thread)
{
	assert_came(SIGINT);
	assert_came(SIGTERM);
	assert_came(SIGHUP);
	assert_came(SIGUSR1);
}

Test(interrupt, came_and_was_not_asked_for)
{
	struct interrupt *interrupt;

	listen_to(SIGTERM);
	interrupt = create();
	cr_assert_eq(kill(getpid(), SIGTERM), 0);
	cr_assert_eq(interrupt_destroy(interrupt), SIGTERM);
}

Test(interrupt, came_before_the_thread)
{
	struct interrupt *interrupt;

	listen_to(SIGINT);
	interrupt = create();
	cr_assert_eq(kill(getpid(), SIGINT), 0);
	cr_assert_eq(interrupt_watch(interrupt, react, &reactions), 0);
	wait_for_reaction();
	cr_assert_eq(interrupt_destroy(interrupt), SIGINT);
	cr_assert_eq(atomic_load(&reactions), 1);
}

Test(interrupt, nothing_came)
{
	cr_assert_eq(interrupt_destroy(watch()), 0);
	cr_assert_eq(atomic_load(&reactions), 0);
	cr_assert_eq(interrupt_destroy(create()), 0);
	cr_assert_eq(interrupt_destroy(NULL), 0);
}

static bool is_blocked(int signal)
{
	sigset_t blocked;

	cr_assert_eq(pthread_sigmask(SIG_BLOCK, NULL, &blocked), 0);
	return sigismember(&blocked, signal) == 1;
}

Test(interrupt, blocks_while_it_is_there)
{
	struct interrupt *interrupt;

	listen_to(SIGINT);
	interrupt = create();
	cr_assert(is_blocked(SIGINT));
	cr_assert_eq(interrupt_destroy(interrupt), 0);
	cr_assert_not(is_blocked(SIGINT));
}

Test(interrupt, ignored_signal_stays_ignored)
{
	struct interrupt *interrupt;

	signal(SIGHUP, SIG_IGN);
	interrupt = watch();
	cr_assert_eq(kill(getpid(), SIGHUP), 0);
	cr_assert_eq(interrupt_destroy(interrupt), 0);
	cr_assert_eq(atomic_load(&reactions), 0);
}

Test(interrupt, dies_by_the_signal_that_was_caught)
{
	int status;
	pid_t child = fork();

	cr_assert_geq(child, 0);
	if (child == 0) {
		struct interrupt *interrupt = watch();

		kill(getpid(), SIGTERM);
		wait_for_reaction();
		if (interrupt_destroy(interrupt) == SIGTERM)
			interrupt_die(SIGTERM);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}
