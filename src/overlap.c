#include "config.h"

#include "overlap.h"

#include "folder.h"
#include "list.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

/* What a file is, whatever its names. */
struct identity {
	dev_t device;
	ino_t inode;
};

struct overlap {
	void *files;              /* identities of the named files: a tree of tsearch */
	struct list folders;      /* real paths of the named folders */
	struct list file_folders; /* folders of the named files, as they were named */
};

struct overlap *overlap_create(void)
{
	return calloc(1, sizeof(struct overlap));
}

void overlap_destroy(struct overlap *overlap)
{
	if (!overlap)
		return;
	tdestroy(overlap->files, free);
	list_fini(&overlap->folders);
	list_fini(&overlap->file_folders);
	free(overlap);
}

static int compare_identities(const void *left, const void *right)
{
	const struct identity *a = left, *b = right;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return (a->device > b->device) - (a->device < b->device);
}

/* 1 if the file was named before, 0 if not, -1. */
static int add_identity(struct overlap *overlap, const struct stat *status)
{
	struct identity *identity = malloc(sizeof(*identity));
	struct identity *const *found;

	if (!identity)
		return -1;
	*identity = (struct identity){.device = status->st_dev, .inode = status->st_ino};
	found = tsearch(identity, &overlap->files, compare_identities);
	if (found && *found == identity)
		return 0;
	free(identity);
	if (found)
		return 1;
	errno = ENOMEM;
	return -1;
}

/* Whether the real path `path` is `folder` or lies beneath it. */
static bool is_beneath(const char *path, const char *folder)
{
	return strcmp(path, folder) == 0 || folder_lies_beneath(folder, path);
}

static bool is_beneath_any(const char *path, const struct list *folders)
{
	for (size_t i = 0; i < folders->count; i++)
		if (is_beneath(path, folders->names[i]))
			return true;
	return false;
}

/* The folder of a file, in memory of the caller's. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, (size_t)(slash + 1 - path)) : strdup(".");
}

/* Notes where a named file lies, once for those that follow each other in one folder. */
static int add_file_folder(struct overlap *overlap, const char *folder)
{
	const struct list *known = &overlap->file_folders;

	if (known->count > 0 && strcmp(known->names[known->count - 1], folder) == 0)
		return 0;
	return list_add(&overlap->file_folders, folder, strlen(folder));
}

int overlap_add_file(struct overlap *overlap, const char *path, const struct stat *status)
{
	char *folder = folder_of(path), *real = NULL;
	int result = folder ? add_identity(overlap, status) : -1;

	if (result >= 0 && add_file_folder(overlap, folder) != 0)
		result = -1;
	if (result == 0 && overlap->folders.count > 0) {
		real = realpath(folder, NULL);
		result = real && is_beneath_any(real, &overlap->folders);
	}
	free(real);
	free(folder);
	return result;
}

/* Whether a folder that was named before, or that of a file, lies beneath `real`. */
static bool holds_any(const struct overlap *overlap, const char *real)
{
	bool holds = false;

	for (size_t i = 0; i < overlap->folders.count; i++)
		if (is_beneath(overlap->folders.names[i], real))
			return true;
	for (size_t i = 0; i < overlap->file_folders.count && !holds; i++) {
		char *folder = realpath(overlap->file_folders.names[i], NULL);

		holds = folder && is_beneath(folder, real);
		free(folder);
	}
	return holds;
}

int overlap_add_folder(struct overlap *overlap, const char *path)
{
	char *real = realpath(path, NULL);
	int result;

	/* What is not there has nothing in common with anything. */
	if (!real)
		return errno == ENOMEM ? -1 : 0;
	result = is_beneath_any(real, &overlap->folders) || holds_any(overlap, real);
	if (list_add(&overlap->folders, real, strlen(real)) != 0)
		result = -1;
	free(real);
	return result;
}
