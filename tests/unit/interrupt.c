#include "config.h"

#include "interrupt.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdatomic.h>
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

static void assert_caught(int signal)
{
	struct interrupt *interrupt;

	/* Whoever started the tests may have it ignored. */
	(void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
	interrupt = interrupt_create(react, &reactions);
	cr_assert_not_null(interrupt);
	cr_assert_eq(kill(getpid(), signal), 0);
	wait_for_reaction();
	cr_assert_eq(kill(getpid(), signal), 0);
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

Test(interrupt, nothing_came)
{
	struct interrupt *interrupt = interrupt_create(react, &reactions);

	cr_assert_eq(interrupt_destroy(interrupt), 0);
	cr_assert_eq(atomic_load(&reactions), 0);
	cr_assert_eq(interrupt_destroy(NULL), 0);
}

Test(interrupt, ignored_signal_stays_ignored)
{
	struct interrupt *interrupt;

	signal(SIGHUP, SIG_IGN);
	interrupt = interrupt_create(react, &reactions);
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
		struct interrupt *interrupt = interrupt_create(react, &reactions);

		kill(getpid(), SIGTERM);
		wait_for_reaction();
		if (interrupt_destroy(interrupt) == SIGTERM)
			interrupt_die(SIGTERM);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}
