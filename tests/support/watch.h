/*
 * watch: sees that a file is opened, read, or closed again, by inotify.
 *
 * What a test waits for has then happened, and need not be guessed from the time that passed. A
 * descriptor that only leads somewhere (O_PATH) is no opening.
 */
#ifndef TESTS_WATCH_H
#define TESTS_WATCH_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/inotify.h>

struct watch {
	int inotify;
	uint32_t seen; /* IN_... */
};

/* Looks at the file, folder or other thing at `path` for any of the events of `mask`. Fails the
 * test if that is not possible. */
void watch_start(struct watch *watch, const char *path, uint32_t mask);

/* Waits for any of the events, or for so many seconds; whether it came. */
bool watch_wait(struct watch *watch, unsigned seconds);

/* Looks no longer; tells which events came. */
uint32_t watch_end(struct watch *watch);

#endif
