/*
 * The rooms behind the public functions know how; what is here gives them names and types that
 * other programs can rely on.
 */
#include "config.h"

#include "pycompile.h"

#include "buffer.h"
#include "cache_file.h"
#include "cache_path.h"
#include "compiler.h"
#include "environment.h"
#include "file_io.h"
#include "folder.h"
#include "interpreter.h"
#include "py_error.h"
#include "pyc_header.h"
#include "source_hash.h"
#include "staleness.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The Python that this library was built for ---- */

const char *pycompile_python_version(void)
{
	return interpreter_embedded()->version;
}

const char *pycompile_cache_tag(void)
{
	return interpreter_embedded()->cache_tag;
}

const unsigned char *pycompile_magic_number(void)
{
	return interpreter_embedded()->magic;
}

/* ---- Paths ---- */

static const char *null_if_empty(const char *text)
{
	return text && *text ? text : NULL;
}

char *pycompile_cache_from_source(const char *path, const char *optimization, const char *prefix)
{
	char own[CACHE_PATH_OPTIMIZATION_SIZE], *cwd = NULL;
	struct buffer found = BUFFER_INIT;
	int result;

	prefix = null_if_empty(prefix);
	if (prefix) {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return NULL;
	}
	if (!optimization)
		optimization = cache_path_optimization(own, environment_level());
	result = cache_path_from_source(&found, path, interpreter_embedded()->cache_tag,
					optimization, prefix, cwd);
	free(cwd);
	if (result == 0)
		return buffer_take_string(&found);
	buffer_fini(&found);
	return NULL;
}

/* The public number of an error; CACHE_PATH_NO_MEMORY has none. */
static enum pycompile_path_error path_error_of(enum cache_path_error error)
{
	switch (error) {
	case CACHE_PATH_NOT_IN_PYCACHE:
		return PYCOMPILE_PATH_NOT_IN_PYCACHE;
	case CACHE_PATH_DOTS:
		return PYCOMPILE_PATH_DOTS;
	case CACHE_PATH_NO_OPT:
		return PYCOMPILE_PATH_NO_OPT;
	case CACHE_PATH_OPT_NOT_ALNUM:
		return PYCOMPILE_PATH_OPT_NOT_ALPHANUMERIC;
	case CACHE_PATH_OK:
	case CACHE_PATH_NO_MEMORY:
		break;
	}
	return PYCOMPILE_PATH_OK;
}

char *pycompile_source_from_cache(const char *path, const char *prefix,
				  enum pycompile_path_error *error)
{
	struct buffer source = BUFFER_INIT;
	enum cache_path_error wrong = cache_path_to_source(&source, path, null_if_empty(prefix));

	if (error)
		*error = path_error_of(wrong);
	if (wrong == CACHE_PATH_OK)
		return buffer_take_string(&source);
	buffer_fini(&source);
	errno = wrong == CACHE_PATH_NO_MEMORY ? ENOMEM : EINVAL;
	return NULL;
}

/* ---- Headers ---- */

_Static_assert(PYCOMPILE_HEADER_SIZE == PYC_HEADER_SIZE, "one header");
_Static_assert(PYCOMPILE_FLAG_HASH == PYC_FLAG_HASH, "one set of flags");
_Static_assert(PYCOMPILE_FLAG_CHECKED == PYC_FLAG_CHECKED, "one set of flags");

void pycompile_header_read(struct pycompile_header *header, const unsigned char *bytes)
{
	struct pyc_header parsed;

	pyc_header_parse(&parsed, bytes);
	memcpy(header->magic, parsed.magic, sizeof(header->magic));
	header->flags = parsed.flags;
	header->mtime = parsed.mtime;
	header->size = parsed.size;
	header->hash = parsed.hash;
}

void pycompile_header_build(unsigned char *bytes, const struct pycompile_header *header)
{
	struct pyc_header built = {
		.flags = header->flags,
		.mtime = header->mtime,
		.size = header->size,
		.hash = header->hash,
	};

	memcpy(built.magic, header->magic, sizeof(built.magic));
	pyc_header_build(bytes, &built);
}

uint32_t pycompile_header_mtime(struct timespec mtime)
{
	return pyc_header_mtime(mtime);
}

uint64_t pycompile_source_hash(const void *source, size_t size)
{
	const struct interpreter *interpreter = interpreter_embedded();

	return source_hash(interpreter->hash_kind, interpreter->magic, source, size);
}

/* ---- Options ---- */

static const struct pycompile_options default_options = PYCOMPILE_OPTIONS_INIT;

static enum invalidation_mode mode_of(const struct pycompile_options *options)
{
	switch (options->mode) {
	case PYCOMPILE_MODE_TIMESTAMP:
		return INVALIDATION_TIMESTAMP;
	case PYCOMPILE_MODE_CHECKED_HASH:
		return INVALIDATION_CHECKED_HASH;
	case PYCOMPILE_MODE_UNCHECKED_HASH:
		return INVALIDATION_UNCHECKED_HASH;
	case PYCOMPILE_MODE_DEFAULT:
		break;
	}
	return environment_mode();
}

/* A source and its .pyc, as something to open. */
struct place {
	struct folder *folder; /* the source's */
	const char *base;      /* the source's name in it */
	int level;             /* as compile() takes it */
	char *cwd;
	struct cache_rule rule;
	struct cache_file cache;
};

static void place_fini(struct place *place)
{
	cache_file_fini(&place->cache);
	folder_release(place->folder);
	free(place->cwd);
}

/* Opens the folder of the source, of which `base` is the last component. */
static struct folder *open_folder_of(const char *file, const char *base)
{
	size_t size = (size_t)(base - file);
	struct folder *folder;
	char *path;
	int error;

	if (size == 0)
		return folder_open(*file ? "." : "");
	path = strndup(file, size);
	if (!path)
		return NULL;
	folder = folder_open(path);
	error = errno;
	free(path);
	errno = error;
	return folder;
}

/* Finds the place of a source. 0, or -1 with errno; call place_fini whatever comes back. */
static int place_init(struct place *place, const char *file,
		      const struct pycompile_options *options)
{
	const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
	char optimization[CACHE_PATH_OPTIMIZATION_SIZE];

	*place = (struct place){.base = *base ? base : "."};
	place->level = environment_resolve_level(options->optimize, 0, optimization);
	place->rule.cache_tag = interpreter_embedded()->cache_tag;
	place->rule.explicit = options->cfile;
	place->rule.prefix = options->cfile ? NULL : null_if_empty(options->prefix);
	if (place->rule.prefix) {
		place->rule.cwd = place->cwd = getcwd(NULL, 0);
		if (!place->cwd)
			return -1;
	}
	place->folder = open_folder_of(file, base);
	if (!place->folder)
		return -1;
	cache_file_set(&place->cache, &place->rule, folder_descriptor(place->folder), file, base,
		       optimization);
	return 0;
}

/* ---- Staleness ---- */

_Static_assert((int)PYCOMPILE_FRESH == (int)STALENESS_FRESH, "one order of verdicts");
_Static_assert((int)PYCOMPILE_STALE_MISSING == (int)STALENESS_MISSING, "one order of verdicts");
_Static_assert((int)PYCOMPILE_STALE_TRUNCATED == (int)STALENESS_TRUNCATED, "one order of verdicts");
_Static_assert((int)PYCOMPILE_STALE_MAGIC == (int)STALENESS_MAGIC, "one order of verdicts");
_Static_assert((int)PYCOMPILE_STALE_FLAGS == (int)STALENESS_FLAGS, "one order of verdicts");
_Static_assert((int)PYCOMPILE_STALE_MTIME == (int)STALENESS_MTIME, "one order of verdicts");
_Static_assert((int)PYCOMPILE_STALE_SIZE == (int)STALENESS_SIZE, "one order of verdicts");
_Static_assert((int)PYCOMPILE_STALE_HASH == (int)STALENESS_HASH, "one order of verdicts");
_Static_assert((int)PYCOMPILE_UNREADABLE == (int)STALENESS_UNREADABLE, "one order of verdicts");

/* The status of what is named as a source. 0, or -1 with errno. */
static int look(const struct place *place, struct stat *status)
{
	if (fstatat(folder_descriptor(place->folder), place->base, status, 0) != 0)
		return -1;
	if (S_ISREG(status->st_mode))
		return 0;
	errno = S_ISDIR(status->st_mode) ? EISDIR : EINVAL;
	return -1;
}

/* Judges a hash in a header. The verdict, or -1 with errno. */
static int judge_hash(const struct place *place, const struct staleness_demand *demand,
		      const struct pyc_header *header)
{
	struct buffer source = BUFFER_INIT;
	struct stat status;
	int error, verdict = -1;

	if (file_io_read_source(folder_descriptor(place->folder), place->base, &source, &status) ==
	    0)
		verdict = (int)staleness_judge_hash(demand, header, source.data, source.size);
	error = errno;
	buffer_fini(&source);
	errno = error;
	return verdict;
}

/* The verdict, or -1 with errno. */
static int check(struct place *place, const struct pycompile_options *options)
{
	const struct staleness_demand demand = {
		.interpreter = interpreter_embedded(),
		.any_mode = options->mode == PYCOMPILE_MODE_DEFAULT,
		.mode = mode_of(options),
	};
	struct pyc_header header;
	enum staleness verdict;
	struct stat status;

	if (look(place, &status) != 0)
		return -1;
	verdict = staleness_check(&demand, place->cache.base, cache_file_path(&place->cache),
				  &status, &header);
	return verdict == STALENESS_NEEDS_HASH ? judge_hash(place, &demand, &header) : (int)verdict;
}

int pycompile_check(const char *file, const struct pycompile_options *options)
{
	struct place place;
	int error, verdict = -1;

	if (!options)
		options = &default_options;
	if (place_init(&place, file, options) == 0)
		verdict = check(&place, options);
	error = errno;
	place_fini(&place);
	errno = error;
	return verdict;
}

const char *pycompile_staleness_name(int staleness)
{
	if (staleness < PYCOMPILE_FRESH || staleness > PYCOMPILE_UNREADABLE)
		return NULL;
	return staleness_name((enum staleness)staleness);
}

/* ---- Compiling ---- */

struct pycompile {
	char *server;
	struct compiler_command command;
	struct compiler *compiler;

	/* Of the source at hand; kept because the next one needs as much. */
	struct buffer source;
	struct compiler_answer answer;
};

/* The texts are NUL-terminated once they are finished. */
struct pycompile_result {
	enum pycompile_outcome outcome;
	int error; /* errno, or 0 */
	struct buffer path, type, message, warnings;
};

struct pycompile *pycompile_create(const char *server)
{
	struct pycompile *context = calloc(1, sizeof(*context));

	if (!context)
		return NULL;
	context->server = server ? strdup(server) : compiler_find_server();
	if (context->server)
		context->compiler =
			compiler_create(compiler_embedded(&context->command, context->server),
					interpreter_embedded());
	if (context->compiler)
		return context;
	pycompile_destroy(context);
	errno = ENOMEM;
	return NULL;
}

void pycompile_destroy(struct pycompile *context)
{
	if (!context)
		return;
	compiler_destroy(context->compiler);
	buffer_fini(&context->source);
	buffer_fini(&context->answer.payload);
	buffer_fini(&context->answer.warnings);
	free(context->server);
	free(context);
}

/* The source failed with an errno that concerns `path`. */
static void fail_with_errno(struct pycompile_result *result, int error, const char *path)
{
	result->outcome = PYCOMPILE_OS_ERROR;
	result->error = error;
	buffer_append_string(&result->type, py_error_name(error));
	py_error_append_text(&result->message, error, path);
}

/* The same where the cache file or its folder is concerned. */
static void fail_with_cache(struct pycompile_result *result, int error, struct cache_file *cache)
{
	fail_with_errno(result, error, cache_file_blamed(cache));
}

/* What stands at the cache path must be replaceable. 0, or -1: it failed. */
static int check_target(struct place *place, struct pycompile_result *result)
{
	enum file_io_target target =
		file_io_target(place->cache.base, cache_file_path(&place->cache));

	if (target == FILE_IO_WRITABLE)
		return 0;
	result->outcome = PYCOMPILE_OS_ERROR;
	result->error = EEXIST;
	buffer_append_string(&result->type, py_error_name(EEXIST));
	py_error_append_exists(&result->message, cache_file_shown(&place->cache),
			       target == FILE_IO_SYMLINK);
	return -1;
}

/*
 * Appends the type of the exception that a message of PyCompileError is about. Its __init__ gives
 * "Sorry: TYPE: text" to every type but SyntaxError itself, which has traceback's lines; those
 * begin with "  File " or with the type.
 */
static void append_type(struct buffer *type, const char *message)
{
	static const char mark[] = "Sorry: ";

	if (strncmp(message, mark, sizeof(mark) - 1) != 0) {
		buffer_append_string(type, "SyntaxError");
		return;
	}
	message += sizeof(mark) - 1;
	buffer_append(type, message, strcspn(message, ":"));
}

/* Takes what the server said. 0 if it is code, or -1: it failed. */
static int take_answer(struct pycompile_result *result, struct compiler_answer *answer)
{
	buffer_append(&result->warnings, answer->warnings.data, answer->warnings.size);
	switch (answer->outcome) {
	case COMPILER_CODE:
		return 0;
	case COMPILER_ERROR:
		result->outcome = PYCOMPILE_REJECTED;
		append_type(&result->type, buffer_string(&answer->payload));
		break;
	case COMPILER_DIED:
		result->outcome = PYCOMPILE_SERVER_DIED;
		buffer_append_string(&result->type, py_error_name(ECHILD));
		break;
	case COMPILER_NO_START:
		result->outcome = PYCOMPILE_SERVER_ABSENT;
		buffer_append_string(&result->type, py_error_name(ECHILD));
		break;
	}
	buffer_append(&result->message, answer->payload.data, answer->payload.size);
	return -1;
}

static void write_code(const struct pycompile *context, struct place *place,
		       enum invalidation_mode mode, const struct stat *status,
		       struct pycompile_result *result)
{
	unsigned char header[PYC_HEADER_SIZE];
	struct file_io_content content = {
		.header = header,
		.body = context->answer.payload.data,
		.body_size = context->answer.payload.size,
		.mode = file_io_cache_mode(status->st_mode),
	};

	content.header_size = interpreter_build_header(interpreter_embedded(), mode, status,
						       context->source.data, header);
	/* To look for what dead runs have left would cost every file a look at its whole folder. */
	if (cache_file_write(&place->cache, &content, NULL) == 0)
		buffer_append_string(&result->path, cache_file_shown(&place->cache));
	else
		fail_with_cache(result, errno, &place->cache);
}

/* The whole way, for a place that was found. */
static void compile(struct pycompile *context, const char *file,
		    const struct pycompile_options *options, struct place *place,
		    struct pycompile_result *result)
{
	const char *name = options->dfile ? options->dfile : file;
	struct compiler_request request = {
		.name = name,
		.level = place->level,
		.quote = strcmp(name, file) == 0,
	};
	struct stat status;

	if (check_target(place, result) != 0)
		return;
	if (file_io_read_source(folder_descriptor(place->folder), place->base, &context->source,
				&status) != 0) {
		fail_with_errno(result, errno, file);
		return;
	}
	request.source = context->source.data;
	request.size = context->source.size;
	compiler_compile(context->compiler, &request, &context->answer);
	if (take_answer(result, &context->answer) == 0)
		write_code(context, place, mode_of(options), &status, result);
}

/* Ends the texts. 0, or -1: memory ran out on the way, or one of them has lost something. */
static int finish(struct pycompile_result *result)
{
	struct buffer *texts[] = {
		&result->path,
		&result->type,
		&result->message,
		&result->warnings,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		buffer_append_byte(texts[i], '\0');
		if (buffer_failed(texts[i]))
			return -1;
	}
	return result->error == ENOMEM ? -1 : 0;
}

struct pycompile_result *pycompile_compile(struct pycompile *context, const char *file,
					   const struct pycompile_options *options)
{
	struct pycompile_result *result = calloc(1, sizeof(*result));
	struct place place;

	if (!result)
		return NULL;
	if (!options)
		options = &default_options;
	if (place_init(&place, file, options) == 0)
		compile(context, file, options, &place, result);
	else
		fail_with_errno(result, errno, file);
	place_fini(&place);
	if (finish(result) == 0)
		return result;
	pycompile_result_destroy(result);
	errno = ENOMEM;
	return NULL;
}

void pycompile_result_destroy(struct pycompile_result *result)
{
	if (!result)
		return;
	buffer_fini(&result->path);
	buffer_fini(&result->type);
	buffer_fini(&result->message);
	buffer_fini(&result->warnings);
	free(result);
}

enum pycompile_outcome pycompile_result_outcome(const struct pycompile_result *result)
{
	return result->outcome;
}

const char *pycompile_result_path(const struct pycompile_result *result)
{
	return result->outcome == PYCOMPILE_WRITTEN ? result->path.data : NULL;
}

const char *pycompile_result_error_type(const struct pycompile_result *result)
{
	return result->type.data;
}

const char *pycompile_result_message(const struct pycompile_result *result)
{
	return result->message.data;
}

int pycompile_result_errno(const struct pycompile_result *result)
{
	return result->error;
}

const char *pycompile_result_warnings(const struct pycompile_result *result)
{
	return result->warnings.data;
}
