/*
 * inline_flags: what stands in (?aiLmsux) and (?i-s:...), for a pattern that is a str.
 *
 * Source: _parse_flags in CPython's re/_parser.py.
 */
#ifndef PYCOMPILEALL_INLINE_FLAGS_H
#define PYCOMPILEALL_INLINE_FLAGS_H

#include <stdint.h>

struct pattern;

enum inline_flag {
	INLINE_FLAG_ASCII = 1,
	INLINE_FLAG_IGNORECASE = 2,
	INLINE_FLAG_LOCALE = 4, /* refused, as for any str */
	INLINE_FLAG_MULTILINE = 8,
	INLINE_FLAG_DOTALL = 16,
	INLINE_FLAG_UNICODE = 32,
	INLINE_FLAG_VERBOSE = 64,
};

/* Only one of these may be set. */
#define INLINE_FLAGS_TYPE (INLINE_FLAG_ASCII | INLINE_FLAG_LOCALE | INLINE_FLAG_UNICODE)

/* The flag that a token is the letter of, or 0. */
unsigned inline_flags_find(uint32_t token);

/*
 * Reads the flags up to the hyphen, colon or parenthesis behind them. `*token` is the first token,
 * which has been read, and becomes the last. May fail.
 */
unsigned inline_flags_get_on(struct pattern *pattern, uint32_t *token);

/* Reads the flags behind the hyphen, and the colon. May fail. */
unsigned inline_flags_get_off(struct pattern *pattern);

#endif
