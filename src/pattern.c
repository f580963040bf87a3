#include "config.h"

#include "pattern.h"

#include "text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

void pattern_init(struct pattern *pattern, const char *text, struct buffer *problem)
{
	const char *end = text + strlen(text);

	*pattern = (struct pattern){.text = text, .problem = problem, .quote = BUFFER_INIT};
	pattern->codes = calloc(strlen(text) + 1, sizeof(*pattern->codes));
	if (!pattern->codes) {
		pattern_fail_memory(pattern);
		return;
	}
	while (text < end)
		pattern->codes[pattern->count++] = text_next_character(&text, end);
	pattern_seek(pattern, 0);
}

void pattern_fini(struct pattern *pattern)
{
	free(pattern->codes);
	buffer_fini(&pattern->quote);
}

uint32_t pattern_peek(const struct pattern *pattern)
{
	if (pattern->at >= pattern->count)
		return PATTERN_END;
	if (pattern->codes[pattern->at] == '\\')
		return PATTERN_ESCAPE | pattern->codes[pattern->at + 1];
	return pattern->codes[pattern->at];
}

uint32_t pattern_get(struct pattern *pattern)
{
	uint32_t token = pattern_peek(pattern);

	if (token != PATTERN_END)
		pattern_seek(pattern, pattern->at + pattern_token_length(token));
	return token;
}

bool pattern_match(struct pattern *pattern, uint32_t token)
{
	if (pattern_peek(pattern) != token)
		return false;
	(void)pattern_get(pattern);
	return true;
}

size_t pattern_token_length(uint32_t token)
{
	if (token == PATTERN_END)
		return 0;
	return token & PATTERN_ESCAPE ? 2 : 1;
}

/* Python always has one token in hand, and so complains early of a backslash at the end. */
void pattern_seek(struct pattern *pattern, size_t position)
{
	pattern->at = position;
	if (position + 1 == pattern->count && pattern->codes[position] == '\\')
		pattern_fail(pattern, position, "bad escape (end of pattern)");
}

/* The value of a digit; 16: it is none. */
static unsigned digit_value(uint32_t token)
{
	if (token >= '0' && token <= '9')
		return token - '0';
	if (token >= 'a' && token <= 'f')
		return token - 'a' + 10;
	if (token >= 'A' && token <= 'F')
		return token - 'A' + 10;
	return 16;
}

size_t pattern_get_number(struct pattern *pattern, size_t value, unsigned base, size_t most)
{
	while (most-- > 0 && digit_value(pattern_peek(pattern)) < base) {
		value = value * base + digit_value(pattern_get(pattern));
		if (base == 10 && value > PATTERN_NUMBER_MAX)
			value = PATTERN_NUMBER_MAX;
	}
	return value;
}

static void set_error(struct pattern *pattern, int error)
{
	pattern->error = error;
	pattern->at = pattern->count;
}

void pattern_fail_memory(struct pattern *pattern)
{
	if (!pattern->error)
		set_error(pattern, ENOMEM);
}

/* Line and column, from 1, are told only where there is more than one line. */
static void append_position(const struct pattern *pattern, size_t position)
{
	size_t line = 1, line_begin = 0;
	bool lines = false;

	for (size_t i = 0; i < pattern->count; i++) {
		if (pattern->codes[i] != '\n')
			continue;
		lines = true;
		if (i < position) {
			line++;
			line_begin = i + 1;
		}
	}
	buffer_printf(pattern->problem, " at position %zu", position);
	if (lines)
		buffer_printf(pattern->problem, " (line %zu, column %zu)", line,
			      position - line_begin + 1);
}

void pattern_fail(struct pattern *pattern, size_t position, const char *format, ...)
{
	va_list arguments;
	char *message = NULL;

	if (pattern->error)
		return;
	va_start(arguments, format);
	if (vasprintf(&message, format, arguments) < 0)
		message = NULL;
	va_end(arguments);
	set_error(pattern, message ? EINVAL : ENOMEM);
	if (!message)
		return;
	buffer_append_string(pattern->problem, message);
	if (position != PATTERN_NOWHERE)
		append_position(pattern, position);
	free(message);
}

static const char *skip_characters(const char *text, size_t count)
{
	const char *end = text + strlen(text);

	while (count-- > 0)
		(void)text_next_character(&text, end);
	return text;
}

static const char *quote(struct pattern *pattern, size_t begin, size_t end,
			 void (*append)(struct buffer *buffer, const char *name))
{
	const char *from = skip_characters(pattern->text, begin);
	const char *to = skip_characters(from, end - begin);
	char *copy = strndup(from, (size_t)(to - from));

	buffer_clear(&pattern->quote);
	if (copy)
		append(&pattern->quote, copy);
	if (!copy || buffer_failed(&pattern->quote))
		pattern_fail_memory(pattern);
	free(copy);
	return buffer_string(&pattern->quote);
}

const char *pattern_quote(struct pattern *pattern, size_t begin, size_t end)
{
	return quote(pattern, begin, end, text_append_name);
}

const char *pattern_quote_repr(struct pattern *pattern, size_t begin, size_t end)
{
	return quote(pattern, begin, end, text_append_repr);
}

bool pattern_is_letter(uint32_t token)
{
	switch (token & PATTERN_ESCAPE ? UTF8PROC_CATEGORY_CN
				       : utf8proc_category((utf8proc_int32_t)token)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
		return true;
	default:
		return false;
	}
}

/* str.isidentifier for one character. */
static bool is_identifier(uint32_t code, bool first)
{
	if (pattern_is_letter(code) || code == '_')
		return true;
	switch (utf8proc_category((utf8proc_int32_t)code)) {
	case UTF8PROC_CATEGORY_NL:
		return true;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_PC:
		return !first;
	default:
		return false;
	}
}

static void check_name(struct pattern *pattern, size_t begin, size_t end)
{
	for (size_t i = begin; i < end && !pattern->error; i++)
		if (!is_identifier(pattern->codes[i], i == begin))
			pattern_fail(pattern, begin, "bad character in group name %s",
				     pattern_quote_repr(pattern, begin, end));
}

size_t pattern_get_name(struct pattern *pattern, char terminator)
{
	size_t begin = pattern->at, end = begin;
	uint32_t token = pattern_get(pattern);

	while (token != PATTERN_END && token != (unsigned char)terminator) {
		end = pattern->at;
		token = pattern_get(pattern);
	}
	if (end == begin)
		pattern_fail(pattern, begin, "missing group name");
	else if (token == PATTERN_END)
		pattern_fail(pattern, begin, "missing %c, unterminated name", terminator);
	check_name(pattern, begin, end);
	return end;
}

/* Escapes of control characters; in a class, \b is one too. */
static const struct {
	char letter, code;
} controls[] = {
	{'a', '\a'}, {'b', '\b'}, {'f', '\f'}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'v', '\v'},
};

/* \x, \u, \U and exactly so many digits. */
static uint32_t get_hexadecimal(struct pattern *pattern, size_t begin, size_t digits)
{
	size_t code = pattern_get_number(pattern, 0, 16, digits);

	if (pattern->at - begin != 2 + digits)
		pattern_fail(pattern, begin, "incomplete escape %s",
			     pattern_quote(pattern, begin, pattern->at));
	else if (code > 0x10ffff)
		pattern_fail(pattern, begin, "bad escape %s",
			     pattern_quote(pattern, begin, pattern->at));
	return (uint32_t)code;
}

/* Up to three digits, the first of which has been read. */
static uint32_t get_octal(struct pattern *pattern, size_t begin, uint32_t digit)
{
	size_t code = pattern_get_number(pattern, digit - '0', 8, 2);

	if (code > 0377)
		pattern_fail(pattern, begin, "octal escape value %s outside of range 0-0o377",
			     pattern_quote(pattern, begin, pattern->at));
	return (uint32_t)code;
}

uint32_t pattern_get_escape(struct pattern *pattern, uint32_t letter)
{
	size_t begin = pattern->at - 2;

	for (size_t i = 0; i < sizeof(controls) / sizeof(*controls); i++)
		if ((unsigned char)controls[i].letter == letter)
			return (unsigned char)controls[i].code;
	if (letter == 'x' || letter == 'u' || letter == 'U')
		return get_hexadecimal(pattern, begin, letter == 'x' ? 2 : letter == 'u' ? 4 : 8);
	if (letter >= '0' && letter <= '7')
		return get_octal(pattern, begin, letter);
	if (letter == 'N' && pattern_peek(pattern) != '{')
		pattern_fail(pattern, pattern->at, "missing {");
	else if (letter == 'N')
		pattern_fail(pattern, begin, "names of characters (\\N) are not supported");
	else if (letter < 0x80 && (pattern_is_letter(letter) || digit_value(letter) < 10))
		pattern_fail(pattern, begin, "bad escape %s",
			     pattern_quote(pattern, begin, pattern->at));
	return letter;
}
