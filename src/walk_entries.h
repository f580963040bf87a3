/*
 * walk_entries: what the two ways to walk, walk_fts and walk_nftw, have in common. Theirs alone.
 */
#ifndef PYCOMPILEALL_WALK_ENTRIES_H
#define PYCOMPILEALL_WALK_ENTRIES_H

#include "walk.h"

/* Room for `count` folders in the folder whose path is the first `length` bytes of `path`. NULL
 * with errno ENOMEM. */
struct walk_rest *walk_rest_create(const char *path, size_t length, size_t count);

/* Adds one; the name is copied. 0, or -1 with errno ENOMEM. */
int walk_rest_add(struct walk_rest *rest, const char *name, void *place, bool mount);

/* The path of folder number `index`, the caller's to free. NULL with errno ENOMEM. */
char *walk_rest_path(const struct walk_rest *rest, size_t index);

/* Whether no walk enters a folder of that name. */
bool walk_is_skipped(const char *name);

/* The part of a path that lies beneath its first `root_length` bytes, without leading slashes. */
const char *walk_relative(const char *path, size_t root_length);

#endif
