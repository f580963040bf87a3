#include "config.h"

#include "swapper.h"

#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct swapper {
	const struct swapper_pair *pairs;
	size_t count;
	uid_t user;
	pthread_t thread;
	int error; /* errno: it could not become the user */
	atomic_bool stop;
	unsigned long swaps;
};

static bool exchange(const struct swapper_pair *pair)
{
	return renameat2(AT_FDCWD, pair->inside, AT_FDCWD, pair->decoy, RENAME_EXCHANGE) == 0;
}

static bool is_link(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
}

/* A file's link is gone once something was renamed to where it stood. */
static void renew_link(const struct swapper_pair *pair)
{
	if (is_link(pair->inside) || is_link(pair->decoy))
		return;
	if (unlink(pair->decoy) == 0)
		(void)symlink(pair->target, pair->decoy);
}

/* Bypasses the C library, which would change the user of all threads. */
static int become(uid_t user)
{
	gid_t group = (gid_t)user;

	if (user == 0)
		return 0;
	if (syscall(SYS_setgroups, 0, NULL) != 0 ||
	    syscall(SYS_setresgid, group, group, group) != 0)
		return -1;
	return (int)syscall(SYS_setresuid, user, user, user);
}

static void *run(void *argument)
{
	struct swapper *swapper = argument;

	if (become(swapper->user) != 0) {
		swapper->error = errno;
		return NULL;
	}
	for (unsigned long turn = 0; !atomic_load(&swapper->stop); turn++) {
		const struct swapper_pair *pair = &swapper->pairs[turn % swapper->count];

		if (turn % 1024 < swapper->count)
			renew_link(pair);
		swapper->swaps += exchange(pair);
	}
	for (size_t i = 0; i < swapper->count; i++)
		if (is_link(swapper->pairs[i].inside))
			(void)exchange(&swapper->pairs[i]);
	return NULL;
}

struct swapper *swapper_start(const struct swapper_pair *pairs, size_t count, uid_t user)
{
	struct swapper *swapper = calloc(1, sizeof(*swapper));

	cr_assert_not_null(swapper, "out of memory");
	swapper->pairs = pairs;
	swapper->count = count;
	swapper->user = user;
	atomic_init(&swapper->stop, false);
	for (size_t i = 0; i < count; i++)
		scratch_symlink(pairs[i].target, pairs[i].decoy);
	cr_assert_eq(pthread_create(&swapper->thread, NULL, run, swapper), 0, "no thread");
	return swapper;
}

unsigned long swapper_stop(struct swapper *swapper)
{
	unsigned long swaps;

	atomic_store(&swapper->stop, true);
	cr_assert_eq(pthread_join(swapper->thread, NULL), 0);
	cr_assert_eq(swapper->error, 0, "becoming the user %ld: %s", (long)swapper->user,
		     strerror(swapper->error));
	swaps = swapper->swaps;
	free(swapper);
	return swaps;
}
