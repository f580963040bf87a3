/*
 * batch: sources of one folder, on their way through the queue.
 *
 * A batch is a job of the queue and each of its sources is a part. The folder is closed with the
 * batch; unless it was open already, the first worker that takes a part opens it.
 */
#ifndef PYCOMPILEALL_BATCH_H
#define PYCOMPILEALL_BATCH_H

#include "folder.h"
#include "queue.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct report;
struct report_slot;

/* Sources in one batch: enough to make the hand-over cheap, few enough to bound what waits. */
#define BATCH_MAX 64

struct batch_source {
	struct report_slot *slot; /* where its lines go */
	size_t name;              /* offset of its name in the batch's bytes */
};

struct batch {
	struct queue_job job;  /* first: the queue knows only this */
	struct report *report; /* borrowed */
	struct folder *root;   /* held */
	atomic_bool tidied;    /* somebody has taken it upon himself to tidy up behind dead runs */
	atomic_int descriptor; /* the folder once it is open, else -1 */
	size_t relative;       /* offset of the folder's path beneath `root`; "": itself */
	size_t prefix;         /* offset of what stands before a name in messages: "q/" or "" */
	size_t operand;        /* offset of the operand it was found in; "": it was named itself */
	uint32_t targets;      /* a bit for each target that the sources are compiled for */
	size_t count;          /* sources */
	char *bytes;           /* all the strings, each with its NUL */
	size_t size, capacity; /* bytes used, bytes allocated */
	struct batch_source sources[BATCH_MAX];
};

/*
 * An empty batch for all targets. `root` is held until the end; `relative` is the folder's path
 * beneath it; `prefix` is what precedes a name when the path is printed, slash included; `operand`
 * is the folder that the user named, or "" for files that were named themselves. Strings are
 * copied. NULL with errno ENOMEM.
 */
struct batch *batch_create(struct report *report, struct folder *root, const char *relative,
			   const char *prefix, const char *operand);

/* Frees a batch that was not handed to the queue. NULL is legal. */
void batch_destroy(struct batch *batch);

/* Adds a source; 0, or -1 with errno ENOMEM. Not more than BATCH_MAX. */
int batch_add(struct batch *batch, const char *name, struct report_slot *slot);

/* Gives the batch its folder, open for the ...at calls: the batch's to close from now on. To be
 * called before the push; a batch that has none opens it when it is needed. */
void batch_set_folder(struct batch *batch, int descriptor);

/* Hands a batch that is not empty to the queue, which frees it when it is done. May block.
 * Cancelled or closed: the batch is dropped, and -1 with errno EPIPE. */
int batch_push(struct batch *batch, struct queue *queue);

/* The same for a consumer at another job: never blocks, whatever waits already. */
int batch_add_to(struct batch *batch, struct queue *queue);

/* The batch a job is. */
struct batch *batch_of(struct queue_job *job);

/* Whether the caller is to tidy up behind dead runs where the batch's byte-code goes: true once,
 * for whoever asks first. */
bool batch_to_tidy(struct batch *batch);

/* The name, in its folder, of source number `index`. */
const char *batch_name(const struct batch *batch, size_t index);

/* The folder that the user named, as an operand; NULL: the sources were named themselves. */
const char *batch_operand(const struct batch *batch);

/* What precedes the names in messages. */
const char *batch_prefix(const struct batch *batch);

/*
 * The open folder's descriptor; the batch's to close. Opens it at the first call; safe between
 * threads. -1 with errno as folder_open_beneath.
 */
int batch_folder(struct batch *batch);

#endif
