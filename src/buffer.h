/*
 * buffer: bytes that grow.
 *
 * Appending cannot report failure on the spot without an `if` after every line that builds a
 * message, so a buffer remembers that memory ran out: later appends do nothing, and whoever uses
 * the content asks buffer_failed() once.
 */
#ifndef PYCOMPILEALL_BUFFER_H
#define PYCOMPILEALL_BUFFER_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data;      /* the bytes; NULL while nothing was ever appended */
	size_t size;     /* bytes in use */
	size_t capacity; /* bytes allocated */
	bool failed;     /* an append ran out of memory since the last buffer_clear */
};

/* An empty buffer that owns nothing yet. */
#define BUFFER_INIT                                                                                \
	{                                                                                          \
		NULL, 0, 0, false                                                                  \
	}

/* Gives the memory back. The buffer is empty and usable again. */
void buffer_fini(struct buffer *buffer);

/* Forgets the content and a failure, and keeps the memory for the next use. */
void buffer_clear(struct buffer *buffer);

/* Cuts the content to its first `size` bytes; more than there are changes nothing. */
void buffer_truncate(struct buffer *buffer, size_t size);

/*
 * Makes room for `more` bytes behind the content. Returns where they begin (owned by the buffer,
 * valid until the next append), or NULL with errno ENOMEM; the size does not change.
 */
char *buffer_reserve(struct buffer *buffer, size_t more);

/* Append `size` bytes; a NUL-terminated string; one byte; what printf would print. */
void buffer_append(struct buffer *buffer, const void *bytes, size_t size);
void buffer_append_string(struct buffer *buffer, const char *string);
void buffer_append_byte(struct buffer *buffer, char byte);
void buffer_printf(struct buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends what another buffer has; where that failed, this one has too. */
void buffer_append_buffer(struct buffer *buffer, const struct buffer *other);

/*
 * The content as a NUL-terminated string, owned by the buffer and valid until the next call on it.
 * Never NULL: a buffer that failed, or never held anything, gives "".
 */
const char *buffer_string(struct buffer *buffer);

/*
 * The same, given away: the caller frees it with free(3), and the buffer owns nothing any more.
 * NULL with errno ENOMEM if it failed.
 */
char *buffer_take_string(struct buffer *buffer);

/* Whether an append was lost for want of memory. */
bool buffer_failed(const struct buffer *buffer);

#endif
