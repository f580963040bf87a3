#include "config.h"

#include "interrupt.h"

#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct interrupt {
	sigset_t waited; /* the signals, and WAKE */
	sigset_t before; /* what was blocked before */
	int caught;      /* the signal; with a thread, written by it and read after its end */
	bool watched;    /* there is a thread */
	pthread_t thread;
	void (*react)(void *context);
	void *context;
};

/* By which interrupt_destroy ends the thread. */
#define WAKE SIGUSR1

/* From us, who send none but to the thread. The code would not tell: the C library makes SI_USER of
 * SI_TKILL. */
static bool is_wake(const siginfo_t *info)
{
	return info->si_signo == WAKE && info->si_pid == getpid();
}

static void *wait_for_signal(void *argument)
{
	struct interrupt *interrupt = argument;
	siginfo_t info;

	for (;;) {
		if (sigwaitinfo(&interrupt->waited, &info) < 0) {
			if (errno != EINTR)
				abort();
			continue;
		}
		if (is_wake(&info))
			return NULL;
		if (!interrupt->caught) {
			interrupt->caught = info.si_signo;
			interrupt->react(interrupt->context);
		}
	}
}

static void add_unless_ignored(sigset_t *set, int signal)
{
	struct sigaction action;

	if (sigaction(signal, NULL, &action) != 0 || action.sa_handler != SIG_IGN)
		(void)sigaddset(set, signal);
}

struct interrupt *interrupt_create(void)
{
	struct interrupt *interrupt = calloc(1, sizeof(*interrupt));

	if (!interrupt)
		return NULL;
	(void)sigemptyset(&interrupt->waited);
	add_unless_ignored(&interrupt->waited, SIGINT);
	add_unless_ignored(&interrupt->waited, SIGTERM);
	add_unless_ignored(&interrupt->waited, SIGHUP);
	(void)sigaddset(&interrupt->waited, WAKE);
	if (pthread_sigmask(SIG_BLOCK, &interrupt->waited, &interrupt->before) != 0)
		abort();
	return interrupt;
}

bool interrupt_came(struct interrupt *interrupt)
{
	static const struct timespec no_time = {0, 0};
	int signal;

	if (interrupt->caught)
		return true;
	signal = sigtimedwait(&interrupt->waited, NULL, &no_time);
	if (signal > 0)
		interrupt->caught = signal;
	return interrupt->caught != 0;
}

int interrupt_watch(struct interrupt *interrupt, void (*react)(void *context), void *context)
{
	interrupt->react = react;
	interrupt->context = context;
	if (thread_create(&interrupt->thread, wait_for_signal, interrupt) != 0)
		return -1;
	interrupt->watched = true;
	return 0;
}

static void end_thread(struct interrupt *interrupt)
{
	if (pthread_kill(interrupt->thread, WAKE) != 0)
		abort();
	(void)thread_join(interrupt->thread);
	interrupt->watched = false;
}

int interrupt_destroy(struct interrupt *interrupt)
{
	int caught = 0;

	if (!interrupt)
		return 0;
	if (interrupt->watched)
		end_thread(interrupt);
	if (interrupt_came(interrupt))
		caught = interrupt->caught;
	else
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
