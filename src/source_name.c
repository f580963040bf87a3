#include "config.h"

#include "source_name.h"

#include "buffer.h"

#include <string.h>

/* os.path.join of what was appended from `start` on, and `part`. */
static void join(struct buffer *buffer, size_t start, const char *part, size_t length)
{
	if (length > 0 && *part == '/')
		buffer_truncate(buffer, start);
	else if (buffer->size > start && buffer->data[buffer->size - 1] != '/')
		buffer_append_byte(buffer, '/');
	buffer_append(buffer, part, length);
}

/* What follows the folder `strip` in `path`, behind the slash; NULL: it does not lead there. */
static const char *behind(const char *path, const char *strip)
{
	size_t length = strlen(strip);

	while (length > 0 && strip[length - 1] == '/')
		length--;
	if (strncmp(path, strip, length) != 0 || path[length] != '/')
		return NULL;
	return path + length + 1;
}

/* Joins the components one by one, as os.path.join(*parts): of several slashes one stays. */
static void join_parts(struct buffer *buffer, const char *path)
{
	size_t start = buffer->size;

	for (;;) {
		size_t length = strcspn(path, "/");

		join(buffer, start, path, length);
		if (path[length] == '\0')
			return;
		path += length + 1;
	}
}

static enum source_name_result strip_and_prepend(struct buffer *buffer, const char *strip,
						 const char *prepend, const char *path)
{
	const char *rest = strip ? behind(path, strip) : NULL;
	struct buffer name = BUFFER_INIT;
	size_t start = buffer->size;

	if (rest)
		join_parts(&name, rest);
	else
		buffer_append_string(&name, path);
	if (prepend)
		buffer_append_string(buffer, prepend);
	if (buffer_failed(&name))
		buffer->failed = true;
	else
		join(buffer, start, buffer_string(&name), name.size);
	buffer_fini(&name);
	if (strip && !rest)
		return SOURCE_NAME_UNSTRIPPED;
	return strip || prepend ? SOURCE_NAME_CHANGED : SOURCE_NAME_OWN;
}

enum source_name_result source_name_append(struct buffer *buffer,
					   const struct source_name_rule *rule, const char *operand,
					   const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t start = buffer->size;

	if (rule->explicit) {
		buffer_append_string(buffer, rule->explicit);
		return SOURCE_NAME_CHANGED;
	}
	if (!rule->destination)
		return strip_and_prepend(buffer, rule->strip, rule->prepend, path);
	if (operand)
		return strip_and_prepend(buffer, operand, rule->destination, path);
	buffer_append_string(buffer, rule->destination);
	join(buffer, start, base, strlen(base));
	return SOURCE_NAME_CHANGED;
}
