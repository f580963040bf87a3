/*
 * interpreter_cache: what is kept is found again, by the same file only, and nothing is believed
 * that anybody else, or a crash, may have written.
 */
#include "config.h"

#include "interpreter_cache.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define CACHE "cache/" PACKAGE_NAME

static const struct interpreter kept = {
	.version = "3.14.0rc2",
	.cache_tag = "cpython-314",
	.magic = {0x2b, 0x0e, 0x0d, 0x0a},
	.hash_kind = SOURCE_HASH_SIP13,
	.level = -2,
};

static struct executable executable;
static char record_path[100];

static void set_cache_home(const char *path)
{
	char text[500];

	(void)snprintf(text, sizeof(text), "%s/%s", scratch_path(), path);
	cr_assert_eq(setenv("XDG_CACHE_HOME", text, 1), 0);
}

static void identify(void)
{
	executable_fini(&executable);
	cr_assert_eq(executable_identify(&executable, "python"), 0);
}

/* An executable of which something is kept. */
static void set_up(void)
{
	set_cache_home("cache");
	scratch_file("python", "a program\n");
	identify();
	cr_assert_eq(interpreter_cache_store(&executable, &kept), 0);
}

/* How many files are in the cache; the path of one of them goes to record_path. */
static size_t find_records(void)
{
	DIR *folder = opendir(CACHE);
	struct dirent *entry;
	size_t count = 0;

	cr_assert_not_null(folder);
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		(void)snprintf(record_path, sizeof(record_path), CACHE "/%.60s", entry->d_name);
	}
	(void)closedir(folder);
	return count;
}

static bool is_loaded(void)
{
	struct interpreter loaded;

	return interpreter_cache_load(&executable, &loaded) == 0;
}

static void assert_loaded(void)
{
	struct interpreter loaded;

	memset(&loaded, 0xff, sizeof(loaded));
	cr_assert_eq(interpreter_cache_load(&executable, &loaded), 0);
	cr_assert_str_eq(loaded.version, kept.version);
	cr_assert_str_eq(loaded.cache_tag, kept.cache_tag);
	cr_assert_arr_eq(loaded.magic, kept.magic, sizeof(kept.magic));
	cr_assert_eq(loaded.hash_kind, kept.hash_kind);
	cr_assert_eq(loaded.level, kept.level);
}

/* ---- What is kept ---- */

SCRATCH_TEST(interpreter_cache, what_was_stored_is_loaded)
{
	set_up();
	assert_loaded();
	cr_assert_eq(find_records(), 1);
	executable_fini(&executable);
}

SCRATCH_TEST(interpreter_cache, longest_texts_are_kept)
{
	struct interpreter longest = {.hash_kind = SOURCE_HASH_NONE, .level = INT32_MAX}, loaded;

	memset(longest.version, '9', sizeof(longest.version) - 1);
	memset(longest.cache_tag, 't', sizeof(longest.cache_tag) - 1);
	set_up();
	cr_assert_eq(interpreter_cache_store(&executable, &longest), 0);
	cr_assert_eq(interpreter_cache_load(&executable, &loaded), 0);
	cr_assert_str_eq(loaded.version, longest.version);
	cr_assert_str_eq(loaded.cache_tag, longest.cache_tag);
	cr_assert_eq(loaded.hash_kind, SOURCE_HASH_NONE);
	cr_assert_eq(loaded.level, INT32_MAX);
	cr_assert_eq(find_records(), 1, "it has replaced the one before");
	executable_fini(&executable);
}

SCRATCH_TEST(interpreter_cache, each_path_has_its_own)
{
	struct executable other;
	struct interpreter loaded;

	set_up();
	cr_assert_eq(link("python", "python3"), 0);
	cr_assert_eq(executable_identify(&other, "python3"), 0);
	cr_assert_eq(interpreter_cache_load(&other, &loaded), -1);
	cr_assert_eq(interpreter_cache_store(&other, &kept), 0);
	cr_assert_eq(find_records(), 2);
	executable_fini(&other);
	executable_fini(&executable);
}

SCRATCH_TEST(interpreter_cache, what_a_killed_run_left_goes_with_the_next_record)
{
	static const char path[] = CACHE "/.pycompileall-1-0.tmp";

	set_up();
	scratch_file(path, "half of a rec");
	cr_assert_eq(interpreter_cache_store(&executable, &kept), 0);
	cr_assert_eq(access(path, F_OK), -1);
	assert_loaded();
	executable_fini(&executable);
}

SCRATCH_TEST(interpreter_cache, nothing_is_kept_at_first)
{
	set_cache_home("cache");
	scratch_file("python", "a program\n");
	identify();
	cr_assert_not(is_loaded());
	cr_assert_eq(access("cache", F_OK), -1, "looking makes no folder");
	executable_fini(&executable);
}

SCRATCH_TEST(interpreter_cache, forgotten_is_gone)
{
	set_up();
	interpreter_cache_forget(&executable);
	cr_assert_not(is_loaded());
	cr_assert_eq(find_records(), 0);
	interpreter_cache_forget(&executable);
	scratch_delete("cache");
	interpreter_cache_forget(&executable);
	cr_assert_eq(access("cache", F_OK), -1);
	executable_fini(&executable);
}

/* Its folders are made, and the record is nobody else's to read or write. */
SCRATCH_TEST(interpreter_cache, record_is_the_users_alone)
{
	struct stat status;

	set_up();
	cr_assert_eq(find_records(), 1);
	cr_assert_eq(stat(record_path, &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0600);
	executable_fini(&executable);
}

/* ---- Another file ---- */

/* A change of the file, made by `change`, is a miss; it is then stored and found anew. */
static void assert_change_misses(const char *what, void (*change)(void))
{
	assert_loaded();
	change();
	identify();
	cr_assert_not(is_loaded(), "%s", what);
	cr_assert_eq(interpreter_cache_store(&executable, &kept), 0);
	assert_loaded();
}

static void change_size(void)
{
	scratch_file("python", "a programme\n");
}

static void change_seconds(void)
{
	scratch_mtime("python", SCRATCH_MTIME + 1, 0);
}

static void change_nanoseconds(void)
{
	scratch_mtime("python", SCRATCH_MTIME + 1, 4000);
}

/* All else stays. */
static void change_inode(void)
{
	size_t size;
	char *bytes = scratch_read("python", &size);

	scratch_bytes("next", bytes, size);
	free(bytes);
	scratch_mtime("next", SCRATCH_MTIME + 1, 4000);
	cr_assert_eq(rename("next", "python"), 0);
}

SCRATCH_TEST(interpreter_cache, changed_file_is_another)
{
	set_up();
	assert_change_misses("size", change_size);
	assert_change_misses("seconds", change_seconds);
	assert_change_misses("nanoseconds", change_nanoseconds);
	assert_change_misses("inode", change_inode);
	cr_assert_eq(find_records(), 1);
	executable_fini(&executable);
}

/* What no test can do to a file: another device, and a path whose record is found at this name. */
SCRATCH_TEST(interpreter_cache, device_and_path_belong_to_the_identity)
{
	char *path;

	set_up();
	path = executable.path;
	executable.status.st_dev++;
	cr_assert_not(is_loaded());
	executable.status.st_dev--;
	assert_loaded();
	cr_assert_eq(find_records(), 1);
	cr_assert_eq(rename(record_path, "record"), 0);
	executable.path = strdup(path);
	executable.path[strlen(path) - 1] ^= 1;
	cr_assert_eq(interpreter_cache_store(&executable, &kept), 0);
	assert_loaded();
	cr_assert_eq(find_records(), 1);
	cr_assert_eq(rename("record", record_path), 0);
	cr_assert_not(is_loaded());
	executable_fini(&executable);
	free(path);
}

/* The mode is no part of it: it says nothing about what the file does when it is run. */
SCRATCH_TEST(interpreter_cache, mode_does_not_belong_to_the_identity)
{
	set_up();
	scratch_mode("python", 0755);
	identify();
	assert_loaded();
	executable_fini(&executable);
}

/* ---- Records that are not believed ---- */

SCRATCH_TEST(interpreter_cache, truncated_at_any_length)
{
	size_t size;
	char *bytes;

	set_up();
	(void)find_records();
	bytes = scratch_read(record_path, &size);
	for (size_t cut = 0; cut < size; cut++) {
		scratch_bytes(record_path, bytes, cut);
		scratch_mode(record_path, 0600);
		cr_assert_not(is_loaded(), "%zu of %zu bytes", cut, size);
	}
	scratch_bytes(record_path, bytes, size);
	assert_loaded();
	free(bytes);
	executable_fini(&executable);
}

SCRATCH_TEST(interpreter_cache, one_bit_in_any_byte)
{
	size_t size;
	char *bytes;

	set_up();
	(void)find_records();
	bytes = scratch_read(record_path, &size);
	for (size_t i = 0; i < size; i++) {
		char byte = (char)(bytes[i] ^ 1 << i % 8);

		scratch_patch(record_path, (off_t)i, &byte, 1);
		cr_assert_not(is_loaded(), "byte %zu of %zu", i, size);
		byte = (char)~bytes[i];
		scratch_patch(record_path, (off_t)i, &byte, 1);
		cr_assert_not(is_loaded(), "byte %zu of %zu", i, size);
		scratch_patch(record_path, (off_t)i, &bytes[i], 1);
	}
	assert_loaded();
	free(bytes);
	executable_fini(&executable);
}

static void put_number(char *bytes, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)(unsigned char)(value >> (8 * i));
}

/* Makes the last eight bytes the checksum of the others. */
static void seal(char *bytes, size_t size)
{
	static const unsigned char key[4] = {'p', 'y', 'c', 'i'};

	put_number(bytes + size - 8, source_hash(SOURCE_HASH_SIP13, key, bytes, size - 8), 8);
}

/* A record whose checksum is right; the number of four bytes at `offset` is `value`. */
static void assert_number_is_refused(size_t offset, uint32_t value)
{
	size_t size;
	char *bytes;

	cr_assert_eq(interpreter_cache_store(&executable, &kept), 0);
	(void)find_records();
	bytes = scratch_read(record_path, &size);
	seal(bytes, size);
	scratch_bytes(record_path, bytes, size);
	assert_loaded();
	put_number(bytes + offset, value, 4);
	seal(bytes, size);
	scratch_bytes(record_path, bytes, size);
	cr_assert_not(is_loaded(), "%u at %zu", (unsigned)value, offset);
	free(bytes);
}

/* As another version of the program might write it, or somebody who knows the checksum. */
SCRATCH_TEST(interpreter_cache, numbers_are_checked_whatever_the_checksum_says)
{
	set_up();
	assert_number_is_refused(0, 0);
	assert_number_is_refused(4, 2);
	assert_number_is_refused(52, SOURCE_HASH_SIP13 + 1);
	assert_number_is_refused(52, UINT32_MAX);
	for (size_t offset = 60; offset < 72; offset += 4) {
		assert_number_is_refused(offset, 0);
		assert_number_is_refused(offset, 1000);
		assert_number_is_refused(offset, INT32_MAX);
		assert_number_is_refused(offset, UINT32_MAX);
	}
	executable_fini(&executable);
}

/* A sound record but for one text, whose length stands at `offset`, which has `length` bytes. */
static bool is_loaded_with_text(size_t offset, size_t length)
{
	size_t size, before;
	char *bytes, *more;
	bool loaded;

	cr_assert_eq(interpreter_cache_store(&executable, &kept), 0);
	(void)find_records();
	bytes = scratch_read(record_path, &size);
	before = strlen(offset == 60 ? kept.version : kept.cache_tag);
	more = malloc(size - before + length);
	memcpy(more, bytes, 72);
	put_number(more + offset, length, 4);
	/* The version comes first; what is behind the text moves. */
	offset = offset == 60 ? 72 : 72 + strlen(kept.version);
	memcpy(more + 72, bytes + 72, offset - 72);
	memset(more + offset, 'l', length);
	memcpy(more + offset + length, bytes + offset + before, size - offset - before);
	seal(more, size - before + length);
	scratch_bytes(record_path, more, size - before + length);
	loaded = is_loaded();
	free(more);
	free(bytes);
	return loaded;
}

SCRATCH_TEST(interpreter_cache, texts_that_are_too_long)
{
	set_up();
	cr_assert(is_loaded_with_text(60, INTERPRETER_VERSION_SIZE - 1));
	cr_assert_not(is_loaded_with_text(60, INTERPRETER_VERSION_SIZE));
	cr_assert(is_loaded_with_text(64, INTERPRETER_TAG_SIZE - 1));
	cr_assert_not(is_loaded_with_text(64, INTERPRETER_TAG_SIZE));
	executable_fini(&executable);
}

SCRATCH_TEST(interpreter_cache, more_than_a_record)
{
	size_t size;
	char *bytes, *more = calloc(1, 100000);

	set_up();
	(void)find_records();
	bytes = scratch_read(record_path, &size);
	memcpy(more, bytes, size);
	scratch_bytes(record_path, more, size + 1);
	cr_assert_not(is_loaded());
	scratch_bytes(record_path, more, 100000);
	cr_assert_not(is_loaded());
	free(more);
	free(bytes);
	executable_fini(&executable);
}

SCRATCH_TEST(interpreter_cache, writable_by_others)
{
	set_up();
	(void)find_records();
	scratch_mode(record_path, 0620);
	cr_assert_not(is_loaded());
	scratch_mode(record_path, 0602);
	cr_assert_not(is_loaded());
	scratch_mode(record_path, 0644);
	assert_loaded();
	executable_fini(&executable);
}

SCRATCH_TEST(interpreter_cache, another_users)
{
	if (geteuid() != 0)
		SCRATCH_SKIP("only root can give files away");
	set_up();
	(void)find_records();
	cr_assert_eq(chown(record_path, 1, 0), 0);
	cr_assert_not(is_loaded());
	cr_assert_eq(chown(record_path, 0, 0), 0);
	assert_loaded();
	executable_fini(&executable);
}

/* A link to a good record is none; what is kept next takes the link's place. */
SCRATCH_TEST(interpreter_cache, symbolic_link)
{
	struct stat status;

	set_up();
	(void)find_records();
	cr_assert_eq(rename(record_path, CACHE "/.elsewhere"), 0);
	scratch_symlink(".elsewhere", record_path);
	cr_assert_not(is_loaded());
	cr_assert_eq(interpreter_cache_store(&executable, &kept), 0);
	assert_loaded();
	cr_assert_eq(lstat(record_path, &status), 0);
	cr_assert(S_ISREG(status.st_mode));
	executable_fini(&executable);
}

/* Opening a FIFO that nobody writes to would wait for ever: the alarm ends the test. */
SCRATCH_TEST(interpreter_cache, what_is_no_file)
{
	set_up();
	(void)find_records();
	(void)alarm(20);
	scratch_delete(record_path);
	scratch_fifo(record_path);
	cr_assert_not(is_loaded());
	scratch_delete(record_path);
	scratch_folder(record_path);
	cr_assert_not(is_loaded());
	cr_assert_eq(interpreter_cache_store(&executable, &kept), -1);
	interpreter_cache_forget(&executable);
	cr_assert_eq(access(record_path, F_OK), 0);
	(void)alarm(0);
	executable_fini(&executable);
}

/* ---- Folders ---- */

SCRATCH_TEST(interpreter_cache, no_folder_to_keep_anything_in)
{
	scratch_file("python", "a program\n");
	identify();
	cr_assert_eq(unsetenv("XDG_CACHE_HOME"), 0);
	cr_assert_eq(unsetenv("HOME"), 0);
	cr_assert_eq(interpreter_cache_store(&executable, &kept), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_not(is_loaded());
	interpreter_cache_forget(&executable);
	executable_fini(&executable);
}

SCRATCH_TEST(interpreter_cache, file_in_the_folders_place)
{
	scratch_file("python", "a program\n");
	scratch_file("cache", "a file\n");
	identify();
	set_cache_home("cache");
	cr_assert_eq(interpreter_cache_store(&executable, &kept), -1);
	cr_assert_eq(errno, ENOTDIR);
	cr_assert_not(is_loaded());
	interpreter_cache_forget(&executable);
	executable_fini(&executable);
}

/* For root every folder is writable, so it becomes somebody else for a while. */
SCRATCH_TEST(interpreter_cache, folder_that_may_not_be_written)
{
	bool root = geteuid() == 0;

	set_up();
	(void)find_records();
	scratch_delete(record_path);
	scratch_mode(CACHE, 0555);
	scratch_mode(".", 0755);
	if (root)
		cr_assert_eq(seteuid(65534), 0);
	errno = 0;
	cr_assert_eq(interpreter_cache_store(&executable, &kept), -1);
	cr_assert_eq(errno, EACCES);
	if (root)
		cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(find_records(), 0, "no temporary is left");
	cr_assert_not(is_loaded());
	scratch_mode(CACHE, 0755);
	executable_fini(&executable);
}

/* What root has kept, and everybody may read, is no answer for another user. */
SCRATCH_TEST(interpreter_cache, record_of_roots_is_for_root)
{
	bool loaded;

	if (geteuid() != 0)
		SCRATCH_SKIP("only root can become another user");
	set_up();
	(void)find_records();
	scratch_mode(record_path, 0644);
	scratch_mode(".", 0755);
	cr_assert_eq(seteuid(65534), 0);
	loaded = is_loaded();
	cr_assert_eq(seteuid(0), 0);
	cr_assert_not(loaded);
	assert_loaded();
	executable_fini(&executable);
}
