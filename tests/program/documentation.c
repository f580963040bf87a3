/*
 * documentation: the manual and the completions agree with the program's own table of options, and
 * the manual's examples do what it says of them.
 *
 * The table is read from --help, which is printed from it. An option that takes a value is noted as
 * "-j=", another one as "-f".
 */
#include "config.h"

#include "support/oracle.h"
#include "support/run.h"
#include "support/scratch.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(documentation, .timeout = 300);

#define MANUAL "doc/pycompileall.1"

/* --- Lists of texts -------------------------------------------------------------------------- */

#define TEXTS_MAX 128

/* All zero is an empty one. */
struct texts {
	char *items[TEXTS_MAX];
	size_t count;
};

/* Takes `text` over. */
static void add_text(struct texts *texts, char *text)
{
	cr_assert_not_null(text, "out of memory");
	cr_assert_lt(texts->count, (size_t)TEXTS_MAX);
	texts->items[texts->count++] = text;
}

static void free_texts(struct texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->items[i]);
	texts->count = 0;
}

static bool has_text(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->items[i], text) == 0)
			return true;
	return false;
}

/* Both have the same texts, in any order. */
static void assert_same(const struct texts *wanted, const struct texts *found, const char *where)
{
	cr_assert_gt(wanted->count, (size_t)0);
	for (size_t i = 0; i < wanted->count; i++)
		cr_assert(has_text(found, wanted->items[i]), "%s lacks \"%s\"", where,
			  wanted->items[i]);
	for (size_t i = 0; i < found->count; i++)
		cr_assert(has_text(wanted, found->items[i]), "%s has \"%s\", which there is not",
			  where, found->items[i]);
}

static void add_option(struct texts *options, const char *name, size_t length, bool valued)
{
	char *text = NULL;

	cr_assert_geq(asprintf(&text, "%.*s%s", (int)length, name, valued ? "=" : ""), 0);
	add_text(options, text);
}

/* "-j, --workers N": where a word in capitals stands, every name takes a value. */
static void add_row(struct texts *options, const char *row)
{
	static const char separators[] = " ,\t\n";
	bool valued = isupper((unsigned char)*row);

	for (const char *at = row; *at; at++)
		valued |= *at == ' ' && isupper((unsigned char)at[1]);
	for (const char *at = row + strspn(row, separators); *at; at += strspn(at, separators)) {
		size_t length = strcspn(at, separators);

		if (*at == '-')
			add_option(options, at, length, valued);
		at += length;
	}
}

/* The table's options. What --help says of them stands behind two spaces. */
static void read_table(struct texts *options)
{
	struct run_result result;
	char *rest, *line;

	run_ours(&result, (struct run_request){.arguments = RUN_LIST("--help")});
	RUN_ASSERT(&result, 0);
	rest = result.output;
	while ((line = strsep(&rest, "\n"))) {
		char *description;

		if (strncmp(line, "  -", 3) != 0)
			continue;
		line += 2;
		description = strstr(line, "  ");
		if (description)
			*description = '\0';
		add_row(options, line);
	}
	run_result_fini(&result);
}

/* --- Files of the source tree ---------------------------------------------------------------- */

/* A path in the source tree, in memory of the caller's. */
static char *document_path(const char *name)
{
	const char *folder = getenv("top_srcdir");
	char *path = NULL;

	cr_assert_not_null(folder, "top_srcdir must be set");
	cr_assert_geq(asprintf(&path, "%s/%s", folder, name), 0);
	return path;
}

/* The text of a file of the source tree; the caller frees it. */
static char *read_document(const char *name)
{
	char *path = document_path(name);
	size_t size;
	char *text = scratch_read(path, &size);

	free(path);
	return text;
}

/* --- The manual ------------------------------------------------------------------------------ */

/* Prints what an escape stands for; `escape` begins behind the backslash. Returns its length. */
static size_t print_escape(FILE *stream, const char *escape)
{
	static const struct {
		const char *escape;
		const char *text;
	} escapes[] = {
		{"-", "-"}, {"&", ""}, {"e", "\\"}, {"(aq", "'"}, {"(ha", "^"}, {"fR", ""},
	};

	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++) {
		size_t length = strlen(escapes[i].escape);

		if (strncmp(escape, escapes[i].escape, length) == 0) {
			(void)fputs(escapes[i].text, stream);
			return length;
		}
	}
	cr_assert_fail("unknown escape: \\%s", escape);
	return 0;
}

/* A line of a page as it is shown. Of a macro's arguments only those of .B and .I stay apart. */
static char *plain(const char *line)
{
	bool macro = *line == '.', quoted = false;
	bool apart = strncmp(line, ".B ", 3) == 0 || strncmp(line, ".I ", 3) == 0;
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	cr_assert_not_null(stream);
	if (macro)
		line += strcspn(line, " ") + 1;
	for (; *line; line++) {
		if (macro && *line == '"')
			quoted = !quoted;
		else if (*line == '\\')
			line += print_escape(stream, line + 1);
		else if (!macro || apart || quoted || *line != ' ')
			(void)fputc(*line, stream);
	}
	cr_assert_eq(fclose(stream), 0);
	return text;
}

/* Adds, from a section of the manual, each line that follows directly on a line `macro`. */
static void read_section(struct texts *lines, const char *section, const char *macro)
{
	char *page = read_document(MANUAL), *rest = page, *line;
	bool inside = false, wanted = false;

	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, ".SH ", 4) == 0)
			inside = strcmp(line + 4, section) == 0;
		if (inside && wanted)
			add_text(lines, plain(line));
		wanted = strcmp(line, macro) == 0;
	}
	free(page);
}

static void read_manual(struct texts *options)
{
	struct texts rows = {.count = 0};

	read_section(&rows, "OPTIONS", ".TP");
	for (size_t i = 0; i < rows.count; i++)
		add_row(options, rows.items[i]);
	free_texts(&rows);
}

/* --- The completions ------------------------------------------------------------------------- */

/* The words of "local NAME='...'", which may go over several lines. */
static void read_bash_words(struct texts *options, const char *text, const char *name, bool valued)
{
	static const char separators[] = " \t\n";
	char *begin = NULL;

	cr_assert_geq(asprintf(&begin, "local %s='", name), 0);
	const char *at = strstr(text, begin);
	cr_assert_not_null(at, "no %s", begin);
	const char *end = strchr(at += strlen(begin), '\'');
	cr_assert_not_null(end);
	free(begin);
	while ((at += strspn(at, separators)) < end) {
		size_t length = strcspn(at, " \t\n'");

		add_option(options, at, length, valued);
		at += length;
	}
}

static void read_bash(struct texts *options)
{
	char *text = read_document("completions/pycompileall.bash");

	read_bash_words(options, text, "flags", false);
	read_bash_words(options, text, "valued", true);
	free(text);
}

/*
 * What stands before the "[" of a specification: "'(-j --workers)'{-j+,--workers=}'". In the
 * parentheses are the options that go not with it.
 */
static void read_zsh_specification(struct texts *options, const char *at)
{
	while (*at) {
		size_t length = strcspn(at, "' *{,}(+=");

		if (*at == '-')
			add_option(options, at, length, at[length] == '+' || at[length] == '=');
		at += length;
		at += *at == '(' ? strcspn(at, ")") : 0;
		at += *at != '\0';
	}
}

static void read_zsh(struct texts *options)
{
	char *text = read_document("completions/_pycompileall"), *rest = text, *line;

	while ((line = strsep(&rest, "\n"))) {
		char *bracket = strchr(line, '[');

		line += strspn(line, "\t");
		if (*line != '\'' || !bracket)
			continue;
		*bracket = '\0';
		read_zsh_specification(options, line);
	}
	free(text);
}

/* "-s j -l workers -x -d '...'"; -x and -r say that there is a value. */
static void read_fish_line(struct texts *options, char *line)
{
	char *word, *row = NULL;
	size_t size;
	FILE *stream = open_memstream(&row, &size);

	cr_assert_not_null(stream);
	while ((word = strsep(&line, " ")) && strcmp(word, "-d") != 0) {
		if (line && strcmp(word, "-s") == 0)
			(void)fprintf(stream, "-%s ", strsep(&line, " "));
		else if (line && strcmp(word, "-l") == 0)
			(void)fprintf(stream, "--%s ", strsep(&line, " "));
		else if (strcmp(word, "-x") == 0 || strcmp(word, "-r") == 0)
			(void)fputs("VALUE ", stream);
	}
	cr_assert_eq(fclose(stream), 0);
	add_row(options, row);
	free(row);
}

static void read_fish(struct texts *options)
{
	static const char command[] = "complete -c pycompileall ";
	char *text = read_document("completions/pycompileall.fish"), *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (strncmp(line, command, strlen(command)) == 0)
			read_fish_line(options, line + strlen(command));
	free(text);
}

/* --- Options --------------------------------------------------------------------------------- */

static void assert_agrees(void (*reader)(struct texts *options), const char *where)
{
	struct texts table = {.count = 0}, found = {.count = 0};

	read_table(&table);
	reader(&found);
	assert_same(&table, &found, where);
	free_texts(&table);
	free_texts(&found);
}

Test(documentation, options_of_the_manual)
{
	assert_agrees(read_manual, MANUAL);
}

Test(documentation, options_of_the_bash_completion)
{
	assert_agrees(read_bash, "bash completion");
}

Test(documentation, options_of_the_zsh_completion)
{
	assert_agrees(read_zsh, "zsh completion");
}

Test(documentation, options_of_the_fish_completion)
{
	assert_agrees(read_fish, "fish completion");
}

/* --- Completion at work ---------------------------------------------------------------------- */

/* What the bash completion offers at the end of `words`, a line each; skipped without bash. */
static void complete(struct run_result *result, const char *words)
{
	char *path = document_path("completions/pycompileall.bash"), *script = NULL;

	cr_assert_geq(
		asprintf(&script,
			 "command -v bash >/dev/null || exit 77\n"
			 "exec bash -c '. \"$0\"; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1))\n"
			 "_pycompileall; printf \"%%s\\n\" \"${COMPREPLY[@]}\"' '%s' %s",
			 path, words),
		0);
	run_program(result, &(struct run_request){.program = RUN_LIST("/bin/sh", "-c", script)});
	free(script);
	free(path);
	if (result->status == 77)
		SCRATCH_SKIP("no bash");
	RUN_ASSERT(result, 0);
}

static void assert_completes(const char *words, const char *expected)
{
	struct run_result result;

	complete(&result, words);
	cr_assert_str_eq(result.output, expected, "%s: \"%s\"", words, result.output);
	cr_assert_eq(result.errors_size, 0, "%s", result.errors);
	run_result_fini(&result);
}

SCRATCH_TEST(documentation, bash_completes_an_option)
{
	assert_completes("pycompileall --inv", "--invalidation-mode\n");
}

SCRATCH_TEST(documentation, bash_completes_a_mode)
{
	assert_completes("pycompileall --invalidation-mode ch", "checked-hash\n");
}

SCRATCH_TEST(documentation, bash_completes_a_mode_behind_an_equals_sign)
{
	assert_completes("pycompileall --invalidation-mode = un", "unchecked-hash\n");
}

SCRATCH_TEST(documentation, bash_completes_a_level_behind_a_cluster)
{
	assert_completes("pycompileall -qo ''", "-1\n0\n1\n2\n");
}

/* In -dfo the o is no option, but part of the value. */
SCRATCH_TEST(documentation, bash_completes_a_source)
{
	scratch_file("t/a [1] b.py", "");
	scratch_file("t/a [1] b.txt", "");
	assert_completes("pycompileall -dfo t/", "t/a [1] b.py\n");
}

SCRATCH_TEST(documentation, bash_completes_a_folder_for_strip)
{
	scratch_file("t/a.py", "");
	scratch_folder("t/sub");
	assert_completes("pycompileall -s t/", "t/sub\n");
}

/* --- Differences ----------------------------------------------------------------------------- */

/* Each is told in the manual under this title. */
Test(documentation, differences_of_the_manual)
{
	static const char *const titles[] = {
		"size of the source",
		"hash-based files",
		"requested mode",
		"edit during the run",
		"stale levels",
		"folder that cannot be listed",
		"source that cannot be looked at",
		"symbolic link as __pycache__",
		"wrong values",
		"regular expression without end",
		"interruption",
		"workers",
		"options without paths",
		"empty list",
		"failure in sys.path",
		"several files in py_compile",
		"equal levels",
		"hard links to itself",
		"whole files",
		"common causes",
		"bytes of older versions",
		"order of output",
		"trailing slashes",
		"stripping in part",
		"stripdir message",
		"usage",
		"quoted lines",
		"end of messages",
		"mixed arguments",
		"encoding of the output",
	};
	struct texts wanted = {.count = 0}, found = {.count = 0};

	for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++)
		add_text(&wanted, strdup(titles[i]));
	read_section(&found, "DIFFERENCES FROM COMPILEALL", ".TP");
	assert_same(&wanted, &found, MANUAL);
	free_texts(&wanted);
	free_texts(&found);
}

/* --- Examples -------------------------------------------------------------------------------- */

static void build_library(void)
{
	scratch_file("lib/main.py", "print('main')\n");
	scratch_file("lib/other.py", "print('other')\n");
}

static void compile_library(const char *const *arguments)
{
	struct run_result result;

	build_library();
	run_ours(&result,
		 (struct run_request){.options = arguments, .arguments = RUN_LIST("-q", "lib")});
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
}

static bool is_compiled(const char *source, int level)
{
	char *path = oracle_cache_path(source, level);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static bool file_has(const char *path, const char *text)
{
	size_t size;
	char *content = scratch_read(path, &size);
	bool found = memmem(content, size, text, strlen(text)) != NULL;

	free(content);
	return found;
}

static void check_compiled(const char *output)
{
	cr_assert_str_empty(output);
	cr_assert(is_compiled("lib/main.py", 0));
	cr_assert(is_compiled("lib/other.py", 0));
}

static void build_touched(void)
{
	compile_library(NULL);
	scratch_mtime("lib/other.py", SCRATCH_MTIME + 1, 0);
}

static void check_stale(const char *output)
{
	cr_assert_str_eq(output, "Stale 'lib/other.py' (source mtime)\n");
}

/* Three names of one file, whose flags say that it is unchecked. */
static void check_levels(const char *output)
{
	static const unsigned char flags[] = {1, 0, 0, 0};
	char *path = oracle_cache_path("lib/main.py", 2);
	struct stat status;
	size_t size;

	cr_assert_str_empty(output);
	cr_assert_eq(stat(path, &status), 0);
	cr_assert_eq(status.st_nlink, (nlink_t)3);
	char *content = scratch_read(path, &size);
	cr_assert_gt(size, (size_t)16);
	cr_assert_eq(memcmp(content + 4, flags, sizeof(flags)), 0);
	free(content);
	free(path);
}

static void build_package(void)
{
	scratch_file("build/usr/lib/app/app.py", "print('app')\n");
}

static void check_names(const char *output)
{
	char *path = oracle_cache_path("build/usr/lib/app/app.py", 0);

	cr_assert_str_empty(output);
	cr_assert(file_has(path, "/usr/lib/app/app.py"));
	cr_assert_not(file_has(path, "build"));
	free(path);
}

static void build_templates(void)
{
	build_library();
	scratch_file("lib/tests/test_main.py", "print('test')\n");
	scratch_file("lib/templates/project.py", "import {{ project }}.\n");
}

static void check_left_out(const char *output)
{
	check_compiled(output);
	cr_assert_not(is_compiled("lib/tests/test_main.py", 0));
}

static void build_newline(void)
{
	build_library();
	scratch_file("lib/new\nline.py", "print('new line')\n");
}

static void check_newline(const char *output)
{
	check_compiled(output);
	cr_assert(is_compiled("lib/new\nline.py", 0));
}

static void check_own_place(const char *output)
{
	cr_assert_str_empty(output);
	cr_assert(file_has("out.pyc", "/usr/share/app/main.py"));
	cr_assert_not(is_compiled("lib/main.py", 0));
}

static void build_all_levels(void)
{
	compile_library(RUN_LIST("-o0", "-o1", "-o2"));
}

static void check_removed(const char *output)
{
	cr_assert_str_empty(output);
	for (int level = 0; level <= 2; level++) {
		cr_assert_not(is_compiled("lib/main.py", level));
		cr_assert(is_compiled("lib/other.py", level));
	}
}

static void build_compiled(void)
{
	compile_library(NULL);
}

static void check_sources(const char *output)
{
	cr_assert_str_eq(output, "lib/main.py\nlib/other.py\n");
}

/* A command as the manual has it, the tree it is run in, and whether it did what is said there. */
static const struct example {
	const char *command;
	void (*build)(void);
	void (*check)(const char *output);
} examples[] = {
	{"pycompileall -q lib", build_library, check_compiled},
	{"pycompileall -v lib | grep '^Stale'", build_touched, check_stale},
	{"pycompileall -q --invalidation-mode=unchecked-hash -o 0 -o 1 -o 2 --hardlink-dupes lib",
	 build_library, check_levels},
	{"pycompileall -q -s build -p / build/usr/lib/app", build_package, check_names},
	{"pycompileall -q -x '/(tests|templates)/' lib", build_templates, check_left_out},
	{"find lib -name '*.py' -print0 | pycompileall -q -0 -i -", build_newline, check_newline},
	{"pycompile --cfile out.pyc --dfile /usr/share/app/main.py lib/main.py", build_library,
	 check_own_place},
	{"pycompileall --cache-path -0 -o 0 -o 1 -o 2 lib/main.py | xargs -0 rm -f",
	 build_all_levels, check_removed},
	{"pycompileall --source-path lib/__pycache__/*.pyc", build_compiled, check_sources},
};

#define EXAMPLE_COUNT (sizeof(examples) / sizeof(*examples))

Test(documentation, examples_of_the_manual)
{
	struct texts known = {.count = 0}, found = {.count = 0};

	for (size_t i = 0; i < EXAMPLE_COUNT; i++)
		add_text(&known, strdup(examples[i].command));
	read_section(&found, "EXAMPLES", ".EX");
	assert_same(&known, &found, MANUAL);
	free_texts(&known);
	free_texts(&found);
}

/* Runs a command with the program, under both its names, on PATH. */
static void run_command(struct run_result *result, const char *command)
{
	char *path = NULL;

	scratch_symlink(run_our_path(), "bin/pycompileall");
	scratch_symlink(run_our_path(), "bin/pycompile");
	cr_assert_geq(asprintf(&path, "PATH=%s/bin:%s", scratch_path(), getenv("PATH")), 0);
	run_program(result, &(struct run_request){.program = RUN_LIST("/bin/sh", "-c", command),
						  .environment = RUN_LIST(path)});
	free(path);
}

ParameterizedTestParameters(documentation, example)
{
	static size_t indices[EXAMPLE_COUNT];

	for (size_t i = 0; i < EXAMPLE_COUNT; i++)
		indices[i] = i;
	return cr_make_param_array(size_t, indices, EXAMPLE_COUNT);
}

ParameterizedTest(const size_t *index, documentation, example, .fini = scratch_tell_kept)
{
	const struct example *example = &examples[*index];
	struct run_result result;

	scratch_create();
	example->build();
	run_command(&result, example->command);
	RUN_ASSERT(&result, 0);
	cr_assert_eq(result.errors_size, 0, "%s: %s", example->command, result.errors);
	example->check(result.output);
	run_result_fini(&result);
	scratch_remove();
}
