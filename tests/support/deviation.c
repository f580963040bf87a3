#include "config.h"

#include "deviation.h"

#include "lines.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_SIZE 512 /* of the deviations that are patched in at once */

/* Whether an argument is, or a cluster of letters has, this option. */
static bool has_letter(const struct oracle_trial *trial, char letter)
{
	const char *const *arguments = trial->request.arguments;

	for (size_t i = 0; arguments[i]; i++)
		if (arguments[i][0] == '-' && arguments[i][1] != '-' &&
		    strchr(arguments[i] + 1, letter))
			return true;
	return false;
}

static bool has_prefix(const struct oracle_trial *trial, const char *prefix)
{
	const char *const *arguments = trial->request.arguments;

	for (size_t i = 0; arguments[i]; i++)
		if (strncmp(arguments[i], prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

static bool is_py_compile(const struct oracle_trial *trial)
{
	return trial->module && strcmp(trial->module, "py_compile") == 0;
}

/* --- When each may apply ---------------------------------------------------------------------- */

static bool may_strip(const struct oracle_trial *trial, const struct oracle_outcome *outcome)
{
	(void)outcome;
	return has_letter(trial, 's');
}

static bool may_strip_sources(const struct oracle_trial *trial,
			      const struct oracle_outcome *outcome)
{
	(void)trial;
	return lines_count(outcome->theirs.output, "The stripdir path ") > 0;
}

static bool may_strip_slash(const struct oracle_trial *trial, const struct oracle_outcome *outcome)
{
	(void)outcome;
	return has_letter(trial, 's') || has_letter(trial, 'd');
}

/* Options are honoured without operands; a folder's failure does not end the run. */
static bool may_sys_path(const struct oracle_trial *trial, const struct oracle_outcome *outcome)
{
	(void)outcome;
	for (size_t i = 0; trial->request.environment && trial->request.environment[i]; i++)
		if (strncmp(trial->request.environment[i], "PYTHONPATH=", 11) == 0)
			return true;
	return false;
}

static bool may_be_below_own(const struct oracle_trial *trial, const struct oracle_outcome *outcome)
{
	(void)outcome;
	return has_letter(trial, 'o');
}

static bool may_limit_links(const struct oracle_trial *trial, const struct oracle_outcome *outcome)
{
	(void)outcome;
	return has_letter(trial, 'e');
}

static bool may_lose_dupes(const struct oracle_trial *trial, const struct oracle_outcome *outcome)
{
	(void)outcome;
	return has_prefix(trial, "--hard") && (has_letter(trial, 'b') || has_prefix(trial, "-o"));
}

static bool may_reorder(const struct oracle_trial *trial, const struct oracle_outcome *outcome)
{
	(void)outcome;
	return has_letter(trial, 'j') || has_prefix(trial, "--work");
}

static bool may_judge(const struct oracle_trial *trial, const struct oracle_outcome *outcome)
{
	(void)outcome;
	return !is_py_compile(trial);
}

static bool may_miss_folder(const struct oracle_trial *trial, const struct oracle_outcome *outcome)
{
	return !is_py_compile(trial) && outcome->theirs.status == 0 && outcome->ours.status == 1;
}

static bool may_rename(const struct oracle_trial *trial, const struct oracle_outcome *outcome)
{
	(void)outcome;
	return has_letter(trial, 'd') || has_letter(trial, 's') || has_letter(trial, 'p');
}

static bool may_go_on(const struct oracle_trial *trial, const struct oracle_outcome *outcome)
{
	return is_py_compile(trial) && outcome->theirs.status == 1;
}

/* In the order in which they are tried. */
static const struct deviation {
	const char *name;
	const char *reason;
	bool (*may_apply)(const struct oracle_trial *trial, const struct oracle_outcome *outcome);
} deviations[] = {
	{"usage-wording", "usage errors: only exit status 2 and that something is said", NULL},
	{"usage-traceback", "usage errors that CPython answers with a traceback", NULL},
	{"temporary-name",
	 "CPython's messages name its temporary, x.pyc.NUMBER; ours the file itself", NULL},
	{"order", "-j: the walk's order", may_reorder},
	{"own-level", "-o below 0 is one level, the interpreter's own, and compiled once",
	 may_be_below_own},
	{"link-limit", "-e as of 3.13: loops are no errors; names are not interned",
	 may_limit_links},
	{"sys-path", "no operands: options are honoured, and all folders tried", may_sys_path},
	{"strip-3.13", "-s as of 3.13, where the linked CPython is older", may_strip},
	{"strip-slash", "-s DIR/, -d X DIR/: trailing slashes do not count", may_strip_slash},
	{"strip-sources", "-s: the line about a wrong prefix for sources only", may_strip_sources},
	{"dupes-lost", "--hardlink-dupes where two levels are one file: kept", may_lose_dupes},
	{"whole-header", "all 16 bytes of the header count, and one behind", may_judge},
	{"hash-compared", "a hash .pyc whose hash fits is fresh (cpython#121577)", may_judge},
	{"other-mode", "a mode asked for makes others stale (cpython#117204)", may_judge},
	{"stale-levels", "of several levels only the stale ones are written", may_judge},
	{"quote", "renamed sources: no line of another file is quoted", may_rename},
	{"unlistable", "a folder that cannot be listed: exit 1 (cpython#88621)", may_miss_folder},
	{"goes-on", "py_compile: all files are tried, messages end in a newline", may_go_on},
};

#define COUNT (sizeof(deviations) / sizeof(*deviations))

enum {
	USAGE_WORDING,
	USAGE_TRACEBACK,
	TEMPORARY_NAME
};

size_t deviation_count(void)
{
	return COUNT;
}

const char *deviation_name(size_t index)
{
	return deviations[index].name;
}

const char *deviation_reason(size_t index)
{
	return deviations[index].reason;
}

static bool differ(const struct oracle_outcome *outcome)
{
	char *difference = oracle_difference(outcome, ORACLE_ALL);

	free(difference);
	return difference != NULL;
}

static void replace_text(char **text, size_t *size, const struct run_result *source)
{
	free(*text);
	*text = strdup(source->errors);
	cr_assert_not_null(*text, "out of memory");
	*size = source->errors_size;
}

/* Both say what is wrong, in their own words. True if that was it. */
static bool settle_usage(struct oracle_outcome *outcome, size_t *met)
{
	struct run_result *theirs = &outcome->theirs;
	bool traceback = theirs->status == 1 && strstr(theirs->errors, "Traceback");

	if (outcome->ours.status != 2 || (theirs->status != 2 && !traceback) ||
	    theirs->errors_size == 0 || outcome->ours.errors_size == 0)
		return false;
	met[traceback ? USAGE_TRACEBACK : USAGE_WORDING]++;
	theirs->status = 2;
	replace_text(&theirs->errors, &theirs->errors_size, &outcome->ours);
	/* It had begun. */
	if (traceback) {
		theirs->output[0] = '\0';
		theirs->output_size = 0;
	}
	return true;
}

/* Takes the number off each "x.pyc.NUMBER"; true if there was one. */
static bool drop_numbers(char *text, size_t *size)
{
	static const char before[] = ".pyc.";
	bool found = false;

	for (char *at = strstr(text, before); at; at = strstr(at, before)) {
		at += strlen(before);
		size_t digits = strspn(at, "0123456789");
		if (digits < 2)
			continue;
		/* With the dot before it. */
		at--;
		memmove(at, at + 1 + digits, strlen(at + 1 + digits) + 1);
		*size -= digits + 1;
		found = true;
	}
	return found;
}

static void settle_temporary_names(struct oracle_outcome *outcome, size_t *met)
{
	struct run_result *results[] = {&outcome->theirs, &outcome->ours};
	size_t found = 0;

	for (size_t i = 0; i < 2; i++) {
		found += drop_numbers(results[i]->output, &results[i]->output_size);
		found += drop_numbers(results[i]->errors, &results[i]->errors_size);
	}
	if (found > 0)
		met[TEMPORARY_NAME]++;
}

/* Runs the reference with the names and takes what it did for theirs if that is something else. */
static bool take_reference(struct oracle_outcome *outcome, const struct oracle_trial *trial,
			   const char *names)
{
	struct oracle_trial reference = *trial;
	struct oracle_outcome pair = {0};

	reference.reference = names;
	oracle_try_theirs(&pair, &reference);
	(void)drop_numbers(pair.theirs.output, &pair.theirs.output_size);
	(void)drop_numbers(pair.theirs.errors, &pair.theirs.errors_size);
	/* What was theirs stands as `ours`, so that the two can be compared. */
	pair.ours = outcome->theirs;
	pair.our_tree = outcome->their_tree;
	bool other = differ(&pair);
	if (other) {
		outcome->theirs = pair.theirs;
		outcome->their_tree = pair.their_tree;
		pair.theirs = (struct run_result){0};
		pair.their_tree = NULL;
	} else {
		pair.ours = (struct run_result){0};
		pair.our_tree = NULL;
	}
	oracle_fini(&pair);
	return other;
}

void deviation_settle(struct oracle_outcome *outcome, const struct oracle_trial *trial, size_t *met)
{
	char names[NAMES_SIZE] = "";

	if (!differ(outcome) || settle_usage(outcome, met))
		return;
	settle_temporary_names(outcome, met);
	for (size_t i = 0; i < COUNT && differ(outcome); i++) {
		size_t length = strlen(names);
		if (!deviations[i].may_apply || !deviations[i].may_apply(trial, outcome))
			continue;
		(void)snprintf(names + length, sizeof(names) - length, "%s%s", length ? "," : "",
			       deviations[i].name);
		if (take_reference(outcome, trial, names))
			met[i]++;
	}
}
