/*
 * scratch: a temporary tree for one test.
 *
 * The test's current folder is the tree's root, so that every path here and in the tests is
 * relative to it; a test has a process of its own, so nobody else is moved. Whatever fails here
 * fails the test.
 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <criterion/criterion.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

/* The modification time that files get unless a test sets another: seconds since 1970. */
#define SCRATCH_MTIME 1600000000

/*
 * Test() in a scratch tree: removed when the body has been run to its end, kept and named on
 * standard error when an assertion has left it. The body uses cr_assert, not cr_expect.
 */
#define SCRATCH_TEST(suite, name)                                                                  \
	static void suite##_##name##_body(void);                                                   \
	Test(suite, name, .fini = scratch_tell_kept)                                               \
	{                                                                                          \
		scratch_create();                                                                  \
		suite##_##name##_body();                                                           \
		scratch_remove();                                                                  \
	}                                                                                          \
	static void suite##_##name##_body(void)

/* Makes an empty tree under $TMPDIR and enters it; sets the umask to 022. */
void scratch_create(void);

/* Leaves the tree and removes it. */
void scratch_remove(void);

/* Removes the tree and skips the test; the arguments are those of printf. */
#define SCRATCH_SKIP(...)                                                                          \
	do {                                                                                       \
		scratch_remove();                                                                  \
		cr_skip_test(__VA_ARGS__);                                                         \
	} while (0)

/* Names the tree on standard error if scratch_remove was not reached. */
void scratch_tell_kept(void);

/* Removes all that is in the tree. */
void scratch_clear(void);

/* The tree's absolute path, without a trailing slash. */
const char *scratch_path(void);

/* Removes one file, or a folder with all that is in it. What does not exist is no failure. */
void scratch_delete(const char *path);

/* A folder with all above it, mode 0755; one that exists is left as it is. */
void scratch_folder(const char *path);

/*
 * A file with mode 0644 and SCRATCH_MTIME, written in place if it exists; the folders above it are
 * made. `size` is in bytes.
 */
void scratch_bytes(const char *path, const void *bytes, size_t size);
void scratch_file(const char *path, const char *text);

/* A symbolic link, a FIFO; the folders above it are made. */
void scratch_symlink(const char *target, const char *path);
void scratch_fifo(const char *path);

void scratch_mode(const char *path, mode_t mode);

/*
 * Sets the modification time, and skips the test where the file system cannot keep its seconds.
 */
void scratch_mtime(const char *path, time_t seconds, long nanoseconds);

/* The file's content and its size in bytes; the caller frees it. A NUL byte follows the content. */
char *scratch_read(const char *path, size_t *size);

/* Writes `size` bytes over a file's content from `offset` on; its modification time stays. */
void scratch_patch(const char *path, off_t offset, const void *bytes, size_t size);

/* Cuts a file to `size` bytes; its modification time stays. */
void scratch_truncate(const char *path, off_t size);

/*
 * Copies the folders, the symbolic links, and the files ending in .py beneath `from` to `to`, with
 * modes and modification times; no __pycache__.
 */
void scratch_copy_sources(const char *from, const char *to);

/*
 * Moves every __pycache__ beneath the folder `from` to the same place beneath `to`, which is made
 * anew.
 */
void scratch_move_caches(const char *from, const char *to);

#endif
