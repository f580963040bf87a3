#include "config.h"

#include "buffer.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most buffers hold a path or a line: a smaller beginning would only be grown again. */
#define CAPACITY_MINIMUM 256 /* bytes */

void buffer_fini(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer)BUFFER_INIT;
}

void buffer_clear(struct buffer *buffer)
{
	buffer->size = 0;
	buffer->failed = false;
}

void buffer_truncate(struct buffer *buffer, size_t size)
{
	if (size < buffer->size)
		buffer->size = size;
}

/* Allocates at least `needed` bytes; doubling keeps a long row of appends linear. */
static int grow(struct buffer *buffer, size_t needed)
{
	size_t capacity = buffer->capacity;
	char *data;

	if (capacity < CAPACITY_MINIMUM)
		capacity = CAPACITY_MINIMUM;
	while (capacity < needed)
		capacity = capacity > PTRDIFF_MAX / 2 ? needed : capacity * 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		return -1;
	buffer->data = data;
	buffer->capacity = capacity;
	return 0;
}

/* One byte more than asked for is always there, so that buffer_string cannot fail. */
char *buffer_reserve(struct buffer *buffer, size_t more)
{
	if (more >= (size_t)PTRDIFF_MAX - buffer->size) {
		errno = ENOMEM;
		return NULL;
	}
	if (buffer->size + more >= buffer->capacity && grow(buffer, buffer->size + more + 1) != 0)
		return NULL;
	return buffer->data + buffer->size;
}

/* Room for an append, or NULL: it is lost, as are those after it, lest the content have a gap. */
static char *reserve_for_append(struct buffer *buffer, size_t size)
{
	char *place = NULL;

	if (!buffer->failed) {
		place = buffer_reserve(buffer, size);
		buffer->failed = !place;
	}
	return place;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
	char *place = reserve_for_append(buffer, size);

	if (!place || size == 0)
		return;
	memcpy(place, bytes, size);
	buffer->size += size;
}

void buffer_append_string(struct buffer *buffer, const char *string)
{
	buffer_append(buffer, string, strlen(string));
}

void buffer_append_byte(struct buffer *buffer, char byte)
{
	char *place = reserve_for_append(buffer, 1);

	if (!place)
		return;
	*place = byte;
	buffer->size++;
}

void buffer_printf(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	char *place;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0) {
		buffer->failed = true;
		return;
	}
	place = reserve_for_append(buffer, (size_t)length);
	if (!place)
		return;
	va_start(arguments, format);
	(void)vsnprintf(place, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buffer->size += (size_t)length;
}

void buffer_append_buffer(struct buffer *buffer, const struct buffer *other)
{
	if (other->failed)
		buffer->failed = true;
	else
		buffer_append(buffer, other->data, other->size);
}

const char *buffer_string(struct buffer *buffer)
{
	if (buffer->failed || !buffer->data)
		return "";
	buffer->data[buffer->size] = '\0';
	return buffer->data;
}

char *buffer_take_string(struct buffer *buffer)
{
	char *string;

	buffer_append_byte(buffer, '\0');
	if (buffer->failed) {
		buffer_fini(buffer);
		errno = ENOMEM;
		return NULL;
	}
	string = buffer->data;
	*buffer = (struct buffer)BUFFER_INIT;
	return string;
}

bool buffer_failed(const struct buffer *buffer)
{
	return buffer->failed;
}
