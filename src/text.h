/*
 * text: names and messages the way Python prints and sorts them.
 *
 * Python sees a file name as the locale's characters, each byte that fits none as a lone surrogate
 * U+DC80..U+DCFF (PEP 383), and prints with the stream's encoding and backslashreplace. Here a name
 * stays bytes; these functions give its order and its printed forms.
 */
#ifndef PYCOMPILEALL_TEXT_H
#define PYCOMPILEALL_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct buffer;

/*
 * From now on the characters are the locale's, as the environment has it when the first one beyond
 * ASCII is met; until then no locale is loaded. As Python does (PEP 538, PEP 540), the C and POSIX
 * locales, and one that the C library does not know, stand for UTF-8. Without this call UTF-8 is
 * taken. The process's own locale stays as it is. To be called at the start of main, before there
 * are threads; all the other functions may be called from several threads at once, and leave errno
 * as it is.
 */
void text_init(void);

/*
 * The character at `*position`, which moves behind it; an undecodable byte as its lone surrogate.
 * There must be at least one byte before `end`. Source: os.fsdecode.
 */
uint32_t text_next_character(const char **position, const char *end);

/*
 * Appends the characters of a name in UTF-8, whatever the locale's character set is; a lone
 * surrogate in three bytes, as Python's "surrogatepass" has it. ASCII stays as it is.
 */
void text_append_characters(struct buffer *buffer, const char *name);

/*
 * Compares two names by code point, the order of Python's sorted(). Negative, zero or positive like
 * strcmp. Differs from strcmp only for bytes that do not decode: they sort as surrogates.
 */
int text_compare(const char *left, const char *right);

/*
 * Appends repr(name) in the output's encoding: quoted, with escapes for what str.isprintable
 * refuses (by libutf8proc's edition of Unicode) and for what the encoding lacks. Source:
 * unicode_repr in CPython's unicodeobject.c.
 */
void text_append_repr(struct buffer *buffer, const char *name);

/* Appends str(name) in the output's encoding; what it lacks is escaped (backslashreplace). */
void text_append_name(struct buffer *buffer, const char *name);

/*
 * Appends `size` bytes of UTF-8, as a compile server sends messages, in the output's encoding; what
 * it lacks is escaped (backslashreplace). Bytes that are not UTF-8 are escaped as \xNN.
 */
void text_append_utf8(struct buffer *buffer, const char *utf8, size_t size);

#endif
