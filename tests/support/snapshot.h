/*
 * snapshot: all that is in a tree at one moment, to be compared with another moment.
 */
#ifndef TESTS_SNAPSHOT_H
#define TESTS_SNAPSHOT_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* One file, folder, link or other thing. */
struct snapshot_entry {
	char *path;         /* as the walk from the root says it */
	struct stat status; /* of lstat */
	char *content;      /* a file's bytes, a link's target, else NULL */
	size_t size;        /* bytes in `content` */
};

struct snapshot {
	struct snapshot_entry *entries; /* sorted by path, bytewise */
	size_t count;
};

/* Which things are taken up. */
enum snapshot_filter {
	SNAPSHOT_ALL,
	SNAPSHOT_PYC, /* what ends in .pyc */
};

/* How closely two snapshots are compared. */
enum snapshot_closeness {
	SNAPSHOT_SAME, /* type, mode, owner, group, link count, content; of sources the mtime too */
	SNAPSHOT_UNTOUCHED, /* and all modification times, and the same inodes */
};

/*
 * Takes what is at and beneath `root`. Fails the test if it cannot be read. The caller frees it
 * with snapshot_free.
 */
struct snapshot *snapshot_take(const char *root, enum snapshot_filter filter);

/* NULL is legal. */
void snapshot_free(struct snapshot *snapshot);

/* The entry with this path, or NULL. */
const struct snapshot_entry *snapshot_find(const struct snapshot *snapshot, const char *path);

/* The first difference in words, which the caller frees; NULL if there is none. */
char *snapshot_difference(const struct snapshot *expected, const struct snapshot *actual,
			  enum snapshot_closeness closeness);

/* Fails the test, saying `what` was done and how the snapshots differ. */
#define SNAPSHOT_ASSERT(expected, actual, closeness, what)                                         \
	do {                                                                                       \
		char *difference_ = snapshot_difference(expected, actual, closeness);              \
		cr_assert(!difference_, "%s: %s", what, difference_ ? difference_ : "");           \
	} while (0)

#endif
