#include "config.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include "regex.h"

#include "buffer.h"
#include "regex_dialect.h"
#include "text.h"

#include <errno.h>
#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct regex {
	pcre2_code *code;
};

struct regex_scratch {
	pcre2_match_data *match;
	struct buffer characters; /* of a path that is not ASCII */
};

/* What regex_dialect_translate asks for. NULL with errno ENOMEM. */
static pcre2_compile_context *create_context(void)
{
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);

	if (!context) {
		errno = ENOMEM;
		return NULL;
	}
	(void)pcre2_set_newline(context, PCRE2_NEWLINE_LF);
	(void)pcre2_set_parens_nest_limit(context, REGEX_DIALECT_NEST);
	(void)pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES);
	return context;
}

/* PCRE2 refuses only what is too large for it: no place in the pattern is at fault. */
static pcre2_code *compile(struct buffer *translation, struct buffer *problem)
{
	pcre2_compile_context *context = create_context();
	PCRE2_UCHAR message[256];
	pcre2_code *code;
	PCRE2_SIZE offset;
	int error;

	if (!context)
		return NULL;
	code = pcre2_compile((PCRE2_SPTR)buffer_string(translation), translation->size,
			     PCRE2_UTF | PCRE2_ALT_CIRCUMFLEX, &error, &offset, context);
	pcre2_compile_context_free(context);
	if (code)
		return code;
	errno = error == PCRE2_ERROR_HEAP_FAILED ? ENOMEM : EINVAL;
	if (errno == EINVAL && pcre2_get_error_message(error, message, sizeof(message)) > 0)
		buffer_append_string(problem, (const char *)message);
	return NULL;
}

static pcre2_code *translate_and_compile(const char *pattern, struct buffer *problem)
{
	struct buffer translation = BUFFER_INIT;
	pcre2_code *code = NULL;
	int error;

	if (!*pattern) {
		buffer_append_string(problem, "empty pattern");
		errno = EINVAL;
		return NULL;
	}
	if (regex_dialect_translate(&translation, pattern, problem) == 0)
		code = compile(&translation, problem);
	error = errno;
	buffer_fini(&translation);
	errno = error;
	return code;
}

struct regex *regex_compile(const char *pattern, struct buffer *problem)
{
	struct regex *regex = malloc(sizeof(*regex));
	int error;

	if (!regex)
		return NULL;
	regex->code = translate_and_compile(pattern, problem);
	if (regex->code)
		return regex;
	error = errno;
	free(regex);
	errno = error;
	return NULL;
}

void regex_free(struct regex *regex)
{
	if (!regex)
		return;
	pcre2_code_free(regex->code);
	free(regex);
}

struct regex_scratch *regex_scratch_create(void)
{
	struct regex_scratch *scratch = malloc(sizeof(*scratch));

	if (!scratch)
		return NULL;
	scratch->characters = (struct buffer)BUFFER_INIT;
	/* One pair of offsets: where the groups matched, nobody asks. */
	scratch->match = pcre2_match_data_create(1, NULL);
	if (scratch->match)
		return scratch;
	free(scratch);
	errno = ENOMEM;
	return NULL;
}

void regex_scratch_destroy(struct regex_scratch *scratch)
{
	if (!scratch)
		return;
	pcre2_match_data_free(scratch->match);
	buffer_fini(&scratch->characters);
	free(scratch);
}

static bool is_ascii(const char *path)
{
	while (*path && (unsigned char)*path < 0x80)
		path++;
	return *path == '\0';
}

/* The path in the characters that PCRE2 is to see; NULL: no memory. */
static const char *characters_of(struct regex_scratch *scratch, const char *path)
{
	if (is_ascii(path))
		return path;
	buffer_clear(&scratch->characters);
	text_append_characters(&scratch->characters, path);
	return buffer_failed(&scratch->characters) ? NULL : buffer_string(&scratch->characters);
}

/* The characters are known to be well formed, and PCRE2's check would refuse the surrogates. */
int regex_search(const struct regex *regex, struct regex_scratch *scratch, const char *path)
{
	const char *characters = characters_of(scratch, path);
	int result = PCRE2_ERROR_NOMEMORY;

	if (characters)
		result = pcre2_match(regex->code, (PCRE2_SPTR)characters, strlen(characters), 0,
				     PCRE2_NO_UTF_CHECK, scratch->match, NULL);
	if (result >= 0)
		return 1;
	if (result == PCRE2_ERROR_NOMATCH)
		return 0;
	errno = result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT ? ELOOP
										     : ENOMEM;
	return -1;
}
