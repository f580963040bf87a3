#include "config.h"

#include "inline_flags.h"

#include "pattern.h"

#include <stdbool.h>
#include <stddef.h>

static const struct {
	char letter;
	enum inline_flag flag;
} letters[] = {
	{'a', INLINE_FLAG_ASCII},     {'i', INLINE_FLAG_IGNORECASE}, {'L', INLINE_FLAG_LOCALE},
	{'m', INLINE_FLAG_MULTILINE}, {'s', INLINE_FLAG_DOTALL},     {'u', INLINE_FLAG_UNICODE},
	{'x', INLINE_FLAG_VERBOSE},
};

unsigned inline_flags_find(uint32_t token)
{
	for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++)
		if ((unsigned char)letters[i].letter == token)
			return letters[i].flag;
	return 0;
}

/* The flag of a token just read; if it is none, fails, since what is named here is missing. */
static unsigned require_flag(struct pattern *pattern, uint32_t token, const char *missing)
{
	unsigned flag = inline_flags_find(token);

	if (!flag)
		pattern_fail(pattern, pattern->at - pattern_token_length(token), "%s",
			     pattern_is_letter(token) ? "unknown flag" : missing);
	return flag;
}

unsigned inline_flags_get_on(struct pattern *pattern, uint32_t *token)
{
	unsigned flags = 0;

	while (!pattern->error && *token != ')' && *token != '-' && *token != ':') {
		unsigned flag = require_flag(pattern, *token, "missing -, : or )");

		flags |= flag;
		if (flag == INLINE_FLAG_LOCALE)
			pattern_fail(pattern, pattern->at,
				     "bad inline flags: cannot use 'L' flag with a str pattern");
		if ((flag & INLINE_FLAGS_TYPE) && (flags & INLINE_FLAGS_TYPE) != flag)
			pattern_fail(pattern, pattern->at,
				     "bad inline flags: flags 'a', 'u' and 'L' are incompatible");
		*token = pattern_get(pattern);
	}
	return flags;
}

unsigned inline_flags_get_off(struct pattern *pattern)
{
	unsigned flags = 0;
	uint32_t token = pattern_get(pattern);

	do {
		unsigned flag = require_flag(pattern, token, flags ? "missing :" : "missing flag");

		flags |= flag;
		if (flag & INLINE_FLAGS_TYPE)
			pattern_fail(pattern, pattern->at,
				     "bad inline flags: cannot turn off flags 'a', 'u' and 'L'");
		token = pattern_get(pattern);
	} while (!pattern->error && token != ':');
	return flags;
}
