#include "config.h"

#include "list.h"

#include "buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utf8proc.h>

#define READ_CHUNK 65536 /* bytes */

void list_fini(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
	*list = (struct list){0};
}

int list_add(struct list *list, const char *name, size_t size)
{
	char *copy;

	if (list->count == list->capacity) {
		size_t capacity = list->capacity * 2 + 16;
		char **names = reallocarray(list->names, capacity, sizeof(*names));

		if (!names)
			return -1;
		list->names = names;
		list->capacity = capacity;
	}
	copy = strndup(name, size);
	if (!copy)
		return -1;
	list->names[list->count++] = copy;
	return 0;
}

size_t list_find(const struct list *list, const char *name)
{
	size_t index = 0;

	while (index < list->count && strcmp(list->names[index], name) != 0)
		index++;
	return index;
}

/* What str.isspace says. */
static bool is_space(utf8proc_int32_t character)
{
	return (character >= 0x09 && character <= 0x0d) ||
	       (character >= 0x1c && character <= 0x20) || character == 0x85 || character == 0xa0 ||
	       character == 0x1680 || (character >= 0x2000 && character <= 0x200a) ||
	       character == 0x2028 || character == 0x2029 || character == 0x202f ||
	       character == 0x205f || character == 0x3000;
}

/* Bytes of the white space character that the text begins with; 0: it begins with none. */
static size_t leading_space(const char *text, size_t size)
{
	utf8proc_int32_t character;
	utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)text,
						   (utf8proc_ssize_t)size, &character);

	return length > 0 && is_space(character) ? (size_t)length : 0;
}

/* Bytes of the white space character that the text ends with. None is longer than 3. */
static size_t trailing_space(const char *text, size_t size)
{
	for (size_t length = 1; length <= 3 && length <= size; length++)
		if (leading_space(text + size - length, length) == length)
			return length;
	return 0;
}

static int add_line(struct list *list, const char *line, size_t size, bool strip)
{
	size_t space;

	while (strip && (space = leading_space(line, size)) > 0) {
		line += space;
		size -= space;
	}
	while (strip && (space = trailing_space(line, size)) > 0)
		size -= space;
	return list_add(list, line, size);
}

static int add_lines(struct list *list, const char *text, size_t size, bool strip)
{
	const char *end = text + size;

	if (memchr(text, '\0', size)) {
		errno = EINVAL;
		return -1;
	}
	while (text < end) {
		const char *stop = text;

		while (stop < end && *stop != '\n' && *stop != '\r')
			stop++;
		if (add_line(list, text, (size_t)(stop - text), strip) != 0)
			return -1;
		if (stop + 1 < end && stop[0] == '\r' && stop[1] == '\n')
			stop++;
		text = stop + 1;
	}
	return 0;
}

static int add_nuls(struct list *list, const char *text, size_t size)
{
	const char *end = text + size;

	while (text < end) {
		size_t length = strnlen(text, (size_t)(end - text));

		if (length > 0 && list_add(list, text, length) != 0)
			return -1;
		text += length + 1;
	}
	return 0;
}

static bool is_utf8(const char *text, size_t size)
{
	while (size > 0) {
		utf8proc_int32_t character;
		utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)text,
							   (utf8proc_ssize_t)size, &character);

		if (length <= 0)
			return false;
		text += length;
		size -= (size_t)length;
	}
	return true;
}

int list_add_text(struct list *list, enum list_format format, const char *text, size_t size)
{
	if (size == 0)
		return 0;
	if (format == LIST_NULS)
		return add_nuls(list, text, size);
	return add_lines(list, text, size, format == LIST_LINES);
}

/* Reads to the end. 0, or -1 with errno. */
static int read_to_end(int descriptor, struct buffer *text)
{
	for (;;) {
		char *end = buffer_reserve(text, READ_CHUNK);
		ssize_t got = end ? read(descriptor, end, READ_CHUNK) : -1;

		if (got == 0)
			return 0;
		if (got > 0)
			text->size += (size_t)got;
		else if (!end || errno != EINTR)
			return -1;
	}
}

/* Reads a list; with `utf8` its lines must be UTF-8. */
static int add_read(struct list *list, enum list_format format, int descriptor, bool utf8)
{
	struct buffer text = BUFFER_INIT;
	int error, result = read_to_end(descriptor, &text);

	if (result == 0 && utf8 && !is_utf8(text.data, text.size)) {
		errno = EILSEQ;
		result = -1;
	}
	if (result == 0)
		result = list_add_text(list, format, text.data, text.size);
	error = errno;
	buffer_fini(&text);
	errno = error;
	return result;
}

int list_add_descriptor(struct list *list, enum list_format format, int descriptor)
{
	return add_read(list, format, descriptor, false);
}

int list_add_file(struct list *list, const char *path, enum list_format format)
{
	int descriptor, error, result;

	if (strcmp(path, "-") == 0)
		return list_add_descriptor(list, format, STDIN_FILENO);
	descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return -1;
	result = add_read(list, format, descriptor, format != LIST_NULS);
	error = errno;
	(void)close(descriptor);
	errno = error;
	return result;
}
