#include "config.h"

#include "options.h"

#include "environment.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The state of one parse. */
struct parser {
	struct options *options;
	FILE *errors;
	int argc;
	char *const *argv;
	int next;       /* the first argument not yet looked at */
	bool no_memory; /* realloc failed */
};

/* A row with what the parser does. `value` is NULL for an option that takes none. */
struct entry {
	struct option_row row;
	int (*take)(struct parser *parser, const struct entry *entry, const char *value);
	size_t member; /* offset in struct options of what take_flag, take_text or take_action sets
			*/
	enum options_action action; /* what take_action sets */
};

#define MEMBER(name) offsetof(struct options, name)

/* How an option is called in messages: "-j/--workers". */
static const char *display_name(const struct option_row *row, char text[64])
{
	if (row->letter && row->name)
		(void)snprintf(text, 64, "-%c/--%s", row->letter, row->name);
	else if (row->letter)
		(void)snprintf(text, 64, "-%c", row->letter);
	else
		(void)snprintf(text, 64, "--%s", row->name);
	return text;
}

static void print_usage(FILE *stream)
{
	(void)fputs("usage: " PACKAGE_NAME " [OPTION]... [PATH]...\n", stream);
}

void options_complain(FILE *errors, const char *format, ...)
{
	va_list arguments;

	print_usage(errors);
	(void)fputs(PACKAGE_NAME ": error: ", errors);
	va_start(arguments, format);
	(void)vfprintf(errors, format, arguments);
	va_end(arguments);
	(void)fputc('\n', errors);
}

/* Starts a message; what follows is printed by the caller. Always -1. */
static int complain(struct parser *parser, const struct entry *entry)
{
	char name[64];

	print_usage(parser->errors);
	(void)fputs(PACKAGE_NAME ": error: ", parser->errors);
	if (entry)
		(void)fprintf(parser->errors, "argument %s: ", display_name(&entry->row, name));
	return -1;
}

/* Copies digits without the single underscores that Python allows between two of them. -1: others,
 * or too long for a number that anybody means. */
static int strip_underscores(const char *text, char digits[32])
{
	size_t size = 0;

	for (const char *from = text; *from; from++) {
		bool between = from > text && isdigit((unsigned char)from[-1]) &&
			       isdigit((unsigned char)from[1]);

		if (*from == '_' && between)
			continue;
		if (*from == '_' || size == 31)
			return -1;
		digits[size++] = *from;
	}
	digits[size] = '\0';
	return 0;
}

/* Python's int(): white space around, a sign, digits with single underscores between them. */
static int parse_integer(const char *text, long *number)
{
	char digits[32], *end;

	if (strip_underscores(text, digits) != 0)
		return -1;
	errno = 0;
	*number = strtol(digits, &end, 10);
	if (end == digits || errno != 0)
		return -1;
	while (isspace((unsigned char)*end))
		end++;
	return *end == '\0' ? 0 : -1;
}

static int take_integer(struct parser *parser, const struct entry *entry, const char *value,
			long *number)
{
	if (parse_integer(value, number) == 0)
		return 0;
	(void)complain(parser, entry);
	(void)fprintf(parser->errors, "invalid int value: '%s'\n", value);
	return -1;
}

static int take_flag(struct parser *parser, const struct entry *entry, const char *value)
{
	(void)value;
	*(bool *)((char *)parser->options + entry->member) = true;
	return 0;
}

static int take_text(struct parser *parser, const struct entry *entry, const char *value)
{
	*(const char **)((char *)parser->options + entry->member) = value;
	return 0;
}

static int take_action(struct parser *parser, const struct entry *entry, const char *value)
{
	(void)value;
	parser->options->action = entry->action;
	return 0;
}

static int take_depth(struct parser *parser, const struct entry *entry, const char *value)
{
	parser->options->depth_given = true;
	return take_integer(parser, entry, value, &parser->options->depth);
}

static int take_quiet(struct parser *parser, const struct entry *entry, const char *value)
{
	(void)entry;
	(void)value;
	parser->options->quiet++;
	return 0;
}

static int take_jobs(struct parser *parser, const struct entry *entry, const char *value)
{
	if (take_integer(parser, entry, value, &parser->options->jobs) != 0)
		return -1;
	if (parser->options->jobs >= 0)
		return 0;
	(void)complain(parser, entry);
	(void)fputs("the number of workers must not be negative\n", parser->errors);
	return -1;
}

static int take_level(struct parser *parser, const struct entry *entry, const char *value)
{
	struct options *options = parser->options;
	long level;
	int *levels;

	if (take_integer(parser, entry, value, &level) != 0)
		return -1;
	if (level < INT_MIN || level > INT_MAX) {
		(void)complain(parser, entry);
		(void)fprintf(parser->errors, "level out of range: '%s'\n", value);
		return -1;
	}
	levels = reallocarray(options->levels, options->level_count + 1, sizeof(*levels));
	if (!levels) {
		parser->no_memory = true;
		return -1;
	}
	options->levels = levels;
	levels[options->level_count++] = (int)level;
	return 0;
}

static int take_python(struct parser *parser, const struct entry *entry, const char *value)
{
	struct options *options = parser->options;
	const char **pythons;

	if (options->python_count == OPTIONS_PYTHONS_MAX) {
		(void)complain(parser, entry);
		(void)fprintf(parser->errors, "more than %d interpreters\n", OPTIONS_PYTHONS_MAX);
		return -1;
	}
	pythons = reallocarray(options->pythons, options->python_count + 1, sizeof(*pythons));
	if (!pythons) {
		parser->no_memory = true;
		return -1;
	}
	options->pythons = pythons;
	pythons[options->python_count++] = value;
	return 0;
}

static int take_timeout(struct parser *parser, const struct entry *entry, const char *value)
{
	long *timeout = &parser->options->timeout;

	if (take_integer(parser, entry, value, timeout) != 0)
		return -1;
	if (*timeout >= 0 && *timeout <= INT_MAX)
		return 0;
	(void)complain(parser, entry);
	(void)fprintf(parser->errors, "not a number of seconds: '%s'\n", value);
	return -1;
}

/* "512M": a number of bytes, or of the next larger units of 1024. -1: it is none, or too large. */
static int parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	char *end;
	const char *unit;
	unsigned shift = 0;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	*size = strtoull(text, &end, 10);
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (errno != 0 || *end || *size > UINT64_MAX >> shift)
		return -1;
	*size <<= shift;
	return 0;
}

static int take_size(struct parser *parser, const struct entry *entry, const char *value)
{
	if (parse_size(value, &parser->options->memory_limit) == 0)
		return 0;
	(void)complain(parser, entry);
	(void)fprintf(parser->errors, "not a size: '%s'\n", value);
	return -1;
}

/* The modes by their names, sorted as CPython lists them. */
static const struct {
	const char *name;
	enum invalidation_mode mode;
} modes[] = {
	{"checked-hash", INVALIDATION_CHECKED_HASH},
	{"timestamp", INVALIDATION_TIMESTAMP},
	{"unchecked-hash", INVALIDATION_UNCHECKED_HASH},
};

static int take_mode(struct parser *parser, const struct entry *entry, const char *value)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].name, value) == 0) {
			parser->options->mode_given = true;
			parser->options->mode = modes[i].mode;
			return 0;
		}
	}
	(void)complain(parser, entry);
	(void)fprintf(parser->errors, "invalid choice: '%s' (choose from '%s', '%s', '%s')\n",
		      value, modes[0].name, modes[1].name, modes[2].name);
	return -1;
}

/* Rows for an option without a value that sets a bool, one whose value is kept as it is, and one
 * that says what to do. */
#define FLAG(letter, name, member, help)                                                           \
	{                                                                                          \
		{letter, name, NULL, help}, take_flag, MEMBER(member), OPTIONS_COMPILE             \
	}
#define TEXT(letter, name, argument, member, help)                                                 \
	{                                                                                          \
		{letter, name, argument, help}, take_text, MEMBER(member), OPTIONS_COMPILE         \
	}
#define ACTION(letter, name, action, help)                                                         \
	{                                                                                          \
		{letter, name, NULL, help}, take_action, 0, action                                 \
	}
#define OTHER(letter, name, argument, take, help)                                                  \
	{                                                                                          \
		{letter, name, argument, help}, take, 0, OPTIONS_COMPILE                           \
	}

/* The table. In the order of compileall's own help, ours behind it. */
static const struct entry entries[] = {
	ACTION('h', "help", OPTIONS_HELP, "print this help and exit"),
	FLAG('l', NULL, no_recursion, "do not enter subfolders"),
	OTHER('r', NULL, "LEVELS", take_depth, "enter subfolders LEVELS deep; wins over -l"),
	FLAG('f', NULL, force, "compile also what is up to date"),
	OTHER('q', "quiet", NULL, take_quiet, "print only errors; -qq prints nothing"),
	FLAG('b', NULL, legacy, "write x.pyc beside x.py and not into __pycache__"),
	TEXT('d', NULL, "DIR", destination,
	     "name sources in byte-code and messages as if the operand were DIR"),
	TEXT('s', NULL, "DIR", strip,
	     "take the leading DIR off the names in byte-code and messages"),
	TEXT('p', NULL, "DIR", prepend, "put DIR before the names in byte-code and messages"),
	TEXT('x', NULL, "REGEXP", exclude,
	     "skip files in whose path REGEXP, as Python has it, is found"),
	TEXT('i', NULL, "FILE", list,
	     "take also the files and folders listed in FILE, one a line; - is "
	     "standard input"),
	FLAG('0', "null", nuls, "names in a list end with a NUL byte instead of a line"),
	OTHER('j', "workers", "N", take_jobs,
	      "use N worker threads; 0, the default: one a usable CPU"),
	OTHER(0, "invalidation-mode", "MODE", take_mode,
	      "write .pyc files that are checked by timestamp, checked-hash or unchecked-hash; a "
	      "valid "
	      ".pyc of another mode is then stale (default: timestamp, or checked-hash where "
	      "SOURCE_DATE_EPOCH is set)"),
	OTHER('o', NULL, "LEVEL", take_level,
	      "optimization level: -1 (the interpreter's own, the default), 0, 1, 2; may be "
	      "repeated"),
	TEXT('e', NULL, "DIR", link_limit, "skip symbolic links that lead out of DIR"),
	FLAG(0, "hardlink-dupes", hardlink_dupes,
	     "make equal .pyc files of consecutive levels one file with two names"),
	FLAG('v', "verbose", verbose,
	     "print for each file whether it is fresh or why it is stale, and the counts at the "
	     "end"),
	OTHER(0, "python", "EXE", take_python,
	      "make the byte-code of the interpreter EXE, a path or a name on PATH, instead of the "
	      "embedded one's; may be repeated"),
	FLAG(0, "no-interpreter-cache", no_interpreter_cache,
	     "ask each EXE what it is, also if an earlier run has kept the answer"),
	OTHER(0, "timeout", "SECONDS", take_timeout,
	      "give up on a file that takes longer to compile; 0: never (default: 60)"),
	OTHER(0, "memory-limit", "SIZE", take_size,
	      "let no compile server take more memory than SIZE bytes, or K, M, G, T of them; 0: "
	      "no "
	      "limit (the default)"),
	FLAG(0, "sync", sync, "wait at the end until all that was written is on the disk"),
	ACTION(0, "py-compile", OPTIONS_PY_COMPILE,
	       "compile each named file, as python -m py_compile does; - alone: read the names "
	       "from "
	       "standard input"),
	TEXT(0, "cfile", "PATH", cfile, "with --py-compile and one file: write to PATH"),
	TEXT(0, "dfile", "NAME", dfile,
	     "with --py-compile and one file: its name in byte-code and messages"),
	ACTION(0, "cache-path", OPTIONS_CACHE_PATH,
	       "print where the byte-code of each file belongs"),
	TEXT(0, "optimization", "TAG", optimization,
	     "with --cache-path: any alphanumeric optimization tag"),
	ACTION(0, "source-path", OPTIONS_SOURCE_PATH,
	       "print where the source of each .pyc file is"),
	ACTION(0, "version", OPTIONS_VERSION, "print the version and exit"),
};

#define ENTRY_COUNT (sizeof(entries) / sizeof(entries[0]))

const struct option_row *options_row(size_t index)
{
	return index < ENTRY_COUNT ? &entries[index].row : NULL;
}

static const struct entry *find_letter(char letter)
{
	for (size_t i = 0; i < ENTRY_COUNT; i++)
		if (letter && entries[i].row.letter == letter)
			return &entries[i];
	return NULL;
}

/* The option whose name is `name`, or that alone begins with it. `*matches` is how many do. */
static const struct entry *find_name(const char *name, size_t length, size_t *matches)
{
	const struct entry *found = NULL;

	*matches = 0;
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		const char *candidate = entries[i].row.name;

		if (!candidate || strncmp(candidate, name, length) != 0)
			continue;
		found = &entries[i];
		if (candidate[length] == '\0') {
			*matches = 1;
			return found;
		}
		++*matches;
	}
	return found;
}

/* argparse takes "-5" and "-.5" for values and operands. */
static bool is_negative_number(const char *text)
{
	size_t digits = strspn(text + 1, "0123456789");
	const char *rest = text + 1 + digits;

	if (*rest == '\0')
		return digits > 0;
	return *rest == '.' && rest[1] && rest[1 + strspn(rest + 1, "0123456789")] == '\0';
}

static bool looks_like_option(const char *text)
{
	if (text[0] != '-' || text[1] == '\0')
		return false;
	/* -0 is the one option that looks like a number. */
	if (is_negative_number(text) && strcmp(text, "-0") != 0)
		return false;
	/* argparse: what has a space in it and is no option is a name. */
	return !strchr(text, ' ') || text[1] == '-' || find_letter(text[1]);
}

static int refuse(struct parser *parser, const char *argument)
{
	(void)complain(parser, NULL);
	(void)fprintf(parser->errors, "unrecognized arguments: %s\n", argument);
	return -1;
}

/* Takes an option whose value, if any was written in the same argument, is `value`. */
static int take_option(struct parser *parser, const struct entry *entry, const char *value)
{
	if (!entry->row.argument) {
		if (!value)
			return entry->take(parser, entry, NULL);
		(void)complain(parser, entry);
		(void)fprintf(parser->errors, "ignored explicit argument '%s'\n", value);
		return -1;
	}
	if (!value && parser->next < parser->argc && !looks_like_option(parser->argv[parser->next]))
		value = parser->argv[parser->next++];
	if (value)
		return entry->take(parser, entry, value);
	(void)complain(parser, entry);
	(void)fputs("expected one argument\n", parser->errors);
	return -1;
}

static int complain_ambiguous(struct parser *parser, const char *argument, size_t length)
{
	const char *separator = "";

	(void)complain(parser, NULL);
	(void)fprintf(parser->errors, "ambiguous option: %s could match ", argument);
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		const char *name = entries[i].row.name;

		if (!name || strncmp(name, argument + 2, length) != 0)
			continue;
		(void)fprintf(parser->errors, "%s--%s", separator, name);
		separator = ", ";
	}
	(void)fputc('\n', parser->errors);
	return -1;
}

/* "--name" or "--name=value". */
static int parse_long(struct parser *parser, const char *argument)
{
	size_t matches, length = strcspn(argument + 2, "=");
	const struct entry *entry = find_name(argument + 2, length, &matches);

	if (matches > 1)
		return complain_ambiguous(parser, argument, length);
	if (!entry)
		return refuse(parser, argument);
	return take_option(parser, entry, argument[2 + length] ? argument + 3 + length : NULL);
}

/* "-lqr2": letters, of which the first that takes a value takes the rest; "-r=2" means "-r2". */
static int parse_cluster(struct parser *parser, const char *argument)
{
	for (const char *letter = argument + 1; *letter; letter++) {
		const struct entry *entry = find_letter(*letter);
		const char *rest = letter[1] ? letter + 1 : NULL;

		if (!entry)
			return refuse(parser, argument);
		if (entry->row.argument)
			return take_option(parser, entry, rest && *rest == '=' ? rest + 1 : rest);
		if (take_option(parser, entry, NULL) != 0)
			return -1;
	}
	return 0;
}

static void add_operand(struct options *options, const char *operand)
{
	options->operands[options->operand_count++] = operand;
}

static bool is_immediate(const struct options *options)
{
	return options->action == OPTIONS_HELP || options->action == OPTIONS_VERSION;
}

static int parse_all(struct parser *parser)
{
	bool options_end = false;

	while (parser->next < parser->argc) {
		const char *argument = parser->argv[parser->next++];
		int result = 0;

		if (options_end || !looks_like_option(argument))
			add_operand(parser->options, argument);
		else if (strcmp(argument, "--") == 0)
			options_end = true;
		else if (argument[1] == '-')
			result = parse_long(parser, argument);
		else
			result = parse_cluster(parser, argument);
		if (result != 0)
			return -1;
		/* argparse acts on these at once, whatever follows. */
		if (is_immediate(parser->options))
			return 0;
	}
	return 0;
}

static bool has_several_levels(const struct options *options)
{
	for (size_t i = 1; i < options->level_count; i++)
		if (options->levels[i] != options->levels[0])
			return true;
	return false;
}

/* What can only be told when everything is known. */
static int check(struct parser *parser)
{
	const struct options *options = parser->options;
	const char *problem = NULL;

	if (is_immediate(options))
		return 0;
	if (options->hardlink_dupes && !has_several_levels(options))
		problem = "Hardlinking of duplicated bytecode makes sense only for more than one "
			  "optimization level.";
	else if (options->destination && (options->strip || options->prepend))
		problem = "-d cannot be used in combination with -s or -p";
	else if ((options->cfile || options->dfile) &&
		 (options->action != OPTIONS_PY_COMPILE || options->operand_count != 1 ||
		  strcmp(options->operands[0], "-") == 0))
		problem = "--cfile and --dfile go with --py-compile and one file";
	else if (options->action != OPTIONS_COMPILE && options->operand_count == 0)
		problem = "the following arguments are required: PATH";
	else if (options->optimization && options->action != OPTIONS_CACHE_PATH)
		problem = "--optimization goes with --cache-path";
	if (problem)
		options_complain(parser->errors, "%s", problem);
	return problem ? -1 : 0;
}

/* The action that the program's own name asks for. */
static enum options_action action_of_name(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strcmp(slash ? slash + 1 : name, "pycompile") == 0 ? OPTIONS_PY_COMPILE
								  : OPTIONS_COMPILE;
}

enum options_outcome options_parse(struct options *options, int argc, char *const argv[],
				   FILE *errors)
{
	struct parser parser = {
		.options = options,
		.errors = errors,
		.argc = argc,
		.argv = argv,
		.next = 1,
	};

	*options = (struct options){.timeout = OPTIONS_TIMEOUT};
	options->operands = calloc((size_t)argc + 1, sizeof(*options->operands));
	if (!options->operands)
		return OPTIONS_NO_MEMORY;
	if (argc > 0)
		options->action = action_of_name(argv[0]);
	if (parse_all(&parser) == 0 && check(&parser) == 0)
		return OPTIONS_OK;
	return parser.no_memory ? OPTIONS_NO_MEMORY : OPTIONS_WRONG;
}

void options_fini(struct options *options)
{
	free(options->operands);
	free(options->levels);
	free(options->pythons);
	*options = (struct options){0};
}

#define HELP_COLUMN 24 /* where the explanations begin */
#define HELP_WIDTH  79

/* Prints words from `column` on, broken before the width. */
static void print_wrapped(FILE *stream, const char *text, size_t column)
{
	const char *separator = "";

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column + strlen(separator) + word > HELP_WIDTH) {
			(void)fprintf(stream, "\n%*s", HELP_COLUMN, "");
			column = HELP_COLUMN;
			separator = "";
		}
		(void)fprintf(stream, "%s%.*s", separator, (int)word, text);
		column += strlen(separator) + word;
		separator = " ";
		text += word + strspn(text + word, " ");
	}
	(void)fputc('\n', stream);
}

static void print_row(FILE *stream, const struct option_row *row)
{
	const char *argument = row->argument ? row->argument : "";
	char left[80];
	int used;

	if (row->letter && row->name)
		used = snprintf(left, sizeof(left), "  -%c, --%s %s", row->letter, row->name,
				argument);
	else if (row->letter)
		used = snprintf(left, sizeof(left), "  -%c %s", row->letter, argument);
	else
		used = snprintf(left, sizeof(left), "  --%s %s", row->name, argument);
	if (used < HELP_COLUMN)
		(void)fprintf(stream, "%-*s", HELP_COLUMN, left);
	else
		(void)fprintf(stream, "%s\n%*s", left, HELP_COLUMN, "");
	print_wrapped(stream, row->help, HELP_COLUMN);
}

void options_print_help(FILE *stream)
{
	print_usage(stream);
	(void)fputs("\nByte-compile what is not up to date among PATHs: Python sources and "
		    "folders.\n\n",
		    stream);
	for (size_t i = 0; i < ENTRY_COUNT; i++)
		print_row(stream, &entries[i].row);
}

long options_depth(const struct options *options)
{
	if (options->depth_given)
		return options->depth > 0 ? options->depth : 0;
	return options->no_recursion ? 0 : -1;
}

enum invalidation_mode options_mode(const struct options *options)
{
	return options->mode_given ? options->mode : environment_mode();
}
