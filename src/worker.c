#include "config.h"

#include "worker.h"

#include "batch.h"
#include "cache_path.h"
#include "compiler.h"
#include "file_io.h"
#include "py_error.h"
#include "source_hash.h"
#include "text.h"
#include "thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct worker {
	const struct worker_settings *settings;
	struct queue_ticket ticket;
	pthread_t thread;
	struct compiler *compiler;

	/* The source at hand. */
	int folder;         /* its open folder */
	const char *name;   /* its name there */
	struct buffer path; /* its path as it is printed and as co_filename has it */
	struct stat status; /* of its bytes once they are loaded, before that of the file */
	struct buffer bytes;
	bool loaded; /* `bytes` and `status` are of one version */

	/* Where its byte-code goes. */
	struct buffer cache_folder; /* relative to the open folder, or absolute with a prefix */
	struct buffer cache_name;
	struct buffer cache_path;  /* the two, as they are opened */
	struct buffer cache_shown; /* the same as it is printed */

	enum staleness verdicts[WORKER_LEVELS_MAX];
	struct compiler_answer answer;
	struct report_lines lines;
};

/* The source at hand failed: its message begins. */
static struct buffer *begin_error(struct worker *worker)
{
	struct buffer *output = &worker->lines.output;

	if (worker->settings->quiet >= 2)
		return NULL;
	if (worker->settings->quiet == 0) {
		buffer_append_string(output, "*** ");
		return output;
	}
	buffer_append_string(output, "*** Error compiling ");
	text_append_repr(output, buffer_string(&worker->path));
	buffer_append_string(output, "...\n");
	return output;
}

/* The source at hand failed with an errno that concerns `path`. Always -1. */
static int fail_with_errno(struct worker *worker, int error, const char *path)
{
	struct buffer *output = begin_error(worker);

	if (output) {
		py_error_append(output, error, path);
		buffer_append_byte(output, '\n');
	}
	return -1;
}

/* The source at hand failed with a message of the compile server. Always -1. */
static int fail_with_message(struct worker *worker, const struct buffer *message)
{
	struct buffer *output = begin_error(worker);

	if (output) {
		text_append_utf8(output, message->data, message->size);
		buffer_append_byte(output, '\n');
	}
	return -1;
}

/* Where level number `index` is cached: sets the cache buffers. */
static void place_cache(struct worker *worker, size_t index)
{
	const struct worker_settings *settings = worker->settings;
	const char *path = buffer_string(&worker->path);

	buffer_clear(&worker->cache_name);
	buffer_clear(&worker->cache_path);
	if (worker->cache_folder.size == 0) {
		if (settings->prefix)
			(void)cache_path_append_folder(&worker->cache_folder, path,
						       settings->prefix, settings->cwd);
		else
			buffer_append_string(&worker->cache_folder, CACHE_PATH_FOLDER);
	}
	(void)cache_path_append_name(&worker->cache_name, worker->name,
				     settings->demand.interpreter->cache_tag,
				     settings->levels[index].optimization);
	buffer_append_string(&worker->cache_path, buffer_string(&worker->cache_folder));
	buffer_append_byte(&worker->cache_path, '/');
	buffer_append_string(&worker->cache_path, buffer_string(&worker->cache_name));
}

/* The cache path as messages have it: beside the source, whatever folder is open. */
static const char *shown_cache_path(struct worker *worker)
{
	struct buffer *shown = &worker->cache_shown;

	buffer_clear(shown);
	if (!worker->settings->prefix)
		buffer_append(shown, worker->path.data, worker->path.size - strlen(worker->name));
	buffer_append_string(shown, buffer_string(&worker->cache_path));
	return buffer_string(shown);
}

/* Reads the source's bytes, once. */
static int load(struct worker *worker)
{
	if (worker->loaded)
		return 0;
	if (file_io_read_source(worker->folder, worker->name, &worker->bytes, &worker->status) != 0)
		return fail_with_errno(worker, errno, buffer_string(&worker->path));
	worker->loaded = true;
	return 0;
}

/* Judges one level. 0, or -1: the source had to be read for it, and failed. */
static int judge(struct worker *worker, size_t index)
{
	const struct staleness_demand *demand = &worker->settings->demand;
	enum staleness *verdict = &worker->verdicts[index];
	struct pyc_header header;

	if (worker->settings->force) {
		*verdict = STALENESS_FORCED;
		return 0;
	}
	place_cache(worker, index);
	*verdict = staleness_check(demand, worker->folder, buffer_string(&worker->cache_path),
				   &worker->status, &header);
	if (*verdict != STALENESS_NEEDS_HASH)
		return 0;
	if (load(worker) != 0)
		return -1;
	*verdict = staleness_judge_hash(demand, &header, worker->bytes.data, worker->bytes.size);
	return 0;
}

/* "Stale 'a.py' [opt-1] (source mtime)" */
static void say_verdict(struct worker *worker, size_t index)
{
	struct buffer *output = &worker->lines.output;
	enum staleness verdict = worker->verdicts[index];
	const char *optimization = worker->settings->levels[index].optimization;

	buffer_append_string(output, verdict == STALENESS_FRESH ? "Fresh " : "Stale ");
	text_append_repr(output, buffer_string(&worker->path));
	if (*optimization)
		buffer_printf(output, " [opt-%s]", optimization);
	if (verdict != STALENESS_FRESH)
		buffer_printf(output, " (%s)", staleness_name(verdict));
	buffer_append_byte(output, '\n');
}

/* Judges every level. How many are stale, or -1: the source failed. */
static int judge_all(struct worker *worker)
{
	int stale = 0;

	for (size_t i = 0; i < worker->settings->level_count; i++) {
		if (judge(worker, i) != 0)
			return -1;
		if (worker->settings->verbose)
			say_verdict(worker, i);
		stale += worker->verdicts[i] != STALENESS_FRESH;
	}
	return stale;
}

/* What stands at the cache path must be replaceable. Source: py_compile.compile. */
static int check_target(struct worker *worker)
{
	enum file_io_target target =
		file_io_target(worker->folder, buffer_string(&worker->cache_path));
	struct buffer *output;

	if (target == FILE_IO_WRITABLE)
		return 0;
	output = begin_error(worker);
	if (!output)
		return -1;
	buffer_append_string(output, "FileExistsError: ");
	text_append_name(output, shown_cache_path(worker));
	buffer_append_string(output,
			     target == FILE_IO_SYMLINK
				     ? " is a symlink and will be changed into a regular file if "
				       "import writes a byte-compiled file to it\n"
				     : " is a non-regular file and will be changed into a regular "
				       "one if import writes a byte-compiled file to it\n");
	return -1;
}

/* Asks the compile server. 0, or -1: the source, or the run, failed. */
static int compile(struct worker *worker, size_t index)
{
	struct compiler_answer *answer = &worker->answer;
	struct compiler_request request = {
		.name = buffer_string(&worker->path),
		.source = worker->bytes.data,
		.size = worker->bytes.size,
		.level = worker->settings->levels[index].level,
		.quote = true,
	};

	compiler_compile(worker->compiler, &request, answer);
	text_append_utf8(&worker->lines.errors, answer->warnings.data, answer->warnings.size);
	if (answer->outcome == COMPILER_CODE)
		return 0;
	if (answer->outcome == COMPILER_NO_START) {
		worker->settings->give_up(worker->settings->context,
					  buffer_string(&answer->payload));
		return -1;
	}
	return fail_with_message(worker, &answer->payload);
}

/* The header for the bytes that were loaded. */
static void build_header(struct worker *worker, unsigned char bytes[PYC_HEADER_SIZE])
{
	const struct interpreter *interpreter = worker->settings->demand.interpreter;
	struct pyc_header header = {
		.flags = pyc_header_flags(worker->settings->mode),
		.mtime = pyc_header_mtime(worker->status.st_mtim),
		.size = (uint32_t)worker->status.st_size,
	};

	memcpy(header.magic, interpreter->magic, PYC_HEADER_MAGIC);
	if (header.flags & PYC_FLAG_HASH)
		header.hash = source_hash(interpreter->hash_kind, interpreter->magic,
					  worker->bytes.data, worker->bytes.size);
	pyc_header_build(bytes, &header);
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
	int cache, error = 0;

	build_header(worker, header);
	cache = file_io_open_cache(worker->folder, buffer_string(&worker->cache_folder),
				   worker->settings->prefix != NULL);
	if (cache < 0)
		return fail_with_errno(worker, errno, shown_cache_path(worker));
	if (file_io_write(cache, buffer_string(&worker->cache_name), &content) != 0)
		error = errno;
	/* Only names were looked up through it. */
	(void)close(cache);
	return error ? fail_with_errno(worker, error, shown_cache_path(worker)) : 0;
}

static int compile_level(struct worker *worker, size_t index)
{
	place_cache(worker, index);
	if (check_target(worker) != 0 || load(worker) != 0 || compile(worker, index) != 0)
		return -1;
	return write_code(worker);
}

/* Compiles the stale levels; an error at one stops the later ones, as in compileall. */
static int compile_stale(struct worker *worker)
{
	if (worker->settings->quiet == 0) {
		buffer_append_string(&worker->lines.output, "Compiling ");
		text_append_repr(&worker->lines.output, buffer_string(&worker->path));
		buffer_append_string(&worker->lines.output, "...\n");
	}
	for (size_t i = 0; i < worker->settings->level_count; i++)
		if (worker->verdicts[i] != STALENESS_FRESH && compile_level(worker, i) != 0)
			return -1;
	return 0;
}

/* Looks at the source: 1 if it is one, 0 if it is nothing to compile, -1: it failed. */
static int look(struct worker *worker)
{
	const struct stat *status = &worker->status;

	if (fstatat(worker->folder, worker->name, &worker->status, 0) == 0)
		return S_ISREG(status->st_mode) ? 1 : 0;
	/* Gone meanwhile, or a link to nowhere: to Python it is no file. */
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
		return 0;
	return fail_with_errno(worker, errno, buffer_string(&worker->path));
}

/* Sets the source at hand. 0, or -1: its folder is not to be reached. */
static int take_source(struct worker *worker, struct batch *batch, size_t index)
{
	worker->loaded = false;
	worker->name = batch_name(batch, index);
	buffer_clear(&worker->cache_folder);
	buffer_clear(&worker->path);
	buffer_append_string(&worker->path, batch_prefix(batch));
	buffer_append_string(&worker->path, worker->name);
	worker->folder = batch_folder(batch);
	if (worker->folder < 0)
		return fail_with_errno(worker, errno, buffer_string(&worker->path));
	return 0;
}

/* The whole way; what it counts as, or -1: nothing to compile. */
static int process(struct worker *worker, struct batch *batch, size_t index)
{
	int is_source, stale;

	if (take_source(worker, batch, index) != 0)
		return REPORT_FAILED;
	is_source = look(worker);
	if (is_source <= 0)
		return is_source == 0 ? -1 : REPORT_FAILED;
	stale = judge_all(worker);
	if (stale < 0)
		return REPORT_FAILED;
	if (stale == 0)
		return REPORT_FRESH;
	queue_invite(worker->settings->queue, &worker->ticket);
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
	buffer_fini(&worker->cache_folder);
	buffer_fini(&worker->cache_name);
	buffer_fini(&worker->cache_path);
	buffer_fini(&worker->cache_shown);
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
	if (!worker->compiler)
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
