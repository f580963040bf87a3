/*
 * source: a source on its way: its names, its bytes once they were read, and what it needs.
 *
 * It belongs to one worker until it is made part of a group (see group.h), and then to all who work
 * on that: only what stands in its struct source_target is then written to, by the one who has the
 * part of that target.
 */
#ifndef PYCOMPILEALL_SOURCE_H
#define PYCOMPILEALL_SOURCE_H

#include "batch.h"
#include "buffer.h"
#include "report.h"
#include "staleness.h"
#include "target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* What one target makes of it. */
struct source_target {
	enum staleness verdicts[TARGET_LEVELS_MAX];
	bool stale;                /* any of them is not fresh */
	bool failed;               /* compiling was tried in vain */
	struct report_lines lines; /* what there is to say of this target */
};

struct source {
	struct batch *batch; /* what it is part of */
	struct report_slot *slot;
	int folder;           /* its open folder, the batch's */
	const char *name;     /* its name there, the batch's */
	struct buffer path;   /* its path as it is printed */
	struct buffer coname; /* its name in byte-code and in the compiler's messages */
	struct stat status;   /* of its bytes once they are loaded, before that of the file */
	struct buffer bytes;
	bool loaded;               /* `bytes` and `status` are of one version */
	struct report_lines lines; /* what there is to say before any target */

	uint32_t stale; /* a bit for each target it is stale for */
	size_t targets; /* how many there are in all */
	struct source_target results[];
};

/* An empty one for so many targets, to be set again and again. NULL with errno ENOMEM. */
struct source *source_create(size_t targets);

/* Frees. NULL is legal. */
void source_destroy(struct source *source);

/* Makes it source number `index` of the batch, of which nothing is known yet. 0, or -1 with errno
 * as of batch_folder: its folder is not to be reached. */
int source_set(struct source *source, struct batch *batch, size_t index);

/* Settles the name for byte-code and messages, once `coname` has it. 0, or -1 with errno ENOMEM: a
 * name was lost, and must not get into byte-code. */
int source_settle(struct source *source);

/* The path as it is printed, and the name; safe between threads. */
const char *source_path(const struct source *source);
const char *source_coname(const struct source *source);

/* Reads the bytes, once. 0, or -1 with errno as of file_io_read_source. May block on the disk. */
int source_load(struct source *source);

/* REPORT_COMPILED, or REPORT_FAILED if it failed for any of the targets. */
enum report_count source_outcome(const struct source *source);

/*
 * Hands all lines, those of the targets in their order, to the report and counts the source as
 * `what`, or not at all if that is negative.
 */
void source_report(struct source *source, struct report *report, int what);

#endif
