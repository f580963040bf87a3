/*
 * filter: which sources are skipped: -x, a regular expression on the path, and -e, symbolic links
 * that lead out of a folder.
 *
 * Source: compileall.compile_file.
 */
#ifndef PYCOMPILEALL_FILTER_H
#define PYCOMPILEALL_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

/* Constant once it is made; any number of threads may ask it. */
struct filter;

/* What one thread needs for asking. */
struct filter_scratch;

/*
 * A filter for a regular expression in Python's dialect (NULL: none) and a folder (NULL: none).
 * NULL with errno EINVAL, the expression is wrong and `problem` says how; or ENOMEM.
 */
struct filter *filter_create(const char *expression, const char *link_limit,
			     struct buffer *problem);

/* NULL is legal. */
void filter_destroy(struct filter *filter);

/* NULL with errno ENOMEM. */
struct filter_scratch *filter_scratch_create(const struct filter *filter);

/* NULL is legal. */
void filter_scratch_destroy(struct filter_scratch *scratch);

/*
 * Whether the source at `path` is skipped: 1 or 0, or -1 with errno: the expression could not be
 * tried (ENOMEM, or ELOOP: it needs too many steps). Looks at the file system only for -e.
 */
int filter_skips(const struct filter *filter, struct filter_scratch *scratch, const char *path);

#endif
