/* What both ways to walk share. */
#include "config.h"

#include "walk_entries.h"

#include "cache_path.h"

#include <errno.h>
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

int walk_entries_add(struct walk_entries *entries, const char *name, bool folder)
{
	if (entries->count == entries->capacity) {
		size_t capacity = entries->capacity * 2 + 64;
		struct walk_entry *list = reallocarray(entries->list, capacity, sizeof(*list));

		if (!list)
			return -1;
		entries->list = list;
		entries->capacity = capacity;
	}
	entries->list[entries->count++] = (struct walk_entry){.name = name, .folder = folder};
	return 0;
}

void walk_entries_fini(struct walk_entries *entries)
{
	free(entries->list);
	*entries = (struct walk_entries){0};
}

const char *walk_relative(const char *path, size_t root_length)
{
	path += root_length;
	return path + strspn(path, "/");
}
