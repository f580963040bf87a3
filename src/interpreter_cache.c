/*
 * One file an executable, named after the hash of its path. All numbers are little-endian.
 *
 * bytes
 * 0-3    "pyci"
 * 4-7    version of this format
 * 8-15   device of the executable
 * 16-23  inode
 * 24-31  size
 * 32-39  mtime, seconds
 * 40-47  mtime, nanoseconds
 * 48-51  magic number
 * 52-55  enum source_hash_kind
 * 56-59  default optimization level
 * 60-63  length of the version
 * 64-67  length of the cache tag
 * 68-71  length of the path
 * 72-    the version, the cache tag, the real path
 * last 8 hash of all before
 */
#include "config.h"

#include "interpreter_cache.h"

#include "buffer.h"
#include "environment.h"
#include "file_io.h"
#include "source_hash.h"
#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMAT     1u
#define IDENTITY   48u /* bytes: what must be the same */
#define FIXED      72u /* bytes */
#define CHECKSUM   8u  /* bytes */
#define RECORD_MAX (FIXED + INTERPRETER_VERSION_SIZE + INTERPRETER_TAG_SIZE + PATH_MAX + CHECKSUM)
#define NAME_SIZE  32

static const unsigned char mark[4] = {'p', 'y', 'c', 'i'};

static void append_number(struct buffer *buffer, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buffer_append_byte(buffer, (char)(unsigned char)(value >> (8 * i)));
}

static uint64_t get_number(const char *bytes, size_t count)
{
	uint64_t value = 0;

	for (size_t i = 0; i < count; i++)
		value |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
	return value;
}

/* The hash is a checksum here, and makes names of paths: any key will do. */
static uint64_t hash(const char *bytes, size_t size)
{
	return source_hash(SOURCE_HASH_SIP13, mark, bytes, size);
}

static void append_identity(struct buffer *buffer, const struct executable *executable)
{
	const struct stat *status = &executable->status;

	buffer_append(buffer, mark, sizeof(mark));
	append_number(buffer, FORMAT, 4);
	append_number(buffer, (uint64_t)status->st_dev, 8);
	append_number(buffer, (uint64_t)status->st_ino, 8);
	append_number(buffer, (uint64_t)status->st_size, 8);
	append_number(buffer, (uint64_t)status->st_mtim.tv_sec, 8);
	append_number(buffer, (uint64_t)status->st_mtim.tv_nsec, 8);
}

static void append_record(struct buffer *buffer, const struct executable *executable,
			  const struct interpreter *interpreter)
{
	append_identity(buffer, executable);
	buffer_append(buffer, interpreter->magic, PYC_HEADER_MAGIC);
	append_number(buffer, interpreter->hash_kind, 4);
	append_number(buffer, (uint32_t)interpreter->level, 4);
	append_number(buffer, strlen(interpreter->version), 4);
	append_number(buffer, strlen(interpreter->cache_tag), 4);
	append_number(buffer, strlen(executable->path), 4);
	buffer_append_string(buffer, interpreter->version);
	buffer_append_string(buffer, interpreter->cache_tag);
	buffer_append_string(buffer, executable->path);
	if (!buffer_failed(buffer))
		append_number(buffer, hash(buffer->data, buffer->size), CHECKSUM);
}

/* Whether the record, of which the fixed part is there, is whole and of this executable. */
static bool fits(const char *record, size_t size, const struct executable *executable)
{
	size_t version = get_number(record + 60, 4), tag = get_number(record + 64, 4);
	size_t path = get_number(record + 68, 4);
	struct buffer identity = BUFFER_INIT;
	bool same;

	if (version >= INTERPRETER_VERSION_SIZE || tag >= INTERPRETER_TAG_SIZE ||
	    path != strlen(executable->path) || size != FIXED + version + tag + path + CHECKSUM ||
	    get_number(record + size - CHECKSUM, CHECKSUM) != hash(record, size - CHECKSUM) ||
	    memcmp(record + FIXED + version + tag, executable->path, path) != 0)
		return false;
	append_identity(&identity, executable);
	same = !buffer_failed(&identity) && memcmp(record, identity.data, IDENTITY) == 0;
	buffer_fini(&identity);
	return same && get_number(record + 52, 4) <= SOURCE_HASH_SIP13;
}

static void parse(const char *record, struct interpreter *interpreter)
{
	size_t version = get_number(record + 60, 4), tag = get_number(record + 64, 4);

	memset(interpreter, 0, sizeof(*interpreter));
	memcpy(interpreter->magic, record + 48, PYC_HEADER_MAGIC);
	interpreter->hash_kind = (enum source_hash_kind)get_number(record + 52, 4);
	interpreter->level = (int)(int32_t)(uint32_t)get_number(record + 56, 4);
	memcpy(interpreter->version, record + FIXED, version);
	memcpy(interpreter->cache_tag, record + FIXED + version, tag);
}

static void set_name(char name[NAME_SIZE], const struct executable *executable)
{
	(void)snprintf(name, NAME_SIZE, "%016" PRIx64 ".python",
		       hash(executable->path, strlen(executable->path)));
}

/* Opens the folder, making it with `make`. A descriptor that the caller closes, or -1 with errno.
 */
static int open_folder(bool make)
{
	char *path = environment_cache_folder();
	int descriptor = -1, error;

	if (!path)
		return -1;
	descriptor = make ? file_io_open_cache(AT_FDCWD, path, true)
			  : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	error = errno;
	free(path);
	errno = error;
	return descriptor;
}

/* Nobody but the user can have written it: not root for the user, nor the user for root. */
static bool is_own(int descriptor)
{
	struct stat status;

	return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
	       status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* Reads the record; returns its size, or 0: there is none to be believed. */
static size_t read_record(const struct executable *executable, char record[RECORD_MAX])
{
	int folder = open_folder(false), file;
	char name[NAME_SIZE];
	ssize_t size = 0;

	if (folder < 0)
		return 0;
	set_name(name, executable);
	file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	(void)close(folder);
	if (file < 0)
		return 0;
	if (is_own(file))
		size = read(file, record, RECORD_MAX);
	(void)close(file);
	return size > 0 ? (size_t)size : 0;
}

int interpreter_cache_load(const struct executable *executable, struct interpreter *interpreter)
{
	char record[RECORD_MAX];
	size_t size = read_record(executable, record);

	if (size < FIXED + CHECKSUM || !fits(record, size, executable))
		return -1;
	parse(record, interpreter);
	return 0;
}

int interpreter_cache_store(const struct executable *executable,
			    const struct interpreter *interpreter)
{
	struct buffer record = BUFFER_INIT;
	struct file_io_content content = {.mode = 0600};
	char name[NAME_SIZE];
	int folder, error, result = -1;

	append_record(&record, executable, interpreter);
	folder = buffer_failed(&record) ? -1 : open_folder(true);
	if (folder >= 0) {
		set_name(name, executable);
		content.body = record.data;
		content.body_size = record.size;
		(void)temporary_clean(folder);
		result = file_io_write(folder, name, &content);
	}
	error = errno;
	if (folder >= 0)
		(void)close(folder);
	buffer_fini(&record);
	errno = error;
	return result;
}

void interpreter_cache_forget(const struct executable *executable)
{
	int folder = open_folder(false);
	char name[NAME_SIZE];

	if (folder < 0)
		return;
	set_name(name, executable);
	/* If it stays, the next run that believes it will come here again. */
	(void)unlinkat(folder, name, 0);
	(void)close(folder);
}
