#include "config.h"

#include "paths.h"

#include "buffer.h"
#include "cache_path.h"
#include "environment.h"
#include "options.h"
#include "pycompile.h"
#include "session.h"
#include "target.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What one call of the program needs to know. */
struct paths {
	const struct options *options;
	const char *prefix;     /* pycache prefix, or NULL */
	struct targets targets; /* whose paths; none for sources */
};

/* A path that was found, and is freed here; NULL: memory ran out. */
static enum session_status print_path(const struct paths *paths, char *path)
{
	if (!path)
		return SESSION_IMPOSSIBLE;
	(void)fputs(path, stdout);
	(void)putchar(paths->options->nuls ? '\0' : '\n');
	free(path);
	return SESSION_OK;
}

/* The optimization part that option -o number `index`, or --optimization, asks for. NULL: the
 * interpreter's own. */
static const char *optimization(const struct options *options, size_t index,
				char text[CACHE_PATH_OPTIMIZATION_SIZE])
{
	if (options->optimization)
		return options->optimization;
	if (options->level_count == 0 || options->levels[index] < 0)
		return NULL;
	return cache_path_optimization(text, options->levels[index]);
}

static enum session_status complain(const char *message, const char *quoted, const char *rest)
{
	struct buffer text = BUFFER_INIT;

	buffer_append_string(&text, PACKAGE_NAME ": ValueError: ");
	buffer_append_string(&text, message);
	if (quoted)
		text_append_repr(&text, quoted);
	buffer_append_string(&text, rest);
	buffer_append_byte(&text, '\n');
	(void)fputs(buffer_string(&text), stderr);
	buffer_fini(&text);
	return SESSION_FAILED;
}

/* "x.pyc" beside the source, as -b has it. */
static char *legacy_path(const char *source)
{
	struct buffer path = BUFFER_INIT;

	buffer_append_string(&path, source);
	buffer_append_byte(&path, 'c');
	return buffer_take_string(&path);
}

/* The path for one interpreter; `tag` NULL: its own level. */
static char *cache_path(const struct paths *paths, const char *source, const char *tag,
			const struct target *target)
{
	const struct cache_rule *rule = &target->cache;
	char own[CACHE_PATH_OPTIMIZATION_SIZE];
	struct buffer path = BUFFER_INIT;
	int error;

	if (paths->options->legacy)
		return legacy_path(source);
	if (!tag)
		(void)environment_resolve_level(-1, target->interpreter.level, own);
	if (cache_path_from_source(&path, source, rule->cache_tag, tag ? tag : own, rule->prefix,
				   rule->cwd) == 0)
		return buffer_take_string(&path);
	error = errno;
	buffer_fini(&path);
	errno = error;
	return NULL;
}

static enum session_status print_cache_path(const struct paths *paths, const char *source,
					    size_t index, const struct target *target)
{
	const struct options *options = paths->options;
	char text[CACHE_PATH_OPTIMIZATION_SIZE];
	const char *tag = optimization(options, index, text);
	char *path = cache_path(paths, source, tag, target);

	if (!path && errno == EINVAL)
		return complain("", tag, " is not alphanumeric");
	return print_path(paths, path);
}

/* All paths for one interpreter. */
static enum session_status print_target_paths(const struct paths *paths, const char *source,
					      const struct target *target)
{
	const struct options *options = paths->options;
	size_t count =
		options->optimization || options->level_count == 0 ? 1 : options->level_count;
	enum session_status worst = SESSION_OK;

	for (size_t i = 0; i < count; i++) {
		enum session_status status = print_cache_path(paths, source, i, target);

		worst = status > worst ? status : worst;
	}
	return worst;
}

static enum session_status print_cache_paths(const struct paths *paths, const char *source)
{
	enum session_status worst = SESSION_OK;

	for (size_t i = 0; i < paths->targets.count; i++) {
		enum session_status status =
			print_target_paths(paths, source, paths->targets.list[i]);

		worst = status > worst ? status : worst;
	}
	return worst;
}

/* The last component of a path. */
static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What stands between the last two dots of a name, in memory of the caller's. */
static char *optimization_of(const char *name)
{
	const char *end = strrchr(name, '.'), *begin = end;

	while (begin > name && begin[-1] != '.')
		begin--;
	return strndup(begin, (size_t)(end - begin));
}

/* The alphanumeric value that is none: what follows "opt-". */
static enum session_status complain_of_optimization(const char *path)
{
	char *part = optimization_of(base_of(path));
	enum session_status status = SESSION_IMPOSSIBLE;

	if (part)
		status = complain("optimization level ", part + strlen("opt-"),
				  " is not an alphanumeric value");
	free(part);
	return status;
}

static enum session_status print_source_path(const struct paths *paths, const char *path)
{
	enum pycompile_path_error error;
	char *source = pycompile_source_from_cache(path, paths->prefix, &error);

	switch (error) {
	case PYCOMPILE_PATH_OK:
		break;
	case PYCOMPILE_PATH_NOT_IN_PYCACHE:
		return complain(CACHE_PATH_FOLDER " not bottom-level directory in ", path, "");
	case PYCOMPILE_PATH_DOTS:
		return complain("expected only 2 or 3 dots in ", base_of(path), "");
	case PYCOMPILE_PATH_NO_OPT:
		return complain("optimization portion of filename does not start with 'opt-'", NULL,
				"");
	case PYCOMPILE_PATH_OPT_NOT_ALPHANUMERIC:
		return complain_of_optimization(path);
	}
	return print_path(paths, source);
}

/* The interpreters, which no one needs to know of who asks for sources. */
static enum session_status find_targets(struct paths *paths)
{
	const struct options *options = paths->options;
	struct buffer problem = BUFFER_INIT;
	enum session_status status = SESSION_OK;

	if (options->action == OPTIONS_SOURCE_PATH)
		return SESSION_OK;
	if (targets_find(&paths->targets, options, &problem) != 0) {
		status = errno == EINVAL ? SESSION_USAGE : SESSION_IMPOSSIBLE;
		if (status == SESSION_USAGE)
			options_complain(stderr, "%s", buffer_string(&problem));
		else
			(void)fprintf(stderr, PACKAGE_NAME ": %s\n",
				      problem.size > 0 ? buffer_string(&problem) : strerror(errno));
	}
	buffer_fini(&problem);
	return status;
}

static enum session_status print_all(const struct paths *paths)
{
	const struct options *options = paths->options;
	enum session_status worst = SESSION_OK;

	for (size_t i = 0; i < options->operand_count && worst != SESSION_IMPOSSIBLE; i++) {
		enum session_status status =
			options->action == OPTIONS_CACHE_PATH
				? print_cache_paths(paths, options->operands[i])
				: print_source_path(paths, options->operands[i]);

		worst = status > worst ? status : worst;
	}
	if (worst == SESSION_IMPOSSIBLE)
		(void)fprintf(stderr, PACKAGE_NAME ": %s\n", strerror(errno));
	if (fflush(stdout) != 0 && worst == SESSION_OK) {
		(void)fprintf(stderr, PACKAGE_NAME ": standard output: %s\n", strerror(errno));
		worst = SESSION_FAILED;
	}
	return worst;
}

int paths_print(const struct options *options)
{
	struct paths paths = {.options = options, .prefix = environment_pycache_prefix()};
	enum session_status status = find_targets(&paths);

	if (status == SESSION_OK)
		status = print_all(&paths);
	targets_fini(&paths.targets);
	return (int)status;
}
