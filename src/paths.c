#include "config.h"

#include "paths.h"

#include "buffer.h"
#include "cache_path.h"
#include "interpreter.h"
#include "options.h"
#include "session.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What one call of the program needs to know. */
struct paths {
	const struct options *options;
	const char *prefix; /* pycache prefix, or NULL */
	char *cwd;          /* the current folder, if there is a prefix */
};

static enum session_status print_path(const struct paths *paths, struct buffer *path)
{
	if (buffer_failed(path))
		return SESSION_IMPOSSIBLE;
	(void)fwrite(path->data, 1, path->size, stdout);
	(void)putchar(paths->options->nuls ? '\0' : '\n');
	return SESSION_OK;
}

/* The optimization part that option -o number `index`, or --optimization, asks for. */
static const char *optimization(const struct options *options, size_t index,
				char text[CACHE_PATH_OPTIMIZATION_SIZE])
{
	int level = -1;

	if (options->optimization)
		return options->optimization;
	if (options->level_count > 0)
		level = options->levels[index];
	return cache_path_optimization(text, level < 0 ? options_default_level() : level);
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

static enum session_status print_cache_path(const struct paths *paths, const char *source,
					    size_t index)
{
	const struct options *options = paths->options;
	char text[CACHE_PATH_OPTIMIZATION_SIZE];
	const char *tag = optimization(options, index, text);
	struct buffer path = BUFFER_INIT;
	enum session_status status;
	int result = 0;

	if (options->legacy) {
		buffer_append_string(&path, source);
		buffer_append_byte(&path, 'c');
	} else {
		result = cache_path_from_source(&path, source, interpreter_embedded()->cache_tag,
						tag, paths->prefix, paths->cwd);
	}
	if (result == 0)
		status = print_path(paths, &path);
	else if (errno == EINVAL)
		status = complain("", tag, " is not alphanumeric");
	else
		status = SESSION_IMPOSSIBLE;
	buffer_fini(&path);
	return status;
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
	struct buffer source = BUFFER_INIT;
	enum session_status status = SESSION_IMPOSSIBLE;

	switch (cache_path_to_source(&source, path, paths->prefix)) {
	case CACHE_PATH_OK:
		status = print_path(paths, &source);
		break;
	case CACHE_PATH_NOT_IN_PYCACHE:
		status = complain(CACHE_PATH_FOLDER " not bottom-level directory in ", path, "");
		break;
	case CACHE_PATH_DOTS:
		status = complain("expected only 2 or 3 dots in ", base_of(path), "");
		break;
	case CACHE_PATH_NO_OPT:
		status = complain("optimization portion of filename does not start with 'opt-'",
				  NULL, "");
		break;
	case CACHE_PATH_OPT_NOT_ALNUM:
		status = complain_of_optimization(path);
		break;
	case CACHE_PATH_NO_MEMORY:
		break;
	}
	buffer_fini(&source);
	return status;
}

int paths_print(const struct options *options)
{
	struct paths paths = {.options = options, .prefix = options_pycache_prefix()};
	enum session_status worst = SESSION_OK;

	if (paths.prefix) {
		paths.cwd = getcwd(NULL, 0);
		if (!paths.cwd)
			worst = SESSION_IMPOSSIBLE;
	}
	for (size_t i = 0; i < options->operand_count && worst != SESSION_IMPOSSIBLE; i++) {
		enum session_status status =
			options->action == OPTIONS_CACHE_PATH
				? print_cache_paths(&paths, options->operands[i])
				: print_source_path(&paths, options->operands[i]);

		worst = status > worst ? status : worst;
	}
	free(paths.cwd);
	if (worst == SESSION_IMPOSSIBLE)
		(void)fprintf(stderr, PACKAGE_NAME ": %s\n", strerror(errno));
	if (fflush(stdout) != 0 && worst == SESSION_OK) {
		(void)fprintf(stderr, PACKAGE_NAME ": standard output: %s\n", strerror(errno));
		worst = SESSION_FAILED;
	}
	return (int)worst;
}
