#include "config.h"

#include "oracle.h"

#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLES_MAX 16 /* a trial may set, the oracle's own included */

/*
 * The interpreter must not import from the tree in its current folder, nor leave byte-code of
 * its own modules in it; compileall writes all the same.
 */
static void run_compileall(struct run_result *result, struct run_request request)
{
	const char *variables[VARIABLES_MAX + 1] = {"PYTHONSAFEPATH=1",
						    "PYTHONDONTWRITEBYTECODE=1"};
	const char *options[4] = {"-m", "compileall", request.options ? request.options[0] : NULL};
	size_t count = 2;

	for (size_t i = 0; request.environment && request.environment[i]; i++) {
		cr_assert_lt(count, (size_t)VARIABLES_MAX, "too many variables");
		variables[count++] = request.environment[i];
	}
	request.environment = variables;
	request.options = options;
	run_python(result, request);
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
	const struct combination *combination = trial->combination;
	const char *options[] = {combination ? combination->mode_option : NULL, NULL};
	struct run_request request = trial->request;

	prepare(trial);
	run_result_fini(&outcome->theirs);
	snapshot_free(outcome->their_tree);
	request.options = options;
	run_compileall(&outcome->theirs, request);
	assert_ended(&outcome->theirs);
	outcome->their_tree = snapshot_take(".", SNAPSHOT_ALL);
}

void oracle_try_ours(struct oracle_outcome *outcome, const struct oracle_trial *trial)
{
	const struct combination *combination = trial->combination;
	const char *options[] = {combination ? combination->jobs_option : NULL,
				 combination ? combination->mode_option : NULL, NULL};
	struct run_request request = trial->request;

	prepare(trial);
	run_result_fini(&outcome->ours);
	snapshot_free(outcome->our_tree);
	request.options = options;
	run_ours(&outcome->ours, request);
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
	struct run_request request = {.arguments = arguments};
	struct run_result result;

	run_compileall(&result, request);
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
