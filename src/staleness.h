/*
 * staleness: whether a .pyc still fits its source, and if not, why.
 *
 * All 16 bytes of the header are compared with what an import would demand, and there must be
 * something behind them. Where CPython's compileall looks at 12 bytes and at no hash, it takes for
 * fresh what import rejects, and for stale what import accepts.
 */
#ifndef PYCOMPILEALL_STALENESS_H
#define PYCOMPILEALL_STALENESS_H

#include "interpreter.h"
#include "pyc_header.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum staleness {
	STALENESS_FRESH,      /* import would take it */
	STALENESS_MISSING,    /* there is no such file */
	STALENESS_TRUNCATED,  /* it ends within the header, or right behind it */
	STALENESS_MAGIC,      /* another interpreter's */
	STALENESS_FLAGS,      /* no mode has these flags, or another mode was asked for */
	STALENESS_MTIME,      /* the source's modification time is another */
	STALENESS_SIZE,       /* the source's size is another */
	STALENESS_HASH,       /* the source's hash is another */
	STALENESS_UNREADABLE, /* it cannot be read, or the source for its hash cannot */
	STALENESS_FORCED,     /* nobody looked: recompiling was asked for */
	STALENESS_NEEDS_HASH, /* no verdict yet: a hash-based .pyc, judge its hash */
};

/* Bytes of a .pyc that a verdict needs: the header and one byte of what it describes. */
#define STALENESS_FRONT (PYC_HEADER_SIZE + 1)

/* What a .pyc is held against. */
struct staleness_demand {
	const struct interpreter *interpreter; /* whose byte-code it should be */
	bool any_mode;                         /* a valid .pyc of any mode will do */
	enum invalidation_mode mode;           /* else the mode it must have */
};

/*
 * Judges the first `size` bytes of a .pyc, at most STALENESS_FRONT. `header` receives them taken
 * apart (zeroes if there are too few). STALENESS_NEEDS_HASH: read the source and ask
 * staleness_judge_hash. Pure. Source: _classify_pyc and _validate_timestamp_pyc in importlib.
 */
enum staleness staleness_judge(const struct staleness_demand *demand, const void *front,
			       size_t size, const struct stat *source, struct pyc_header *header);

/* Judges the hash in a header against the source's. Pure. Source: _validate_hash_pyc. */
enum staleness staleness_judge_hash(const struct staleness_demand *demand,
				    const struct pyc_header *header, const void *source,
				    size_t size);

/*
 * Reads the front of the .pyc at `path` beneath the descriptor `folder` and judges it. May block on
 * the disk only. Errors are verdicts: missing, unreadable.
 */
enum staleness staleness_check(const struct staleness_demand *demand, int folder, const char *path,
			       const struct stat *source, struct pyc_header *header);

/* The verdict in words, as -v prints it: "source mtime". A constant string. */
const char *staleness_name(enum staleness verdict);

#endif
