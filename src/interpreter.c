#include "config.h"

#include "interpreter.h"

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
