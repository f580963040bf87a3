#include "config.h"

#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_FILES 32 /* descriptors that nftw may use at a time */

/* The one tree of this process; empty while there is none. */
static char root[PATH_MAX];

static void require(bool done, const char *what, const char *path)
{
	cr_assert(done, "%s %s: %s", what, path, strerror(errno));
}

/* A test without its tree is told by its name which tree is its own. */
void scratch_create(void)
{
	const char *parent = getenv("TMPDIR");
	char canonical[PATH_MAX];

	int length = snprintf(root, sizeof(root), "%s/pycompileall-%s-XXXXXX",
			      parent && *parent ? parent : "/tmp", criterion_current_test->name);
	cr_assert_lt(length, (int)sizeof(root), "TMPDIR is too long");
	require(mkdtemp(root), "mkdtemp", root);
	require(chmod(root, 0755) == 0, "chmod", root);
	require(realpath(root, canonical), "realpath", root);
	strcpy(root, canonical);
	require(chdir(root) == 0, "chdir", root);
	(void)umask(022);
}

void scratch_remove(void)
{
	require(chdir("/") == 0, "chdir", "/");
	scratch_delete(root);
	root[0] = '\0';
}

void scratch_tell_kept(void)
{
	if (root[0])
		(void)fprintf(stderr, "kept: %s\n", root);
}

const char *scratch_path(void)
{
	return root;
}

static int unlock_folder(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)place;
	if (type == FTW_DNR || (type == FTW_D && (status->st_mode & 0700) != 0700))
		(void)chmod(path, 0700);
	return 0;
}

static int delete_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	return place->level == 0 && strcmp(path, ".") == 0 ? 0 : remove(path);
}

/* A folder that may not be listed hides others: each round unlocks one level more. */
static int unlock_tree(const char *path)
{
	int result = 0;

	for (int round = 0; round < 3 && result == 0; round++)
		result = nftw(path, unlock_folder, OPEN_FILES, FTW_PHYS);
	return result;
}

void scratch_delete(const char *path)
{
	struct stat status;

	if (lstat(path, &status) != 0) {
		require(errno == ENOENT, "lstat", path);
		return;
	}
	require(unlock_tree(path) == 0, "unlock", path);
	require(nftw(path, delete_entry, OPEN_FILES, FTW_PHYS | FTW_DEPTH) == 0, "remove", path);
}

void scratch_clear(void)
{
	scratch_delete(".");
}

void scratch_folder(const char *path)
{
	char *copy = strdup(path);

	require(copy, "strdup", path);
	for (char *slash = copy; slash; *slash = '/') {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		require(mkdir(copy, 0755) == 0 || errno == EEXIST, "mkdir", copy);
		if (!slash)
			break;
	}
	free(copy);
}

static void make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return;
	char *parent = strndup(path, (size_t)(slash - path));
	require(parent, "strndup", path);
	if (access(parent, F_OK) != 0)
		scratch_folder(parent);
	free(parent);
}

static void write_all(int file, const void *bytes, size_t size, const char *path)
{
	const char *rest = bytes;

	while (size > 0) {
		ssize_t written = write(file, rest, size);
		require(written > 0, "write", path);
		rest += written;
		size -= (size_t)written;
	}
}

void scratch_bytes(const char *path, const void *bytes, size_t size)
{
	make_parent(path);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	require(file >= 0, "open", path);
	write_all(file, bytes, size, path);
	require(close(file) == 0, "close", path);
	scratch_mtime(path, SCRATCH_MTIME, 0);
}

void scratch_file(const char *path, const char *text)
{
	scratch_bytes(path, text, strlen(text));
}

void scratch_symlink(const char *target, const char *path)
{
	make_parent(path);
	require(symlink(target, path) == 0, "symlink", path);
}

void scratch_fifo(const char *path)
{
	make_parent(path);
	require(mkfifo(path, 0644) == 0, "mkfifo", path);
}

void scratch_mode(const char *path, mode_t mode)
{
	require(chmod(path, mode) == 0, "chmod", path);
}

void scratch_mtime(const char *path, time_t seconds, long nanoseconds)
{
	struct timespec times[2] = {{0, UTIME_OMIT}, {seconds, nanoseconds}};
	struct stat status;

	require(utimensat(AT_FDCWD, path, times, 0) == 0, "utimensat", path);
	require(stat(path, &status) == 0, "stat", path);
	if (status.st_mtim.tv_sec != seconds || status.st_mtim.tv_nsec != nanoseconds)
		SCRATCH_SKIP("the file system cannot keep the time %lld.%09ld", (long long)seconds,
			     nanoseconds);
}

static char *read_all(int file, size_t size, const char *path)
{
	char *content = malloc(size + 1);
	size_t have = 0;

	require(content, "malloc", path);
	while (have < size) {
		ssize_t more = read(file, content + have, size - have);
		require(more > 0, "read", path);
		have += (size_t)more;
	}
	content[size] = '\0';
	return content;
}

char *scratch_read(const char *path, size_t *size)
{
	struct stat status;

	int file = open(path, O_RDONLY | O_CLOEXEC);
	require(file >= 0, "open", path);
	require(fstat(file, &status) == 0, "fstat", path);
	char *content = read_all(file, (size_t)status.st_size, path);
	(void)close(file);
	*size = (size_t)status.st_size;
	return content;
}

static void restore_mtime(const char *path, const struct stat *before)
{
	struct timespec times[2] = {{0, UTIME_OMIT}, before->st_mtim};

	require(utimensat(AT_FDCWD, path, times, 0) == 0, "utimensat", path);
}

void scratch_patch(const char *path, off_t offset, const void *bytes, size_t size)
{
	struct stat before;

	int file = open(path, O_WRONLY | O_CLOEXEC);
	require(file >= 0 && fstat(file, &before) == 0, "open", path);
	require(pwrite(file, bytes, size, offset) == (ssize_t)size, "pwrite", path);
	require(close(file) == 0, "close", path);
	restore_mtime(path, &before);
}

void scratch_truncate(const char *path, off_t size)
{
	struct stat before;

	require(stat(path, &before) == 0, "stat", path);
	require(truncate(path, size) == 0, "truncate", path);
	restore_mtime(path, &before);
}

/* What copy_entry and move_cache work on: nftw hands nothing through. */
static const char *copy_from;
static const char *copy_to;

static bool is_source(const char *name)
{
	size_t length = strlen(name);

	return length >= 3 && strcmp(name + length - 3, ".py") == 0;
}

static int copy_file(const char *from, const char *to, const struct stat *status)
{
	size_t size;
	char *content = scratch_read(from, &size);

	scratch_bytes(to, content, size);
	free(content);
	scratch_mode(to, status->st_mode & 07777);
	restore_mtime(to, status);
	return 0;
}

static int copy_symlink(const char *from, const char *to)
{
	char target[PATH_MAX];

	ssize_t length = readlink(from, target, sizeof(target) - 1);
	require(length >= 0, "readlink", from);
	target[length] = '\0';
	scratch_symlink(target, to);
	return 0;
}

static int copy_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	char to[PATH_MAX];

	if (strstr(path, "/__pycache__"))
		return 0;
	(void)snprintf(to, sizeof(to), "%s%s", copy_to, path + strlen(copy_from));
	if (type == FTW_D)
		scratch_folder(to);
	else if (type == FTW_SL || type == FTW_SLN)
		return copy_symlink(path, to);
	else if (type == FTW_F && is_source(path + place->base))
		return copy_file(path, to, status);
	return 0;
}

void scratch_copy_sources(const char *from, const char *to)
{
	copy_from = from;
	copy_to = to;
	require(nftw(from, copy_entry, OPEN_FILES, FTW_PHYS) == 0, "copy", from);
}

/* Called when all that is in it has been seen. */
static int move_cache(const char *path, const struct stat *status, int type, struct FTW *place)
{
	char to[PATH_MAX];

	(void)status;
	if (type != FTW_DP || strcmp(path + place->base, "__pycache__") != 0)
		return 0;
	(void)snprintf(to, sizeof(to), "%s%s", copy_to, path + strlen(copy_from));
	make_parent(to);
	require(rename(path, to) == 0, "rename", path);
	return 0;
}

void scratch_move_caches(const char *from, const char *to)
{
	scratch_delete(to);
	copy_from = from;
	copy_to = to;
	require(nftw(from, move_cache, OPEN_FILES, FTW_PHYS | FTW_DEPTH) == 0, "move", from);
}
