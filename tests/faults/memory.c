/*
 * malloc and its like, as fault.h says: all of them count as "malloc". They stand apart from the
 * other calls, since a sanitizer brings an allocator of its own, which must not be bypassed.
 */
#include "config.h"

#include "fault.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdlib.h>

/* The GNU C library's own; dlsym may itself need memory, so the real ones are not asked for. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static _Thread_local bool spared;

static bool is_due(void)
{
	return !spared && fault_due("malloc", -1, NULL);
}

void *malloc(size_t size)
{
	return is_due() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return is_due() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	return is_due() ? NULL : __libc_realloc(memory, size);
}

/* The C library's would not come by here. */
void *reallocarray(void *memory, size_t count, size_t size)
{
	size_t bytes;

	if (!__builtin_mul_overflow(count, size, &bytes))
		return realloc(memory, bytes);
	errno = ENOMEM;
	return NULL;
}

/* The GNU C library (2.36) does not look whether it got memory for the root: it would crash. */
FTS *fts_open(char *const *paths, int flags, int (*compare)(const FTSENT **, const FTSENT **))
{
	static FTS *(*real)(char *const *, int, int (*)(const FTSENT **, const FTSENT **));
	FTS *fts;

	spared = true;
	if (!real)
		*(void **)(void *)&real = fault_real("fts_open");
	fts = real(paths, flags, compare);
	spared = false;
	return fts;
}
