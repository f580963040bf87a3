/*
 * Cache paths, there and back.
 *
 * Strings, each ended by a NUL byte: a source, a cache tag, an optimization, a pycache prefix
 * (empty: none), the current folder, and a path that may be a cache file's.
 */
#include "config.h"

#include "buffer.h"
#include "cache_path.h"
#include "fuzz.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

const char fuzz_target[] = "cache_path";

/* Before what is appended: it must stay. */
#define FRONT "front"

struct names {
	char *source, *tag, *optimization, *prefix, *cwd, *path;
};

static void begin(struct buffer *buffer)
{
	buffer_clear(buffer);
	buffer_append_string(buffer, FRONT);
}

/* What was appended. */
static const char *appended(struct buffer *buffer)
{
	const char *string = buffer_string(buffer);

	FUZZ_CHECK(!buffer_failed(buffer));
	FUZZ_CHECK(strncmp(string, FRONT, strlen(FRONT)) == 0);
	return string + strlen(FRONT);
}

/* Joined as they are, components and all: nothing that a join would leave out. */
static bool is_plain(const char *path)
{
	size_t length = strlen(path);

	return length > 0 && !strstr(path, "//") && path[length - 1] != '/';
}

/* The path of a source that comes back as it was. */
static bool comes_back(const struct names *names, const char *prefix)
{
	const char *slash = strrchr(names->source, '/');
	const char *base = slash ? slash + 1 : names->source;
	const char *dot = strchr(base, '.');

	if (!is_plain(names->source) || slash == names->source)
		return false;
	if (!dot || dot == base || strcmp(dot, ".py") != 0 || strpbrk(names->tag, "./"))
		return false;
	/* The prefix takes the place of the root only; "./" is left out behind the current folder.
	 */
	return !prefix || (names->source[0] == '/' && is_plain(prefix));
}

static void check_from_source(const struct names *names, struct buffer *buffer,
			      struct buffer *other)
{
	const char *prefix = *names->prefix ? names->prefix : NULL;

	begin(buffer);
	begin(other);
	if (cache_path_from_source(buffer, names->source, names->tag, names->optimization, prefix,
				   names->cwd) != 0) {
		FUZZ_CHECK(errno == EINVAL && *names->optimization);
		FUZZ_CHECK(*appended(buffer) == '\0');
		return;
	}
	FUZZ_CHECK(cache_path_append_folder(other, names->source, prefix, names->cwd) == 0);
	buffer_append_byte(other, '/');
	FUZZ_CHECK(cache_path_append_name(other,
					  strrchr(names->source, '/')
						  ? strrchr(names->source, '/') + 1
						  : names->source,
					  names->tag, names->optimization) == 0);
	FUZZ_CHECK(strcmp(appended(buffer), appended(other)) == 0);
	if (!comes_back(names, prefix))
		return;
	begin(other);
	FUZZ_CHECK(cache_path_to_source(other, appended(buffer), prefix) == CACHE_PATH_OK);
	FUZZ_CHECK(strcmp(appended(other), names->source) == 0);
}

/* The tag and the optimization that stand in a cache file's name, and whether it is one that a
 * source's name leads to. */
static bool take_name_apart(char *name, const char **tag, const char **optimization)
{
	char *end = strrchr(name, '.'), *first = strchr(name, '.'), *second;

	if (strcmp(end, ".pyc") != 0 || first == name)
		return false;
	*end = '\0';
	*tag = first + 1;
	*optimization = "";
	second = strchr(first + 1, '.');
	if (second) {
		*second = '\0';
		*optimization = second + strlen(".opt-");
	}
	return true;
}

static void check_to_source(const struct names *names, struct buffer *buffer, struct buffer *other)
{
	const char *prefix = *names->prefix ? names->prefix : NULL;
	const char *slash = strrchr(names->path, '/'), *source, *tag, *optimization;
	enum cache_path_error error;

	begin(buffer);
	error = cache_path_to_source(buffer, names->path, prefix);
	source = appended(buffer);
	FUZZ_CHECK(error != CACHE_PATH_NO_MEMORY);
	if (error != CACHE_PATH_OK) {
		FUZZ_CHECK(*source == '\0');
		return;
	}
	FUZZ_CHECK(strlen(source) >= 3 && strcmp(source + strlen(source) - 3, ".py") == 0);
	/* Without a prefix, a plain path is found again from what it leads to. */
	if (prefix || !slash || !is_plain(names->path) || names->path[0] == '/')
		return;
	char *name = fuzz_copy(slash + 1, strlen(slash + 1) + 1);
	if (take_name_apart(name, &tag, &optimization)) {
		begin(other);
		FUZZ_CHECK(cache_path_from_source(other, source, tag, optimization, NULL, "") == 0);
		FUZZ_CHECK(strcmp(appended(other), names->path) == 0);
	}
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz_input input = {bytes, size};
	struct buffer buffer = BUFFER_INIT, other = BUFFER_INIT;
	struct names names;

	names.source = fuzz_take_string(&input);
	names.tag = fuzz_take_string(&input);
	names.optimization = fuzz_take_string(&input);
	names.prefix = fuzz_take_string(&input);
	names.cwd = fuzz_take_string(&input);
	names.path = fuzz_take_string(&input);
	check_from_source(&names, &buffer, &other);
	check_to_source(&names, &buffer, &other);
	free(names.source);
	free(names.tag);
	free(names.optimization);
	free(names.prefix);
	free(names.cwd);
	free(names.path);
	buffer_fini(&buffer);
	buffer_fini(&other);
	return 0;
}
