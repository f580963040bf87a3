/*
 * regex: regular expressions as Python has them, for -x: re.search(pattern, path), by PCRE2.
 *
 * A path's characters are Python's: a byte that decodes to nothing is its lone surrogate, so that
 * "." matches it and \udcff means the byte 0xff. How the dialects differ: regex_dialect.h.
 *
 * A compiled expression is constant: any number of threads may search with it at once, each with a
 * scratch of its own.
 */
#ifndef PYCOMPILEALL_REGEX_H
#define PYCOMPILEALL_REGEX_H

struct buffer;
struct regex;
struct regex_scratch;

/*
 * Compiles a pattern, a string in the locale's character set. NULL with errno: ENOMEM; EINVAL, the
 * pattern is wrong or empty, and why has been appended to `problem`, in the output's encoding,
 * without a newline, as str(re.error) says it: "bad escape \h at position 3". The position is in
 * characters, from 0; there is none where the pattern as a whole is wrong. Memory running out for
 * the message is `problem`'s failure.
 */
struct regex *regex_compile(const char *pattern, struct buffer *problem);

/* Frees it; NULL is allowed. No thread may be searching. */
void regex_free(struct regex *regex);

/* What one thread needs to search, with any number of expressions. NULL with errno ENOMEM. */
struct regex_scratch *regex_scratch_create(void);

/* Frees it; NULL is allowed. */
void regex_scratch_destroy(struct regex_scratch *scratch);

/*
 * Whether the expression matches anywhere in the path. Returns 1, 0, or -1 with errno: ENOMEM;
 * ELOOP, the search was given up after the many steps that PCRE2 allows it (Python would go on).
 */
int regex_search(const struct regex *regex, struct regex_scratch *scratch, const char *path);

#endif
