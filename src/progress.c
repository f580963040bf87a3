#include "config.h"

#include "progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FIRST_AFTER 0.5 /* seconds: a short run shows nothing */
#define EVERY       0.1 /* seconds */
#define LINE_MAX_   79  /* columns, so that no terminal wraps it */
#define ERASE       "\r\033[K"

struct progress {
	int descriptor;
	double start; /* seconds on the monotonic clock */
	double shown; /* when the line was last written */
	bool visible; /* it stands on the terminal now */
};

static double now(void)
{
	struct timespec time;

	if (clock_gettime(CLOCK_MONOTONIC, &time) != 0)
		return 0;
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

struct progress *progress_create(int descriptor)
{
	struct progress *progress = calloc(1, sizeof(*progress));

	if (!progress)
		return NULL;
	progress->descriptor = descriptor;
	progress->start = now();
	progress->shown = progress->start + FIRST_AFTER - EVERY;
	return progress;
}

/* A terminal that cannot be written to any more shows nothing: no reason to stop the run. */
static void put(struct progress *progress, const char *text)
{
	ssize_t written = write(progress->descriptor, text, strlen(text));

	(void)written;
}

void progress_destroy(struct progress *progress)
{
	if (!progress)
		return;
	progress_hide(progress);
	free(progress);
}

int progress_format(char *text, size_t size, const struct progress_state *state, double seconds)
{
	double rate = seconds > 0 ? (double)state->done / seconds : 0;

	return snprintf(text, size, "%zu done, %zu compiled, %zu failed, %.0f files/s", state->done,
			state->compiled, state->failed, rate);
}

void progress_show(struct progress *progress, const struct progress_state *state)
{
	char line[sizeof(ERASE) + LINE_MAX_ + 1] = ERASE;
	size_t used = strlen(ERASE);
	double time = now();

	if (time - progress->shown < EVERY)
		return;
	(void)progress_format(line + used, LINE_MAX_ + 1, state, time - progress->start);
	put(progress, line);
	progress->shown = time;
	progress->visible = true;
}

void progress_hide(struct progress *progress)
{
	if (!progress->visible)
		return;
	put(progress, ERASE);
	progress->visible = false;
	/* What hid it is being printed: it may come back at once. */
	progress->shown = 0;
}
