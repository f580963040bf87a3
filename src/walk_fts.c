/* walk_tree on fts(3). */
#include "config.h"

#include "walk_entries.h"

#ifndef USE_NFTW

#include "text.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#ifdef __linux__
#include <linux/magic.h>
#include <sys/vfs.h>
#endif

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

struct walk {
	FTS *fts;
	size_t root_length; /* of the operand, which the paths begin with */
	long depth;         /* levels below fts's own root to visit; negative: all */
	bool right_counts;  /* as of link_counts_are_right */
	walk_visitor *visit;
	void *context;
	FTSENT *entry;    /* the folder at hand */
	FTSENT *children; /* of it: those that matter, sorted, linked to the end of the list */
};

/*
 * With FTS_NOSTAT fts spares a stat for each file, but then it believes the link count of a folder
 * to tell how many subfolders there are, and on a file system that reports it wrongly (CIFS, some
 * FUSE) it takes the rest for files and they are lost. So only where the count is known to be
 * right, or 1, which fts does not believe.
 */
static bool link_counts_are_right(const char *path)
{
#ifdef __linux__
	struct statfs status;

	if (statfs(path, &status) != 0)
		return false;
	switch ((unsigned long)status.f_type & 0xffffffffUL) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
#else
	(void)path;
	return false;
#endif
}

/* Merges two sorted lists. */
static FTSENT *merge(FTSENT *left, FTSENT *right)
{
	FTSENT *merged = NULL, **end = &merged;

	while (left && right) {
		bool is_left = text_compare(left->fts_name, right->fts_name) <= 0;
		FTSENT **first = is_left ? &left : &right;

		*end = *first;
		end = &(*first)->fts_link;
		*first = *end;
	}
	*end = left ? left : right;
	return merged;
}

/* Takes the first `count` (1 or more) of a list off and sorts them. */
static FTSENT *take_sorted(FTSENT **list, size_t count)
{
	FTSENT *first = *list, *second;

	if (count == 1) {
		*list = first->fts_link;
		first->fts_link = NULL;
		return first;
	}
	first = take_sorted(list, count / 2);
	second = take_sorted(list, count - count / 2);
	return merge(first, second);
}

static bool is_folder(const FTSENT *entry)
{
	return entry->fts_info == FTS_D;
}

/* Whether a folder below fts's own root belongs to another file system than the one above it. */
static bool is_mount(const FTSENT *entry)
{
	return entry->fts_dev != entry->fts_parent->fts_dev;
}

/* Keeps the walk out of a child. fts shows a first child all the same, so it carries a mark. */
static void refuse(const struct walk *walk, FTSENT *child)
{
	(void)fts_set(walk->fts, child, FTS_SKIP);
	child->fts_number = 1;
}

static bool is_refused(const FTSENT *entry)
{
	return entry->fts_number != 0;
}

/* Whether a child matters: the walk would enter it, or it is a source. Keeps the walk out of
 * folders that it does not enter. */
static bool matters(const struct walk *walk, FTSENT *child)
{
	bool enter = walk->depth < 0 || walk->entry->fts_level < walk->depth;

	if (!is_folder(child))
		return walk_is_source(child->fts_name);
	if (enter && !walk_is_skipped(child->fts_name))
		return true;
	refuse(walk, child);
	return false;
}

/*
 * Sorts out what matters among a folder's children. What fts could not even stat may be a folder
 * that nobody will see: that is the folder's error.
 *
 * fts would sort them all itself, given a function that compares, but through an array of pointers,
 * which it keeps and qsort copies: 16 bytes an entry, when a huge folder needs the most memory
 * anyway. So the list is sorted as it is, and fts is given the head of it, by the one member of FTS
 * that its manual does not name: first what does not matter, then what does.
 */
static void gather(struct walk *walk, FTSENT *children, struct walk_folder *folder)
{
	FTSENT *mattering = NULL, **mattering_end = &mattering;
	FTSENT *others = NULL, **others_end = &others;

	for (FTSENT *child = children; child; child = child->fts_link) {
		if (child->fts_info == FTS_NS && child->fts_errno != ENOENT)
			folder->error = child->fts_errno;
		if (matters(walk, child)) {
			*mattering_end = child;
			mattering_end = &child->fts_link;
			folder->count++;
		} else {
			*others_end = child;
			others_end = &child->fts_link;
		}
	}
	*mattering_end = NULL;
	walk->children = folder->count > 0 ? take_sorted(&mattering, folder->count) : NULL;
	*others_end = walk->children;
	if (others)
		walk->fts->fts_child = others;
	folder->next = walk->children;
}

const char *walk_next(struct walk_folder *folder, bool *enters)
{
	FTSENT *entry = folder->next;

	folder->shown = entry;
	if (!entry)
		return NULL;
	folder->next = entry->fts_link;
	*enters = is_folder(entry);
	return entry->fts_name;
}

void walk_set_place(struct walk_folder *folder, void *place)
{
	FTSENT *entry = folder->shown;

	entry->fts_pointer = place;
}

void walk_shut(struct walk_folder *folder)
{
	struct walk *walk = folder->walk;

	(void)fts_set(walk->fts, walk->entry, FTS_SKIP);
	walk->children = NULL;
	folder->next = NULL;
	folder->count = 0;
}

/* Shows a folder whose children are known. */
static int show(struct walk *walk, FTSENT *entry, FTSENT *children, int error)
{
	struct walk_folder folder = {
		.path = entry->fts_path,
		.relative = walk_relative(entry->fts_path, walk->root_length),
		.place = entry->fts_pointer,
		.error = error,
		.walk = walk,
	};

	gather(walk, children, &folder);
	return walk->visit(walk->context, &folder);
}

/*
 * What keeps a folder from being listed wholly, by the errno that fts_children left: 0 if nothing.
 *
 * Without children and without errno the folder is empty. With both, the GNU C library's fts may
 * have met the end of the folder too early: it does not tell a readdir that failed from one that is
 * done. But the errno may also be that of a child that could not be looked at, which gather tells,
 * or ENOMEM of a malloc that then found memory elsewhere; where fts has none there are no children.
 */
static int listing_error(const FTSENT *children, int error)
{
	if (children && error == ENOMEM)
		return 0;
	for (; children; children = children->fts_link)
		if (children->fts_info == FTS_NS && children->fts_errno == error)
			return 0;
	return error;
}

/* The next of an entry's siblings, itself included, that the walk would enter. */
static FTSENT *next_branch(FTSENT *entry)
{
	while (entry && (!is_folder(entry) || is_refused(entry)))
		entry = entry->fts_link;
	return entry;
}

/* How many there are from `entry` on. */
static size_t count_branches(FTSENT *entry)
{
	size_t count = 0;

	for (entry = next_branch(entry); entry; entry = next_branch(entry->fts_link))
		count++;
	return count;
}

/* What is taken at a level of the walk goes as deep as the walk would have gone. */
static void set_limits(struct walk_rest *rest, const struct walk *walk, long level)
{
	rest->root_length = walk->root_length;
	rest->depth = walk->depth < 0 ? -1 : walk->depth - level;
	rest->right_counts = walk->right_counts;
}

/* Takes siblings, of which `first` is one that the walk would enter. */
static struct walk_rest *take_siblings(const struct walk *walk, FTSENT *first)
{
	const FTSENT *above = first->fts_parent;
	struct walk_rest *rest =
		walk_rest_create(first->fts_path, above->fts_pathlen, count_branches(first));

	if (!rest)
		return NULL;
	for (FTSENT *entry = first; entry; entry = next_branch(entry->fts_link))
		if (walk_rest_add(rest, entry->fts_name, entry->fts_pointer, is_mount(entry)) !=
		    0) {
			walk_rest_destroy(rest);
			return NULL;
		}
	for (FTSENT *entry = first; entry; entry = next_branch(entry->fts_link))
		refuse(walk, entry);
	set_limits(rest, walk, first->fts_level);
	return rest;
}

struct walk_rest *walk_take_rest(struct walk_folder *folder, bool own)
{
	const struct walk *walk = folder->walk;
	FTSENT *next = own ? next_branch(walk->children) : NULL;
	struct walk_rest *rest = next ? take_siblings(walk, next) : NULL;

	for (FTSENT *at = walk->entry; !rest && at->fts_level > FTS_ROOTLEVEL;
	     at = at->fts_parent) {
		next = next_branch(at->fts_link);
		if (next)
			rest = take_siblings(walk, next);
	}
	return rest;
}

static int visit_folder(struct walk *walk, FTSENT *entry)
{
	char *end = entry->fts_path + entry->fts_pathlen;
	FTSENT *children;
	char behind;
	int error, result;

	errno = 0;
	children = fts_children(walk->fts, 0);
	error = listing_error(children, errno);
	/* fts_children leaves a child's name behind the folder's; its manual wants that put back.
	 */
	behind = *end;
	*end = '\0';
	result = show(walk, entry, children, error);
	*end = behind;
	if (result != 0)
		return -1;
	/* Nothing to go down to: fts need not look once more. */
	if (!next_branch(walk->children))
		(void)fts_set(walk->fts, entry, FTS_SKIP);
	return 0;
}

/* fts's own root cannot be looked at: it is shown as a folder that cannot be listed. */
static int visit_unlistable(struct walk *walk, const FTSENT *entry)
{
	struct walk_folder folder = {
		.path = entry->fts_path,
		.relative = walk_relative(entry->fts_path, walk->root_length),
		.place = entry->fts_pointer,
		.error = entry->fts_errno ? entry->fts_errno : ENOTDIR,
		.walk = walk,
	};

	return walk->visit(walk->context, &folder);
}

static int walk_from(struct walk *walk, const char *path, int options, void *place);

/* Another file system may count links in another way: it is walked by an fts of its own. */
static int visit_mount(struct walk *walk, FTSENT *entry)
{
	struct walk below = *walk;

	if (walk->depth >= 0)
		below.depth = walk->depth - entry->fts_level;
	(void)fts_set(walk->fts, entry, FTS_SKIP);
	return walk_from(&below, entry->fts_path, 0, entry->fts_pointer);
}

static int visit_entry(struct walk *walk, FTSENT *entry)
{
	bool top = entry->fts_level == FTS_ROOTLEVEL;

	walk->entry = entry;
	walk->children = NULL;
	switch (entry->fts_info) {
	case FTS_D:
		if (is_refused(entry))
			return 0;
		if (!top && is_mount(entry))
			return visit_mount(walk, entry);
		return visit_folder(walk, entry);
	case FTS_DNR:
	case FTS_DP:
		return 0;
	default:
		return top ? visit_unlistable(walk, entry) : 0;
	}
}

static int read_all(struct walk *walk, void *place)
{
	for (;;) {
		FTSENT *entry;

		errno = 0;
		entry = fts_read(walk->fts);
		if (!entry)
			return errno == 0 ? 0 : -1;
		if (entry->fts_level == FTS_ROOTLEVEL && entry->fts_info != FTS_DP)
			entry->fts_pointer = place;
		if (visit_entry(walk, entry) != 0)
			return -1;
	}
}

/* Walks with an fts of its own, with right_counts set. */
static int walk_with(struct walk *walk, const char *path, int options, void *place)
{
	char *copy = strdup(path);
	char *roots[] = {copy, NULL};
	int error, result = -1;

	if (!copy)
		return -1;
	if (walk->right_counts)
		options |= FTS_NOSTAT;
	walk->fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | options, NULL);
	if (walk->fts)
		result = read_all(walk, place);
	error = errno;
	if (walk->fts)
		(void)fts_close(walk->fts);
	free(copy);
	errno = error;
	return result;
}

/* The same for a file system of which nothing is known yet. */
static int walk_from(struct walk *walk, const char *path, int options, void *place)
{
	walk->right_counts = link_counts_are_right(path);
	return walk_with(walk, path, options, place);
}

int walk_tree(const char *root, long depth, void *place, walk_visitor *visit, void *context)
{
	struct walk walk = {
		.root_length = strlen(root),
		.depth = depth,
		.visit = visit,
		.context = context,
	};

	return walk_from(&walk, root, FTS_COMFOLLOW, place);
}

int walk_branch(const struct walk_rest *rest, size_t index, walk_visitor *visit, void *context)
{
	struct walk walk = {
		.root_length = rest->root_length,
		.depth = rest->depth,
		.right_counts = rest->right_counts,
		.visit = visit,
		.context = context,
	};
	const struct walk_sibling *sibling = &rest->siblings[index];
	char *path = walk_rest_path(rest, index);
	int error, result;

	if (!path)
		return -1;
	if (sibling->mount)
		result = walk_from(&walk, path, 0, sibling->place);
	else
		result = walk_with(&walk, path, 0, sibling->place);
	error = errno;
	free(path);
	errno = error;
	return result;
}

#endif
