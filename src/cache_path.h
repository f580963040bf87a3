/*
 * cache_path: where the byte-code of a source belongs (PEP 3147, PEP 488). Pure string code: no
 * file is looked at, and no path need exist.
 *
 *     /foo/bar/baz.py  ->  /foo/bar/__pycache__/baz.cpython-311.opt-1.pyc
 *                          folder               stem cache tag  optimization
 */
#ifndef PYCOMPILEALL_CACHE_PATH_H
#define PYCOMPILEALL_CACHE_PATH_H

struct buffer;

/* The folder beside a source that holds its byte-code. */
#define CACHE_PATH_FOLDER "__pycache__"

/* Bytes that hold any level's digits and a NUL. */
#define CACHE_PATH_OPTIMIZATION_SIZE 12

/*
 * The optimization part of a cache file's name for a level: "" for 0 and below, else its digits.
 * `text` has room for CACHE_PATH_OPTIMIZATION_SIZE bytes. Returns `text`.
 */
char *cache_path_optimization(char *text, int level);

/*
 * Appends the cache file's own name, without any folder: `base` is the source's last component.
 * `optimization` is "" or alphanumeric as str.isalnum has it, in UTF-8. Returns 0, or -1 with errno
 * EINVAL (optimization has another character; nothing is appended) or ENOMEM. Source:
 * importlib.util.cache_from_source.
 */
int cache_path_append_name(struct buffer *buffer, const char *base, const char *cache_tag,
			   const char *optimization);

/*
 * Appends the folder in which the byte-code of `source` belongs, without a trailing slash:
 * "__pycache__" beside it, or with a `prefix` (sys.pycache_prefix, not empty) the prefix and the
 * source's absolute folder. `cwd` is the current folder, used only for a relative `source` with a
 * prefix. NULL `prefix` = none. Returns 0, or -1 with errno ENOMEM.
 *
 * Two results are CPython's own oddities: a source in the root folder is taken for one in the
 * current folder ("/x.py" gives "__pycache__"), and the root as the prefix of "//x.py" gives "".
 */
int cache_path_append_folder(struct buffer *buffer, const char *source, const char *prefix,
			     const char *cwd);

/*
 * importlib.util.cache_from_source: appends folder, slash and name. Returns and errno as for the
 * two above; where it fails, nothing is appended.
 */
int cache_path_from_source(struct buffer *buffer, const char *source, const char *cache_tag,
			   const char *optimization, const char *prefix, const char *cwd);

/* What is wrong with a path that no source can be told from. */
enum cache_path_error {
	CACHE_PATH_OK,             /* nothing */
	CACHE_PATH_NOT_IN_PYCACHE, /* its folder is not __pycache__ */
	CACHE_PATH_DOTS,           /* the name has fewer than two or more than three dots */
	CACHE_PATH_NO_OPT,         /* three dots, but the third part does not begin with "opt-" */
	CACHE_PATH_OPT_NOT_ALNUM,  /* what follows "opt-" is not alphanumeric */
	CACHE_PATH_NO_MEMORY,      /* errno is ENOMEM */
};

/*
 * importlib.util.source_from_cache: appends the source's path for the byte-code at `path`. `prefix`
 * as above. Whatever is wrong, nothing is appended.
 */
enum cache_path_error cache_path_to_source(struct buffer *buffer, const char *path,
					   const char *prefix);

#endif
