#include "config.h"

#include "branches.h"

#include "feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void branches_destroy(struct branches *branches)
{
	if (!branches)
		return;
	folder_release(branches->root);
	walk_rest_destroy(branches->rest);
	free(branches->operand);
	free(branches);
}

static void finish(struct queue_job *job)
{
	branches_destroy((struct branches *)job);
}

/* A folder is not opened while too many lines wait for those before it. */
static bool is_ripe(const struct queue_job *job, size_t part)
{
	const struct branches *branches = (const struct branches *)job;

	return !report_is_full(branches->settings->report, branches->rest->entries[part].place);
}

struct branches *branches_create(const struct feed_settings *settings, struct folder *root,
				 const char *operand, struct walk_rest *rest)
{
	struct branches *branches = calloc(1, sizeof(*branches));

	if (!branches) {
		walk_rest_destroy(rest);
		errno = ENOMEM;
		return NULL;
	}
	branches->settings = settings;
	branches->root = folder_hold(root);
	branches->rest = rest;
	branches->operand = strdup(operand);
	if (branches->operand)
		return branches;
	branches_destroy(branches);
	errno = ENOMEM;
	return NULL;
}

int branches_seed(struct branches *branches, struct queue *queue)
{
	branches->job.parts = branches->rest->count;
	branches->job.finish = finish;
	branches->job.is_ripe = is_ripe;
	if (queue_seed(queue, &branches->job) == 0)
		return 0;
	branches_destroy(branches);
	errno = EPIPE;
	return -1;
}

struct branches *branches_of(struct queue_job *job)
{
	return job->finish == finish ? (struct branches *)job : NULL;
}
