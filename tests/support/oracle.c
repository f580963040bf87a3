#include "config.h"

#include "oracle.h"

#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARGUMENTS_MAX 16 /* in front of a trial's own, and variables it may set */

/* A list in place. */
struct words {
	const char *items[ARGUMENTS_MAX + 1];
	size_t count;
};

static void add(struct words *words, const char *word)
{
	cr_assert_lt(words->count, (size_t)ARGUMENTS_MAX, "too many arguments or variables");
	words->items[words->count++] = word;
	words->items[words->count] = NULL;
}

static void add_all(struct words *words, const char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		add(words, list[i]);
}

static const char *module_of(const struct oracle_trial *trial)
{
	return trial->module ? trial->module : "compileall";
}

/* The path of reference.py; it lives as long as the process. */
static const char *reference_path(void)
{
	const char *folder = getenv("top_srcdir");
	char *path = NULL;

	cr_assert_not_null(folder, "top_srcdir must be set");
	cr_assert_geq(asprintf(&path, "%s/tests/support/reference.py", folder), 0);
	return path;
}

/* How CPython's module is called, up to the trial's own arguments. */
static void add_module(struct words *words, const struct oracle_trial *trial)
{
	add_all(words, trial->interpreter);
	if (trial->reference) {
		add(words, reference_path());
		add(words, trial->reference);
	} else if (trial->script) {
		add(words, trial->script);
		return;
	} else {
		add(words, "-m");
	}
	add(words, module_of(trial));
}

/*
 * The interpreter must not import from the tree in its current folder, nor leave byte-code of
 * its own modules in it; compileall writes all the same.
 */
static void run_theirs(struct run_result *result, const struct oracle_trial *trial)
{
	struct words variables = {.items = {"PYTHONSAFEPATH=1", "PYTHONDONTWRITEBYTECODE=1"},
				  .count = 2};
	struct run_request request = trial->request;
	struct words words = {.count = 0};

	add_all(&variables, request.environment);
	add_module(&words, trial);
	if (trial->combination && *trial->combination->mode_option)
		add(&words, trial->combination->mode_option);
	request.environment = variables.items;
	request.options = words.items;
	run_python(result, request);
}

static void run_trial_ours(struct run_result *result, const struct oracle_trial *trial)
{
	struct run_request request = trial->request;
	struct words variables = {.count = 0};
	struct words words = {.count = 0};

	if (strcmp(module_of(trial), "py_compile") == 0)
		add(&words, "--py-compile");
	if (trial->combination)
		add(&words, trial->combination->jobs_option);
	if (trial->combination && *trial->combination->mode_option)
		add(&words, trial->combination->mode_option);
	add_all(&variables, request.environment);
	add_all(&variables, trial->instead);
	request.environment = variables.items;
	request.options = words.items;
	run_ours(result, request);
}

/* 126 and 127 stand for a program that could not be started. */
static void assert_ended(const struct run_result *result)
{
	RUN_ASSERT(result, result->status);
	cr_assert_lt(result->status, 126, "%s: could not be started", result->command);
}

static void delete_byte_code(void)
{
	struct snapshot *tree = snapshot_take(".", SNAPSHOT_ALL);

	for (size_t i = 0; i < tree->count; i++) {
		const char *name = strrchr(tree->entries[i].path, '/');
		if (name && strcmp(name, "/__pycache__") == 0)
			scratch_delete(tree->entries[i].path);
	}
	snapshot_free(tree);
}

static void prepare(const struct oracle_trial *trial)
{
	if (trial->build) {
		scratch_clear();
		trial->build();
	} else {
		delete_byte_code();
	}
}

void oracle_try_theirs(struct oracle_outcome *outcome, const struct oracle_trial *trial)
{
	prepare(trial);
	run_result_fini(&outcome->theirs);
	snapshot_free(outcome->their_tree);
	run_theirs(&outcome->theirs, trial);
	assert_ended(&outcome->theirs);
	outcome->their_tree = snapshot_take(".", SNAPSHOT_ALL);
}

void oracle_try_ours(struct oracle_outcome *outcome, const struct oracle_trial *trial)
{
	prepare(trial);
	run_result_fini(&outcome->ours);
	snapshot_free(outcome->our_tree);
	run_trial_ours(&outcome->ours, trial);
	assert_ended(&outcome->ours);
	outcome->our_tree = snapshot_take(".", SNAPSHOT_ALL);
}

void oracle_try(struct oracle_outcome *outcome, const struct oracle_trial *trial)
{
	oracle_try_theirs(outcome, trial);
	oracle_try_ours(outcome, trial);
}

void oracle_fini(struct oracle_outcome *outcome)
{
	run_result_fini(&outcome->theirs);
	run_result_fini(&outcome->ours);
	snapshot_free(outcome->their_tree);
	snapshot_free(outcome->our_tree);
	*outcome = (struct oracle_outcome){0};
}

static char *status_difference(const struct oracle_outcome *outcome)
{
	char *text = NULL;

	if (outcome->theirs.status == outcome->ours.status)
		return NULL;
	int length =
		asprintf(&text, "it is %d, not %d", outcome->ours.status, outcome->theirs.status);
	cr_assert_geq(length, 0, "out of memory");
	return text;
}

static char *part_difference(const struct oracle_outcome *outcome, unsigned part)
{
	const struct run_result *theirs = &outcome->theirs;
	const struct run_result *ours = &outcome->ours;

	switch (part) {
	case ORACLE_STATUS:
		return status_difference(outcome);
	case ORACLE_OUTPUT:
		return lines_difference(theirs->output, ours->output);
	case ORACLE_ERRORS:
		return lines_difference(theirs->errors, ours->errors);
	default:
		return snapshot_difference(outcome->their_tree, outcome->our_tree, SNAPSHOT_SAME);
	}
}

char *oracle_difference(const struct oracle_outcome *outcome, unsigned parts)
{
	static const struct {
		unsigned part;
		const char *name;
	} names[] = {{ORACLE_STATUS, "exit status"},
		     {ORACLE_OUTPUT, "standard output"},
		     {ORACLE_ERRORS, "standard error"},
		     {ORACLE_TREE, "tree"}};
	char *text = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *difference = NULL;
		if (parts & names[i].part)
			difference = part_difference(outcome, names[i].part);
		if (!difference)
			continue;
		int length =
			asprintf(&text, "%s: %s differs from CPython's: %s\nin %s",
				 outcome->ours.command, names[i].name, difference, scratch_path());
		cr_assert_geq(length, 0, "out of memory");
		free(difference);
		return text;
	}
	return NULL;
}

void oracle_assert_equal(const struct oracle_trial *trial)
{
	struct oracle_outcome outcome = {0};

	oracle_try(&outcome, trial);
	ORACLE_ASSERT(&outcome, ORACLE_ALL);
	oracle_fini(&outcome);
}

void oracle_assert_stricter(const struct oracle_trial *trial)
{
	struct oracle_outcome outcome = {0};

	oracle_try(&outcome, trial);
	ORACLE_ASSERT(&outcome, ORACLE_ALL & ~ORACLE_STATUS);
	RUN_ASSERT(&outcome.theirs, 0);
	RUN_ASSERT(&outcome.ours, 1);
	oracle_fini(&outcome);
}

void oracle_compile(const char *const *arguments)
{
	const struct oracle_trial trial = {.request = {.arguments = arguments}};
	struct run_result result;

	run_theirs(&result, &trial);
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
}

char *oracle_cache_path(const char *source, int level)
{
	static const char script[] = "import sys; from importlib.util import cache_from_source\n"
				     "path, level = sys.argv[1:]\n"
				     "level = '' if level == '0' else level\n"
				     "print(end=cache_from_source(path, optimization=level))\n";
	char number[12];
	struct run_result result;

	(void)snprintf(number, sizeof(number), "%d", level);
	struct run_request request = {.arguments =
					      RUN_LIST("-I", "-S", "-c", script, source, number)};
	run_python(&result, request);
	RUN_ASSERT(&result, 0);
	char *path = strdup(result.output);
	cr_assert_not_null(path, "out of memory");
	run_result_fini(&result);
	return path;
}
