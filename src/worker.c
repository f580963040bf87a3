#include "config.h"

#include "worker.h"

#include "batch.h"
#include "branches.h"
#include "feed.h"
#include "group.h"
#include "recompile.h"
#include "source.h"
#include "thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct worker {
	const struct worker_settings *settings;
	struct queue_ticket ticket;
	bool joined;  /* the queue knows the ticket */
	bool started; /* there is a thread, which somebody has to wait for */
	pthread_t thread;
	struct source *source;      /* the one at hand, if it is this worker's alone */
	struct group *group;        /* those put aside; NULL: none, as at the end of the thread */
	struct recompile recompile; /* what is done with it, or with another's */
	struct filter_scratch *scratch;
	struct compiler *compilers[]; /* one a target */
};

static size_t target_count(const struct worker *worker)
{
	return worker->settings->targets->count;
}

/* The source at hand failed, whatever the target, with an errno. Always -1. */
static int fail_with_errno(struct worker *worker, int error)
{
	const char *path = source_path(worker->source);

	message_errno(&worker->source->lines, &worker->settings->style, path, error, path);
	return -1;
}

/* -x could not be tried on the source at hand. Always -1. */
static int fail_with_filter(struct worker *worker, int error)
{
	static const char text[] = "the regular expression of -x needs too many steps";

	if (error != ELOOP)
		return fail_with_errno(worker, error);
	message_python(&worker->source->lines, &worker->settings->style,
		       source_path(worker->source), text, strlen(text));
	return -1;
}

/* The name for byte-code and messages. 0, or -1: it failed. */
static int set_coname(struct worker *worker)
{
	const struct worker_settings *settings = worker->settings;
	struct source *source = worker->source;

	buffer_clear(&source->coname);
	if (source_name_append(&source->coname, &settings->names, batch_operand(source->batch),
			       source_path(source)) == SOURCE_NAME_UNSTRIPPED)
		message_unstripped(&source->lines, &settings->style, settings->names.strip,
				   source_path(source));
	return source_settle(source) == 0 ? 0 : fail_with_errno(worker, errno);
}

/* Whether it is a source: 1 if so, 0 if it is nothing to compile, -1: it failed. */
static int look(struct worker *worker)
{
	struct source *source = worker->source;
	bool there = fstatat(source->folder, source->name, &source->status, 0) == 0;
	mode_t mode = source->status.st_mode;

	/* py_compile takes whatever is named, and loading says what is wrong with it. But a device
	 * or a FIFO is not even opened: that can wait, or do something. */
	if (worker->settings->style.py_compile) {
		if (there && !S_ISREG(mode) && !S_ISDIR(mode))
			return fail_with_errno(worker, EINVAL);
		return 1;
	}
	if (there)
		return S_ISREG(mode) ? 1 : 0;
	/* Gone meanwhile, or a link to nowhere: to Python it is no file. */
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
		return 0;
	return fail_with_errno(worker, errno);
}

/* Whether -x and -e let it pass: 1 if so, 0 if not, -1: it failed. */
static int pass(struct worker *worker)
{
	int skips = filter_skips(worker->settings->filter, worker->scratch,
				 source_path(worker->source));

	if (skips < 0)
		return fail_with_filter(worker, errno);
	return skips > 0 ? 0 : 1;
}

/* Looks at the source at hand and names it: 1 if it is to be compiled, else as above. */
static int admit(struct worker *worker)
{
	int result = look(worker);

	if (result <= 0)
		return result;
	return set_coname(worker) == 0 ? pass(worker) : -1;
}

/* Judges the source at hand for all its targets. Whether it is stale for any. */
static bool judge_all(struct worker *worker)
{
	struct source *source = worker->source;

	source->stale = 0;
	for (size_t i = 0; i < target_count(worker); i++) {
		source->results[i].failed = false;
		if (!(source->batch->targets & UINT32_C(1) << i))
			continue;
		recompile_set(&worker->recompile, source, i, worker->compilers[i]);
		if (recompile_judge(&worker->recompile))
			source->stale |= UINT32_C(1) << i;
		if (batch_to_tidy(source->batch))
			recompile_tidy(&worker->recompile);
	}
	return source->stale != 0;
}

/* Compiles a source for one of the targets it is stale for. */
static void compile_for(struct worker *worker, struct source *source, size_t target)
{
	recompile_set(&worker->recompile, source, target, worker->compilers[target]);
	source->results[target].failed = recompile_run(&worker->recompile) != 0;
}

/* Does a part of a group, this worker's own or another's. */
static void compile_part(struct worker *worker, struct group *group, size_t index)
{
	struct group_part part = group_part(group, index);

	compile_for(worker, part.source, part.target);
	group_done(group, index);
}

/* Lets idle workers take parts of what was gathered, and takes what parts it can. */
static void compile_gathered(struct worker *worker)
{
	struct queue *queue = worker->settings->queue;
	struct group *group = worker->group;
	struct queue_ticket ticket;

	worker->group = NULL;
	group_begin(group, &ticket);
	while (queue_take(queue, &ticket))
		compile_part(worker, group, ticket.part);
	queue_end(queue, &ticket);
}

/* Puts the source at hand aside, to be compiled with others. The bytes are read before, once for
 * all. 0, or -1: it is still at hand, since it cannot be read or there is no memory. */
static int gather(struct worker *worker)
{
	const struct worker_settings *settings = worker->settings;
	size_t targets = target_count(worker);
	struct source *after;

	if (source_load(worker->source) != 0)
		return -1;
	after = source_create(targets);
	if (after && !worker->group)
		worker->group =
			group_create(settings->queue, settings->report, targets, settings->course);
	if (!after || !worker->group) {
		source_destroy(after);
		return -1;
	}
	group_add(worker->group, worker->source);
	worker->source = after;
	return 0;
}

/* Compiles the source at hand for the targets it is stale for, or puts it aside. */
static void compile_all(struct worker *worker)
{
	struct source *source = worker->source;

	worker->settings->stale(worker->settings->context);
	if (target_count(worker) > 1 && gather(worker) == 0)
		return;
	queue_invite(worker->settings->queue, &worker->ticket);
	for (size_t i = 0; i < target_count(worker); i++)
		if (source->stale & UINT32_C(1) << i)
			compile_for(worker, source, i);
	source_report(source, worker->settings->report, (int)source_outcome(source));
}

/* The whole way of a source of a batch. */
static void process(struct worker *worker, struct batch *batch, size_t index)
{
	struct report *report = worker->settings->report;
	int result;

	if (source_set(worker->source, batch, index) == 0)
		result = admit(worker);
	else
		result = fail_with_errno(worker, errno);
	if (result > 0 && judge_all(worker)) {
		compile_all(worker);
		return;
	}
	if (result != 0)
		result = result < 0 ? REPORT_FAILED : REPORT_FRESH;
	else
		result = -1;
	source_report(worker->source, report, result);
}

/* Walks a folder. Without memory for that the run cannot go on; EPIPE says that it does not. */
static void walk(struct worker *worker, const struct branches *branches, size_t index)
{
	if (feed_branch(branches, index) != 0 && errno != EPIPE)
		worker->settings->give_up(worker->settings->context, strerror(errno));
}

/* The part at hand of whatever kind of job. */
static void work_on(struct worker *worker, const struct queue_ticket *ticket)
{
	const struct branches *branches = branches_of(ticket->job);
	struct group *group = group_of(ticket->job);

	worker->settings->begin(worker->settings->context);
	if (branches)
		walk(worker, branches, ticket->part);
	else if (group)
		compile_part(worker, group, ticket->part);
	else
		process(worker, batch_of(ticket->job), ticket->part);
}

/* Takes the next part to work on; what was gathered is compiled before anybody waits, whether this
 * worker or another. False: there is nothing more to do. */
static bool next(struct worker *worker)
{
	struct queue *queue = worker->settings->queue;

	if (!worker->group)
		return queue_next(queue, &worker->ticket);
	if (!group_is_full(worker->group) && !queue_is_hungry(queue) &&
	    queue_try(queue, &worker->ticket))
		return true;
	compile_gathered(worker);
	return queue_next(queue, &worker->ticket);
}

void worker_run(struct worker *worker)
{
	struct queue_ticket *ticket = &worker->ticket;

	while (next(worker))
		work_on(worker, ticket);
	/* Not later: behind the last worker's end a signal ends the program at once. */
	marker_lower(&worker->recompile.marker);
	queue_leave(worker->settings->queue, ticket);
	worker->joined = false;
}

static void *run(void *argument)
{
	worker_run(argument);
	return NULL;
}

static void destroy(struct worker *worker)
{
	for (size_t i = 0; i < target_count(worker); i++)
		compiler_destroy(worker->compilers[i]);
	recompile_fini(&worker->recompile);
	source_destroy(worker->source);
	filter_scratch_destroy(worker->scratch);
	free(worker);
}

/* What it needs before its thread runs. 0, or -1 with errno. */
static int equip(struct worker *worker)
{
	const struct worker_settings *settings = worker->settings;

	worker->recompile.settings = settings;
	worker->source = source_create(target_count(worker));
	worker->scratch = filter_scratch_create(settings->filter);
	if (!worker->source || !worker->scratch)
		return -1;
	for (size_t i = 0; i < target_count(worker); i++) {
		worker->compilers[i] = target_compiler(settings->targets->list[i]);
		if (!worker->compilers[i])
			return -1;
	}
	return 0;
}

struct worker *worker_create(const struct worker_settings *settings)
{
	size_t targets = settings->targets->count;
	struct worker *worker = calloc(1, sizeof(*worker) + targets * sizeof(struct compiler *));

	if (!worker)
		return NULL;
	worker->settings = settings;
	if (equip(worker) != 0) {
		int error = errno;

		destroy(worker);
		errno = error;
		return NULL;
	}
	queue_join(settings->queue, &worker->ticket);
	worker->joined = true;
	return worker;
}

int worker_start(struct worker *worker)
{
	worker->started = thread_create(&worker->thread, run, worker) == 0;
	return worker->started ? 0 : -1;
}

void worker_cancel(struct worker *worker)
{
	for (size_t i = 0; i < target_count(worker); i++)
		compiler_cancel(worker->compilers[i]);
}

void worker_join(struct worker *worker)
{
	if (worker->started)
		(void)thread_join(worker->thread);
	worker->started = false;
}

unsigned worker_destroy(struct worker *worker)
{
	unsigned starts = 0;

	for (size_t i = 0; i < target_count(worker); i++)
		starts += compiler_starts(worker->compilers[i]);
	if (worker->joined)
		queue_leave(worker->settings->queue, &worker->ticket);
	destroy(worker);
	return starts;
}
