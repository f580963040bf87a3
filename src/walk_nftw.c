/*
 * walk_tree on nftw(3), for a libc without fts.
 *
 * nftw shows entries in the order of the disk and passes no context, so the whole listing is
 * gathered first (in a variable of this file: one walk at a time), sorted, and then shown.
 *
 * Where reading a folder fails amid its entries, nftw takes that for their end and says nothing,
 * and so do we: unlike walk_fts, which has an errno to look at.
 */
#include "config.h"

#include "walk_entries.h"

#ifdef USE_NFTW

#include "cache_path.h"
#include "text.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS 16 /* nftw keeps that many folders open */

/* One thing that nftw showed. */
struct found {
	char *path;
	size_t base; /* offset of its name */
	int error;   /* a folder that cannot be read */
	bool folder;
	void *place; /* that the visitor gave it */
};

struct listing {
	const char *root; /* the operand, with a slash behind it */
	struct found *list;
	size_t count, capacity;
	bool failed; /* out of memory */
};

/* The listing that nftw's callback fills, and how long the part of each path is that stands for the
 * operand. */
static struct listing *gathering;
static size_t gathering_prefix;

struct walk {
	struct listing listing;
	size_t root_length;
	long depth;
	walk_visitor *visit;
	void *context;
	bool enter;        /* whether the subfolders of the folder at hand are shown */
	size_t first, end; /* its entries in the listing */
};

/* Room for one more. */
static struct found *next_found(struct listing *listing)
{
	if (listing->count == listing->capacity) {
		size_t capacity = listing->capacity * 2 + 256;
		struct found *list = reallocarray(listing->list, capacity, sizeof(*list));

		if (!list)
			return NULL;
		listing->list = list;
		listing->capacity = capacity;
	}
	return &listing->list[listing->count];
}

/* Adds what lies at `relative` beneath the operand, under the path that is printed. */
static int add_found(struct listing *listing, const char *relative, bool folder, int error)
{
	struct found *found = next_found(listing);
	const char *slash = strrchr(relative, '/');
	size_t root_length = strlen(listing->root);

	if (!found)
		return -1;
	found->path = malloc(root_length + strlen(relative) + 1);
	if (!found->path)
		return -1;
	memcpy(found->path, listing->root, root_length);
	memcpy(found->path + root_length, relative, strlen(relative) + 1);
	found->base = root_length + (slash ? (size_t)(slash + 1 - relative) : 0);
	found->folder = folder;
	found->error = error;
	found->place = NULL;
	listing->count++;
	return 0;
}

/* Whether a folder that no walk enters is part of the path. */
static bool is_below_skipped(const char *relative)
{
	size_t length = strlen(CACHE_PATH_FOLDER);

	for (; relative; relative = strchr(relative, '/')) {
		relative += *relative == '/';
		if (strncmp(relative, CACHE_PATH_FOLDER, length) == 0 &&
		    (relative[length] == '/' || relative[length] == '\0'))
			return true;
	}
	return false;
}

static int gather(const char *path, const struct stat *status, int type, struct FTW *position)
{
	bool folder = type == FTW_D || type == FTW_DNR;
	const char *relative = path + gathering_prefix;

	(void)status;
	if (position->level == 0)
		return 0;
	relative += strspn(relative, "/");
	if (is_below_skipped(relative) || (!folder && !walk_is_source(relative)))
		return 0;
	if (add_found(gathering, relative, folder, type == FTW_DNR ? EACCES : 0) == 0)
		return 0;
	gathering->failed = true;
	return -1;
}

/* By the folder above first, then by name: so each folder's entries stand together, sorted. */
static int compare(const void *left, const void *right)
{
	const struct found *a = left, *b = right;
	size_t shorter = a->base < b->base ? a->base : b->base;
	int order = memcmp(a->path, b->path, shorter);

	if (order == 0)
		order = (a->base > b->base) - (a->base < b->base);
	return order ? order : text_compare(a->path + a->base, b->path + b->base);
}

/* Whether `entry` lies directly in the folder at `path`. */
static int compare_folder(const char *path, size_t length, const struct found *entry)
{
	size_t folder = entry->base;
	size_t shorter = length < folder ? length : folder;
	int order = memcmp(path, entry->path, shorter);

	return order ? order : (length > folder) - (length < folder);
}

/* The first of a folder's entries in the sorted listing. `path` ends with its slash. */
static size_t find_first(const struct listing *listing, const char *path, size_t length)
{
	size_t low = 0, high = listing->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_folder(path, length, &listing->list[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The folder's path with the slash that its entries' paths have, in memory of the caller's. */
static char *with_slash(const char *path)
{
	size_t length = strlen(path);
	char *copy = malloc(length + 2);

	if (!copy)
		return NULL;
	memcpy(copy, path, length + 1);
	if (length == 0 || path[length - 1] != '/')
		memcpy(copy + length, "/", 2);
	return copy;
}

/* Makes the folder whose path with its slash is `path` the one at hand. */
static void set_range(struct walk *walk, const char *path, long level)
{
	const struct listing *listing = &walk->listing;
	size_t length = strlen(path), first = find_first(listing, path, length), end = first;

	while (end < listing->count && compare_folder(path, length, &listing->list[end]) == 0)
		end++;
	walk->enter = walk->depth < 0 || level < walk->depth;
	walk->first = first;
	walk->end = end;
}

/* The first entry that matters from number `index` of the listing on; NULL: there is none. */
static struct found *find_next(const struct walk *walk, size_t index)
{
	struct found *list = walk->listing.list;

	while (index < walk->end && list[index].folder && !walk->enter)
		index++;
	return index < walk->end ? &list[index] : NULL;
}

static size_t count_mattering(const struct walk *walk)
{
	size_t count = 0;

	for (size_t i = walk->first; i < walk->end; i++)
		count += !walk->listing.list[i].folder || walk->enter;
	return count;
}

const char *walk_next(struct walk_folder *folder, bool *is_folder)
{
	const struct walk *walk = folder->walk;
	struct found *found = folder->next;

	folder->shown = found;
	if (!found)
		return NULL;
	folder->next = find_next(walk, (size_t)(found - walk->listing.list) + 1);
	*is_folder = found->folder;
	return found->path + found->base;
}

void walk_set_place(struct walk_folder *folder, void *place)
{
	struct found *found = folder->shown;

	found->place = place;
}

void walk_shut(struct walk_folder *folder)
{
	folder->walk->end = folder->walk->first;
	folder->next = NULL;
	folder->count = 0;
}

static int visit_folder(struct walk *walk, const char *path, long level, void *place, int error);

/* Visits what the visitor of the folder at hand has left to be entered. */
static int visit_subfolders(struct walk *walk, long level)
{
	size_t end = walk->enter ? walk->end : walk->first;

	for (size_t i = walk->first; i < end; i++) {
		const struct found *found = &walk->listing.list[i];

		if (found->folder &&
		    visit_folder(walk, found->path, level + 1, found->place, found->error) != 0)
			return -1;
	}
	return 0;
}

static int visit_folder(struct walk *walk, const char *path, long level, void *place, int error)
{
	struct walk_folder folder = {
		.path = path,
		.relative = walk_relative(path, walk->root_length),
		.place = place,
		.error = error,
		.walk = walk,
	};
	char *slashed = with_slash(path);

	if (!slashed)
		return -1;
	set_range(walk, slashed, level);
	free(slashed);
	folder.count = count_mattering(walk);
	folder.next = find_next(walk, walk->first);
	if (walk->visit(walk->context, &folder) != 0)
		return -1;
	return visit_subfolders(walk, level);
}

static void free_listing(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		free(listing->list[i].path);
	free(listing->list);
}

/* nftw with FTW_PHYS follows no link, not even the operand's: "." behind it does. */
static int list_all(struct listing *listing)
{
	size_t length = strlen(listing->root);
	char *inside = malloc(length + 2);
	int result;

	if (!inside)
		return -1;
	memcpy(inside, listing->root, length);
	memcpy(inside + length, ".", 2);
	gathering = listing;
	gathering_prefix = length + 1;
	result = access(inside, R_OK) == 0 ? nftw(inside, gather, DESCRIPTORS, FTW_PHYS) : -1;
	free(inside);
	if (listing->failed)
		errno = ENOMEM;
	return listing->failed ? -1 : result;
}

static int show_all(struct walk *walk, const char *root, void *place)
{
	struct listing *listing = &walk->listing;
	int error = list_all(listing) == 0 ? 0 : errno;

	if (listing->failed)
		return -1;
	qsort(listing->list, listing->count, sizeof(listing->list[0]), compare);
	return visit_folder(walk, root, 0, place, error);
}

int walk_tree(const char *root, long depth, void *place, walk_visitor *visit, void *context)
{
	struct walk walk = {
		.root_length = strlen(root),
		.depth = depth,
		.visit = visit,
		.context = context,
	};
	char *slashed = with_slash(root);
	int error, result = -1;

	walk.listing.root = slashed;
	if (slashed)
		result = show_all(&walk, root, place);
	error = errno;
	free_listing(&walk.listing);
	free(slashed);
	errno = error;
	return result;
}

/* Everything was gathered before: there is nothing left that another thread could do. */
struct walk_rest *walk_take_rest(struct walk_folder *folder, bool own)
{
	(void)folder;
	(void)own;
	return NULL;
}

int walk_branch(const struct walk_rest *rest, size_t index, walk_visitor *visit, void *context)
{
	(void)rest;
	(void)index;
	(void)visit;
	(void)context;
	errno = ENOSYS;
	return -1;
}

#endif
