#include "config.h"

#include "batch.h"

#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES_STEP 1024 /* the strings of most folders fit; few names make a batch */

/* Adds a string and tells its offset. */
static int add_string(struct batch *batch, const char *string, size_t *offset)
{
	size_t size = strlen(string) + 1;

	if (batch->capacity - batch->size < size) {
		size_t capacity = batch->capacity + size + BYTES_STEP;
		char *bytes = realloc(batch->bytes, capacity);

		if (!bytes)
			return -1;
		batch->bytes = bytes;
		batch->capacity = capacity;
	}
	memcpy(batch->bytes + batch->size, string, size);
	*offset = batch->size;
	batch->size += size;
	return 0;
}

void batch_destroy(struct batch *batch)
{
	if (!batch)
		return;
	/* Only looked through: a failing close loses nothing. */
	if (atomic_load(&batch->descriptor) >= 0)
		(void)close(atomic_load(&batch->descriptor));
	folder_release(batch->root);
	free(batch->bytes);
	free(batch);
}

/* The last of those who worked on it is done: what was silent may now be printed past. */
static void finish(struct queue_job *job)
{
	struct batch *batch = batch_of(job);
	struct report *report = batch->report;

	batch_destroy(batch);
	report_flush(report);
}

struct batch *batch_create(struct report *report, struct folder *root, const char *relative,
			   const char *prefix, const char *operand)
{
	struct batch *batch = malloc(sizeof(*batch));

	if (!batch)
		return NULL;
	batch->report = report;
	batch->root = folder_hold(root);
	atomic_init(&batch->tidied, false);
	atomic_init(&batch->descriptor, -1);
	batch->targets = UINT32_MAX;
	batch->count = 0;
	batch->bytes = NULL;
	batch->size = batch->capacity = 0;
	if (add_string(batch, relative, &batch->relative) != 0 ||
	    add_string(batch, prefix, &batch->prefix) != 0 ||
	    add_string(batch, operand, &batch->operand) != 0) {
		batch_destroy(batch);
		errno = ENOMEM;
		return NULL;
	}
	return batch;
}

int batch_add(struct batch *batch, const char *name, struct report_slot *slot)
{
	struct batch_source *source = &batch->sources[batch->count];

	if (add_string(batch, name, &source->name) != 0)
		return -1;
	source->slot = slot;
	batch->count++;
	return 0;
}

void batch_set_folder(struct batch *batch, int descriptor)
{
	atomic_store(&batch->descriptor, descriptor);
}

static int hand_over(struct batch *batch, struct queue *queue,
		     int (*hand)(struct queue *queue, struct queue_job *job))
{
	batch->job.parts = batch->count;
	batch->job.finish = finish;
	if (hand(queue, &batch->job) == 0)
		return 0;
	batch_destroy(batch);
	errno = EPIPE;
	return -1;
}

int batch_push(struct batch *batch, struct queue *queue)
{
	return hand_over(batch, queue, queue_push);
}

int batch_add_to(struct batch *batch, struct queue *queue)
{
	return hand_over(batch, queue, queue_add);
}

struct batch *batch_of(struct queue_job *job)
{
	return (struct batch *)job;
}

bool batch_to_tidy(struct batch *batch)
{
	return !atomic_load(&batch->tidied) && !atomic_exchange(&batch->tidied, true);
}

const char *batch_name(const struct batch *batch, size_t index)
{
	return batch->bytes + batch->sources[index].name;
}

const char *batch_operand(const struct batch *batch)
{
	const char *operand = batch->bytes + batch->operand;

	return *operand ? operand : NULL;
}

const char *batch_prefix(const struct batch *batch)
{
	return batch->bytes + batch->prefix;
}

int batch_folder(struct batch *batch)
{
	const char *relative = batch->bytes + batch->relative;
	int none = -1, descriptor = atomic_load(&batch->descriptor);

	if (!*relative)
		return folder_descriptor(batch->root);
	if (descriptor >= 0)
		return descriptor;
	descriptor = folder_open_beneath(batch->root, relative);
	if (descriptor < 0)
		return -1;
	if (atomic_compare_exchange_strong(&batch->descriptor, &none, descriptor))
		return descriptor;
	/* Another worker opened it at the same time. */
	(void)close(descriptor);
	return none;
}
