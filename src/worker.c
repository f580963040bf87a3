#include "config.h"

#include "worker.h"

#include "batch.h"
#include "compiler.h"
#include "file_io.h"
#include "text.h"
#include "thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct worker {
	const struct worker_settings *settings;
	struct queue_ticket ticket;
	pthread_t thread;
	struct compiler *compiler;

	/* The source at hand. */
	struct batch *batch;  /* what it is part of */
	int folder;           /* its open folder */
	const char *name;     /* its name there */
	struct buffer path;   /* its path as it is printed */
	struct buffer coname; /* its name in byte-code and in the compiler's messages */
	struct stat status;   /* of its bytes once they are loaded, before that of the file */
	struct buffer bytes;
	bool loaded; /* `bytes` and `status` are of one version */

	struct cache_file cache; /* where the level at hand goes */
	enum staleness verdicts[WORKER_LEVELS_MAX];
	struct compiler_answer answer;
	struct filter_scratch *scratch;
	struct report_lines lines;
};

static const char *path_of(struct worker *worker)
{
	return buffer_string(&worker->path);
}

/* The source at hand failed with an errno that concerns `path`. Always -1. */
static int fail_with_errno(struct worker *worker, int error, const char *path)
{
	message_errno(&worker->lines, &worker->settings->style, path_of(worker), error, path);
	return -1;
}

/* The same where the cache file or its folder is concerned. */
static int fail_with_cache(struct worker *worker, int error)
{
	return fail_with_errno(worker, error, cache_file_blamed(&worker->cache));
}

/* Sets where level number `index` goes. */
static void place(struct worker *worker, size_t index)
{
	cache_file_set(&worker->cache, &worker->settings->cache, worker->folder, path_of(worker),
		       path_of(worker) + worker->path.size - strlen(worker->name),
		       worker->settings->levels[index].optimization);
}

/* Reads the source's bytes, once. 0, or -1 with errno. */
static int try_load(struct worker *worker)
{
	if (worker->loaded)
		return 0;
	if (file_io_read_source(worker->folder, worker->name, &worker->bytes, &worker->status) != 0)
		return -1;
	worker->loaded = true;
	return 0;
}

static int load(struct worker *worker)
{
	if (try_load(worker) == 0)
		return 0;
	return fail_with_errno(worker, errno, path_of(worker));
}

/* Judges one level. A source that cannot be read for it will fail when it is to be compiled. */
static enum staleness judge(struct worker *worker, size_t index)
{
	const struct staleness_demand *demand = &worker->settings->demand;
	enum staleness verdict;
	struct pyc_header header;

	if (worker->settings->force)
		return STALENESS_FORCED;
	place(worker, index);
	verdict = staleness_check(demand, worker->cache.base, cache_file_path(&worker->cache),
				  &worker->status, &header);
	if (verdict != STALENESS_NEEDS_HASH)
		return verdict;
	if (try_load(worker) != 0)
		return STALENESS_UNREADABLE;
	return staleness_judge_hash(demand, &header, worker->bytes.data, worker->bytes.size);
}

/* Judges every level. Whether any is stale. */
static bool judge_all(struct worker *worker)
{
	const struct worker_settings *settings = worker->settings;
	bool stale = false;

	for (size_t i = 0; i < settings->level_count; i++) {
		worker->verdicts[i] = judge(worker, i);
		message_verdict(&worker->lines, &settings->style, path_of(worker),
				settings->levels[i].optimization, worker->verdicts[i]);
		stale |= worker->verdicts[i] != STALENESS_FRESH;
	}
	return stale;
}

/* What stands at the cache path must be replaceable. Source: py_compile.compile. */
static int check_target(struct worker *worker)
{
	enum file_io_target target =
		file_io_target(worker->cache.base, cache_file_path(&worker->cache));

	if (target == FILE_IO_WRITABLE)
		return 0;
	message_exists(&worker->lines, &worker->settings->style, path_of(worker),
		       cache_file_shown(&worker->cache), target == FILE_IO_SYMLINK);
	return -1;
}

/* Asks the compile server. 0, or -1: the source, or the run, failed. */
static int compile(struct worker *worker, size_t index)
{
	const struct worker_settings *settings = worker->settings;
	struct compiler_answer *answer = &worker->answer;
	struct compiler_request request = {
		.name = buffer_string(&worker->coname),
		.source = worker->bytes.data,
		.size = worker->bytes.size,
		.level = settings->levels[index].level,
		.quote = strcmp(buffer_string(&worker->coname), path_of(worker)) == 0,
	};

	compiler_compile(worker->compiler, &request, answer);
	text_append_utf8(&worker->lines.errors, answer->warnings.data, answer->warnings.size);
	if (answer->outcome == COMPILER_CODE)
		return 0;
	if (answer->outcome == COMPILER_NO_START)
		settings->give_up(settings->context, buffer_string(&answer->payload));
	else
		message_python(&worker->lines, &settings->style, path_of(worker),
			       answer->payload.data, answer->payload.size);
	return -1;
}

static int write_code(struct worker *worker)
{
	unsigned char header[PYC_HEADER_SIZE];
	struct file_io_content content = {
		.header = header,
		.header_size = sizeof(header),
		.body = worker->answer.payload.data,
		.body_size = worker->answer.payload.size,
		.mode = file_io_cache_mode(worker->status.st_mode),
	};

	interpreter_build_header(worker->settings->demand.interpreter, worker->settings->mode,
				 &worker->status, worker->bytes.data, header);
	if (cache_file_write(&worker->cache, &content, batch_to_clean(worker->batch)) != 0)
		return fail_with_cache(worker, errno);
	message_written(&worker->lines, &worker->settings->style, cache_file_shown(&worker->cache));
	return 0;
}

static int compile_level(struct worker *worker, size_t index)
{
	place(worker, index);
	if (check_target(worker) != 0 || load(worker) != 0 || compile(worker, index) != 0)
		return -1;
	return write_code(worker);
}

/*
 * Level number `index` becomes another name of the one before, if they are equal. Source: the end
 * of the loop in compileall.compile_file, which also loses the file where both are one; we do not.
 */
static int link_level(struct worker *worker, size_t index)
{
	struct buffer before = BUFFER_INIT;
	int result;

	if (index == 0 || !worker->settings->hardlink_dupes || worker->settings->cache.legacy)
		return 0;
	place(worker, index - 1);
	buffer_append_string(&before, buffer_string(&worker->cache.name));
	place(worker, index);
	result = cache_file_link_if_equal(&worker->cache, buffer_string(&before));
	if (result != 0)
		(void)fail_with_cache(worker, errno);
	buffer_fini(&before);
	return result;
}

/* Compiles the stale levels; an error at one stops the later ones, as in compileall. */
static int compile_stale(struct worker *worker)
{
	const struct worker_settings *settings = worker->settings;

	message_compiling(&worker->lines, &settings->style, path_of(worker));
	/* A name that was lost for want of memory must not get into byte-code. */
	if (buffer_failed(&worker->path) || buffer_failed(&worker->coname))
		return fail_with_errno(worker, ENOMEM, path_of(worker));
	for (size_t i = 0; i < settings->level_count; i++) {
		if (worker->verdicts[i] != STALENESS_FRESH && compile_level(worker, i) != 0)
			return -1;
		if (link_level(worker, i) != 0)
			return -1;
	}
	return 0;
}

/* -x could not be tried on the source at hand. Always -1. */
static int fail_with_filter(struct worker *worker, int error)
{
	static const char text[] = "the regular expression of -x needs too many steps";

	if (error != ELOOP)
		return fail_with_errno(worker, error, path_of(worker));
	message_python(&worker->lines, &worker->settings->style, path_of(worker), text,
		       strlen(text));
	return -1;
}

/* The name for byte-code and messages. */
static void set_coname(struct worker *worker)
{
	const struct worker_settings *settings = worker->settings;

	buffer_clear(&worker->coname);
	if (source_name_append(&worker->coname, &settings->names, batch_operand(worker->batch),
			       path_of(worker)) == SOURCE_NAME_UNSTRIPPED)
		message_unstripped(&worker->lines, &settings->style, settings->names.strip,
				   path_of(worker));
}

/* Whether it is a source: 1 if so, 0 if it is nothing to compile, -1: it failed. */
static int look(struct worker *worker)
{
	/* py_compile takes whatever is named, and loading says what is wrong with it. */
	if (worker->settings->style.py_compile)
		return 1;
	if (fstatat(worker->folder, worker->name, &worker->status, 0) == 0)
		return S_ISREG(worker->status.st_mode) ? 1 : 0;
	/* Gone meanwhile, or a link to nowhere: to Python it is no file. */
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
		return 0;
	return fail_with_errno(worker, errno, path_of(worker));
}

/* Whether -x and -e let it pass: 1 if so, 0 if not, -1: it failed. */
static int pass(struct worker *worker)
{
	int skips = filter_skips(worker->settings->filter, worker->scratch, path_of(worker));

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
	set_coname(worker);
	return pass(worker);
}

/* Sets the source at hand. 0, or -1: its folder is not to be reached. */
static int take_source(struct worker *worker, struct batch *batch, size_t index)
{
	worker->loaded = false;
	worker->batch = batch;
	worker->name = batch_name(batch, index);
	buffer_clear(&worker->path);
	buffer_append_string(&worker->path, batch_prefix(batch));
	buffer_append_string(&worker->path, worker->name);
	worker->folder = batch_folder(batch);
	if (worker->folder < 0)
		return fail_with_errno(worker, errno, path_of(worker));
	return 0;
}

/* The whole way; what it counts as, or -1: nothing to compile. */
static int process(struct worker *worker, struct batch *batch, size_t index)
{
	const struct worker_settings *settings = worker->settings;
	int result;

	if (take_source(worker, batch, index) != 0)
		return REPORT_FAILED;
	result = admit(worker);
	if (result <= 0)
		return result == 0 ? -1 : REPORT_FAILED;
	if (!judge_all(worker))
		return REPORT_FRESH;
	queue_invite(settings->queue, &worker->ticket);
	return compile_stale(worker) == 0 ? REPORT_COMPILED : REPORT_FAILED;
}

static void *run(void *argument)
{
	struct worker *worker = argument;
	struct report *report = worker->settings->report;

	while (queue_next(worker->settings->queue, &worker->ticket)) {
		struct batch *batch = batch_of(worker->ticket.job);
		int result = process(worker, batch, worker->ticket.part);

		if (result >= 0)
			report_add(report, (enum report_count)result);
		report_fill(report, batch->sources[worker->ticket.part].slot, &worker->lines);
	}
	queue_leave(worker->settings->queue, &worker->ticket);
	return NULL;
}

static void destroy(struct worker *worker)
{
	compiler_destroy(worker->compiler);
	buffer_fini(&worker->path);
	buffer_fini(&worker->bytes);
	buffer_fini(&worker->coname);
	cache_file_fini(&worker->cache);
	filter_scratch_destroy(worker->scratch);
	buffer_fini(&worker->answer.payload);
	buffer_fini(&worker->answer.warnings);
	buffer_fini(&worker->lines.output);
	buffer_fini(&worker->lines.errors);
	free(worker);
}

struct worker *worker_start(const struct worker_settings *settings)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	int error;

	if (!worker)
		return NULL;
	worker->settings = settings;
	worker->compiler = compiler_create(settings->server, settings->demand.interpreter);
	worker->scratch = filter_scratch_create(settings->filter);
	if (!worker->compiler || !worker->scratch)
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
	compiler_cancel(worker->compiler);
}

void worker_join(struct worker *worker)
{
	(void)thread_join(worker->thread);
}

unsigned worker_destroy(struct worker *worker)
{
	unsigned starts = compiler_starts(worker->compiler);

	destroy(worker);
	return starts;
}
