#include "config.h"

#include "regex_dialect.h"

#include "buffer.h"
#include "character_class.h"
#include "inline_flags.h"
#include "pattern.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX  250   /* parentheses; PCRE2's own limit, unless told otherwise */
#define REPEAT_MAX 65535 /* PCRE2's limit */

/* How many characters something can match: of a lookbehind, Python demands one length. */
struct width {
	size_t least, most; /* SIZE_MAX: without end */
};

struct group {
	size_t name_begin, name_end; /* positions; equal: it has no name */
	bool closed;
	struct width width; /* once it is closed */
};

struct translation {
	struct pattern *in;
	struct buffer *out;
	unsigned flags;            /* that hold at this place */
	unsigned depth;            /* of parentheses */
	struct group *groups;      /* the first is number 1 */
	size_t group_count;        /* that have been opened */
	size_t lookbehind_first;   /* how many were before the lookbehind we are in; or SIZE_MAX */
	bool lookbehind_varies;    /* there was one of more than one length */
	size_t condition;          /* the largest number of a group that a condition asks for */
	size_t condition_position; /* where it does */
};

/* What the last item of a branch was; it decides whether it may be repeated. */
enum item {
	ITEM_NONE,
	ITEM_PLACE, /* matches no characters, only a place */
	ITEM_REPEAT,
	ITEM_PLAIN,
};

/* One of several alternatives. */
struct branch {
	bool first; /* of the whole pattern */
	enum item last;
	struct width last_width;
	struct width width; /* of those before the last */
};

static struct width parse_alternatives(struct translation *t, bool whole);
static struct width parse_branch(struct translation *t, bool first);

static void put(struct translation *t, const char *text)
{
	buffer_append_string(t->out, text);
}

static bool has_flag(const struct translation *t, enum inline_flag flag)
{
	return (t->flags & flag) != 0;
}

/* \w or the like; NULL: the letter means no class. */
static const char *find_class(const struct translation *t, uint32_t letter)
{
	return character_class_of(letter, has_flag(t, INLINE_FLAG_ASCII));
}

static void put_range(struct translation *t, uint32_t low, uint32_t high)
{
	enum character_class_case which = CHARACTER_CLASS_HEED;

	if (has_flag(t, INLINE_FLAG_IGNORECASE))
		which = has_flag(t, INLINE_FLAG_ASCII) ? CHARACTER_CLASS_IGNORE_ASCII
						       : CHARACTER_CLASS_IGNORE;
	character_class_append_range(t->out, low, high, which);
}

/* "i-ms" or the like: PCRE2's flags that hold from here on. */
static void put_flags(struct translation *t)
{
	const struct {
		const char *letter;
		bool set;
	} flags[] = {
		{"i", has_flag(t, INLINE_FLAG_IGNORECASE) && !has_flag(t, INLINE_FLAG_ASCII)},
		{"m", has_flag(t, INLINE_FLAG_MULTILINE)},
		{"s", has_flag(t, INLINE_FLAG_DOTALL)},
	};

	for (size_t i = 0; i < 3; i++)
		put(t, flags[i].set ? flags[i].letter : "");
	put(t, "-");
	for (size_t i = 0; i < 3; i++)
		put(t, flags[i].set ? "" : flags[i].letter);
}

static const struct width no_width = {0, 0};
static const struct width one_character = {1, 1};

static size_t add(size_t left, size_t right)
{
	return left > SIZE_MAX - right ? SIZE_MAX : left + right;
}

static size_t multiply(size_t left, size_t right)
{
	return right != 0 && left > SIZE_MAX / right ? SIZE_MAX : left * right;
}

static struct width both_widths(struct width left, struct width right)
{
	return (struct width){add(left.least, right.least), add(left.most, right.most)};
}

static struct width either_width(struct width left, struct width right)
{
	return (struct width){left.least < right.least ? left.least : right.least,
			      left.most > right.most ? left.most : right.most};
}

static struct width branch_width(const struct branch *branch)
{
	return both_widths(branch->width, branch->last_width);
}

static void add_item(struct branch *branch, enum item item, struct width width)
{
	branch->width = branch_width(branch);
	branch->last = item;
	branch->last_width = width;
}

/* A letter whose case is ignored may need a class. */
static void add_literal(struct translation *t, struct branch *branch, uint32_t code)
{
	if (has_flag(t, INLINE_FLAG_IGNORECASE)) {
		put(t, "[");
		put_range(t, code, code);
		put(t, "]");
	} else {
		character_class_append(t->out, code);
	}
	add_item(branch, ITEM_PLAIN, one_character);
}

/* The number of the group of that name, or 0. */
static size_t find_group(const struct translation *t, size_t begin, size_t end)
{
	for (size_t i = 0; i < t->group_count; i++) {
		const struct group *group = &t->groups[i];

		if (group->name_end - group->name_begin == end - begin && end > begin &&
		    memcmp(t->in->codes + group->name_begin, t->in->codes + begin,
			   (end - begin) * sizeof(*t->in->codes)) == 0)
			return i + 1;
	}
	return 0;
}

/* Its number. */
static size_t open_group(struct translation *t, size_t name_begin, size_t name_end)
{
	struct group *groups = reallocarray(t->groups, t->group_count + 1, sizeof(*groups));

	if (!groups) {
		pattern_fail_memory(t->in);
		return 0;
	}
	t->groups = groups;
	groups[t->group_count] = (struct group){name_begin, name_end, false, no_width};
	return ++t->group_count;
}

static bool is_closed(const struct translation *t, size_t number)
{
	return number > 0 && number <= t->group_count && t->groups[number - 1].closed;
}

/* What a lookbehind may not refer to. */
static void check_lookbehind(struct translation *t, size_t number)
{
	if (t->lookbehind_first == SIZE_MAX)
		return;
	if (!is_closed(t, number))
		pattern_fail(t->in, t->in->at, "cannot refer to an open group");
	else if (number > t->lookbehind_first)
		pattern_fail(t->in, t->in->at,
			     "cannot refer to group defined in the same lookbehind subpattern");
}

/* \1 or (?P=name), which begins at `begin` in messages. */
static void add_reference(struct translation *t, struct branch *branch, size_t number, size_t begin)
{
	if (!is_closed(t, number))
		pattern_fail(t->in, begin, "cannot refer to an open group");
	check_lookbehind(t, number);
	if (t->in->error)
		return;
	if (has_flag(t, INLINE_FLAG_IGNORECASE) && has_flag(t, INLINE_FLAG_ASCII))
		buffer_printf(t->out, "(?i:\\g{%zu})", number);
	else
		buffer_printf(t->out, "\\g{%zu}", number);
	add_item(branch, ITEM_PLAIN, t->groups[number - 1].width);
}

static bool is_octal(uint32_t code)
{
	return code >= '0' && code <= '7';
}

/* Whether three octal digits stand behind the backslash at `begin`. */
static bool number_is_octal(const struct translation *t, size_t begin)
{
	const uint32_t *codes = t->in->codes + begin + 1;

	return begin + 3 < t->in->count && is_octal(codes[0]) && is_octal(codes[1]) &&
	       is_octal(codes[2]);
}

/* \1 to \99, or three octal digits. */
static void parse_number_escape(struct translation *t, struct branch *branch, uint32_t digit)
{
	size_t begin = t->in->at - 2;
	size_t number = pattern_get_number(t->in, digit - '0', 10, 1);

	if (number_is_octal(t, begin)) {
		pattern_seek(t->in, begin + 2);
		add_literal(t, branch, pattern_get_escape(t->in, digit));
	} else if (number > t->group_count) {
		pattern_fail(t->in, begin + 1, "invalid group reference %zu", number);
	} else {
		add_reference(t, branch, number, begin);
	}
}

/* \b, whose sides differ, and \B, whose sides do not. */
static void parse_boundary(struct translation *t, struct branch *branch, bool differ)
{
	const char *word = find_class(t, 'w');

	buffer_printf(t->out, "(?:(?<=[%s])(?%c[%s])|(?<![%s])(?%c[%s]))", word, differ ? '!' : '=',
		      word, word, differ ? '=' : '!', word);
	add_item(branch, ITEM_PLACE, no_width);
}

static void parse_escape(struct translation *t, struct branch *branch, uint32_t letter)
{
	const char *characters = find_class(t, letter);

	if (characters) {
		buffer_printf(t->out, "[%s]", characters);
		add_item(branch, ITEM_PLAIN, one_character);
	} else if (letter == 'A' || letter == 'Z') {
		put(t, letter == 'A' ? "\\A" : "\\z");
		add_item(branch, ITEM_PLACE, no_width);
	} else if (letter == 'b' || letter == 'B') {
		parse_boundary(t, branch, letter == 'b');
	} else if (letter >= '1' && letter <= '9') {
		parse_number_escape(t, branch, letter);
	} else {
		add_literal(t, branch, pattern_get_escape(t->in, letter));
	}
}

/* In a class: a character, which may be the end of a range, or \w or the like. */
struct member {
	uint32_t code;
	const char *characters; /* NULL: a character */
};

static struct member get_member(struct translation *t, uint32_t token)
{
	struct member member = {token, NULL};

	if (token & PATTERN_ESCAPE) {
		member.code = token & ~PATTERN_ESCAPE;
		member.characters = find_class(t, member.code);
		if (!member.characters)
			member.code = pattern_get_escape(t->in, member.code);
	}
	return member;
}

static void put_member(struct translation *t, struct member member)
{
	if (member.characters)
		put(t, member.characters);
	else
		put_range(t, member.code, member.code);
}

/* What follows the hyphen; whether the class goes on behind it. */
static bool parse_range(struct translation *t, size_t start, size_t begin, struct member low)
{
	uint32_t token = pattern_get(t->in);
	struct member high;

	if (token == PATTERN_END) {
		pattern_fail(t->in, start, "unterminated character set");
		return false;
	}
	if (token == ']') {
		put_member(t, low);
		character_class_append(t->out, '-');
		return false;
	}
	high = get_member(t, token);
	if (low.characters || high.characters || high.code < low.code)
		pattern_fail(t->in, begin, "bad character range %s",
			     pattern_quote(t->in, begin, t->in->at));
	else
		put_range(t, low.code, high.code);
	return true;
}

static void parse_class(struct translation *t, struct branch *branch)
{
	size_t start = t->in->at - 1;
	bool more = true, empty = true;

	put(t, pattern_match(t->in, '^') ? "[^" : "[");
	while (more) {
		size_t begin = t->in->at;
		uint32_t token = pattern_get(t->in);
		struct member member;

		if (token == PATTERN_END) {
			pattern_fail(t->in, start, "unterminated character set");
			return;
		}
		if (token == ']' && !empty)
			break;
		empty = false;
		member = get_member(t, token);
		if (pattern_match(t->in, '-'))
			more = parse_range(t, start, begin, member);
		else
			put_member(t, member);
	}
	put(t, "]");
	add_item(branch, ITEM_PLAIN, one_character);
}

/* {2}, {2,}, {,3}, {2,3}; without it, the brace is a character like any other. */
static bool get_braces(struct translation *t, struct width *times)
{
	size_t begin = t->in->at;
	bool empty = pattern_peek(t->in) == '}';

	times->least = pattern_get_number(t->in, 0, 10, SIZE_MAX);
	times->most = times->least;
	if (pattern_match(t->in, ',')) {
		size_t bound = t->in->at;

		times->most = pattern_get_number(t->in, 0, 10, SIZE_MAX);
		if (t->in->at == bound)
			times->most = SIZE_MAX;
	}
	if (empty || !pattern_match(t->in, '}')) {
		pattern_seek(t->in, begin);
		return false;
	}
	if (times->least > REPEAT_MAX || (times->most > REPEAT_MAX && times->most != SIZE_MAX))
		pattern_fail(t->in, PATTERN_NOWHERE, "the repetition number is too large");
	else if (times->most < times->least)
		pattern_fail(t->in, begin, "min repeat greater than max repeat");
	return true;
}

static bool get_times(struct translation *t, uint32_t token, struct width *times)
{
	*times = (struct width){token == '+', token == '?' ? 1 : SIZE_MAX};
	return token != '{' || get_braces(t, times);
}

static void put_times(struct translation *t, struct width times)
{
	buffer_printf(t->out, "{%zu,", times.least);
	if (times.most != SIZE_MAX)
		buffer_printf(t->out, "%zu", times.most);
	put(t, "}");
}

static void parse_repeat(struct translation *t, struct branch *branch, uint32_t token)
{
	size_t start = t->in->at - 1;
	struct width times;

	if (!get_times(t, token, &times)) {
		add_literal(t, branch, token);
		return;
	}
	if (branch->last == ITEM_NONE || branch->last == ITEM_PLACE)
		pattern_fail(t->in, start, "nothing to repeat");
	else if (branch->last == ITEM_REPEAT)
		pattern_fail(t->in, start, "multiple repeat");
	put_times(t, times);
	if (pattern_match(t->in, '?'))
		put(t, "?");
	else if (pattern_match(t->in, '+'))
		put(t, "+");
	branch->last = ITEM_REPEAT;
	branch->last_width.least = multiply(branch->last_width.least, times.least);
	branch->last_width.most = multiply(branch->last_width.most, times.most);
}

static void parse_close(struct translation *t, size_t start)
{
	if (!pattern_match(t->in, ')'))
		pattern_fail(t->in, start, "missing ), unterminated subpattern");
	put(t, ")");
}

/* What is behind the opening, and the closing parenthesis. */
static void parse_body(struct translation *t, struct branch *branch, size_t start)
{
	struct width width = parse_alternatives(t, false);

	parse_close(t, start);
	add_item(branch, ITEM_PLAIN, width);
}

/* Equal positions: it has no name. */
static void parse_capture(struct translation *t, struct branch *branch, size_t start,
			  size_t name_begin, size_t name_end)
{
	size_t number = open_group(t, name_begin, name_end);

	put(t, "(");
	parse_body(t, branch, start);
	if (number > 0) {
		t->groups[number - 1].closed = true;
		t->groups[number - 1].width = branch->last_width;
	}
}

/* (?P<name>...) */
static void parse_named(struct translation *t, struct branch *branch, size_t start)
{
	size_t begin = t->in->at;
	size_t end = pattern_get_name(t->in, '>');
	size_t earlier;

	if (t->in->error)
		return;
	earlier = find_group(t, begin, end);
	if (earlier)
		pattern_fail(t->in, begin,
			     "redefinition of group name %s as group %zu; was group %zu",
			     pattern_quote_repr(t->in, begin, end), t->group_count + 1, earlier);
	parse_capture(t, branch, start, begin, end);
}

/* (?P=name) */
static void parse_named_reference(struct translation *t, struct branch *branch)
{
	size_t begin = t->in->at;
	size_t end = pattern_get_name(t->in, ')');
	size_t number;

	if (t->in->error)
		return;
	number = find_group(t, begin, end);
	if (number)
		add_reference(t, branch, number, begin);
	else
		pattern_fail(t->in, begin, "unknown group name %s",
			     pattern_quote_repr(t->in, begin, end));
}

static void fail_extension(struct translation *t, size_t start)
{
	pattern_fail(t->in, start + 1, "unknown extension %s",
		     pattern_quote(t->in, start + 1, t->in->at));
}

static void parse_python_extension(struct translation *t, struct branch *branch, size_t start)
{
	if (pattern_match(t->in, '<'))
		parse_named(t, branch, start);
	else if (pattern_match(t->in, '='))
		parse_named_reference(t, branch);
	else if (pattern_get(t->in) == PATTERN_END)
		pattern_fail(t->in, t->in->at, "unexpected end of pattern");
	else
		fail_extension(t, start);
}

static void skip_comment(struct translation *t, size_t start)
{
	uint32_t token;

	do {
		token = pattern_get(t->in);
	} while (token != PATTERN_END && token != ')');
	if (token == PATTERN_END)
		pattern_fail(t->in, start, "missing ), unterminated comment");
}

static void parse_lookahead(struct translation *t, struct branch *branch, size_t start,
			    uint32_t kind)
{
	put(t, kind == '=' ? "(?=" : "(?!");
	parse_body(t, branch, start);
	branch->last_width = no_width;
}

static void parse_lookbehind(struct translation *t, struct branch *branch, size_t start)
{
	size_t outer = t->lookbehind_first;
	uint32_t kind = pattern_get(t->in);

	if (kind == PATTERN_END)
		pattern_fail(t->in, t->in->at, "unexpected end of pattern");
	else if (kind != '=' && kind != '!')
		fail_extension(t, start);
	if (t->in->error)
		return;
	put(t, kind == '=' ? "(?<=" : "(?<!");
	if (outer == SIZE_MAX)
		t->lookbehind_first = t->group_count;
	parse_body(t, branch, start);
	t->lookbehind_first = outer;
	t->lookbehind_varies |= branch->last_width.least != branch->last_width.most;
	branch->last_width = no_width;
}

/* The number of the group in (?(1) or (?(name). Whether there is a group 1 is known at the end. */
static size_t get_condition(struct translation *t)
{
	size_t begin = t->in->at;
	size_t number = pattern_get_number(t->in, 0, 10, SIZE_MAX);
	size_t end;

	if (t->in->at > begin && pattern_match(t->in, ')')) {
		if (number == 0)
			pattern_fail(t->in, begin, "bad group number");
		if (number > t->condition) {
			t->condition = number;
			t->condition_position = begin;
		}
		return number;
	}
	pattern_seek(t->in, begin);
	end = pattern_get_name(t->in, ')');
	number = find_group(t, begin, end);
	if (number == 0)
		pattern_fail(t->in, begin, "unknown group name %s",
			     pattern_quote_repr(t->in, begin, end));
	return number;
}

/* (?(1)yes|no) or (?(1)yes) */
static void parse_condition(struct translation *t, struct branch *branch, size_t start)
{
	size_t number = get_condition(t);
	struct width yes, no = no_width;

	check_lookbehind(t, number);
	buffer_printf(t->out, "(?(%zu)", number);
	yes = parse_branch(t, false);
	if (pattern_match(t->in, '|')) {
		put(t, "|");
		no = parse_branch(t, false);
		if (pattern_peek(t->in) == '|')
			pattern_fail(t->in, t->in->at,
				     "conditional backref with more than two branches");
	}
	parse_close(t, start);
	add_item(branch, ITEM_PLAIN, either_width(yes, no));
}

/* (?i) for the whole pattern, or (?i-s:...) for a part; `token` is the first behind the "(?". */
static void parse_flags(struct translation *t, struct branch *branch, size_t start, uint32_t token)
{
	unsigned outer = t->flags, off = 0;
	unsigned on = inline_flags_get_on(t->in, &token);

	if (token == ')') {
		t->flags |= on;
		if (!branch->first || branch->last != ITEM_NONE)
			pattern_fail(t->in, start,
				     "global flags not at the start of the expression");
		put(t, "(?");
		put_flags(t);
		put(t, ")");
		return;
	}
	if (token == '-')
		off = inline_flags_get_off(t->in);
	if (on & off)
		pattern_fail(t->in, t->in->at - 1, "bad inline flags: flag turned on and off");
	if (on & INLINE_FLAGS_TYPE)
		t->flags &= ~(unsigned)INLINE_FLAGS_TYPE;
	t->flags = (t->flags | on) & ~off;
	put(t, "(?");
	put_flags(t);
	put(t, ":");
	parse_body(t, branch, start);
	t->flags = outer;
}

static void parse_plain_group(struct translation *t, struct branch *branch, size_t start,
			      const char *opening)
{
	put(t, opening);
	parse_body(t, branch, start);
}

/* What begins with "(?". */
static void parse_extension(struct translation *t, struct branch *branch, size_t start)
{
	uint32_t token = pattern_get(t->in);

	if (token == PATTERN_END)
		pattern_fail(t->in, t->in->at, "unexpected end of pattern");
	else if (token == 'P')
		parse_python_extension(t, branch, start);
	else if (token == ':' || token == '>')
		parse_plain_group(t, branch, start, token == ':' ? "(?:" : "(?>");
	else if (token == '#')
		skip_comment(t, start);
	else if (token == '=' || token == '!')
		parse_lookahead(t, branch, start, token);
	else if (token == '<')
		parse_lookbehind(t, branch, start);
	else if (token == '(')
		parse_condition(t, branch, start);
	else if (token == '-' || inline_flags_find(token))
		parse_flags(t, branch, start, token);
	else
		fail_extension(t, start);
}

static void parse_parenthesis(struct translation *t, struct branch *branch)
{
	size_t start = t->in->at - 1;

	if (++t->depth > DEPTH_MAX)
		pattern_fail(t->in, start, "parentheses are nested too deeply");
	if (pattern_match(t->in, '?'))
		parse_extension(t, branch, start);
	else
		parse_capture(t, branch, start, start, start);
	t->depth--;
}

/* Under (?x): whether the token is white space, or begins a comment, which is then skipped. */
static bool skip_verbose(struct translation *t, uint32_t token)
{
	if (token == '#')
		while (token != PATTERN_END && token != '\n')
			token = pattern_get(t->in);
	return token == PATTERN_END || token == ' ' || (token >= '\t' && token <= '\r');
}

static void parse_item(struct translation *t, struct branch *branch, uint32_t token)
{
	if (token & PATTERN_ESCAPE) {
		parse_escape(t, branch, token & ~PATTERN_ESCAPE);
	} else if (token == '(') {
		parse_parenthesis(t, branch);
	} else if (token == '[') {
		parse_class(t, branch);
	} else if (token == '*' || token == '+' || token == '?' || token == '{') {
		parse_repeat(t, branch, token);
	} else if (token == '^' || token == '$') {
		put(t, token == '^' ? "^" : "$");
		add_item(branch, ITEM_PLACE, no_width);
	} else if (token == '.') {
		put(t, ".");
		add_item(branch, ITEM_PLAIN, one_character);
	} else {
		add_literal(t, branch, token);
	}
}

static struct width parse_branch(struct translation *t, bool first)
{
	struct branch branch = {first, ITEM_NONE, no_width, no_width};
	uint32_t token = pattern_peek(t->in);

	while (token != PATTERN_END && token != '|' && token != ')') {
		(void)pattern_get(t->in);
		if (!has_flag(t, INLINE_FLAG_VERBOSE) || !skip_verbose(t, token))
			parse_item(t, &branch, token);
		token = pattern_peek(t->in);
	}
	return branch_width(&branch);
}

static struct width parse_alternatives(struct translation *t, bool whole)
{
	struct width width = parse_branch(t, whole);

	while (pattern_match(t->in, '|')) {
		put(t, "|");
		width = either_width(width, parse_branch(t, false));
	}
	return width;
}

/* What Python finds only when all has been read, in its order. */
static void parse_whole(struct translation *t)
{
	(void)parse_alternatives(t, true);
	if (has_flag(t, INLINE_FLAG_ASCII) && has_flag(t, INLINE_FLAG_UNICODE))
		pattern_fail(t->in, PATTERN_NOWHERE, "ASCII and UNICODE flags are incompatible");
	if (pattern_peek(t->in) != PATTERN_END)
		pattern_fail(t->in, t->in->at, "unbalanced parenthesis");
	if (t->condition > t->group_count)
		pattern_fail(t->in, t->condition_position, "invalid group reference %zu",
			     t->condition);
	if (t->lookbehind_varies)
		pattern_fail(t->in, PATTERN_NOWHERE, "look-behind requires fixed-width pattern");
	if (buffer_failed(t->out))
		pattern_fail_memory(t->in);
}

int regex_dialect_translate(struct buffer *translation, const char *pattern, struct buffer *problem)
{
	struct pattern in;
	struct translation t = {.in = &in, .out = translation, .lookbehind_first = SIZE_MAX};

	pattern_init(&in, pattern, problem);
	parse_whole(&t);
	pattern_fini(&in);
	free(t.groups);
	if (in.error == 0)
		return 0;
	errno = in.error;
	return -1;
}
