#include "config.h"

#include "environment.h"

#include "buffer.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#define HIGHEST_LEVEL 2 /* that compile() takes */

enum invalidation_mode environment_mode(void)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	return epoch && *epoch ? INVALIDATION_CHECKED_HASH : INVALIDATION_TIMESTAMP;
}

int environment_level(void)
{
	const char *text = getenv("PYTHONOPTIMIZE");
	char *end;
	long level;

	if (!text || !*text)
		return 0;
	errno = 0;
	level = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || level < 0 || level > INT_MAX)
		return 1;
	return (int)level;
}

int environment_resolve_level(int level, int own, char text[CACHE_PATH_OPTIMIZATION_SIZE])
{
	int asked;

	if (level >= 0) {
		(void)cache_path_optimization(text, level);
		return level;
	}
	asked = environment_level();
	if (asked > own)
		own = asked;
	(void)cache_path_optimization(text, own);
	return own > HIGHEST_LEVEL ? HIGHEST_LEVEL : own;
}

const char *environment_pycache_prefix(void)
{
	const char *prefix = getenv("PYTHONPYCACHEPREFIX");

	return prefix && *prefix ? prefix : NULL;
}

char *environment_cache_folder(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	struct buffer path = BUFFER_INIT;

	if (cache && cache[0] == '/')
		buffer_append_string(&path, cache);
	else if (home && home[0] == '/')
		buffer_printf(&path, "%s/.cache", home);
	else {
		errno = ENOENT;
		return NULL;
	}
	buffer_append_string(&path, "/" PACKAGE_NAME);
	return buffer_take_string(&path);
}
