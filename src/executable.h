/*
 * executable: a program as a file: where it is, and whether it is still the same one.
 */
#ifndef PYCOMPILEALL_EXECUTABLE_H
#define PYCOMPILEALL_EXECUTABLE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* Which file it is. As long as none of this changes, nobody has replaced or changed it. */
struct executable {
	char *path;         /* the real path, no links in it; owned */
	struct stat status; /* of it */
};

/*
 * Where `name` is: itself if it has a slash in it, else the first file on PATH of that name that
 * may be executed, as execvp(3) would find it. In memory that the caller frees; NULL with errno
 * ENOENT, EACCES (it is no file, or may not be executed), ENOMEM, or, where it has a slash, another
 * of stat(2).
 */
char *executable_find(const char *name);

/* Tells which file stands at `path`. 0, or -1 with errno of realpath(3) or stat(2). */
int executable_identify(struct executable *executable, const char *path);

/* Frees. All zero is legal. */
void executable_fini(struct executable *executable);

/*
 * Whether the process runs this very file: a script, a shim or a wrapper that starts another one
 * does not. False where that cannot be told.
 */
bool executable_is_run_by(const struct executable *executable, pid_t process);

#endif
