/*
 * regex_dialect: a regular expression of Python's in the words of PCRE2.
 *
 * Python's grammar is read to its end, so that what it refuses is refused with its own words and
 * position, and is written anew: every character that is not a letter or digit as \x{...}, every
 * class of characters spelled out, names as numbers. What PCRE2 alone knows thus never reaches it.
 *
 * Source: re/_parser.py and re/_compiler.py, as of 3.13, for a pattern that is a str. Differences:
 *   - \N{name} is refused;
 *   - a repetition number may be 65,535 at most, parentheses be nested 250 deep at most;
 *   - the message of a bad character range shows the range as it stands there;
 *   - a back reference ignores case by PCRE2's rules: "s" equals U+017F, and under (?ai), letters
 *     beyond ASCII have two cases;
 *   - \B matches in an empty text too, as from 3.14 on;
 *   - there are no warnings (FutureWarning: "Possible nested set").
 * What a letter, a digit, or the other case is depends on libpcre2's edition of Unicode.
 */
#ifndef PYCOMPILEALL_REGEX_DIALECT_H
#define PYCOMPILEALL_REGEX_DIALECT_H

struct buffer;

/*
 * Appends to `translation` what PCRE2 has to compile, in ASCII. It holds for pcre2_compile with
 * PCRE2_UTF, PCRE2_ALT_CIRCUMFLEX, PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES, PCRE2_NEWLINE_LF and a
 * limit of REGEX_DIALECT_NEST parentheses, and for subjects as text_append_characters makes them.
 * `pattern` is a string in the locale's character set. Returns 0, or -1 with errno: ENOMEM; EINVAL,
 * the pattern is wrong, and why has been appended to `problem`, in the output's encoding, without a
 * newline: what str(re.error) is, "nothing to repeat at position 0"; positions are in characters.
 */
int regex_dialect_translate(struct buffer *translation, const char *pattern,
			    struct buffer *problem);

/* The deepest nesting of what is appended: that of the pattern and what stands for \b. */
#define REGEX_DIALECT_NEST 260

#endif
