#include "config.h"

#include "equal_levels.h"

#include <ctype.h>
#include <string.h>
#include <utf8proc.h>

/* ---- Letters ---- */

/* "coding" in a comment in one of the first two lines declares an encoding (PEP 263), and in
 * another one than UTF-8 a word may be spelled in other bytes (utf-7, unicode_escape). */
static bool may_declare_encoding(const char *source, size_t size)
{
	const char *end = source + size, *line = source;

	/* A line may also end in a carriage return: then the second one is longer here. */
	for (int i = 0; i < 2 && line < end; i++) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		if (!stop)
			stop = end;
		if (memmem(line, (size_t)(stop - line), "coding", strlen("coding")))
			return true;
		line = stop < end ? stop + 1 : end;
	}
	return false;
}

/* Python takes names in the compatible letters of Unicode for the same as in ASCII (NFKC). */
static bool is_compatible(utf8proc_int32_t character)
{
	utf8proc_int32_t letters[32];
	int boundary = 0;
	utf8proc_ssize_t count;

	if (utf8proc_get_property(character)->decomp_type == 0)
		return false;
	count = utf8proc_decompose_char(character, letters, 32,
					UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT, &boundary);
	if (count < 0 || count > 32)
		return true;
	for (utf8proc_ssize_t i = 0; i < count; i++)
		if (letters[i] > 0 && letters[i] < 0x80 && strchr("_debug", (int)letters[i]))
			return true;
	return false;
}

/* Whether __debug__ could be there in other letters than ASCII's. Keywords could not. */
static bool may_have_compatible(const char *source, size_t size)
{
	const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)source, *end = at + size;

	while (at < end) {
		utf8proc_int32_t character;
		utf8proc_ssize_t length = 1;

		if (*at >= 0x80) {
			length = utf8proc_iterate(at, end - at, &character);
			if (length < 1 || is_compatible(character))
				return true;
		}
		at += length;
	}
	return false;
}

/* Whether the byte may be part of a name. */
static bool is_letter(char byte)
{
	return isalnum((unsigned char)byte) || byte == '_' || (unsigned char)byte >= 0x80;
}

/* ---- Statements ---- */

static bool is_blank(char byte)
{
	return isspace((unsigned char)byte) || byte == '\\';
}

/* Steps over what may stand before a statement on its line, and over continued and empty lines. */
static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

static bool may_begin_assert(const char *at, const char *end)
{
	static const char word[] = "assert";
	const size_t length = sizeof(word) - 1;

	at = skip_blanks(at, end);
	return (size_t)(end - at) >= length && memcmp(at, word, length) == 0 &&
	       ((size_t)(end - at) == length || !is_letter(at[length]));
}

/* A statement that is a string: parentheses and a prefix may stand before its quote. What else
 * begins with such letters has no quote right behind. */
static bool may_begin_docstring(const char *at, const char *end)
{
	at = skip_blanks(at, end);
	while (at < end && *at == '(')
		at = skip_blanks(at + 1, end);
	for (int letters = 0; letters < 2 && at < end && isalpha((unsigned char)*at); letters++)
		at++;
	return at < end && (*at == '"' || *at == '\'');
}

/* Whether a statement may begin so. It begins a line, or stands behind a colon or a semicolon. */
static bool may_have(const char *source, size_t size,
		     bool (*may_begin)(const char *at, const char *end))
{
	const char *end = source + size;

	if (may_begin(source, end))
		return true;
	for (const char *at = source; at < end; at++)
		if ((*at == '\n' || *at == '\r' || *at == ':' || *at == ';') &&
		    may_begin(at + 1, end))
			return true;
	return false;
}

/* Whether level 1 may differ from level 0. */
static bool may_differ_at_1(const char *source, size_t size)
{
	return memmem(source, size, "__debug__", strlen("__debug__")) ||
	       may_have_compatible(source, size) || may_have(source, size, may_begin_assert);
}

bool equal_levels_sure(const char *source, size_t size, int lower, int upper)
{
	static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, before the first statement */

	if (size >= 3 && memcmp(source, mark, 3) == 0) {
		source += 3;
		size -= 3;
	}
	if (size == 0)
		return true;
	if (may_declare_encoding(source, size))
		return false;
	if (lower < 1 && may_differ_at_1(source, size))
		return false;
	return upper < 2 || !may_have(source, size, may_begin_docstring);
}
