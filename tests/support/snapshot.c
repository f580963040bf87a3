#include "config.h"

#include "snapshot.h"

#include "scratch.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPEN_FILES 32 /* descriptors that nftw may use at a time */

/* What add_entry works on: nftw hands nothing through. */
static struct snapshot *taking;
static enum snapshot_filter taking_filter;

static bool ends_in(const char *path, const char *suffix)
{
	size_t length = strlen(path);
	size_t tail = strlen(suffix);

	return length >= tail && strcmp(path + length - tail, suffix) == 0;
}

static char *read_target(const char *path, size_t *size)
{
	char target[PATH_MAX];

	ssize_t length = readlink(path, target, sizeof(target));
	cr_assert_geq(length, 0, "readlink %s: %s", path, strerror(errno));
	*size = (size_t)length;
	return strndup(target, (size_t)length);
}

static struct snapshot_entry *append(struct snapshot *snapshot)
{
	size_t size = (snapshot->count + 1) * sizeof(*snapshot->entries);
	struct snapshot_entry *entries = realloc(snapshot->entries, size);

	cr_assert_not_null(entries, "out of memory");
	snapshot->entries = entries;
	return memset(&entries[snapshot->count++], 0, sizeof(*entries));
}

/* A file that this user may not read is taken without content: its size still tells something. */
static int add_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)place;
	if (taking_filter == SNAPSHOT_PYC && !ends_in(path, ".pyc"))
		return 0;
	cr_assert_neq(type, FTW_NS, "cannot stat %s", path);
	struct snapshot_entry *entry = append(taking);
	entry->path = strdup(path);
	entry->status = *status;
	if (S_ISLNK(status->st_mode))
		entry->content = read_target(path, &entry->size);
	else if (S_ISREG(status->st_mode) && access(path, R_OK) == 0)
		entry->content = scratch_read(path, &entry->size);
	return 0;
}

static int compare_paths(const void *left, const void *right)
{
	const struct snapshot_entry *a = left;
	const struct snapshot_entry *b = right;

	return strcmp(a->path, b->path);
}

struct snapshot *snapshot_take(const char *root, enum snapshot_filter filter)
{
	taking = calloc(1, sizeof(*taking));
	taking_filter = filter;
	cr_assert_not_null(taking, "out of memory");
	int result = nftw(root, add_entry, OPEN_FILES, FTW_PHYS);
	cr_assert_eq(result, 0, "cannot walk %s: %s", root, strerror(errno));
	if (taking->count > 0)
		qsort(taking->entries, taking->count, sizeof(*taking->entries), compare_paths);
	return taking;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (size_t i = 0; i < snapshot->count; i++) {
		free(snapshot->entries[i].path);
		free(snapshot->entries[i].content);
	}
	free(snapshot->entries);
	free(snapshot);
}

const struct snapshot_entry *snapshot_find(const struct snapshot *snapshot, const char *path)
{
	for (size_t i = 0; i < snapshot->count; i++)
		if (strcmp(snapshot->entries[i].path, path) == 0)
			return &snapshot->entries[i];
	return NULL;
}

static char *describe(const char *path, const char *what, long long expected, long long actual)
{
	char *text = NULL;

	int length = asprintf(&text, "'%s': %s is %lld, not %lld", path, what, actual, expected);
	cr_assert_geq(length, 0, "out of memory");
	return text;
}

static char *describe_mode(const char *path, mode_t expected, mode_t actual)
{
	char *text = NULL;

	int length = asprintf(&text, "'%s': type and mode are %o, not %o", path, (unsigned)actual,
			      (unsigned)expected);
	cr_assert_geq(length, 0, "out of memory");
	return text;
}

static char *describe_presence(const char *path, const char *what)
{
	char *text = NULL;

	int length = asprintf(&text, "'%s' is %s", path, what);
	cr_assert_geq(length, 0, "out of memory");
	return text;
}

static char *content_difference(const struct snapshot_entry *expected,
				const struct snapshot_entry *actual)
{
	size_t common = expected->size < actual->size ? expected->size : actual->size;

	if (!expected->content || !actual->content)
		return NULL;
	for (size_t i = 0; i < common; i++) {
		char what[64];
		if (expected->content[i] == actual->content[i])
			continue;
		(void)snprintf(what, sizeof(what), "byte %zu", i);
		return describe(expected->path, what, (unsigned char)expected->content[i],
				(unsigned char)actual->content[i]);
	}
	return NULL;
}

static bool same_time(struct timespec left, struct timespec right)
{
	return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

/* When byte-code was written, and its folder changed, differs from run to run. */
static bool mtime_matters(const struct snapshot_entry *entry, enum snapshot_closeness closeness)
{
	return closeness == SNAPSHOT_UNTOUCHED ||
	       (S_ISREG(entry->status.st_mode) && !ends_in(entry->path, ".pyc"));
}

static char *entry_difference(const struct snapshot_entry *expected,
			      const struct snapshot_entry *actual,
			      enum snapshot_closeness closeness)
{
	const struct stat *was = &expected->status;
	const struct stat *is = &actual->status;

	if (was->st_mode != is->st_mode)
		return describe_mode(expected->path, was->st_mode, is->st_mode);
	if (was->st_uid != is->st_uid || was->st_gid != is->st_gid)
		return describe(expected->path, "owner or group",
				(long long)was->st_uid << 32 | was->st_gid,
				(long long)is->st_uid << 32 | is->st_gid);
	if (!S_ISDIR(was->st_mode) && was->st_nlink != is->st_nlink)
		return describe(expected->path, "link count", (long long)was->st_nlink,
				(long long)is->st_nlink);
	if (!S_ISDIR(was->st_mode) && was->st_size != is->st_size)
		return describe(expected->path, "size", was->st_size, is->st_size);
	if (mtime_matters(expected, closeness) && !same_time(was->st_mtim, is->st_mtim))
		return describe(expected->path, "mtime", was->st_mtim.tv_sec, is->st_mtim.tv_sec);
	if (closeness == SNAPSHOT_UNTOUCHED && was->st_ino != is->st_ino)
		return describe(expected->path, "inode", (long long)was->st_ino,
				(long long)is->st_ino);
	return content_difference(expected, actual);
}

char *snapshot_difference(const struct snapshot *expected, const struct snapshot *actual,
			  enum snapshot_closeness closeness)
{
	size_t i = 0;
	size_t j = 0;
	char *difference = NULL;

	while (!difference && (i < expected->count || j < actual->count)) {
		const struct snapshot_entry *left = &expected->entries[i];
		const struct snapshot_entry *right = &actual->entries[j];
		int order = i == expected->count ? 1
			    : j == actual->count ? -1
						 : strcmp(left->path, right->path);
		if (order < 0)
			difference = describe_presence(left->path, "missing");
		else if (order > 0)
			difference = describe_presence(right->path, "there, and should not be");
		else
			difference = entry_difference(left, right, closeness);
		i += order <= 0;
		j += order >= 0;
	}
	return difference;
}
