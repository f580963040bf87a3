/*
 * environment: the variables that speak for what was not asked for, as Python reads them.
 *
 * Nothing is kept: each call looks. As with getenv(3), no other thread may change the environment
 * meanwhile.
 */
#ifndef PYCOMPILEALL_ENVIRONMENT_H
#define PYCOMPILEALL_ENVIRONMENT_H

#include "cache_path.h"
#include "pyc_header.h"

/*
 * The invalidation mode of what is written: checked-hash where SOURCE_DATE_EPOCH is set and not
 * empty, else timestamp. Source: _get_default_invalidation_mode in py_compile.
 */
enum invalidation_mode environment_mode(void);

/*
 * The interpreter's own optimization level, sys.flags.optimize: PYTHONOPTIMIZE's number; text that
 * is none, or negative, counts as 1. Source: _Py_get_env_flag.
 */
int environment_level(void);

/*
 * What a level means that was asked for: returns what compile() is given, and writes into `text`
 * the optimization part of the cache file's name. A negative one is the interpreter's own, which is
 * `own` unless PYTHONOPTIMIZE says more; it may lie above 2 and then counts as 2 for compile().
 * Another one above 2 stays, and compile() refuses it.
 */
int environment_resolve_level(int level, int own, char text[CACHE_PATH_OPTIMIZATION_SIZE]);

/*
 * The folder for what is kept between runs: $XDG_CACHE_HOME/pycompileall, or .cache/pycompileall in
 * $HOME. In memory that the caller frees; NULL with errno ENOENT, there is none, or ENOMEM. Source:
 * the XDG base directory specification, which ignores relative paths.
 */
char *environment_cache_folder(void);

/* PYTHONPYCACHEPREFIX, or NULL if it is unset or empty. Source: config_init_pycache_prefix. */
const char *environment_pycache_prefix(void);

#endif
