/*
 * py_error: errno as the exception Python would raise (PEP 3151).
 */
#ifndef PYCOMPILEALL_PY_ERROR_H
#define PYCOMPILEALL_PY_ERROR_H

#include <stdbool.h>

struct buffer;

/*
 * The name of OSError's subclass for an errno: "FileNotFoundError", "PermissionError", ...;
 * "OSError" where Python has none. A constant string.
 */
const char *py_error_name(int error);

/*
 * Appends "PermissionError: [Errno 13] Permission denied: 'path'" as Python prints an OSError;
 * without the path and its colon if `path` is NULL. `path` is bytes as the file system has them.
 */
void py_error_append(struct buffer *buffer, int error, const char *path);

/* The same without the exception's name and its colon: str() of it. */
void py_error_append_text(struct buffer *buffer, int error, const char *path);

/*
 * Appends str() of the FileExistsError by which py_compile.compile refuses to write to `path`,
 * where a symbolic link, or else something that is no regular file, stands.
 */
void py_error_append_exists(struct buffer *buffer, const char *path, bool is_link);

#endif
