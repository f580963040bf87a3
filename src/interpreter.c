#include "config.h"

#include "interpreter.h"

#include "protocol.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct interpreter *interpreter_embedded(void)
{
	static const struct interpreter embedded = {
		.version = PYTHON_VERSION_STRING,
		.cache_tag = PYTHON_CACHE_TAG,
		.magic = {PYTHON_MAGIC_BYTES},
		.hash_kind = PYTHON_HASH_KIND,
	};

	return &embedded;
}

/* sys.hexversion in words: "3.11.2", "3.14.0b3". */
static void set_version(char text[INTERPRETER_VERSION_SIZE], uint32_t hexversion)
{
	unsigned release = hexversion >> 4 & 0xf;
	int size = snprintf(text, INTERPRETER_VERSION_SIZE, "%u.%u.%u", hexversion >> 24,
			    hexversion >> 16 & 0xff, hexversion >> 8 & 0xff);

	if (size > 0 && release != 0xf)
		(void)snprintf(text + size, INTERPRETER_VERSION_SIZE - (size_t)size, "%s%u",
			       release == 0xa   ? "a"
			       : release == 0xb ? "b"
						: "rc",
			       hexversion & 0xf);
}

/* The tag becomes part of a file's name: nothing in it may lead elsewhere. */
static bool is_name(const char *tag, size_t size)
{
	return size > 0 && !memchr(tag, '/', size) && !memchr(tag, '\0', size) && tag[0] != '.';
}

int interpreter_from_greeting(struct interpreter *interpreter,
			      const struct protocol_greeting *greeting, const char *tag)
{
	if (greeting->tag_size >= INTERPRETER_TAG_SIZE || !is_name(tag, greeting->tag_size)) {
		errno = EPROTO;
		return -1;
	}
	memset(interpreter, 0, sizeof(*interpreter));
	memcpy(interpreter->cache_tag, tag, greeting->tag_size);
	memcpy(interpreter->magic, greeting->magic, PYC_HEADER_MAGIC);
	interpreter->level = greeting->level;
	set_version(interpreter->version, greeting->python);
	return source_hash_recognize(&interpreter->hash_kind, greeting->magic, greeting->hash);
}

bool interpreter_equals(const struct interpreter *one, const struct interpreter *other)
{
	return memcmp(one->magic, other->magic, PYC_HEADER_MAGIC) == 0 &&
	       strcmp(one->cache_tag, other->cache_tag) == 0 && one->hash_kind == other->hash_kind;
}

size_t interpreter_build_header(const struct interpreter *interpreter, enum invalidation_mode mode,
				const struct stat *status, const void *source,
				unsigned char bytes[PYC_HEADER_SIZE])
{
	struct pyc_header header = {
		.flags = pyc_header_flags(mode),
		.mtime = pyc_header_mtime(status->st_mtim),
		.size = (uint32_t)status->st_size,
	};

	memcpy(header.magic, interpreter->magic, PYC_HEADER_MAGIC);
	if (interpreter->hash_kind == SOURCE_HASH_NONE) {
		pyc_header_build_old(bytes, &header);
		return PYC_HEADER_OLD;
	}
	if (header.flags & PYC_FLAG_HASH)
		header.hash = source_hash(interpreter->hash_kind, interpreter->magic, source,
					  (size_t)status->st_size);
	pyc_header_build(bytes, &header);
	return PYC_HEADER_SIZE;
}
