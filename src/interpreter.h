/*
 * interpreter: what has to be known of a Python to tell whether its byte-code is up to date.
 */
#ifndef PYCOMPILEALL_INTERPRETER_H
#define PYCOMPILEALL_INTERPRETER_H

#include "pyc_header.h"
#include "source_hash.h"

#include <sys/stat.h>

struct interpreter {
	const char *version;                   /* "3.11.2" */
	const char *cache_tag;                 /* sys.implementation.cache_tag */
	unsigned char magic[PYC_HEADER_MAGIC]; /* importlib.util.MAGIC_NUMBER */
	enum source_hash_kind hash_kind;       /* what _imp.source_hash computes */
};

/*
 * The interpreter whose libpython the compile server embeds, as configure found it: a constant, so
 * that a run with nothing to compile starts nothing to ask. The server's greeting must agree.
 */
const struct interpreter *interpreter_embedded(void);

/*
 * Writes the header that the interpreter's byte-code of a source begins with: `source` are its
 * bytes, `status` is fstat's answer for the very same. Source: the end of py_compile.compile.
 */
void interpreter_build_header(const struct interpreter *interpreter, enum invalidation_mode mode,
			      const struct stat *status, const void *source,
			      unsigned char bytes[PYC_HEADER_SIZE]);

#endif
