/*
 * pattern: a regular expression's text as Python's tokenizer reads it, and how an error in it is
 * told.
 *
 * A token is a character, or a backslash and the character behind it. Positions are in characters,
 * from 0. The first error stays, and the text then looks as if it ended: whoever reads on ends
 * soon, and needs to ask for the error only once.
 *
 * Source: Tokenizer in CPython's re/_parser.py, and re.error.
 */
#ifndef PYCOMPILEALL_PATTERN_H
#define PYCOMPILEALL_PATTERN_H

#include "buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_ESCAPE 0x80000000u /* this bit and a character: a backslash stands before it */
#define PATTERN_END    UINT32_MAX  /* the token behind the last one */

#define PATTERN_NUMBER_MAX 99999999 /* what a larger decimal number is read as */
#define PATTERN_NOWHERE    SIZE_MAX /* the position of what is wrong with the pattern as a whole */

struct pattern {
	const char *text; /* borrowed; in the locale's character set */
	uint32_t *codes;  /* its characters */
	size_t count;
	size_t at;              /* the position of the next token */
	int error;              /* 0, EINVAL (it is told in `problem`) or ENOMEM */
	struct buffer *problem; /* borrowed */
	struct buffer quote;
};

/* Begins to read `text`; both are borrowed until pattern_fini. Without memory, it has an error. */
void pattern_init(struct pattern *pattern, const char *text, struct buffer *problem);

void pattern_fini(struct pattern *pattern);

/* The next token, which stays; the same and goes on behind it; only if it is `token`. */
uint32_t pattern_peek(const struct pattern *pattern);
uint32_t pattern_get(struct pattern *pattern);
bool pattern_match(struct pattern *pattern, uint32_t token);

/* Characters in a token: 0 at the end. */
size_t pattern_token_length(uint32_t token);

/* Goes to a position at which a token begins. */
void pattern_seek(struct pattern *pattern, size_t position);

/*
 * Reads up to `most` digits to the base 8, 10 or 16, and gives the number that they and `value`,
 * standing before them, make. There may be none.
 */
size_t pattern_get_number(struct pattern *pattern, size_t value, unsigned base, size_t most);

/*
 * Reads the name of a group, and the terminator behind it. Returns where the name ends. Fails if it
 * is no identifier.
 */
size_t pattern_get_name(struct pattern *pattern, char terminator);

/*
 * The character that an escape stands for, be it a letter's, a number's, or that character itself.
 * Its token, a backslash and `letter`, has just been read. Fails if there is no such escape.
 */
uint32_t pattern_get_escape(struct pattern *pattern, uint32_t letter);

/* Whether a token is a letter, for str.isalpha. */
bool pattern_is_letter(uint32_t token);

/*
 * Sets the error, unless there is one: EINVAL, with what printf would print, and the position as
 * re.error tells it; ENOMEM.
 */
void pattern_fail(struct pattern *pattern, size_t position, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void pattern_fail_memory(struct pattern *pattern);

/* The text between two positions, as such or as its repr; valid until the next of these calls. */
const char *pattern_quote(struct pattern *pattern, size_t begin, size_t end);
const char *pattern_quote_repr(struct pattern *pattern, size_t begin, size_t end);

#endif
