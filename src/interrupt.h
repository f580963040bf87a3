/*
 * interrupt: SIGINT, SIGTERM and SIGHUP as an event.
 *
 * The signals are blocked in every thread; one thread waits for them and does nothing else, so what
 * it calls is under no rule of signal handlers. A signal that was ignored when the program started
 * (nohup) stays ignored.
 */
#ifndef PYCOMPILEALL_INTERRUPT_H
#define PYCOMPILEALL_INTERRUPT_H

struct interrupt;

/*
 * Blocks the signals and starts the thread that waits for them; to be called before any other
 * thread is started. At the first signal it calls `react(context)`, once. NULL with errno of malloc
 * or pthreads; then the signals do what they did.
 */
struct interrupt *interrupt_create(void (*react)(void *context), void *context);

/*
 * Ends the thread, unblocks the signals and frees. Returns the signal that came, or 0. When it
 * returns, `react` has returned or will not be called. NULL is legal and gives 0.
 */
int interrupt_destroy(struct interrupt *interrupt);

/* Ends the process by the signal, as if nobody had caught it. */
_Noreturn void interrupt_die(int signal);

#endif
