#include "config.h"

#include "environment.h"

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

int environment_resolve_level(int level, char text[CACHE_PATH_OPTIMIZATION_SIZE])
{
	int own;

	if (level >= 0) {
		(void)cache_path_optimization(text, level);
		return level;
	}
	own = environment_level();
	(void)cache_path_optimization(text, own);
	return own > HIGHEST_LEVEL ? HIGHEST_LEVEL : own;
}

const char *environment_pycache_prefix(void)
{
	const char *prefix = getenv("PYTHONPYCACHEPREFIX");

	return prefix && *prefix ? prefix : NULL;
}
