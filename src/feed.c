#include "config.h"

#include "feed.h"

#include "batch.h"
#include "branches.h"
#include "cause.h"
#include "folder.h"
#include "overlap.h"
#include "py_error.h"
#include "text.h"
#include "walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A batch that waits has its folder open already, but only as long as few descriptors are in use.
 */
#define HANDED_MAX 64

struct feed {
	const struct feed_settings *settings;
	bool worker;             /* it is one that walks */
	struct batch *batch;     /* being filled; NULL: none */
	uint32_t targets;        /* of the operand at hand */
	struct folder *root;     /* of the folder that is walked */
	int descriptor;          /* the folder at hand, if it lies below that; else -1 */
	const char *operand;     /* that folder, as the user named it; "": none is walked */
	size_t number;           /* of the operand at hand */
	struct buffer prefix;    /* what precedes a name of the folder or operand at hand */
	struct overlap *overlap; /* NULL: there is only one operand */
	struct report_lines lines;
};

static int push(struct feed *feed)
{
	struct batch *batch = feed->batch;
	int error;

	feed->batch = NULL;
	if (!batch)
		return 0;
	if (feed->settings->ahead(feed->settings->context, batch->count) == 0) {
		struct queue *queue = feed->settings->queue;

		return feed->worker ? batch_add_to(batch, queue) : batch_push(batch, queue);
	}
	error = errno;
	batch_destroy(batch);
	errno = error;
	return -1;
}

/* What a new batch gets of the folder at hand. */
static void hand_over(struct feed *feed)
{
	feed->batch->targets = feed->targets;
	if (feed->descriptor >= 0 && feed->descriptor < HANDED_MAX) {
		batch_set_folder(feed->batch, feed->descriptor);
		feed->descriptor = -1;
	}
}

/* Adds a source of the folder at hand; pushes a batch that is full. */
static int add(struct feed *feed, struct folder *root, const char *relative, const char *name,
	       struct report_slot *slot)
{
	if (!feed->batch) {
		feed->batch = batch_create(feed->settings->report, root, relative,
					   buffer_string(&feed->prefix), feed->operand);
		if (feed->batch)
			hand_over(feed);
	}
	if (!feed->batch || batch_add(feed->batch, name, slot) != 0)
		return -1;
	return feed->batch->count == BATCH_MAX ? push(feed) : 0;
}

/* "Can't list 'q'", which is all that Python says; a common cause is named. */
static void say_unlistable(struct feed *feed, const char *path, int error)
{
	struct buffer *output = &feed->lines.output;
	size_t begin = output->size;

	buffer_append_string(output, "Can't list ");
	text_append_repr(output, path);
	if (cause_is_common(error)) {
		buffer_append_string(output, ": ");
		py_error_append_text(output, error, NULL);
	}
	buffer_append_byte(output, '\n');
	report_lines_mark(&feed->lines, output, begin, error, CAUSE_UNLISTED);
}

/* "Listing 'q'..." and, with an error, that it cannot be listed. */
static void say_listing(struct feed *feed, const char *path, int error)
{
	struct buffer *output = &feed->lines.output;

	if (feed->settings->style.quiet == 0) {
		buffer_append_string(output, "Listing ");
		text_append_repr(output, path);
		buffer_append_string(output, "...\n");
	}
	if (error == 0)
		return;
	if (!feed->settings->sys_path || (error != ENOENT && error != ENOTDIR))
		report_add(feed->settings->report, REPORT_TROUBLE);
	if (feed->settings->style.quiet < 2)
		say_unlistable(feed, path, error);
}

/* Makes the `length` bytes of a folder's path what precedes names in it. 0, or -1 with errno
 * ENOMEM: the names would be others, and so would the byte-code. */
static int set_prefix(struct feed *feed, const char *folder, size_t length)
{
	buffer_clear(&feed->prefix);
	buffer_append(&feed->prefix, folder, length);
	if (length > 0 && folder[length - 1] != '/')
		buffer_append_byte(&feed->prefix, '/');
	if (!buffer_failed(&feed->prefix))
		return 0;
	errno = ENOMEM;
	return -1;
}

/*
 * The walk goes by paths. Where somebody has put a link in the place of a folder meanwhile, it has
 * listed what lies elsewhere, and would go on there: so the folder must be one that can be reached
 * from the operand without any link. Else there is nothing in it.
 */
static void reach(struct feed *feed, struct walk_folder *folder)
{
	if (folder->error != 0 || !*folder->relative)
		return;
	feed->descriptor = folder_open_beneath(feed->root, folder->relative);
	if (feed->descriptor >= 0)
		return;
	folder->error = errno;
	walk_shut(folder);
}

/* Closes what no batch was given. */
static void leave(struct feed *feed)
{
	if (feed->descriptor >= 0)
		(void)close(feed->descriptor);
	feed->descriptor = -1;
}

/* Gives the folder and all its entries their slots, and its sources to batches. */
static int add_all(struct feed *feed, struct walk_folder *folder)
{
	struct report_slot *first;
	const char *name;
	size_t folders = 0;
	bool is_folder;

	say_listing(feed, folder->path, folder->error);
	first = report_open(feed->settings->report, folder->place, &feed->lines, folder->count);
	if (!first && folder->count > 0)
		return -1;
	if (set_prefix(feed, folder->path, strlen(folder->path)) != 0)
		return -1;
	for (size_t i = 0; (name = walk_next(folder, &is_folder)); i++) {
		struct report_slot *slot = report_child(first, i);

		folders += is_folder;
		if (is_folder)
			walk_set_place(folder, slot);
		else if (add(feed, feed->root, folder->relative, name, slot) != 0)
			return -1;
	}
	if (push(feed) != 0)
		return -1;
	return folders > 0 ? feed->settings->ahead(feed->settings->context, folders) : 0;
}

/*
 * Gives the nearest folders away that the walk has not come to; with `own` also those in this one.
 * 1, or 0: there are none, or no memory to take them, and this walk comes to them; or -1 with errno
 * ENOMEM: they were taken and are lost, or EPIPE.
 */
static int leave_nearest(struct feed *feed, struct walk_folder *folder, bool own)
{
	struct walk_rest *rest = walk_take_rest(folder, own);
	struct branches *branches;

	if (!rest)
		return 0;
	branches = branches_create(feed->settings, feed->root, feed->operand, rest);
	if (!branches)
		return -1;
	branches->targets = feed->targets;
	branches->number = feed->number;
	return branches_seed(branches, feed->settings->queue) == 0 ? 1 : -1;
}

/* Gives all of them away. */
static int leave_all(struct feed *feed, struct walk_folder *folder)
{
	int result;

	do
		result = leave_nearest(feed, folder, true);
	while (result > 0);
	return result;
}

/* What is to become of the walk behind a folder. */
static int share_rest(struct feed *feed, struct walk_folder *folder)
{
	struct queue *queue = feed->settings->queue;

	if (feed->worker && (queue_is_full(queue) || report_is_full(feed->settings->report, NULL)))
		return leave_all(feed, folder);
	if (queue_is_hungry(queue))
		return leave_nearest(feed, folder, false) < 0 ? -1 : 0;
	return 0;
}

static int visit(void *context, struct walk_folder *folder)
{
	struct feed *feed = context;
	int error, result;

	if (!feed->worker)
		report_wait(feed->settings->report, folder->place);
	/* Where there are no sources, nothing else would tell. */
	if (queue_is_cancelled(feed->settings->queue)) {
		errno = EPIPE;
		return -1;
	}
	reach(feed, folder);
	result = add_all(feed, folder);
	if (result == 0)
		result = share_rest(feed, folder);
	error = errno;
	leave(feed);
	errno = error;
	return result;
}

static int feed_unlistable(struct feed *feed, const char *operand, int error,
			   struct report_slot *slot)
{
	say_listing(feed, operand, error);
	(void)report_open(feed->settings->report, slot, &feed->lines, 0);
	return 0;
}

static int feed_folder(struct feed *feed, const char *operand, struct report_slot *slot)
{
	int error, result;

	if (push(feed) != 0)
		return -1;
	feed->root = folder_open(operand);
	if (!feed->root)
		return feed_unlistable(feed, operand, errno, slot);
	feed->operand = operand;
	result = walk_tree(operand, feed->settings->depth, slot, visit, feed);
	feed->operand = "";
	error = errno;
	folder_release(feed->root);
	errno = error;
	return result;
}

/* Its folder is not to be opened: a file that is not there, or was there just now. */
static int feed_unreachable(struct feed *feed, const char *operand, int error,
			    struct report_slot *slot)
{
	report_add(feed->settings->report, REPORT_FAILED);
	message_errno(&feed->lines, &feed->settings->style, operand, error, operand);
	report_fill(feed->settings->report, slot, &feed->lines);
	return 0;
}

static int feed_file(struct feed *feed, const char *operand, struct report_slot *slot)
{
	const char *slash = strrchr(operand, '/');
	const char *name = slash ? slash + 1 : operand;
	size_t length = (size_t)(name - operand);
	struct folder *root;
	int error, result;

	if (!feed->settings->only_files && !walk_is_source(name)) {
		report_fill_silent(slot);
		return 0;
	}
	/* Named files of one folder, one after the other, make a batch of it. */
	if (feed->batch &&
	    (feed->prefix.size != length ||
	     memcmp(buffer_string(&feed->prefix), operand, length) != 0) &&
	    push(feed) != 0)
		return -1;
	if (set_prefix(feed, operand, length) != 0)
		return -1;
	if (feed->batch)
		return add(feed, NULL, NULL, name, slot);
	root = folder_open(length > 0 ? buffer_string(&feed->prefix) : ".");
	if (!root)
		return feed_unreachable(feed, operand, errno, slot);
	result = add(feed, root, "", name, slot);
	error = errno;
	folder_release(root);
	errno = error;
	return result;
}

static int feed_current(struct feed *feed, struct report_slot *slot)
{
	if (feed->settings->style.quiet < 2)
		buffer_append_string(&feed->lines.output, "Skipping current directory\n");
	report_fill(feed->settings->report, slot, &feed->lines);
	return 0;
}

/* Waits for what was fed before, if the operand reaches some of it again. */
static int wait_for_earlier(struct feed *feed, int overlaps)
{
	if (overlaps <= 0)
		return overlaps;
	if (push(feed) != 0 || feed->settings->ahead(feed->settings->context, 0) != 0)
		return -1;
	queue_drain(feed->settings->queue);
	return 0;
}

static int feed_named_file(struct feed *feed, const char *operand, const struct stat *status,
			   struct report_slot *slot)
{
	if (feed->overlap &&
	    wait_for_earlier(feed, overlap_add_file(feed->overlap, operand, status)) != 0)
		return -1;
	return feed_file(feed, operand, slot);
}

static int feed_named_folder(struct feed *feed, const char *operand, struct report_slot *slot)
{
	if (feed->overlap &&
	    wait_for_earlier(feed, overlap_add_folder(feed->overlap, operand)) != 0)
		return -1;
	return feed_folder(feed, operand, slot);
}

static int feed_operand(struct feed *feed, const char *operand, struct report_slot *slot)
{
	struct stat status;
	bool is_there = stat(operand, &status) == 0;

	if (feed->settings->sys_path && strcmp(operand, ".") == 0)
		return feed_current(feed, slot);
	if (is_there && S_ISREG(status.st_mode))
		return feed_named_file(feed, operand, &status, slot);
	if (feed->settings->only_files)
		return feed_file(feed, operand, slot);
	return feed_named_folder(feed, operand, slot);
}

/* Sets which targets the operand number `index` is for; a batch has files for the same ones. */
static int set_targets(struct feed *feed, size_t index)
{
	uint32_t targets = feed->settings->targets ? feed->settings->targets[index] : UINT32_MAX;

	if (feed->batch && targets != feed->targets && push(feed) != 0)
		return -1;
	feed->targets = targets;
	return 0;
}

int feed_operands(const struct feed_settings *settings, char *const *operands, size_t count)
{
	struct feed feed = {.settings = settings, .operand = "", .descriptor = -1};
	int error, result = 0;

	if (count > 1) {
		feed.overlap = overlap_create();
		if (!feed.overlap)
			return -1;
	}
	for (size_t i = 0; i < count && result == 0; i++) {
		feed.number = i;
		result = set_targets(&feed, i);
		if (result == 0)
			result = feed_operand(&feed, operands[i],
					      report_operand(settings->report, i));
	}
	if (result == 0)
		result = push(&feed);
	error = errno;
	batch_destroy(feed.batch);
	overlap_destroy(feed.overlap);
	buffer_fini(&feed.prefix);
	report_lines_fini(&feed.lines);
	errno = error;
	return result;
}

int feed_branch(const struct branches *branches, size_t index)
{
	struct feed feed = {
		.settings = branches->settings,
		.worker = true,
		.targets = branches->targets,
		.number = branches->number,
		.root = branches->root,
		.descriptor = -1,
		.operand = branches->operand,
	};
	int error, result = walk_branch(branches->rest, index, visit, &feed);

	error = errno;
	batch_destroy(feed.batch);
	buffer_fini(&feed.prefix);
	report_lines_fini(&feed.lines);
	errno = error;
	return result;
}
