#include "config.h"

#include "interpreter.h"

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

void interpreter_build_header(const struct interpreter *interpreter, enum invalidation_mode mode,
			      const struct stat *status, const void *source,
			      unsigned char bytes[PYC_HEADER_SIZE])
{
	struct pyc_header header = {
		.flags = pyc_header_flags(mode),
		.mtime = pyc_header_mtime(status->st_mtim),
		.size = (uint32_t)status->st_size,
	};

	memcpy(header.magic, interpreter->magic, PYC_HEADER_MAGIC);
	if (header.flags & PYC_FLAG_HASH)
		header.hash = source_hash(interpreter->hash_kind, interpreter->magic, source,
					  (size_t)status->st_size);
	pyc_header_build(bytes, &header);
}
