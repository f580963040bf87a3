#include "config.h"

#include "worker.h"

#include "batch.h"
#include "branches.h"
#include "feed.h"
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
	pthread_t thread;
	struct source *source;      /* the one at hand, if it is this worker's alone */
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

/* Judges the source at hand for all its targets. How many it is stale for. */
static size_t judge_all(struct worker *worker)
{
	struct source *source = worker->source;
	size_t stale = 0;

	for (size_t i = 0; i < target_count(worker); i++) {
		source->results[i].failed = false;
		if (!(source->batch->targets & UINT32_C(1) << i))
			continue;
		recompile_set(&worker->recompile, source, i, worker->compilers[i]);
		if (recompile_judge(&worker->recompile))
			source->stale[stale++] = i;
	}
	source->job.parts = stale;
	return stale;
}

/* Compiles a source for one of the targets it is stale for. */
static void compile_part(struct worker *worker, struct source *source, size_t part)
{
	size_t target = source->stale[part];

	recompile_set(&worker->recompile, source, target, worker->compilers[target]);
	source->results[target].failed = recompile_run(&worker->recompile) != 0;
}

static int outcome(const struct source *source)
{
	for (size_t i = 0; i < source->targets; i++)
		if (source->results[i].failed)
			return REPORT_FAILED;
	return REPORT_COMPILED;
}

/* The last of those who worked on a shared source is done. */
static void finish_shared(struct queue_job *job)
{
	struct source *source = source_of(job);
	const struct worker_settings *settings = source->owner;

	source_report(source, settings->report, outcome(source));
	queue_release(settings->queue, &source->batch->job);
	source_destroy(source);
}

/*
 * Makes the source at hand a job that idle workers take parts of, and takes what parts it can. The
 * bytes are read before, once for all. Returns 0, or -1: there is no memory for the source that the
 * worker would need next, and nothing was shared.
 */
static int share(struct worker *worker)
{
	struct queue *queue = worker->settings->queue;
	struct source *source = worker->source, *next = source_create(target_count(worker));
	struct queue_ticket ticket;

	if (!next)
		return -1;
	worker->source = next;
	source->owner = (void *)(uintptr_t)worker->settings;
	source->job.finish = finish_shared;
	queue_hold(&source->batch->job);
	queue_begin(queue, &ticket, &source->job);
	while (queue_take(queue, &ticket))
		compile_part(worker, source, ticket.part);
	queue_end(queue, &ticket);
	return 0;
}

/* Compiles the source at hand for the targets it is stale for; `report`s it unless that is done by
 * whoever is last. */
static void compile_all(struct worker *worker, struct report *report)
{
	struct source *source = worker->source;
	size_t parts = source->job.parts;

	queue_invite(worker->settings->queue, &worker->ticket);
	if (parts > 1 && source_load(source) == 0 && share(worker) == 0)
		return;
	for (size_t i = 0; i < parts; i++)
		compile_part(worker, source, i);
	source_report(source, report, outcome(source));
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
	if (result > 0 && judge_all(worker) > 0) {
		compile_all(worker, report);
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

	if (branches)
		walk(worker, branches, ticket->part);
	else if (ticket->job->finish == finish_shared)
		compile_part(worker, source_of(ticket->job), ticket->part);
	else
		process(worker, batch_of(ticket->job), ticket->part);
}

static void *run(void *argument)
{
	struct worker *worker = argument;
	struct queue_ticket *ticket = &worker->ticket;

	while (queue_next(worker->settings->queue, ticket))
		work_on(worker, ticket);
	queue_leave(worker->settings->queue, ticket);
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

struct worker *worker_start(const struct worker_settings *settings)
{
	size_t targets = settings->targets->count;
	struct worker *worker = calloc(1, sizeof(*worker) + targets * sizeof(struct compiler *));
	int error;

	if (!worker)
		return NULL;
	worker->settings = settings;
	if (equip(worker) != 0)
		goto fail;
	queue_join(settings->queue, &worker->ticket);
	if (thread_create(&worker->thread, run, worker) == 0)
		return worker;
	error = errno;
	queue_leave(settings->queue, &worker->ticket);
	errno = error;

fail:
	error = errno;
	destroy(worker);
	errno = error;
	return NULL;
}

void worker_cancel(struct worker *worker)
{
	for (size_t i = 0; i < target_count(worker); i++)
		compiler_cancel(worker->compilers[i]);
}

void worker_join(struct worker *worker)
{
	(void)thread_join(worker->thread);
}

unsigned worker_destroy(struct worker *worker)
{
	unsigned starts = 0;

	for (size_t i = 0; i < target_count(worker); i++)
		starts += compiler_starts(worker->compilers[i]);
	destroy(worker);
	return starts;
}
