#include "config.h"

#include "options.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENTS_MAX 20

/* Parses arguments given as one string with single spaces; "~" stands for an empty one. */
static enum options_outcome parse(struct options *options, const char *line, char **errors)
{
	/* The operands and values borrow from it; no test has more lines at once. */
	static char copies[8][200];
	static size_t used;
	char *argv[ARGUMENTS_MAX + 1] = {(char[]){"pycompileall"}};
	char *rest = copies[used++ % 8], *word;
	int argc = 1;
	size_t size;
	FILE *stream = open_memstream(errors, &size);
	enum options_outcome outcome;

	cr_assert_lt(strlen(line), sizeof(copies[0]));
	(void)strcpy(rest, line);
	while ((word = strsep(&rest, " ")) && *word && argc < ARGUMENTS_MAX) {
		if (strcmp(word, "~") == 0)
			*word = '\0';
		argv[argc++] = word;
	}
	outcome = options_parse(options, argc, argv, stream);
	fclose(stream);
	return outcome;
}

static struct options parse_right(const char *line)
{
	struct options options;
	char *errors;

	cr_assert_eq(parse(&options, line, &errors), OPTIONS_OK, "%s: %s", line, errors);
	cr_assert_str_empty(errors);
	free(errors);
	return options;
}

/* The arguments are refused with these words behind "error: ". */
static void assert_wrong(const char *line, const char *message)
{
	struct options options;
	char *errors, *text;

	cr_assert_eq(parse(&options, line, &errors), OPTIONS_WRONG, "%s", line);
	cr_assert(strncmp(errors, "usage: pycompileall ", 20) == 0);
	text = strstr(errors, "pycompileall: error: ");
	cr_assert_not_null(text);
	cr_assert_str_eq(text + strlen("pycompileall: error: "), message);
	options_fini(&options);
	free(errors);
}

Test(options, nothing_given_is_the_default)
{
	struct options options = parse_right("");

	cr_assert_eq(options.operand_count, 0);
	cr_assert_eq(options.quiet, 0);
	cr_assert_eq(options.jobs, 0);
	cr_assert_eq(options.level_count, 0);
	cr_assert_eq(options_depth(&options), -1);
	cr_assert_not(options.force || options.verbose || options.mode_given);
	options_fini(&options);
}

Test(options, clusters_take_the_rest_as_value)
{
	struct options options = parse_right("-lqqfj2 a -o1 -o=2");

	cr_assert_eq(options.quiet, 2);
	cr_assert(options.force && options.no_recursion);
	cr_assert_eq(options.jobs, 2);
	cr_assert_eq(options.level_count, 2);
	cr_assert_eq(options.levels[0], 1);
	cr_assert_eq(options.levels[1], 2);
	cr_assert_str_eq(options.operands[0], "a");
	options_fini(&options);
}

Test(options, operands_and_options_mix)
{
	struct options options = parse_right("a -q b -f -- -c --d");

	cr_assert_eq(options.operand_count, 4);
	cr_assert_str_eq(options.operands[1], "b");
	cr_assert_str_eq(options.operands[2], "-c");
	cr_assert_str_eq(options.operands[3], "--d");
	cr_assert(options.force && options.quiet == 1);
	options_fini(&options);
}

Test(options, long_names_may_be_cut_while_they_are_unique)
{
	struct options options = parse_right("--work 3 --inval=checked-hash --verb");

	cr_assert_eq(options.jobs, 3);
	cr_assert(options.mode_given);
	cr_assert_eq(options.mode, INVALIDATION_CHECKED_HASH);
	cr_assert(options.verbose);
	options_fini(&options);
	assert_wrong("--ver", "ambiguous option: --ver could match --verbose, --version\n");
	assert_wrong("--c", "ambiguous option: --c could match --cfile, --cache-path\n");
}

Test(options, last_scalar_wins)
{
	struct options options = parse_right("-j 2 -j 5 --invalidation-mode timestamp "
					     "--invalidation-mode unchecked-hash");

	cr_assert_eq(options.jobs, 5);
	cr_assert_eq(options.mode, INVALIDATION_UNCHECKED_HASH);
	options_fini(&options);
}

Test(options, negative_numbers_are_values_and_operands)
{
	struct options options = parse_right("-o -1 -5 -.5 -");

	cr_assert_eq(options.levels[0], -1);
	cr_assert_eq(options.operand_count, 3);
	options_fini(&options);
}

Test(options, depth_wins_over_no_recursion)
{
	static const struct {
		const char *line;
		long depth;
	} cases[] = {{"-l", 0}, {"-r 3", 3}, {"-l -r 3", 3}, {"-r 3 -l", 3}, {"-r -2", 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options options = parse_right(cases[i].line);

		cr_assert_eq(options_depth(&options), cases[i].depth, "%s", cases[i].line);
		options_fini(&options);
	}
}

Test(options, values_are_kept_as_they_are)
{
	struct options options = parse_right("-s /base -p / -x a|b -i - -e ~ -b -0 q");

	cr_assert_str_eq(options.strip, "/base");
	cr_assert_str_eq(options.prepend, "/");
	cr_assert_str_eq(options.exclude, "a|b");
	cr_assert_str_eq(options.list, "-");
	cr_assert_str_eq(options.link_limit, "");
	cr_assert_null(options.destination);
	cr_assert(options.legacy && options.nuls);
	options_fini(&options);
}

Test(options, action_is_the_one_asked_for)
{
	static const struct {
		const char *line;
		enum options_action action;
	} cases[] = {
		{"a", OPTIONS_COMPILE},
		{"--py-compile a", OPTIONS_PY_COMPILE},
		{"--cache-path a", OPTIONS_CACHE_PATH},
		{"--source-path a", OPTIONS_SOURCE_PATH},
		{"-h", OPTIONS_HELP},
		{"--help --nonsense", OPTIONS_HELP},
		{"--version -j", OPTIONS_VERSION},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options options = parse_right(cases[i].line);

		cr_assert_eq(options.action, cases[i].action, "%s", cases[i].line);
		options_fini(&options);
	}
}

Test(options, pycompile_is_a_name_for_py_compile)
{
	char name[] = "/usr/bin/pycompile", operand[] = "a.py";
	char *argv[] = {name, operand, NULL};
	struct options options;

	cr_assert_eq(options_parse(&options, 2, argv, stderr), OPTIONS_OK);
	cr_assert_eq(options.action, OPTIONS_PY_COMPILE);
	options_fini(&options);
}

Test(options, what_does_not_go_together_is_refused)
{
	assert_wrong("-d a -s b", "-d cannot be used in combination with -s or -p\n");
	assert_wrong("-d a -p b", "-d cannot be used in combination with -s or -p\n");
	assert_wrong("--hardlink-dupes -o 1",
		     "Hardlinking of duplicated bytecode makes sense only for more than one "
		     "optimization level.\n");
	assert_wrong("--hardlink-dupes -o1 -o1",
		     "Hardlinking of duplicated bytecode makes sense only for more than one "
		     "optimization level.\n");
	assert_wrong("--cfile x a", "--cfile and --dfile go with --py-compile and one file\n");
	assert_wrong("--py-compile --dfile x a b",
		     "--cfile and --dfile go with --py-compile and one file\n");
	assert_wrong("--cache-path", "the following arguments are required: PATH\n");
	assert_wrong("--optimization x a", "--optimization goes with --cache-path\n");
}

Test(options, numbers_are_read_as_python_does)
{
	struct options options = parse_right("-j 1_6 -r +2 -o 0_1");

	cr_assert_eq(options.jobs, 16);
	cr_assert_eq(options.depth, 2);
	cr_assert_eq(options.levels[0], 1);
	options_fini(&options);
	assert_wrong("-j _1", "argument -j/--workers: invalid int value: '_1'\n");
	assert_wrong("-j 1__2", "argument -j/--workers: invalid int value: '1__2'\n");
	assert_wrong("-j 1_", "argument -j/--workers: invalid int value: '1_'\n");
}

Test(options, usage_errors_say_what_is_wrong)
{
	assert_wrong("-j x", "argument -j/--workers: invalid int value: 'x'\n");
	assert_wrong("-j ~", "argument -j/--workers: invalid int value: ''\n");
	assert_wrong("-r 1.5", "argument -r: invalid int value: '1.5'\n");
	assert_wrong("-j", "argument -j/--workers: expected one argument\n");
	assert_wrong("-o -q", "argument -o: expected one argument\n");
	assert_wrong("--verbose=1", "argument -v/--verbose: ignored explicit argument '1'\n");
	assert_wrong("-Z", "unrecognized arguments: -Z\n");
	assert_wrong("--nonsense", "unrecognized arguments: --nonsense\n");
	assert_wrong("-j -3",
		     "argument -j/--workers: the number of workers must not be negative\n");
	assert_wrong("--invalidation-mode hash",
		     "argument --invalidation-mode: invalid choice: 'hash' (choose from "
		     "'checked-hash', 'timestamp', 'unchecked-hash')\n");
}

Test(options, pythons_are_kept_in_their_order)
{
	struct options options = parse_right("--python b --python=a a.py --python b --pyt ~");

	cr_assert_eq(options.python_count, 4);
	cr_assert_str_eq(options.pythons[0], "b");
	cr_assert_str_eq(options.pythons[1], "a");
	cr_assert_str_eq(options.pythons[2], "b");
	cr_assert_str_eq(options.pythons[3], "");
	cr_assert_eq(options.operand_count, 1);
	cr_assert_not(options.no_interpreter_cache);
	options_fini(&options);
	options = parse_right("");
	cr_assert_eq(options.python_count, 0);
	cr_assert_null(options.pythons);
	options_fini(&options);
}

/* Each has a bit in a mask. */
Test(options, pythons_are_not_more_than_a_mask_has_bits)
{
	char name[] = "pycompileall", option[] = "--python=p";
	char *argv[OPTIONS_PYTHONS_MAX + 3] = {name};
	struct options options;
	char *errors;
	size_t size;
	FILE *stream;

	for (int i = 1; i <= OPTIONS_PYTHONS_MAX + 1; i++)
		argv[i] = option;
	cr_assert_eq(options_parse(&options, OPTIONS_PYTHONS_MAX + 1, argv, stderr), OPTIONS_OK);
	cr_assert_eq(options.python_count, 32);
	options_fini(&options);
	stream = open_memstream(&errors, &size);
	cr_assert_eq(options_parse(&options, OPTIONS_PYTHONS_MAX + 2, argv, stream), OPTIONS_WRONG);
	(void)fclose(stream);
	cr_assert_not_null(strstr(errors, "argument --python: more than 32 interpreters\n"), "%s",
			   errors);
	options_fini(&options);
	free(errors);
}

Test(options, timeout_is_a_number_of_seconds)
{
	static const struct {
		const char *line;
		long timeout;
	} cases[] = {
		{"", OPTIONS_TIMEOUT},
		{"--timeout 0", 0},
		{"--timeout=90", 90},
		{"--timeout 5 --timeout 2147483647", 2147483647},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options options = parse_right(cases[i].line);

		cr_assert_eq(options.timeout, cases[i].timeout, "%s", cases[i].line);
		options_fini(&options);
	}
	assert_wrong("--timeout -1", "argument --timeout: not a number of seconds: '-1'\n");
	assert_wrong("--timeout 2147483648",
		     "argument --timeout: not a number of seconds: '2147483648'\n");
	assert_wrong("--timeout 1.5", "argument --timeout: invalid int value: '1.5'\n");
	assert_wrong("--timeout x", "argument --timeout: invalid int value: 'x'\n");
	assert_wrong("--timeout ~", "argument --timeout: invalid int value: ''\n");
	assert_wrong("--timeout", "argument --timeout: expected one argument\n");
}

Test(options, interpreter_cache_may_be_left_out)
{
	struct options options = parse_right("--no-interpreter-cache");

	cr_assert(options.no_interpreter_cache);
	options_fini(&options);
	assert_wrong("--no-interpreter-cache=1",
		     "argument --no-interpreter-cache: ignored explicit argument '1'\n");
	assert_wrong("--python", "argument --python: expected one argument\n");
}

Test(options, default_mode_is_that_of_the_environment)
{
	struct options options = parse_right("");

	unsetenv("SOURCE_DATE_EPOCH");
	cr_assert_eq(options_mode(&options), INVALIDATION_TIMESTAMP);
	setenv("SOURCE_DATE_EPOCH", "", 1);
	cr_assert_eq(options_mode(&options), INVALIDATION_TIMESTAMP);
	setenv("SOURCE_DATE_EPOCH", "1", 1);
	cr_assert_eq(options_mode(&options), INVALIDATION_CHECKED_HASH);
	options_fini(&options);
	options = parse_right("--invalidation-mode timestamp");
	cr_assert_eq(options_mode(&options), INVALIDATION_TIMESTAMP);
	options_fini(&options);
}

Test(options, help_names_every_row_and_keeps_the_width)
{
	char *text, *line, *rest;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	options_print_help(stream);
	fclose(stream);
	for (size_t i = 0; options_row(i); i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "--%s", options_row(i)->name);
		if (options_row(i)->name)
			cr_assert_not_null(strstr(text, name), "%s", name);
		(void)snprintf(name, sizeof(name), "  -%c", options_row(i)->letter);
		if (options_row(i)->letter)
			cr_assert_not_null(strstr(text, name), "%s", name);
	}
	for (rest = text; (line = strsep(&rest, "\n"));)
		cr_assert_leq(strlen(line), 80);
	free(text);
}
