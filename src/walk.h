/*
 * walk: visits the folders below an operand in the order of the output.
 *
 * Physical: a symbolic link below the operand is never entered. Each folder is visited once, before
 * anything in it, with all its entries that matter in sorted order; then those of its subfolders
 * that were not refused, depth first. `__pycache__` is left out, hidden folders are not.
 *
 * What a walk has not come to yet can be taken out of it, to be walked by others at the same time:
 * walk_take_rest and walk_branch.
 *
 * Built on fts(3); where a libc has none, on nftw(3), which must hold the whole listing in memory
 * to sort it, and of which nothing can be taken. Source of the order: os.listdir and names.sort()
 * in compileall._walk_dir.
 */
#ifndef PYCOMPILEALL_WALK_H
#define PYCOMPILEALL_WALK_H

#include <stdbool.h>
#include <stddef.h>

struct walk;

/* One folder. All of it belongs to the walk and lasts until the visitor returns. */
struct walk_folder {
	const char *path;     /* as it is printed: the operand, and below it names and slashes */
	const char *relative; /* the same beneath the operand; "" for the operand itself */
	void *place;          /* what the visitor of the folder above gave it */
	int error;            /* 0, or errno: it cannot be listed, or not wholly */
	size_t count;         /* entries that matter, which walk_next shows */
	struct walk *walk;    /* the walk that shows it */
	void *next;           /* the walk's: the entry to be shown next */
	void *shown;          /* the walk's: the entry shown last */
};

/* A folder that was taken out of a walk. */
struct walk_sibling {
	char *name;
	bool mount;  /* the walk's: it is of another file system than the one above it */
	void *place; /* that it was given */
};

/* Sibling folders that were taken out of a walk. */
struct walk_rest {
	char *path;                    /* of the folder they lie in, as it is printed */
	size_t root_length;            /* bytes of it that stand for the operand */
	long depth;                    /* levels below each of them to visit; negative: all */
	bool right_counts;             /* the walk's: what it knows of their file system */
	struct walk_sibling *siblings; /* in order */
	size_t count;
};

/* Is shown each folder. Returns 0 to go on, or -1: the walk ends at once. */
typedef int walk_visitor(void *context, struct walk_folder *folder);

/*
 * Walks the folder `root`, links in the operand itself followed. `depth` is the number of levels
 * below it to visit, or negative: all. `place` is the operand's own. A folder that cannot be listed
 * is visited all the same, with its error. Returns 0, or -1: the visitor ended it (errno is the
 * visitor's), or errno ENOMEM. Not safe between threads where only nftw exists.
 */
int walk_tree(const char *root, long depth, void *place, walk_visitor *visit, void *context);

/*
 * Shows the next of a folder's entries that matter, which are sorted by text_compare: its name, and
 * whether it is a folder, which is visited later, or a source: a name that ends in ".py" and is no
 * folder. For the visitor. NULL: there is none left.
 */
const char *walk_next(struct walk_folder *folder, bool *is_folder);

/* Gives the entry that walk_next has shown, a folder, its place: it comes back in walk_folder.place
 * when that is visited. */
void walk_set_place(struct walk_folder *folder, void *place);

/* Makes a folder as good as empty: nothing in it is shown from now on, and nothing entered. For the
 * visitor, before it takes anything. */
void walk_shut(struct walk_folder *folder);

/*
 * Takes the nearest folders out of the walk that shows `folder` and that it has not come to, which
 * are then the caller's to walk: those in this folder, if `own` says so; else its later siblings,
 * or those of the nearest folder above that has some. To be called by the visitor, when it has
 * given all entries their places. NULL: there is none, or no memory; the walk is as it was.
 */
struct walk_rest *walk_take_rest(struct walk_folder *folder, bool own);

/* Writes the path of folder number `index` as it is printed, and a NUL: `size` bytes at most.
 * Returns how long the whole path is, as snprintf does. */
size_t walk_rest_print(const struct walk_rest *rest, size_t index, char *path, size_t size);

/* Frees. NULL is legal. */
void walk_rest_destroy(struct walk_rest *rest);

/*
 * Walks folder number `index` of what was taken, as the walk it was taken from would have. Safe
 * between threads. Returns as walk_tree does.
 */
int walk_branch(const struct walk_rest *rest, size_t index, walk_visitor *visit, void *context);

/* Whether a name is one of a source: it ends in ".py". */
bool walk_is_source(const char *name);

#endif
