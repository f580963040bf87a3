/*
 * interpreter_cache: what interpreters said they are, kept between runs under the user's cache
 * folder, so that a run with nothing to compile starts none of them.
 *
 * An answer is that of one executable file: it stands as long as the file's real path, device,
 * inode, size and modification time do. It is believed only if nobody but the user can have written
 * it. Nothing depends on the cache: where there is none, interpreters are asked.
 */
#ifndef PYCOMPILEALL_INTERPRETER_CACHE_H
#define PYCOMPILEALL_INTERPRETER_CACHE_H

#include "executable.h"
#include "interpreter.h"

/* Tells what the executable is. 0, or -1: not known (errno means nothing to the caller). */
int interpreter_cache_load(const struct executable *executable, struct interpreter *interpreter);

/* Keeps what it is, replacing what was kept of the same path. 0, or -1 with errno: it was not. */
int interpreter_cache_store(const struct executable *executable,
			    const struct interpreter *interpreter);

/* Forgets what was kept of the executable's path: it was wrong. */
void interpreter_cache_forget(const struct executable *executable);

#endif
