/*
 * interpreter: what has to be known of a Python to tell whether its byte-code is up to date.
 */
#ifndef PYCOMPILEALL_INTERPRETER_H
#define PYCOMPILEALL_INTERPRETER_H

#include "pyc_header.h"
#include "source_hash.h"

#include <stdbool.h>
#include <sys/stat.h>

struct protocol_greeting;

#define INTERPRETER_VERSION_SIZE 24  /* bytes that hold any sys.hexversion as text, and a NUL */
#define INTERPRETER_TAG_SIZE     256 /* bytes that hold any cache tag, and a NUL */

struct interpreter {
	char version[INTERPRETER_VERSION_SIZE]; /* "3.11.2" */
	char cache_tag[INTERPRETER_TAG_SIZE];   /* sys.implementation.cache_tag */
	unsigned char magic[PYC_HEADER_MAGIC];  /* importlib.util.MAGIC_NUMBER */
	enum source_hash_kind hash_kind;        /* what _imp.source_hash computes */
	int level;                              /* sys.flags.optimize */
};

/*
 * The interpreter whose libpython the compile server embeds, as configure found it: a constant, so
 * that a run with nothing to compile starts nothing to ask. The server's greeting must agree.
 */
const struct interpreter *interpreter_embedded(void);

/*
 * The interpreter that a compile server greets as: `tag` are greeting->tag_size bytes. 0, or -1
 * with errno EPROTO: it writes .pyc files that nobody knows here, or has no cache tag that could be
 * part of a file's name.
 */
int interpreter_from_greeting(struct interpreter *interpreter,
			      const struct protocol_greeting *greeting, const char *tag);

/* Whether both make the same byte-code and look for it at the same place. */
bool interpreter_equals(const struct interpreter *one, const struct interpreter *other);

/*
 * Writes the header that the interpreter's byte-code of a source begins with, and returns its size
 * in bytes: `source` are the source's bytes, `status` is fstat's answer for the very same. An
 * interpreter without source hashes knows INVALIDATION_TIMESTAMP only. Source: the end of
 * py_compile.compile.
 */
size_t interpreter_build_header(const struct interpreter *interpreter, enum invalidation_mode mode,
				const struct stat *status, const void *source,
				unsigned char bytes[PYC_HEADER_SIZE]);

#endif
