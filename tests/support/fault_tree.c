#include "config.h"

#include "fault_tree.h"

#include "scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 30 /* that a run may take: it hangs */

/* What a source is when a run begins. */
enum state {
	FRESH,
	STALE,
	MISSING
};

static const struct {
	const char *path;
	enum state state;
} sources[] = {
	{"t/a_stale.py", STALE},          {"t/b_fresh.py", FRESH},     {"t/c_new.py", MISSING},
	{"t/sub/deep/d_new.py", MISSING}, {"t/sub/e_stale.py", STALE}, {"t/sub/f_fresh.py", FRESH},
};

#define SOURCES (sizeof(sources) / sizeof(*sources))

static void write_source(size_t index, int version)
{
	bool plain = index % 2 == 0;
	char text[200];

	/* A plain one is the same at all levels, so that its byte-code is linked. */
	(void)snprintf(text, sizeof(text), "%s\n\ndef f(x):\n    %s\n    return [x, %zu, %d]\n",
		       plain ? "# Plain." : "\"\"\"Module.\"\"\"", plain ? "x += 1" : "assert x",
		       index, version);
	scratch_file(sources[index].path, text);
	scratch_mtime(sources[index].path, SCRATCH_MTIME + version, 0);
}

struct run_request fault_tree_request(const struct fault_way *way)
{
	static const char *environment[2];

	environment[0] = way->environment;
	return (struct run_request){
		.arguments = way->arguments, .environment = environment, .seconds = SECONDS};
}

void fault_tree_run(const struct fault_way *way)
{
	struct run_result result;

	run_ours(&result, fault_tree_request(way));
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
}

/* Removes the byte-code of sources that are to have none, and a folder that would have no other. */
static void remove_missing(const struct snapshot *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		const char *path = tree->entries[i].path, *deep = strstr(path, "/deep/");

		if (strstr(path, "_new.") && strstr(path, ".pyc"))
			scratch_delete(path);
		if (strstr(path, "/t/sub/deep") || (deep && strcmp(deep, "/deep/__pycache__") == 0))
			scratch_delete(path);
	}
}

static void write_list(void)
{
	scratch_file("list", "t/a_stale.py\nt/b_fresh.py\nt/c_new.py\nt/sub/deep/d_new.py\n"
			     "t/sub/e_stale.py\nt/sub/f_fresh.py\n");
}

void fault_tree_build(struct fault_trees *trees, const struct fault_way *way)
{
	struct snapshot *all;

	write_list();
	for (size_t i = 0; i < SOURCES; i++)
		write_source(i, sources[i].state == FRESH ? 0 : 1);
	fault_tree_run(way);
	for (size_t i = 0; i < SOURCES; i++)
		write_source(i, 0);
	all = snapshot_take("t", SNAPSHOT_ALL);
	remove_missing(all);
	snapshot_free(all);
	trees->before = snapshot_take("t", SNAPSHOT_ALL);
	fault_tree_run(way);
	trees->after = snapshot_take("t", SNAPSHOT_ALL);
}

void fault_tree_free(struct fault_trees *trees)
{
	snapshot_free(trees->before);
	snapshot_free(trees->after);
}

void fault_tree_put(const struct snapshot *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct snapshot_entry *entry = &tree->entries[i];

		if (S_ISDIR(entry->status.st_mode)) {
			scratch_folder(entry->path);
			continue;
		}
		scratch_bytes(entry->path, entry->content, entry->size);
		scratch_mode(entry->path, entry->status.st_mode & 07777);
	}
}

void fault_tree_restore(const struct snapshot *tree)
{
	scratch_delete("t");
	fault_tree_put(tree);
}

static bool is_same(const struct snapshot_entry *entry, const struct snapshot_entry *other)
{
	if (!other || entry->status.st_mode != other->status.st_mode)
		return false;
	if (S_ISDIR(entry->status.st_mode))
		return true;
	return entry->size == other->size &&
	       memcmp(entry->content, other->content, entry->size) == 0;
}

/* What leads the next run to what a dead one has left. */
static bool is_marker(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && strcmp(slash, "/.pycompileall.writing") == 0;
}

bool fault_tree_is_temporary(const char *path)
{
	size_t length = strlen(path);

	return length > 4 && strcmp(path + length - 4, ".tmp") == 0;
}

static bool may_be_left(const char *path, enum fault_left left)
{
	return (left >= FAULT_LEFT_MARKERS && is_marker(path)) ||
	       (left >= FAULT_LEFT_TEMPORARIES && fault_tree_is_temporary(path));
}

void fault_tree_assert_snapshot(const struct snapshot *tree, const struct fault_trees *trees,
				enum fault_left left, const char *what)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct snapshot_entry *entry = &tree->entries[i];

		if (may_be_left(entry->path, left))
			continue;
		cr_assert(is_same(entry, snapshot_find(trees->before, entry->path)) ||
				  is_same(entry, snapshot_find(trees->after, entry->path)),
			  "%s: '%s' is neither what it was nor what it should be", what,
			  entry->path);
	}
	for (size_t i = 0; i < trees->before->count; i++)
		cr_assert_not_null(snapshot_find(tree, trees->before->entries[i].path),
				   "%s: '%s' is gone", what, trees->before->entries[i].path);
}

void fault_tree_assert_whole(const struct fault_trees *trees, enum fault_left left,
			     const char *what)
{
	struct snapshot *tree = snapshot_take("t", SNAPSHOT_ALL);

	fault_tree_assert_snapshot(tree, trees, left, what);
	snapshot_free(tree);
}

void fault_tree_assert_complete(const struct fault_trees *trees, const char *what)
{
	struct snapshot *tree = snapshot_take("t", SNAPSHOT_ALL);

	for (size_t i = 0; i < trees->after->count; i++) {
		const struct snapshot_entry *entry = &trees->after->entries[i];

		cr_assert(is_same(entry, snapshot_find(tree, entry->path)),
			  "%s: '%s' is not what it should be", what, entry->path);
	}
	snapshot_free(tree);
}

void fault_tree_mend(const struct fault_way *way, const struct fault_trees *trees, const char *what)
{
	fault_tree_run(way);
	fault_tree_assert_complete(trees, what);
	fault_tree_assert_whole(trees, FAULT_LEFT_NOTHING, what);
}

size_t fault_tree_temporaries(const char *what)
{
	struct snapshot *tree = snapshot_take("t", SNAPSHOT_ALL);
	size_t count = 0;

	for (size_t i = 0; i < tree->count; i++) {
		const char *path = tree->entries[i].path;
		char *marker;

		if (!fault_tree_is_temporary(path))
			continue;
		cr_assert_geq(asprintf(&marker, "%.*s/.pycompileall.writing",
				       (int)(strrchr(path, '/') - path), path),
			      0);
		cr_assert_not_null(snapshot_find(tree, marker), "%s: no marker beside '%s'", what,
				   path);
		free(marker);
		count++;
	}
	snapshot_free(tree);
	return count;
}
