#include "config.h"

#include "durability.h"

#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file system, and a way to it. */
struct system {
	dev_t device;
	int descriptor; /* not O_PATH, which syncfs(2) does not take */
};

struct durability {
	pthread_mutex_t lock;
	struct system *systems;
	size_t count;
};

struct durability *durability_create(void)
{
	struct durability *durability = calloc(1, sizeof(*durability));

	if (!durability)
		return NULL;
	if (thread_lock_init(&durability->lock) == 0)
		return durability;
	free(durability);
	return NULL;
}

/* The lock is held, here and below. */
static bool is_known(const struct durability *durability, dev_t device)
{
	for (size_t i = 0; i < durability->count; i++)
		if (durability->systems[i].device == device)
			return true;
	return false;
}

static int add(struct durability *durability, dev_t device, int folder)
{
	struct system *grown =
		reallocarray(durability->systems, durability->count + 1, sizeof(*grown));
	int descriptor;

	if (!grown)
		return -1;
	durability->systems = grown;
	descriptor = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (descriptor < 0)
		return -1;
	grown[durability->count++] = (struct system){device, descriptor};
	return 0;
}

int durability_note(struct durability *durability, int folder)
{
	struct stat status;
	int result = 0, error;

	if (!durability)
		return 0;
	if (fstat(folder, &status) != 0)
		return -1;
	thread_lock(&durability->lock);
	if (!is_known(durability, status.st_dev))
		result = add(durability, status.st_dev, folder);
	error = errno;
	thread_unlock(&durability->lock);
	errno = error;
	return result;
}

/* Where there is no syncfs, all file systems are synced, which takes longer. */
static int sync_system(int descriptor)
{
#ifdef HAVE_SYNCFS
	return syncfs(descriptor);
#else
	(void)descriptor;
	sync();
	return 0;
#endif
}

int durability_sync(struct durability *durability)
{
	int error = 0;

	if (!durability)
		return 0;
	thread_lock(&durability->lock);
	for (size_t i = 0; i < durability->count; i++)
		if (sync_system(durability->systems[i].descriptor) != 0 && error == 0)
			error = errno;
	thread_unlock(&durability->lock);
	errno = error;
	return error == 0 ? 0 : -1;
}

void durability_destroy(struct durability *durability)
{
	if (!durability)
		return;
	for (size_t i = 0; i < durability->count; i++)
		(void)close(durability->systems[i].descriptor);
	thread_lock_fini(&durability->lock);
	free(durability->systems);
	free(durability);
}
