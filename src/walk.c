/* What both ways to walk share. */
#include "config.h"

#include "walk_entries.h"

#include "cache_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool walk_is_source(const char *name)
{
	size_t length = strlen(name);

	return length >= 3 && memcmp(name + length - 3, ".py", 3) == 0;
}

bool walk_is_skipped(const char *name)
{
	return strcmp(name, CACHE_PATH_FOLDER) == 0;
}

struct walk_rest *walk_rest_create(const char *path, size_t length, size_t count)
{
	struct walk_rest *rest = calloc(1, sizeof(*rest));

	if (!rest)
		return NULL;
	rest->path = strndup(path, length);
	rest->siblings = calloc(count, sizeof(*rest->siblings));
	if (rest->path && rest->siblings)
		return rest;
	walk_rest_destroy(rest);
	errno = ENOMEM;
	return NULL;
}

int walk_rest_add(struct walk_rest *rest, const char *name, void *place, bool mount)
{
	char *copy = strdup(name);

	if (!copy)
		return -1;
	rest->siblings[rest->count++] =
		(struct walk_sibling){.name = copy, .mount = mount, .place = place};
	return 0;
}

size_t walk_rest_print(const struct walk_rest *rest, size_t index, char *path, size_t size)
{
	size_t length = strlen(rest->path);
	bool slash = length > 0 && rest->path[length - 1] != '/';

	return (size_t)snprintf(path, size, "%s%s%s", rest->path, slash ? "/" : "",
				rest->siblings[index].name);
}

char *walk_rest_path(const struct walk_rest *rest, size_t index)
{
	size_t size = walk_rest_print(rest, index, NULL, 0) + 1;
	char *path = malloc(size);

	if (path)
		(void)walk_rest_print(rest, index, path, size);
	return path;
}

void walk_rest_destroy(struct walk_rest *rest)
{
	if (!rest)
		return;
	for (size_t i = 0; i < rest->count; i++)
		free(rest->siblings[i].name);
	free(rest->siblings);
	free(rest->path);
	free(rest);
}

const char *walk_relative(const char *path, size_t root_length)
{
	path += root_length;
	return path + strspn(path, "/");
}
