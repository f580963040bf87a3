/*
 * interrupt: SIGINT, SIGTERM and SIGHUP as an event.
 *
 * The signals are blocked in every thread. While there is only one, it asks now and then whether
 * one came; later a thread waits for them and does nothing else, so what it calls is under no rule
 * of signal handlers. A signal that was ignored when the program started (nohup) stays ignored.
 * SIGUSR1, by which that thread is ended, is caught like the others if somebody else sends it.
 */
#ifndef PYCOMPILEALL_INTERRUPT_H
#define PYCOMPILEALL_INTERRUPT_H

#include <stdbool.h>

struct interrupt;

/*
 * Blocks the signals; to be called before any other thread is started. NULL with errno ENOMEM; then
 * the signals do what they did.
 */
struct interrupt *interrupt_create(void);

/* Whether a signal has come. Not to be called once there is a thread that waits. Never blocks. */
bool interrupt_came(struct interrupt *interrupt);

/*
 * Starts the thread that waits, which calls `react(context)` at the first signal, also at one that
 * came before; once at most. 0, or -1 with errno of pthreads.
 */
int interrupt_watch(struct interrupt *interrupt, void (*react)(void *context), void *context);

/*
 * Ends the thread, if there is one, unblocks the signals and frees. Returns the signal that came,
 * or 0. When it returns, `react` has returned or will not be called. NULL is legal and gives 0.
 */
int interrupt_destroy(struct interrupt *interrupt);

/* Ends the process by the signal, as if nobody had caught it. */
_Noreturn void interrupt_die(int signal);

#endif
