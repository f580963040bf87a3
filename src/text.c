#include "config.h"

#include "text.h"

#include "buffer.h"
#include "thread.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utf8proc.h>
#include <wchar.h>

/* A byte that decodes to nothing stands for this and itself (PEP 383, surrogateescape). */
#define ESCAPED_BYTE 0xdc00u

/* The characters that names and messages are made of. */
enum charset {
	CHARSET_UTF8,
	CHARSET_ASKED, /* the locale's, which nobody has needed to know yet */
	CHARSET_OTHER, /* the locale's, and it is not UTF-8 */
};

static _Atomic(enum charset) charset = CHARSET_UTF8;
static pthread_mutex_t finding = PTHREAD_MUTEX_INITIALIZER;

/* With CHARSET_OTHER, where conversions are done; constant from then on, and never freed. */
static locale_t locale;

void text_init(void)
{
	charset = CHARSET_ASKED;
}

/* The locale for LC_CTYPE, as setlocale(3) finds it. */
static const char *locale_name(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return value;
	}
	return "C";
}

static bool is_utf8(locale_t its)
{
	const char *name = nl_langinfo_l(CODESET, its);

	return strcasecmp(name, "UTF-8") == 0 || strcasecmp(name, "UTF8") == 0;
}

/* What CHARSET_ASKED is in truth. */
static enum charset find_charset(void)
{
	const char *name = locale_name();
	locale_t its;

	if (strcmp(name, "C") == 0 || strcmp(name, "POSIX") == 0)
		return CHARSET_UTF8;
	its = newlocale(LC_CTYPE_MASK, name, (locale_t)0);
	if (!its)
		return CHARSET_UTF8;
	if (is_utf8(its)) {
		freelocale(its);
		return CHARSET_UTF8;
	}
	locale = its;
	return CHARSET_OTHER;
}

/* Loading a locale takes as long as checking ten files, and nearly all runs meet ASCII alone.
 * Leaves errno as it is: comparing names is nothing that a caller expects to fail. */
static void settle_charset(void)
{
	int error = errno;

	thread_lock(&finding);
	if (charset == CHARSET_ASKED)
		charset = find_charset();
	thread_unlock(&finding);
	errno = error;
}

static bool has_other_charset(void)
{
	if (charset == CHARSET_ASKED)
		settle_charset();
	return charset == CHARSET_OTHER;
}

/* No decoder gives surrogates, so that this can only be a byte that did not decode. */
static bool is_escaped_byte(uint32_t code)
{
	return code >= (ESCAPED_BYTE | 0x80) && code <= (ESCAPED_BYTE | 0xff);
}

/* Bytes of the UTF-8 character at `bytes`, or 0: none begins there. No surrogates, no overlong
 * forms, nothing beyond U+10FFFF. */
static size_t decode_utf8(uint32_t *code, const char *bytes, size_t size)
{
	utf8proc_int32_t decoded;
	utf8proc_ssize_t length =
		utf8proc_iterate((const utf8proc_uint8_t *)bytes, (utf8proc_ssize_t)size, &decoded);

	if (length <= 0)
		return 0;
	*code = (uint32_t)decoded;
	return (size_t)length;
}

/* The same for the locale's own character set. What does not decode is no error. */
static size_t decode_locale(uint32_t *code, const char *bytes, size_t size)
{
	mbstate_t state = {0};
	wchar_t decoded;
	int error = errno;
	locale_t before = uselocale(locale);
	size_t length = mbrtowc(&decoded, bytes, size, &state);

	(void)uselocale(before);
	errno = error;
	if (length > size) /* (size_t)-1: not in the set, -2: it ends too early */
		return 0;
	*code = (uint32_t)decoded;
	return length;
}

/* ASCII stands for itself in every character set that a POSIX locale may have. */
uint32_t text_next_character(const char **position, const char *end)
{
	uint32_t code = (unsigned char)**position;
	size_t length = 1;

	if (code >= 0x80) {
		size_t size = (size_t)(end - *position);

		length = has_other_charset() ? decode_locale(&code, *position, size)
					     : decode_utf8(&code, *position, size);
		if (length == 0) {
			code |= ESCAPED_BYTE;
			length = 1;
		}
	}
	*position += length;
	return code;
}

void text_append_characters(struct buffer *buffer, const char *name)
{
	const char *end = name + strlen(name);

	while (name < end) {
		uint32_t code = text_next_character(&name, end);
		utf8proc_uint8_t bytes[4];
		utf8proc_ssize_t length = utf8proc_encode_char((utf8proc_int32_t)code, bytes);

		buffer_append(buffer, bytes, (size_t)length);
	}
}

static int compare_characters(const char *left, const char *right)
{
	const char *left_end = left + strlen(left);
	const char *right_end = right + strlen(right);

	while (left < left_end && right < right_end) {
		uint32_t left_code = text_next_character(&left, left_end);
		uint32_t right_code = text_next_character(&right, right_end);

		if (left_code != right_code)
			return left_code < right_code ? -1 : 1;
	}
	return (left < left_end) - (right < right_end);
}

/* Nearly all names are ASCII, at least as far as they differ: they are never decoded. */
int text_compare(const char *left, const char *right)
{
	const unsigned char *l = (const unsigned char *)left;
	const unsigned char *r = (const unsigned char *)right;

	while (*l == *r && *l != '\0' && *l < 0x80) {
		l++;
		r++;
	}
	if (*l < 0x80 && *r < 0x80)
		return (*l > *r) - (*l < *r);
	return compare_characters((const char *)l, (const char *)r);
}

/* str.isprintable for one character. */
static bool is_printable(uint32_t code)
{
	if (code < 0x80)
		return code >= 0x20 && code != 0x7f;
	switch (utf8proc_category((utf8proc_int32_t)code)) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_CO:
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
	case UTF8PROC_CATEGORY_ZS:
		return false;
	default:
		return true;
	}
}

/* backslashreplace, and what repr does but for its short forms. */
static void append_number(struct buffer *buffer, uint32_t code)
{
	if (code < 0x100)
		buffer_printf(buffer, "\\x%02x", (unsigned)code);
	else if (code < 0x10000)
		buffer_printf(buffer, "\\u%04x", (unsigned)code);
	else
		buffer_printf(buffer, "\\U%08x", (unsigned)code);
}

static void append_unprintable(struct buffer *buffer, uint32_t code)
{
	switch (code) {
	case '\t':
		buffer_append_string(buffer, "\\t");
		break;
	case '\n':
		buffer_append_string(buffer, "\\n");
		break;
	case '\r':
		buffer_append_string(buffer, "\\r");
		break;
	default:
		append_number(buffer, code);
	}
}

/*
 * What decodes in the output's character set is in it: the name's own bytes are printed. In no
 * locale's character set is a quote's byte a later part of another character.
 */
void text_append_repr(struct buffer *buffer, const char *name)
{
	const char *end = name + strlen(name);
	char quote = strchr(name, '\'') && !strchr(name, '"') ? '"' : '\'';

	buffer_append_byte(buffer, quote);
	while (name < end) {
		const char *begin = name;
		uint32_t code = text_next_character(&name, end);

		if (!is_printable(code)) {
			append_unprintable(buffer, code);
			continue;
		}
		if (code == (unsigned char)quote || code == '\\')
			buffer_append_byte(buffer, '\\');
		buffer_append(buffer, begin, (size_t)(name - begin));
	}
	buffer_append_byte(buffer, quote);
}

void text_append_name(struct buffer *buffer, const char *name)
{
	const char *end = name + strlen(name);

	while (name < end) {
		const char *begin = name;
		uint32_t code = text_next_character(&name, end);

		if (is_escaped_byte(code))
			append_number(buffer, code);
		else
			buffer_append(buffer, begin, (size_t)(name - begin));
	}
}

static void append_in_locale(struct buffer *buffer, uint32_t code)
{
	char bytes[MB_LEN_MAX];
	mbstate_t state = {0};
	locale_t before = uselocale(locale);
	size_t length = wcrtomb(bytes, (wchar_t)code, &state);

	(void)uselocale(before);
	if (length == (size_t)-1)
		append_number(buffer, code);
	else
		buffer_append(buffer, bytes, length);
}

void text_append_utf8(struct buffer *buffer, const char *utf8, size_t size)
{
	for (size_t done = 0, length; done < size; done += length) {
		uint32_t code;

		length = decode_utf8(&code, utf8 + done, size - done);
		if (length == 0) {
			append_number(buffer, (unsigned char)utf8[done]);
			length = 1;
		} else if (code >= 0x80 && has_other_charset()) {
			append_in_locale(buffer, code);
		} else {
			buffer_append(buffer, utf8 + done, length);
		}
	}
}
