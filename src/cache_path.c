#include "config.h"

#include "cache_path.h"

#include "buffer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#define OPTIMIZATION_MARK "opt-"

/* What importlib's _path_split gives: the last slash belongs to neither. */
struct split {
	size_t head;      /* bytes of the folder: no slash behind it, unless there were several */
	const char *tail; /* the last component */
};

static struct split split_path(const char *path, size_t size)
{
	const char *slash = memrchr(path, '/', size);

	if (!slash)
		return (struct split){0, path};
	return (struct split){(size_t)(slash - path), slash + 1};
}

static size_t without_trailing_slashes(const char *part, size_t size)
{
	while (size > 0 && part[size - 1] == '/')
		size--;
	return size;
}

/*
 * One part of importlib's _path_join, with its slash: an empty part is left out, and slashes at its
 * end count once. "/" alone thus leaves nothing but the slash.
 */
static void append_part(struct buffer *buffer, const char *part, size_t size)
{
	if (size == 0)
		return;
	buffer_append(buffer, part, without_trailing_slashes(part, size));
	buffer_append_byte(buffer, '/');
}

static bool is_letter_or_number(utf8proc_int32_t code)
{
	switch (utf8proc_category(code)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
		return true;
	default:
		return false;
	}
}

/* str.isalnum: one character at least, and each a letter or a number. */
static bool is_alphanumeric(const char *text, size_t size)
{
	const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text;
	size_t done = 0;

	while (done < size) {
		utf8proc_int32_t code;
		utf8proc_ssize_t length =
			utf8proc_iterate(bytes + done, (utf8proc_ssize_t)(size - done), &code);

		if (length <= 0 || !is_letter_or_number(code))
			return false;
		done += (size_t)length;
	}
	return size > 0;
}

char *cache_path_optimization(char *text, int level)
{
	text[0] = '\0';
	if (level > 0)
		(void)snprintf(text, CACHE_PATH_OPTIMIZATION_SIZE, "%d", level);
	return text;
}

static int result(const struct buffer *buffer)
{
	if (!buffer_failed(buffer))
		return 0;
	errno = ENOMEM;
	return -1;
}

int cache_path_append_name(struct buffer *buffer, const char *base, const char *cache_tag,
			   const char *optimization)
{
	const char *dot = strrchr(base, '.');

	if (*optimization && !is_alphanumeric(optimization, strlen(optimization))) {
		errno = EINVAL;
		return -1;
	}
	/* ".py" has no stem: Python takes "py" for one and keeps the dot behind it. */
	if (dot == base)
		buffer_append_string(buffer, dot + 1);
	else if (dot)
		buffer_append(buffer, base, (size_t)(dot - base));
	else
		buffer_append_string(buffer, base);
	if (dot)
		buffer_append_byte(buffer, '.');
	buffer_append_string(buffer, cache_tag);
	if (*optimization) {
		buffer_append_string(buffer, "." OPTIMIZATION_MARK);
		buffer_append_string(buffer, optimization);
	}
	buffer_append_string(buffer, ".pyc");
	return result(buffer);
}

/*
 * The parts of the folder under a pycache prefix, each with its slash: the prefix, the current
 * folder if `head` is relative, and `head`, no longer absolute.
 */
static void append_prefixed(struct buffer *buffer, const char *head, size_t size,
			    const char *prefix, const char *cwd)
{
	bool relative = size == 0 || head[0] != '/';

	append_part(buffer, prefix, strlen(prefix));
	if (relative) {
		cwd += strspn(cwd, "/");
		append_part(buffer, cwd, strlen(cwd));
		if (size >= 2 && memcmp(head, "./", 2) == 0) {
			head += 2;
			size -= 2;
		}
	}
	size = without_trailing_slashes(head, size);
	while (size > 0 && *head == '/' && (!relative || !*cwd)) {
		head++;
		size--;
	}
	append_part(buffer, head, size);
}

/* The folder, with a slash behind it. */
static void append_folder(struct buffer *buffer, const char *source, const char *prefix,
			  const char *cwd)
{
	struct split split = split_path(source, strlen(source));

	if (prefix) {
		append_prefixed(buffer, source, split.head, prefix, cwd);
	} else {
		append_part(buffer, source, split.head);
		buffer_append_string(buffer, CACHE_PATH_FOLDER "/");
	}
}

int cache_path_append_folder(struct buffer *buffer, const char *source, const char *prefix,
			     const char *cwd)
{
	append_folder(buffer, source, prefix, cwd);
	if (result(buffer) != 0)
		return -1;
	buffer_truncate(buffer, buffer->size - 1);
	return 0;
}

int cache_path_from_source(struct buffer *buffer, const char *source, const char *cache_tag,
			   const char *optimization, const char *prefix, const char *cwd)
{
	size_t before = buffer->size;

	append_folder(buffer, source, prefix, cwd);
	if (cache_path_append_name(buffer, split_path(source, strlen(source)).tail, cache_tag,
				   optimization) != 0) {
		buffer_truncate(buffer, before);
		return -1;
	}
	return 0;
}

/* Where the optimization begins in a name of three dots: behind its second. */
static enum cache_path_error check_optimization(const char *name)
{
	const char *end = strrchr(name, '.');
	const char *begin = (const char *)memrchr(name, '.', (size_t)(end - name)) + 1;
	size_t mark = strlen(OPTIMIZATION_MARK);

	if (strncmp(begin, OPTIMIZATION_MARK, mark) != 0)
		return CACHE_PATH_NO_OPT;
	if (!is_alphanumeric(begin + mark, (size_t)(end - begin) - mark))
		return CACHE_PATH_OPT_NOT_ALNUM;
	return CACHE_PATH_OK;
}

static enum cache_path_error check_name(const char *name)
{
	size_t dots = 0;

	for (const char *c = name; *c; c++)
		dots += *c == '.';
	if (dots < 2 || dots > 3)
		return CACHE_PATH_DOTS;
	return dots == 3 ? check_optimization(name) : CACHE_PATH_OK;
}

/* Takes the prefix off the front of `*head`; whether it stood there. */
static bool strip_prefix(const char **head, size_t *size, const char *prefix)
{
	size_t length = without_trailing_slashes(prefix, strlen(prefix));

	if (*size <= length || memcmp(*head, prefix, length) != 0 || (*head)[length] != '/')
		return false;
	*head += length;
	*size -= length;
	return true;
}

/* Takes "__pycache__" off the end of the folder; whether it stood there. */
static bool strip_pycache(const char *head, size_t *size)
{
	struct split split = split_path(head, *size);
	size_t length = *size - (size_t)(split.tail - head);

	if (length != strlen(CACHE_PATH_FOLDER) ||
	    memcmp(split.tail, CACHE_PATH_FOLDER, length) != 0)
		return false;
	*size = split.head;
	return true;
}

enum cache_path_error cache_path_to_source(struct buffer *buffer, const char *path,
					   const char *prefix)
{
	struct split split = split_path(path, strlen(path));
	const char *head = path;
	size_t before = buffer->size;
	enum cache_path_error error;

	if (!(prefix && strip_prefix(&head, &split.head, prefix)) &&
	    !strip_pycache(head, &split.head))
		return CACHE_PATH_NOT_IN_PYCACHE;
	error = check_name(split.tail);
	if (error != CACHE_PATH_OK)
		return error;
	append_part(buffer, head, split.head);
	buffer_append(buffer, split.tail, strcspn(split.tail, "."));
	buffer_append_string(buffer, ".py");
	if (result(buffer) != 0) {
		buffer_truncate(buffer, before);
		return CACHE_PATH_NO_MEMORY;
	}
	return CACHE_PATH_OK;
}
