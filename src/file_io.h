/*
 * file_io: reads sources consistently and writes .pyc files atomically, relative to open folders.
 */
#ifndef PYCOMPILEALL_FILE_IO_H
#define PYCOMPILEALL_FILE_IO_H

#include "buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Reads a whole source into `bytes` (which is cleared first) and tells in `status` what fstat said
 * of the very bytes that were read: a source that changed while it was read is read again. Follows
 * a symbolic link at `name`, as import does, but opens only a regular file through it. To be called
 * for what was a regular file a moment ago; a FIFO put in its place does not block it. Asks memory
 * for the file's size and one byte, however much there is to read.
 * Returns 0, or -1 with errno of open(2), read(2), fstat(2); EISDIR: it is a folder; EINVAL: it is
 * something else that is no regular file; EAGAIN: it changed each time it was read; ENOMEM.
 */
int file_io_read_source(int folder, const char *name, struct buffer *bytes, struct stat *status);

/*
 * Reads up to `size` bytes from the front of a file that may be anything: does not block on a FIFO,
 * and opens nothing but a regular file through a symbolic link. Returns how many there were, or -1
 * with errno of openat(2) or read(2); EISDIR, EINVAL: the link leads to what is no regular file.
 */
ssize_t file_io_read_front(int folder, const char *path, void *bytes, size_t size);

/* What stands where a .pyc is to be written. */
enum file_io_target {
	FILE_IO_WRITABLE,    /* nothing, or a regular file */
	FILE_IO_SYMLINK,     /* a symbolic link, which a rename would replace */
	FILE_IO_NOT_REGULAR, /* a folder, device, FIFO or socket */
};

/* Looks at it; what cannot be looked at counts as writable, and writing will say why not. */
enum file_io_target file_io_target(int folder, const char *path);

/*
 * Opens the folder at `path` for writing into, making it, and with `parents` all above it, with
 * mode 0777 less umask if it is missing. Without `parents` the last component is not followed if it
 * is a symbolic link (ENOTDIR). Returns a descriptor that the caller closes, or -1 with errno.
 */
int file_io_open_cache(int folder, const char *path, bool parents);

/* A file as it is to appear. */
struct file_io_content {
	const void *header; /* its first bytes */
	size_t header_size; /* bytes */
	const void *body;   /* what follows them */
	size_t body_size;   /* bytes */
	mode_t mode;        /* of the new file, before the umask is taken off */
};

/*
 * Puts `content` at `name` in `folder`, complete or not at all: writes a temporary beside it,
 * begins to send it to the disk and waits for that if it goes there in pieces, checks its close,
 * and renames. What a power loss leaves on ext4 and XFS is the old file, none, the new one, or one
 * without any of its header. Returns 0, or -1 with errno (EEXIST: somebody has taken every name
 * that was tried for the temporary); then the old file stands as it did and no temporary is left.
 */
int file_io_write(int folder, const char *name, const struct file_io_content *content);

/*
 * Whether two files have the same bytes and are not one file already: 1 or 0, or -1 with errno of
 * openat(2), read(2) or fstat(2).
 */
int file_io_equal(int folder, const char *left, const char *right);

/*
 * Makes `name` another name of the file `target`, replacing what stood there in one step: links
 * under a temporary name and renames. Returns 0, or -1 with errno; then `name` is as it was.
 */
int file_io_link(int folder, const char *target, const char *name);

/* The mode of a .pyc for a source's mode: readable as the source is, writable by its owner, never
 * executable. Source: importlib's _calc_mode and _write_atomic. */
mode_t file_io_cache_mode(mode_t source_mode);

#endif
