#include "config.h"

#include "branches.h"

#include "feed.h"
#include "text.h"

#include <errno.h>
#include <limits.h>
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

	return !report_is_full(branches->settings->report, branches->rest->siblings[part].place);
}

/* The path of the folder that is to be taken next. No folder's is longer than the system takes. */
static void next_path(const struct branches *branches, char path[PATH_MAX])
{
	(void)walk_rest_print(branches->rest, atomic_load(&branches->job.next), path, PATH_MAX);
}

/* Cuts a path's first name off and returns what follows it. */
static char *cut_name(char *path)
{
	char *end = path + strcspn(path, "/");

	if (!*end)
		return end;
	*end = '\0';
	return end + 1;
}

/* Compares paths in the order in which one walk comes to them. They are cut to pieces. */
static int compare_paths(char *left, char *right)
{
	int order = 0;

	while (order == 0 && (*left || *right)) {
		char *left_rest = cut_name(left), *right_rest = cut_name(right);

		order = text_compare(left, right);
		left = left_rest;
		right = right_rest;
	}
	return order;
}

static bool is_behind(const struct queue_job *job, const struct queue_job *other)
{
	const struct branches *left = (const struct branches *)job;
	const struct branches *right = (const struct branches *)other;
	char left_path[PATH_MAX], right_path[PATH_MAX];

	if (left->number != right->number)
		return left->number > right->number;
	next_path(left, left_path);
	next_path(right, right_path);
	return compare_paths(left_path, right_path) > 0;
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
	branches->job.is_behind = is_behind;
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
