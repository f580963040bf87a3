#include "config.h"

#include "recompile.h"

#include "equal_levels.h"
#include "file_io.h"
#include "text.h"

#include <errno.h>
#include <string.h>

void recompile_set(struct recompile *recompile, struct source *source, size_t target,
		   struct compiler *compiler)
{
	recompile->source = source;
	recompile->target = recompile->settings->targets->list[target];
	recompile->result = &source->results[target];
	recompile->style = recompile->settings->style;
	recompile->style.label = recompile->target->label;
	recompile->compiler = compiler;
}

void recompile_fini(struct recompile *recompile)
{
	marker_lower(&recompile->marker);
	cache_file_fini(&recompile->cache);
	buffer_fini(&recompile->answer.payload);
	buffer_fini(&recompile->answer.warnings);
}

/* It failed with an errno that concerns `path`. Always -1. */
static int fail_with_errno(struct recompile *recompile, int error, const char *path)
{
	message_errno(&recompile->result->lines, &recompile->style, source_path(recompile->source),
		      error, path);
	return -1;
}

/* The same where the cache file or its folder is concerned. */
static int fail_with_cache(struct recompile *recompile, int error)
{
	return fail_with_errno(recompile, error, cache_file_blamed(&recompile->cache));
}

/* Sets where level number `index` goes. */
static void place(struct recompile *recompile, size_t index)
{
	struct source *source = recompile->source;
	const char *path = source_path(source);

	cache_file_set(&recompile->cache, &recompile->target->cache, source->folder, path,
		       path + source->path.size - strlen(source->name),
		       recompile->target->levels[index].optimization);
}

static enum staleness judge(struct recompile *recompile, size_t index)
{
	const struct staleness_demand *demand = &recompile->target->demand;
	struct source *source = recompile->source;
	enum staleness verdict;
	struct pyc_header header;

	if (recompile->settings->force)
		return STALENESS_FORCED;
	place(recompile, index);
	verdict = staleness_check(demand, recompile->cache.base, cache_file_path(&recompile->cache),
				  &source->status, &header);
	if (verdict != STALENESS_NEEDS_HASH)
		return verdict;
	if (source_load(source) != 0)
		return STALENESS_UNREADABLE;
	return staleness_judge_hash(demand, &header, source->bytes.data, source->bytes.size);
}

bool recompile_judge(struct recompile *recompile)
{
	const struct target *target = recompile->target;
	struct source_target *result = recompile->result;

	result->stale = result->failed = false;
	for (size_t i = 0; i < target->level_count; i++) {
		result->verdicts[i] = judge(recompile, i);
		message_verdict(&result->lines, &recompile->style, source_path(recompile->source),
				target->levels[i].optimization, result->verdicts[i]);
		result->stale |= result->verdicts[i] != STALENESS_FRESH;
	}
	return result->stale;
}

/* All levels lie in one folder, and where nothing was judged everything will be written. */
void recompile_tidy(struct recompile *recompile)
{
	if (!recompile->settings->force)
		cache_file_tidy(&recompile->cache);
}

/* What stands at the cache path must be replaceable. Source: py_compile.compile. */
static int check_target(struct recompile *recompile)
{
	enum file_io_target target =
		file_io_target(recompile->cache.base, cache_file_path(&recompile->cache));

	if (target == FILE_IO_WRITABLE)
		return 0;
	message_exists(&recompile->result->lines, &recompile->style, source_path(recompile->source),
		       cache_file_shown(&recompile->cache), target == FILE_IO_SYMLINK);
	return -1;
}

static int load(struct recompile *recompile)
{
	if (source_load(recompile->source) == 0)
		return 0;
	return fail_with_errno(recompile, errno, source_path(recompile->source));
}

/* Whether the code at hand is sure to be that of this level, too. */
static bool is_answered(const struct recompile *recompile, size_t index)
{
	const struct target_level *answered = recompile->answered;
	int level = recompile->target->levels[index].level;
	const struct buffer *bytes = &recompile->source->bytes;

	return answered && answered->level < level && level <= 2 &&
	       equal_levels_sure(bytes->data, bytes->size, answered->level, level);
}

static void ask(struct recompile *recompile, size_t index)
{
	struct source *source = recompile->source;
	struct compiler_request request = {
		.name = source_coname(source),
		.source = source->bytes.data,
		.size = source->bytes.size,
		.level = recompile->target->levels[index].level,
		.quote = strcmp(source_coname(source), source_path(source)) == 0,
	};

	recompile->answered = NULL;
	compiler_compile(recompile->compiler, &request, &recompile->answer);
	if (recompile->answer.outcome == COMPILER_CODE)
		recompile->answered = &recompile->target->levels[index];
}

/* Asks the compile server, unless its last answer will do; warnings are told for each level. 0, or
 * -1: the source, or the run, failed. */
static int compile(struct recompile *recompile, size_t index)
{
	const struct worker_settings *settings = recompile->settings;
	const struct compiler_answer *answer = &recompile->answer;
	struct report_lines *lines = &recompile->result->lines;

	if (!is_answered(recompile, index))
		ask(recompile, index);
	message_warnings(lines, &recompile->style, answer->warnings.data, answer->warnings.size);
	if (answer->outcome == COMPILER_CODE)
		return 0;
	if (answer->outcome == COMPILER_NO_START)
		settings->give_up(settings->context, buffer_string(&recompile->answer.payload));
	else
		message_python(lines, &recompile->style, source_path(recompile->source),
			       answer->payload.data, answer->payload.size);
	return -1;
}

static int write_code(struct recompile *recompile)
{
	const struct source *source = recompile->source;
	unsigned char header[PYC_HEADER_SIZE];
	struct file_io_content content = {
		.header = header,
		.body = recompile->answer.payload.data,
		.body_size = recompile->answer.payload.size,
		.mode = file_io_cache_mode(source->status.st_mode),
	};

	content.header_size = interpreter_build_header(&recompile->target->interpreter,
						       recompile->target->demand.mode,
						       &source->status, source->bytes.data, header);
	if (cache_file_write(&recompile->cache, &content, &recompile->marker) != 0)
		return fail_with_cache(recompile, errno);
	message_written(&recompile->result->lines, &recompile->style,
			cache_file_shown(&recompile->cache));
	return 0;
}

static int compile_level(struct recompile *recompile, size_t index)
{
	place(recompile, index);
	if (check_target(recompile) != 0 || load(recompile) != 0 || compile(recompile, index) != 0)
		return -1;
	return write_code(recompile);
}

/*
 * Level number `index` becomes another name of the one before, if they are equal. Source: the end
 * of the loop in compileall.compile_file, which also loses the file where both are one; we do not.
 */
static int link_level(struct recompile *recompile, size_t index)
{
	struct buffer before = BUFFER_INIT;
	int result = -1;

	if (index == 0 || !recompile->settings->hardlink_dupes || recompile->target->cache.legacy)
		return 0;
	place(recompile, index - 1);
	buffer_append_buffer(&before, &recompile->cache.name);
	place(recompile, index);
	errno = ENOMEM;
	if (!buffer_failed(&before))
		result = cache_file_link_if_equal(&recompile->cache, buffer_string(&before),
						  &recompile->marker);
	if (result != 0)
		(void)fail_with_cache(recompile, errno);
	buffer_fini(&before);
	return result;
}

int recompile_run(struct recompile *recompile)
{
	recompile->answered = NULL;
	message_compiling(&recompile->result->lines, &recompile->style,
			  source_path(recompile->source));
	for (size_t i = 0; i < recompile->target->level_count; i++) {
		if (recompile->result->verdicts[i] != STALENESS_FRESH &&
		    compile_level(recompile, i) != 0)
			return -1;
		if (link_level(recompile, i) != 0)
			return -1;
	}
	return 0;
}
