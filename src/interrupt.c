#include "config.h"

#include "interrupt.h"

#include "thread.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

struct interrupt {
	pthread_t thread;
	sigset_t waited; /* the signals, and SIGUSR1 by which interrupt_destroy ends the thread */
	sigset_t before; /* what was blocked before */
	int caught;      /* the signal; written by the thread, read after its end */
	void (*react)(void *context);
	void *context;
};

/* Ours alone: it is sent to the thread, never to the process. */
#define WAKE SIGUSR1

static void *wait_for_signal(void *argument)
{
	struct interrupt *interrupt = argument;
	int signal;

	do {
		if (sigwait(&interrupt->waited, &signal) != 0)
			abort();
		if (signal != WAKE && !interrupt->caught) {
			interrupt->caught = signal;
			interrupt->react(interrupt->context);
		}
	} while (signal != WAKE);
	return NULL;
}

static void add_unless_ignored(sigset_t *set, int signal)
{
	struct sigaction action;

	if (sigaction(signal, NULL, &action) != 0 || action.sa_handler != SIG_IGN)
		(void)sigaddset(set, signal);
}

struct interrupt *interrupt_create(void (*react)(void *context), void *context)
{
	struct interrupt *interrupt = calloc(1, sizeof(*interrupt));

	if (!interrupt)
		return NULL;
	interrupt->react = react;
	interrupt->context = context;
	(void)sigemptyset(&interrupt->waited);
	add_unless_ignored(&interrupt->waited, SIGINT);
	add_unless_ignored(&interrupt->waited, SIGTERM);
	add_unless_ignored(&interrupt->waited, SIGHUP);
	(void)sigaddset(&interrupt->waited, WAKE);
	if (pthread_sigmask(SIG_BLOCK, &interrupt->waited, &interrupt->before) != 0)
		abort();
	if (thread_create(&interrupt->thread, wait_for_signal, interrupt) == 0)
		return interrupt;
	(void)pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
	free(interrupt);
	return NULL;
}

int interrupt_destroy(struct interrupt *interrupt)
{
	int caught;

	if (!interrupt)
		return 0;
	if (pthread_kill(interrupt->thread, WAKE) != 0)
		abort();
	(void)thread_join(interrupt->thread);
	caught = interrupt->caught;
	if (!caught)
		(void)pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
	free(interrupt);
	return caught;
}

_Noreturn void interrupt_die(int signal)
{
	sigset_t set;
	struct sigaction action = {.sa_handler = SIG_DFL};

	(void)sigaction(signal, &action, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, signal);
	(void)raise(signal);
	(void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	/* Only a signal that cannot end us brings us here. */
	_exit(128 + signal);
}
