/*
 * progress: one line on a terminal that shows that long work goes on.
 *
 * Not safe between threads: report calls it under its own lock.
 */
#ifndef PYCOMPILEALL_PROGRESS_H
#define PYCOMPILEALL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress;

/* What the line says. */
struct progress_state {
	size_t done;     /* sources looked at */
	size_t compiled; /* sources compiled */
	size_t failed;   /* sources with an error */
};

/* A line on the terminal `descriptor`. NULL with errno ENOMEM. */
struct progress *progress_create(int descriptor);

/* Removes the line and frees. NULL is legal. */
void progress_destroy(struct progress *progress);

/* Shows the state, at most ten times a second, and not before half a second has passed. */
void progress_show(struct progress *progress, const struct progress_state *state);

/* Removes the line, so that something else can be printed; the next progress_show puts it back. */
void progress_hide(struct progress *progress);

/* Writes the line's text for a state after `seconds`; returns its length as snprintf does. */
int progress_format(char *text, size_t size, const struct progress_state *state, double seconds);

#endif
