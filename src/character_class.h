/*
 * character_class: Python's sets of characters, \w and the like and ranges with both cases, in the
 * words of PCRE2: what stands between its brackets. All is ASCII, and nothing means more than
 * characters: whatever is not a letter, a digit or "_" is written as \x{...}.
 */
#ifndef PYCOMPILEALL_CHARACTER_CLASS_H
#define PYCOMPILEALL_CHARACTER_CLASS_H

#include <stdbool.h>
#include <stdint.h>

struct buffer;

/*
 * The characters of \d, \D, \s, \S, \w or \W; under (?a), where `ascii`, letters and digits are
 * ASCII's only. A constant; NULL for any other letter.
 */
const char *character_class_of(uint32_t letter, bool ascii);

/* What becomes of the other case of a letter. */
enum character_class_case {
	CHARACTER_CLASS_HEED,         /* it is another letter */
	CHARACTER_CLASS_IGNORE,       /* it is the same; PCRE2 ignores the case too, but for some */
	CHARACTER_CLASS_IGNORE_ASCII, /* it is the same in ASCII, by (?ai), and PCRE2 heeds case */
};

/* Appends one character, within brackets or not. */
void character_class_append(struct buffer *buffer, uint32_t code);

/* Appends the characters from `low` to `high`, both included, for a place within brackets. */
void character_class_append_range(struct buffer *buffer, uint32_t low, uint32_t high,
				  enum character_class_case which);

#endif
