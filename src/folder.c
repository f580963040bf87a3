#include "config.h"

#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef HAVE_LINUX_OPENAT2_H
#include <linux/openat2.h>
#endif

#ifndef O_PATH
#define O_PATH O_RDONLY
#endif

#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_CLOEXEC)

struct folder {
	int descriptor;
	atomic_size_t references;
};

struct folder *folder_open(const char *path)
{
	struct folder *folder = malloc(sizeof(*folder));

	if (!folder)
		return NULL;
	folder->descriptor = open(path, FOLDER_FLAGS);
	if (folder->descriptor < 0) {
		int error = errno;

		free(folder);
		errno = error;
		return NULL;
	}
	atomic_init(&folder->references, 1);
	return folder;
}

struct folder *folder_hold(struct folder *folder)
{
	atomic_fetch_add(&folder->references, 1);
	return folder;
}

void folder_release(struct folder *folder)
{
	if (!folder || atomic_fetch_sub(&folder->references, 1) != 1)
		return;
	/* Nothing was written through it, so a failing close can lose nothing. */
	(void)close(folder->descriptor);
	free(folder);
}

int folder_descriptor(const struct folder *folder)
{
	return folder->descriptor;
}

/* Opens the component that ends at `end` and steps from `*descriptor` into it. */
static int step_into(int *descriptor, bool owned, const char *name, size_t length)
{
	char component[256]; /* NAME_MAX and its NUL */
	int error, next;

	if (length >= sizeof(component)) {
		errno = ENAMETOOLONG;
		next = -1;
	} else {
		memcpy(component, name, length);
		component[length] = '\0';
		next = openat(*descriptor, component, FOLDER_FLAGS | O_NOFOLLOW);
	}
	error = errno;
	if (owned)
		(void)close(*descriptor);
	errno = error;
	*descriptor = next;
	return next < 0 ? -1 : 0;
}

int folder_open_stepwise(int descriptor, const char *relative)
{
	bool owned = false;

	if (!*relative)
		relative = ".";
	while (*relative) {
		size_t length = strcspn(relative, "/");

		if (length > 0) {
			if (step_into(&descriptor, owned, relative, length) != 0)
				return -1;
			owned = true;
		}
		relative += length;
		relative += strspn(relative, "/");
	}
	return descriptor;
}

#if defined(HAVE_LINUX_OPENAT2_H) && defined(SYS_openat2)
/* Another thread's rename makes the kernel give up with EAGAIN: it is worth another try, but not
 * for ever, lest somebody who renames in a loop hold us up. */
#define OPENAT2_TRIES 64

static int open_resolved(int descriptor, const char *relative)
{
	static atomic_bool unsupported;
	struct open_how how = {
		.flags = FOLDER_FLAGS | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	if (!*relative)
		relative = ".";
	for (int i = 0; i < OPENAT2_TRIES && !atomic_load(&unsupported); i++) {
		int opened = (int)syscall(SYS_openat2, descriptor, relative, &how, sizeof(how));

		if (opened >= 0)
			return opened;
		/* A seccomp filter that does not know the call says EPERM (old container hosts). */
		if (errno == ENOSYS || errno == EPERM)
			atomic_store(&unsupported, true);
		else if (errno != EAGAIN)
			return -1;
	}
	return folder_open_stepwise(descriptor, relative);
}
#else
static int open_resolved(int descriptor, const char *relative)
{
	return folder_open_stepwise(descriptor, relative);
}
#endif

int folder_open_beneath(const struct folder *folder, const char *relative)
{
	return open_resolved(folder->descriptor, relative);
}

bool folder_lies_beneath(const char *path, const char *beneath)
{
	size_t length = strlen(path);

	/* The root ends in its own slash. */
	if (length > 0 && path[length - 1] == '/')
		length--;
	return strncmp(beneath, path, length) == 0 && beneath[length] == '/' &&
	       beneath[length + 1] != '\0';
}
