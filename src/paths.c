#include "config.h"

#include "paths.h"

#include "buffer.h"
#include "cache_path.h"
#include "environment.h"
#include "options.h"
#include "pycompile.h"
#include "session.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What one call of the program needs to know. */
struct paths {
	const struct options *options;
	const char *prefix; /* pycache prefix, or NULL */
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

static enum session_status print_cache_path(const struct paths *paths, const char *source,
					    size_t index)
{
	const struct options *options = paths->options;
	char text[CACHE_PATH_OPTIMIZATION_SIZE];
	const char *tag = optimization(options, index, text);
	char *path;

	if (options->legacy)
		return print_path(paths, legacy_path(source));
	path = pycompile_cache_from_source(source, tag, paths->prefix);
	if (!path && errno == EINVAL)
		return complain("", tag, " is not alphanumeric");
	return print_path(paths, path);
}

static enum session_status print_cache_paths(const struct paths *paths, const char *source)
{
	const struct options *options = paths->options;
	size_t count =
		options->optimization || options->level_count == 0 ? 1 : options->level_count;
	enum session_status worst = SESSION_OK;

	for (size_t i = 0; i < count; i++) {
		enum session_status status = print_cache_path(paths, source, i);

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

int paths_print(const struct options *options)
{
	struct paths paths = {.options = options, .prefix = environment_pycache_prefix()};
	enum session_status worst = SESSION_OK;

	for (size_t i = 0; i < options->operand_count && worst != SESSION_IMPOSSIBLE; i++) {
		enum session_status status =
			options->action == OPTIONS_CACHE_PATH
				? print_cache_paths(&paths, options->operands[i])
				: print_source_path(&paths, options->operands[i]);

		worst = status > worst ? status : worst;
	}
	if (worst == SESSION_IMPOSSIBLE)
		(void)fprintf(stderr, PACKAGE_NAME ": %s\n", strerror(errno));
	if (fflush(stdout) != 0 && worst == SESSION_OK) {
		(void)fprintf(stderr, PACKAGE_NAME ": standard output: %s\n", strerror(errno));
		worst = SESSION_FAILED;
	}
	return (int)worst;
}
