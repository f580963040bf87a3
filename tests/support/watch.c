#include "config.h"

#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void watch_start(struct watch *watch, const char *path, uint32_t mask)
{
	watch->seen = 0;
	watch->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	cr_assert_geq(watch->inotify, 0, "inotify_init1: %s", strerror(errno));
	cr_assert_geq(inotify_add_watch(watch->inotify, path, mask | IN_DONT_FOLLOW), 0,
		      "inotify_add_watch %s: %s", path, strerror(errno));
}

static void read_events(struct watch *watch)
{
	_Alignas(struct inotify_event) char events[sizeof(struct inotify_event) + NAME_MAX + 1];
	ssize_t size;

	while ((size = read(watch->inotify, events, sizeof(events))) > 0)
		for (char *next = events; next < events + size;) {
			const struct inotify_event *event = (const void *)next;
			watch->seen |= event->mask;
			next += sizeof(*event) + event->len;
		}
}

bool watch_wait(struct watch *watch, unsigned seconds)
{
	struct pollfd pollfd = {.fd = watch->inotify, .events = POLLIN};

	if (poll(&pollfd, 1, (int)seconds * 1000) <= 0)
		return false;
	read_events(watch);
	return true;
}

uint32_t watch_end(struct watch *watch)
{
	read_events(watch);
	(void)close(watch->inotify);
	return watch->seen;
}
