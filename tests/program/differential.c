/*
 * differential: CPython's compileall and py_compile beside the program, on the same trees with the
 * same arguments: exit status, both streams, the set of files, every byte, modes and link counts.
 *
 * What differs must be one of the deliberate differences, by name (support/deviation). Each test
 * runs many command lines and goes on after one that fails; the run's end tells how many there were
 * and how often each deliberate difference was met.
 *
 * Command lines are hand-picked, sorted as in the specification, and generated. The generated ones
 * follow from a seed that is printed; the environment variable PYCOMPILEALL_TESTS_SEED sets it.
 */
#include "config.h"

#include "support/combination.h"
#include "support/deviation.h"
#include "support/oracle.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/tally.h"
#include "support/zoo.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(differential, .timeout = 1800);

#define DEVIATIONS_MAX 32
#define SEED           20241006u

/* What one test counts. */
static struct {
	size_t combinations;
	size_t failures;
	size_t met[DEVIATIONS_MAX];
} counts;

/* What is tried when nothing else is said. */
static struct oracle_trial defaults;

static void print_list(const char *label, const char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		(void)fprintf(stderr, "%s%s", i ? " " : label, list[i]);
	if (list && list[0])
		(void)fputc('\n', stderr);
}

static void tell_failure(const struct oracle_outcome *outcome, const struct oracle_trial *trial)
{
	char *difference = oracle_difference(outcome, ORACLE_ALL);

	counts.failures++;
	(void)fprintf(stderr, "FAILED: %s\n", difference);
	print_list("  environment: ", trial->request.environment);
	print_list("  instead of interpreter options: ", trial->instead);
	if (trial->request.input)
		(void)fprintf(stderr, "  input: %s\n", trial->request.input);
	free(difference);
}

/* At one of -j1, -j2, -j8 in turn. */
static void try_trial(struct oracle_trial trial)
{
	static const char *const jobs[] = {"-j1", "-j2", "-j8"};
	struct oracle_outcome outcome = {0};
	struct combination combination = {.mode_option = ""};

	strcpy(combination.jobs_option, jobs[counts.combinations % 3]);
	counts.combinations++;
	trial.combination = &combination;
	oracle_try(&outcome, &trial);
	deviation_settle(&outcome, &trial, counts.met);
	char *difference = oracle_difference(&outcome, ORACLE_ALL);
	if (difference)
		tell_failure(&outcome, &trial);
	free(difference);
	oracle_fini(&outcome);
}

/* The defaults with these arguments; with these variables, too; with this standard input, too. */
static void try_with(const char *const *environment, const char *const *arguments)
{
	struct oracle_trial trial = defaults;

	trial.request.environment = environment;
	trial.request.arguments = arguments;
	try_trial(trial);
}

static void try_input(const char *input, const char *const *arguments)
{
	struct oracle_trial trial = defaults;

	trial.request.input = input;
	trial.request.arguments = arguments;
	try_trial(trial);
}

#define TRY(...)              try_with(NULL, RUN_LIST(__VA_ARGS__))
#define TRY_IN(variable, ...) try_with(RUN_LIST(variable), RUN_LIST(__VA_ARGS__))

static void begin(void (*build)(void))
{
	cr_assert_leq(deviation_count(), (size_t)DEVIATIONS_MAX);
	zoo_prepare();
	defaults = (struct oracle_trial){.build = build};
}

/* Hands on what was counted, and fails if anything differed that should not. */
static void end(void)
{
	char name[64];

	tally_add("combinations-beside-CPython", counts.combinations);
	for (size_t i = 0; i < deviation_count(); i++) {
		(void)snprintf(name, sizeof(name), "met-on-purpose:%s", deviation_name(i));
		tally_add(name, counts.met[i]);
	}
	cr_assert_eq(counts.failures, 0, "%zu of %zu combinations differ from CPython",
		     counts.failures, counts.combinations);
}

#define DIFFERENTIAL_TEST(name, build)                                                             \
	static void name##_combinations(void);                                                     \
	SCRATCH_TEST(differential, name)                                                           \
	{                                                                                          \
		begin(build);                                                                      \
		name##_combinations();                                                             \
		end();                                                                             \
	}                                                                                          \
	static void name##_combinations(void)

/* The absolute path of what lies in the scratch tree. It lives as long as the process. */
static const char *in_scratch(const char *path)
{
	char *text = NULL;

	cr_assert_geq(asprintf(&text, "%s/%s", scratch_path(), path), 0, "out of memory");
	return text;
}

/* --- The command line ------------------------------------------------------------------------- */

DIFFERENTIAL_TEST(argument_habits, zoo_build_tame)
{
	TRY("zoo/levels");
	TRY("-lf", "zoo/names");
	TRY("-qlr1", "zoo/names");
	TRY("-r=1", "zoo/names");
	TRY("-lr", "0", "zoo/names");
	TRY("-fo2", "zoo/levels");
	TRY("-fo", "1", "-o2", "zoo/levels");
	TRY("-bfq", "zoo/levels");
	TRY("--invalidation=checked-hash", "zoo/levels");
	TRY("--inv", "unchecked-hash", "zoo/levels");
	TRY("--i", "timestamp", "zoo/levels");
	TRY("--hard", "-o0", "-o1", "zoo/levels");
	TRY("--", "zoo/levels");
	TRY("-q", "--", "zoo/levels", "zoo/modes");
	TRY("zoo/levels", "-f");
	TRY("zoo/levels", "zoo/modes", "-o", "1", "-q");
	TRY("-dX", "zoo/levels");
	TRY("-d", "X", "-d", "Y", "zoo/levels");
	TRY("-pX", "-p", "/Y", "zoo/levels");
	TRY("-s", "no", "-s", "zoo", "zoo/levels");
	TRY("-xdoc", "-x", "same", "zoo/levels");
	TRY("-r", " 1 ", "zoo/names");
	TRY("-r", "+1", "zoo/names");
	TRY("-r", "-1", "zoo/names");
	TRY("-r-1", "zoo/names");
	TRY("-r", "1_0", "zoo/names");
	TRY("-qqq", "zoo/levels");
	TRY("-q", "-fq", "zoo/levels");
	TRY("-e", "", "zoo/levels");
	TRY("-d", "", "zoo/levels");
	TRY("-p", "", "zoo/levels");
	TRY("-s", "", "zoo/levels");
	TRY("-i", "", "zoo/levels");
}

DIFFERENTIAL_TEST(usage_errors, zoo_build)
{
	TRY("-d", "X", "-s", "zoo", "zoo/levels");
	TRY("-d", "X", "-p", "zoo", "zoo/levels");
	TRY("-d", "", "-p", "", "zoo/levels");
	TRY("--hardlink-dupes", "zoo/levels");
	TRY("--hardlink-dupes", "-o", "1", "zoo/levels");
	TRY("-r", "x", "zoo/levels");
	TRY("-r", "", "zoo/levels");
	TRY("-r", "1.0", "zoo/levels");
	TRY("-o", "two", "zoo/levels");
	TRY("-j", "x", "zoo/levels");
	TRY("-j", "-1", "zoo/levels");
	TRY("-j-2", "zoo/levels");
	TRY("--invalidation-mode", "checked", "zoo/levels");
	TRY("--invalidation-mode=CHECKED_HASH", "zoo/levels");
	TRY("-x", "(", "zoo/levels");
	TRY("-x", "[a", "zoo/levels");
	TRY("-x", "*", "zoo/levels");
	TRY("-x", "", "zoo/levels");
	TRY("-i", "latin.list");
	TRY("-r");
	TRY("-l", "-o");
	TRY("--no-such", "zoo/levels");
	TRY("-Z", "zoo/levels");
	TRY("-lZ", "zoo/levels");
	TRY("--h", "zoo/levels");
	TRY("--hardlink-dupes=1", "-o0", "-o1", "zoo/levels");
}

DIFFERENTIAL_TEST(which_files, zoo_build)
{
	TRY("-l", "zoo/names");
	TRY("-r", "0", "zoo/names");
	TRY("-r", "2", "zoo/names");
	TRY("-l", "-r", "1", "zoo/names");
	TRY("-x", "sub", "zoo/names");
	TRY("-x", "/sub/", "zoo/names");
	TRY("-x", "^zoo/names/[a-z]", "zoo/names");
	TRY("-x", "(?i)x\\.py$", "zoo/names");
	TRY("-x", "bad_coding|badsyntax|site-packages|bad/", "zoo");
	TRY("-x", "\xc3\xa4", "zoo/names");
	TRY("-x", "\xff", "zoo/names");
	TRY("-x", "\\n", "zoo/names");
	TRY("-x", "\\s", "zoo/names");
	TRY("-x", "\\w\\.py\\Z", "zoo/names");
	TRY("-x", ".", "zoo/names");
	TRY("-x", "doc", "zoo/levels/doc.py", "zoo/levels/same.py");
	TRY("-e", "zoo", "zoo/links");
	TRY("-e", "zoo/levels", "zoo/links");
	TRY("-e", "zoo/links", "zoo/links");
	TRY("-e", "outside", "zoo/links", "zoo/levels");
	TRY("-e", ".", "zoo/links", "way.py");
	TRY("-e", "/", "zoo/links");
	TRY("-e", "no/such", "zoo/links");
	TRY("-e", "way_in", "zoo/links", "way_in");
	TRY("-e", "zoo/names", "way.py", "zoo/levels/same.py");
	TRY("-i", "zoo.list");
	TRY("-i", "zoo.list", "zoo/text");
	TRY("-i", "zoo.list", "-q", "-f");
	TRY("-i", "odd.list");
	TRY("-i", "odd.list", "-q");
	TRY("-i", "empty.list", "zoo/levels");
	TRY("-i", "no.list", "zoo/levels");
	TRY("-i", "no.list", "-q", "zoo/levels");
	TRY("-i", "no.list", "-qq", "zoo/levels");
	TRY("-i", "zoo", "zoo/levels");
	try_input("zoo/levels\n zoo/text/bom.py \n", RUN_LIST("-i", "-"));
	try_input("zoo/names/\xff\xfe.py\nzoo/names/\xff\n", RUN_LIST("-i", "-"));
	try_input("zoo/levels/doc.py\r\nzoo/levels/same.py\r\n", RUN_LIST("-i", "-", "zoo/modes"));
	try_input("", RUN_LIST("-i", "-", "zoo/levels"));
	try_input("\n", RUN_LIST("-i", "-", "zoo/levels"));
	TRY("way_in");
	TRY("way.py");
	TRY("zoo/links/folder", "zoo/links/folder.py");
	TRY("zoo/links/nowhere.py", "zoo/links/loop.py", "zoo/links/ping.py");
	TRY("zoo/links/file.py", "zoo/links/file.txt", "zoo/links/chain_start.py");
	TRY("zoo/names/X.PY", "zoo/names/b.pyw", "zoo/names/py", "zoo/names/.py");
	TRY("zoo/levels/doc.py", "zoo/levels/doc.py");
	TRY("zoo/levels", "zoo/levels/doc.py", "zoo");
	TRY("no/such", "zoo/levels");
	TRY("-q", "no/such.py", "zoo/levels");
	TRY("-qq", "no/such.py", "zoo/levels");
	TRY("", "zoo/levels");
	TRY("-f", "");
}

DIFFERENTIAL_TEST(the_walk, zoo_build)
{
	TRY("zoo");
	TRY(".");
	TRY("./zoo");
	TRY("zoo/");
	TRY("zoo//");
	TRY("./zoo//names/", "zoo/../zoo/names/./sub");
	TRY(scratch_path());
	TRY("zoo/names");
	TRY("-q", "zoo/names");
	TRY("zoo/names/\xff", "zoo/names/new\nfolder");
	TRY("zoo/names/\xff\xfe.py", "zoo/names/new\nline.py", "zoo/names/e\xcc\x81.py");
	TRY("zoo/names/x.py", "zoo/names/.folder", "zoo/names/empty");
	TRY("zoo/names/sub/__pycache__");
	TRY("zoo/names/both'\".py", "zoo/names/quo'te.py", "zoo/names/dou\"ble.py");
	TRY("zoo/links");
	TRY("zoo/links/folder/", "zoo/links/up");
	TRY("-l", "zoo/links/up");
	TRY("-r", "1", "zoo", "outside");
	TRY("zoo/times");
	TRY("zoo/modes");
	TRY("zoo/text", "zoo/levels", "zoo/text");
}

/* --- What is printed -------------------------------------------------------------------------- */

DIFFERENTIAL_TEST(messages, zoo_build)
{
	TRY("zoo/bad");
	TRY("-q", "zoo/bad");
	TRY("-qq", "zoo/bad");
	TRY("-f", "-o0", "-o1", "-o2", "zoo/bad");
	TRY("-o", "3", "zoo/levels");
	TRY("-o", "0", "-o", "7", "zoo/levels");
	TRY("-q", "-o", "3", "zoo/levels", "zoo/bad");
	TRY("-qq", "-o", "3", "zoo/levels");
	TRY("zoo/bad/syntax.py", "zoo/bad/return.py", "zoo/bad/is.py");
	TRY("zoo/text");
	TRY_IN("PYTHONWARNINGS=error", "zoo/bad");
	TRY_IN("PYTHONWARNINGS=ignore", "zoo/bad");
	TRY_IN("PYTHONWARNINGS=always", "zoo/bad");
	TRY_IN("PYTHONWARNINGS=default", "-o0", "-o1", "zoo/bad");
	TRY_IN("PYTHONWARNINGS=error::SyntaxWarning,ignore::DeprecationWarning", "zoo/bad");
	TRY_IN("LC_ALL=C", "zoo/names", "zoo/bad");
	TRY_IN("LC_ALL=POSIX", "zoo/names", "zoo/bad");
	TRY_IN("PYTHONUTF8=1", "zoo/names", "zoo/bad");
	TRY("-d", "D", "zoo/bad");
	TRY("-s", "zoo", "-p", "/usr", "zoo/bad");
	TRY("-d", "\xff", "zoo/bad");
	TRY("-d", "new\nline", "zoo/bad");
	TRY("-b", "zoo/bad");
	TRY("-x", "syntax|nul", "zoo/bad");
}

/* --- co_filename ------------------------------------------------------------------------------ */

DIFFERENTIAL_TEST(renaming, zoo_build)
{
	TRY("-d", "D", "zoo/names");
	TRY("-d", "/usr/lib/", "zoo/names", "zoo/levels/doc.py");
	TRY("-d", "D", "zoo/levels/doc.py");
	TRY("-d", "D", ".");
	TRY("-d", "D", "./zoo//levels");
	TRY("-d", "D", "zoo/levels/");
	TRY("-d", "D", "zoo/levels//");
	TRY("-d", "", "zoo/levels", "zoo/bad/return.py");
	TRY("-d", "D", "-i", "zoo.list");
	TRY("-d", "D", scratch_path());
	TRY("-s", "zoo", "zoo/names");
	TRY("-s", "zoo/", "zoo/levels");
	TRY("-s", "zoo//", "zoo/levels");
	TRY("-s", "zo", "zoo/levels");
	TRY("-s", "./zoo", "zoo/levels");
	TRY("-s", "other", "zoo/levels", "zoo/names");
	TRY("-q", "-s", "other", "zoo/levels");
	TRY("-qq", "-s", "other", "zoo/levels");
	TRY("-s", "other", "-x", "doc", "zoo/levels");
	TRY("-s", "other", "zoo/links");
	TRY("-s", "other", "-e", "zoo/names", "zoo/links");
	TRY("-s", "levels", "zoo/levels");
	TRY("-s", "zoo/levels", "zoo");
	TRY("-s", "zoo/names", "-p", "/p", "zoo");
	TRY("-s", scratch_path(), scratch_path());
	TRY("-s", scratch_path(), "-p", "/", scratch_path());
	TRY("-s", scratch_path(), "-p", "/", "zoo/levels");
	TRY("-s", "/", scratch_path());
	TRY("-s", "", scratch_path());
	TRY("-s", "", "zoo/levels");
	TRY("-p", "P", "zoo/levels");
	TRY("-p", "/P/", "zoo/levels", "zoo/bad/return.py");
	TRY("-p", "P", scratch_path());
	TRY("-s", ".", "-p", "q", ".");
	TRY("-s", "zoo/levels/doc.py", "zoo/levels/same.py");
}

DIFFERENTIAL_TEST(quoting, zoo_build_doubles)
{
	TRY("-d", "other", "zoo/bad");
	TRY("-s", "zoo/bad", "-p", "other", "zoo/bad");
	TRY("-q", "-d", "other", "zoo/bad");
	TRY("-d", "zoo/bad", "other");
	TRY_IN("PYTHONWARNINGS=error", "-d", "other", "zoo/bad");
	TRY("-d", "zoo/bad", "zoo/bad");
}

/* --- Writing, levels, modes ------------------------------------------------------------------- */

DIFFERENTIAL_TEST(writing, zoo_build)
{
	static const mode_t umasks[] = {022, 077, 027, 002, 0277, 0177};
	struct oracle_trial trial;

	TRY("-b", "zoo/levels", "zoo/modes", "zoo/names");
	TRY("-b", "zoo");
	TRY("-b", "-o0", "-o1", "-o2", "zoo/levels");
	TRY("-b", "prior");
	TRY("-bf", "prior");
	TRY("-o", "0", "zoo/levels");
	TRY("-o", "1", "zoo/levels");
	TRY("-o", "2", "zoo/levels");
	TRY("-o", "2", "-o", "0", "-o", "2", "zoo/levels", "zoo/bad");
	TRY("-o", "-1", "zoo/levels");
	TRY("-o", "-7", "-o", "-1", "zoo/levels");
	TRY("-o", "-1", "-o", "0", "-o", "1", "zoo/levels");
	TRY("-o0", "-o1", "-o2", "--hardlink-dupes", "zoo/levels", "zoo/text");
	TRY("-o0", "-o2", "--hardlink-dupes", "zoo");
	TRY("-o1", "-o2", "--hardlink-dupes", "-f", "prior", "zoo/levels");
	TRY("-o0", "-o3", "--hardlink-dupes", "zoo/levels");
	TRY("-o1", "-o1", "--hardlink-dupes", "zoo/levels");
	TRY("--invalidation-mode=checked-hash", "zoo/levels", "zoo/text", "zoo/times");
	TRY("--invalidation-mode=unchecked-hash", "zoo/levels", "zoo/text", "zoo/names");
	TRY_IN("SOURCE_DATE_EPOCH=1", "zoo/levels");
	TRY_IN("SOURCE_DATE_EPOCH=", "zoo/levels");
	TRY_IN("SOURCE_DATE_EPOCH=1", "--invalidation-mode=timestamp", "zoo/levels");
	TRY_IN("PYTHONOPTIMIZE=1", "zoo/levels");
	TRY_IN("PYTHONOPTIMIZE=2", "-o", "-1", "-o", "0", "zoo/levels");
	TRY_IN("PYTHONOPTIMIZE=x", "zoo/levels");
	TRY_IN("PYTHONDONTWRITEBYTECODE=1", "zoo/levels");
	TRY_IN("PYTHONPYCACHEPREFIX=cache", "zoo/levels", "zoo/names");
	TRY_IN("PYTHONPYCACHEPREFIX=cache/", "zoo/levels", "zoo/links");
	TRY_IN("PYTHONPYCACHEPREFIX=deep/er/cache", "-o0", "-o1", "zoo/levels",
	       in_scratch("zoo/names"));
	TRY_IN("PYTHONPYCACHEPREFIX=cache", "-b", "zoo/levels");
	TRY_IN("PYTHONPYCACHEPREFIX=way.py", "zoo/levels");
	TRY_IN("PYTHONPYCACHEPREFIX=", "zoo/levels");
	TRY_IN("PYTHONHASHSEED=0", "zoo/levels", "zoo/text");
	for (size_t i = 0; i < sizeof(umasks) / sizeof(*umasks); i++) {
		trial = defaults;
		trial.request.umask = umasks[i];
		trial.request.arguments = RUN_LIST("zoo/modes", "zoo/levels", "-o0", "-o1");
		try_trial(trial);
	}
}

DIFFERENTIAL_TEST(permissions, zoo_build_locked)
{
	defaults.request.unprivileged = true;
	TRY("zoo/locked");
	TRY("-q", "zoo/locked");
	TRY("-qq", "zoo/locked");
	TRY("-f", "-o0", "-o1", "zoo/locked");
	TRY("--invalidation-mode=checked-hash", "zoo/locked");
	TRY("-b", "zoo/locked");
	/* A folder that can be listed and not searched: bad_input, where it differs on purpose. */
	TRY("zoo/locked/unlistable/a.py");
	TRY("zoo/locked/unreadable.py", "zoo/locked/unwritable/a.py", "zoo/locked/unlistable");
	TRY_IN("PYTHONPYCACHEPREFIX=zoo/locked/unwritable/cache", "zoo/levels");
	TRY_IN("PYTHONPYCACHEPREFIX=cache", "zoo/locked");
	TRY("zoo/modes");
}

/* --- Staleness, and what is deliberate about it ----------------------------------------------- */

DIFFERENTIAL_TEST(staleness, zoo_build)
{
	TRY("prior");
	TRY("-q", "prior");
	TRY("-f", "prior");
	TRY("-o0", "-o1", "-o2", "prior");
	TRY("-o1", "prior");
	TRY("-o", "1", "-o", "2", "prior");
	TRY("--invalidation-mode=timestamp", "prior");
	TRY("--invalidation-mode=checked-hash", "prior");
	TRY("--invalidation-mode=unchecked-hash", "prior");
	TRY("-f", "--invalidation-mode=checked-hash", "prior");
	TRY_IN("SOURCE_DATE_EPOCH=1", "prior");
	TRY_IN("SOURCE_DATE_EPOCH=1", "--invalidation-mode=timestamp", "prior");
	TRY("-o0", "-o1", "--hardlink-dupes", "prior");
	TRY("-d", "D", "prior");
	TRY("prior/link.py", "prior/folder.py");
	TRY("-f", "prior/link.py", "prior/folder.py");
	TRY("-q", "prior/link.py", "prior/folder.py");
	TRY("-b", "prior/legacy.py");
}

DIFFERENTIAL_TEST(deliberate, zoo_build)
{
	TRY("-b", "-o0", "-o1", "--hardlink-dupes", "zoo/levels");
	TRY("-q", "-b", "-o0", "-o1", "-o2", "--hardlink-dupes", "zoo/levels");
	TRY("-o", "-1", "-o", "0", "--hardlink-dupes", "zoo/levels");
	TRY("-o", "-1", "-o", "0", "-o1", "-o2", "--hardlink-dupes", "zoo/levels");
	TRY("no/such", "zoo/levels");
	TRY("-qq", "no/such", "zoo/levels");
	TRY("-j2", "zoo");
	TRY("-j0", "zoo/names", "zoo/bad/syntax.py");
	TRY("--workers=3", "-q", "zoo/names", "zoo/bad");
	TRY("-j", "8", "-o0", "-o1", "zoo/levels");
}

/* Byte-code goes to a folder of our own: nothing is written beside the interpreter's modules. */
DIFFERENTIAL_TEST(no_operands, zoo_build)
{
	static const char *const variables[] = {"PYTHONPATH=zoo/levels:zoo/bad:no/such:zoo/text",
						"PYTHONPYCACHEPREFIX=cache", "PYTHONSAFEPATH=1",
						"PYTHONDONTWRITEBYTECODE=1", NULL};
	static const char *const unsafe[] = {"PYTHONPATH=zoo/levels", "PYTHONPYCACHEPREFIX=cache",
					     "PYTHONSAFEPATH=", "PYTHONDONTWRITEBYTECODE=1", NULL};

	try_with(variables, RUN_LIST("-x", "/lib/python|/lib/python3|dist-packages"));
	if (run_quick())
		return;
	try_with(unsafe, RUN_LIST("-q"));
	try_with(variables, RUN_LIST("-q", "-o0", "-o1", "-x", "/lib"));
}

/* --- py_compile ------------------------------------------------------------------------------- */

DIFFERENTIAL_TEST(py_compile, zoo_build)
{
	defaults.module = "py_compile";
	TRY("zoo/levels/doc.py");
	TRY("zoo/levels/doc.py", "zoo/levels/same.py", "zoo/names/new\nline.py");
	TRY("-q", "zoo/levels/doc.py");
	TRY("--quiet", "zoo/levels/doc.py");
	TRY("prior/fresh.py", "prior/size.py", "prior/checked.py");
	TRY("prior/link.py");
	TRY("prior/folder.py");
	TRY("-q", "prior/folder.py");
	TRY("zoo/levels/doc.py", "no/such.py", "zoo/levels/same.py");
	TRY("zoo/levels");
	TRY("zoo/links/folder.py", "zoo/levels/doc.py");
	TRY("zoo/links/file.py", "zoo/links/file.txt", "zoo/links/loop.py");
	TRY("zoo/names/X.PY", "zoo/names/b.pyw", "zoo/names/py", "zoo/names/.py",
	    "zoo/names/a.b.py");
	TRY("zoo/bad/syntax.py");
	TRY("zoo/bad/syntax.py", "zoo/levels/doc.py", "zoo/bad/nul.py");
	TRY("-q", "zoo/bad/syntax.py", "zoo/levels/doc.py");
	TRY("zoo/bad/indent.py", "zoo/bad/cookie.py", "zoo/bad/wide.py", "zoo/bad/latin.py");
	TRY("zoo/bad/is.py", "zoo/bad/assert.py", "zoo/bad/is\xff.py");
	TRY("zoo/bad/fails \xff'\n.py", "zoo/names/\xff\xfe.py");
	TRY("zoo/text/bom.py", "zoo/text/crlf.py", "zoo/text/cookie.py", "zoo/text/utf8.py");
	TRY("zoo/times/past_2106.py", "zoo/times/minus_half.py", "zoo/times/fraction_up.py");
	TRY("zoo/modes/secret.py", "zoo/modes/all.py", "zoo/modes/executable.py");
	TRY("");
	TRY("zoo/levels/doc.py", "zoo/levels/doc.py");
	TRY(scratch_path(), "zoo/levels/doc.py");
	try_input("zoo/levels/doc.py\nzoo/levels/same.py\n", RUN_LIST("-"));
	try_input("zoo/levels/doc.py\n\nno/such.py\nzoo/levels/same.py", RUN_LIST("-"));
	try_input(" zoo/levels/doc.py \n", RUN_LIST("-"));
	try_input("", RUN_LIST("-"));
	try_input("zoo/names/\xff\xfe.py\nzoo/bad/return.py\n", RUN_LIST("-q", "-"));
	try_input("zoo/levels/doc.py\n", RUN_LIST("-", "zoo/levels/same.py"));
	TRY_IN("PYTHONOPTIMIZE=2", "zoo/levels/doc.py");
	TRY_IN("SOURCE_DATE_EPOCH=1", "zoo/levels/doc.py");
	TRY_IN("PYTHONPYCACHEPREFIX=cache", "zoo/levels/doc.py", "zoo/names/sub/in.py");
	TRY_IN("PYTHONWARNINGS=error", "zoo/bad/is.py");
}

/* --- What distributions call ------------------------------------------------------------------ */

/* Its path is that of the script which packagers call. It lives as long as the process. */
static const char *compileall_script(void)
{
	struct run_request request = {.arguments = RUN_LIST("-I", "-c",
							    "import compileall; "
							    "print(end=compileall.__file__)")};
	struct run_result result;

	run_python(&result, request);
	RUN_ASSERT(&result, 0);
	return result.output;
}

static void build_root(void)
{
	zoo_build();
	scratch_file("root/usr/lib/python3/a.py", "'''doc'''\nassert a\n");
	scratch_file("root/usr/lib/python3/site-packages/p/__init__.py", "");
	scratch_file("root/usr/lib/python3/site-packages/p/m.py", "def f():\n    'doc'\n");
	scratch_file("root/usr/lib/python3/test/bad_coding.py", "# coding: no\n");
	scratch_file("root/usr/lib/python3/test/badsyntax_x.py", "x = = 1\n");
	scratch_file("root/usr/lib/python3/fine.py", "x = 1\n");
	scratch_symlink("a.py", "root/usr/lib/python3/b.py");
	scratch_symlink("/etc/hostname", "root/usr/lib/python3/away.py");
	scratch_file("conda.list", "root/usr/lib/python3/a.py\nroot/usr/lib/python3/fine.py\n"
				   "root/usr/lib/python3/site-packages/p\n");
}

#define LIBRARY "root/usr/lib/python3"

DIFFERENTIAL_TEST(fedora, build_root)
{
	defaults.interpreter = RUN_LIST("-B");
	try_with(RUN_LIST("PYTHONHASHSEED=0", "SOURCE_DATE_EPOCH=1600000000"),
		 RUN_LIST("-f", "-o", "0", "-o", "1", "-q", "-f", "-s", in_scratch("root"), "-p",
			  "/", "--hardlink-dupes", "--invalidation-mode=timestamp", "-e",
			  in_scratch("root"), in_scratch(LIBRARY)));
	defaults.interpreter = RUN_LIST("-s", "-B");
	TRY("-o", "0", "-o", "1", "-s", in_scratch("root"), "-p", "/", in_scratch(LIBRARY));
}

DIFFERENTIAL_TEST(gentoo, build_root)
{
	TRY("-j", "2", "-o", "0", "-o", "1", "-o", "2", "--hardlink-dupes", "-q", "-f", "-d",
	    "/usr/lib/python3/site-packages", in_scratch(LIBRARY "/site-packages"));
}

DIFFERENTIAL_TEST(void_linux, build_root)
{
	TRY("-f", "-q", LIBRARY "/site-packages");
	defaults.interpreter = RUN_LIST("-O");
	defaults.instead = RUN_LIST("PYTHONOPTIMIZE=1");
	TRY("-f", "-q", LIBRARY "/site-packages");
}

DIFFERENTIAL_TEST(buildroot, build_root)
{
	defaults.script = compileall_script();
	TRY("-s", in_scratch("root"), "-p", "/", in_scratch(LIBRARY));
	TRY("-q", "-s", in_scratch("root"), "-p", "/", in_scratch(LIBRARY));
	TRY("-q", "-b", "-s", in_scratch("root"), "-p", "/", in_scratch(LIBRARY));
}

DIFFERENTIAL_TEST(make_install, build_root)
{
	defaults.script = compileall_script();
	defaults.interpreter = RUN_LIST("-B", "-E", "-Wi");
	defaults.instead = RUN_LIST("PYTHONWARNINGS=ignore");
	TRY("-o", "0", "-o", "1", "-o", "2", "-j0", "-d", "/usr/lib/python3", "-f", "-x",
	    "bad_coding|badsyntax|site-packages", in_scratch(LIBRARY));
	TRY("-o", "0", "-o", "1", "-o", "2", "-j0", "-d", "/usr/lib/python3/site-packages", "-f",
	    "-x", "badsyntax", in_scratch(LIBRARY "/site-packages"));
}

DIFFERENTIAL_TEST(conda, build_root)
{
	defaults.interpreter = RUN_LIST("-Wi");
	defaults.instead = RUN_LIST("PYTHONWARNINGS=ignore");
	TRY("-q", "-l", "-i", "conda.list", "-j", "0");
	TRY("-q", "-l", "-i", in_scratch("conda.list"), "-j", "0");
}

/* --- Generated -------------------------------------------------------------------------------- */

#define ARGUMENTS_MAX 48
#define VARIABLES_MAX 8

/* A command line in the making. */
struct generator {
	uint64_t state;
	const char *arguments[ARGUMENTS_MAX + 1];
	size_t argument_count;
	const char *variables[VARIABLES_MAX + 1];
	size_t variable_count;
	const char *input;
	mode_t umask;
};

/* xorshift64*: the same everywhere. */
static uint32_t draw(struct generator *generator, uint32_t below)
{
	uint64_t state = generator->state;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	generator->state = state;
	return (uint32_t)((state * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

static bool chance(struct generator *generator, uint32_t percent)
{
	return draw(generator, 100) < percent;
}

static void say(struct generator *generator, const char *argument)
{
	cr_assert_lt(generator->argument_count, (size_t)ARGUMENTS_MAX);
	generator->arguments[generator->argument_count++] = argument;
}

static void set(struct generator *generator, const char *variable)
{
	cr_assert_lt(generator->variable_count, (size_t)VARIABLES_MAX);
	generator->variables[generator->variable_count++] = variable;
}

#define CHOICE(generator, ...)                                                                     \
	choice(generator, (const char *const[]){__VA_ARGS__},                                      \
	       sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static const char *choice(struct generator *generator, const char *const *items, size_t count)
{
	return items[draw(generator, (uint32_t)count)];
}

static void generate_flags(struct generator *generator)
{
	if (chance(generator, 15))
		say(generator, CHOICE(generator, "-l", "-r0", "-r1", "-r2", "-r9", "-lr1", "-r=2"));
	if (chance(generator, 20))
		say(generator, "-f");
	if (chance(generator, 35))
		say(generator, CHOICE(generator, "-q", "-q", "-q", "-qq", "-fq", "-lq"));
	if (chance(generator, 10))
		say(generator, CHOICE(generator, "-b", "-bq", "-bf"));
	if (chance(generator, 30))
		say(generator, CHOICE(generator, "--invalidation-mode=timestamp",
				      "--invalidation-mode=checked-hash", "--inv=unchecked-hash"));
}

static void generate_name(struct generator *generator)
{
	uint32_t kind = draw(generator, 10);

	if (kind == 0) {
		say(generator, "-d");
		say(generator, CHOICE(generator, "D", "/usr/lib", "", "zoo", "\xff", "D/"));
	}
	if (kind == 1 || kind == 2) {
		say(generator, "-s");
		say(generator, CHOICE(generator, "zoo", "zoo/names", "other", "./zoo",
				      scratch_path(), "zoo/", "zoo/levels"));
	}
	if (kind == 2 || kind == 3) {
		say(generator, "-p");
		say(generator, CHOICE(generator, "P", "/", "/usr/", "", "p q"));
	}
}

static void generate_filter(struct generator *generator)
{
	if (chance(generator, 20)) {
		say(generator, "-x");
		say(generator,
		    CHOICE(generator, "sub", "/[a-m]", "bad", "\\.py$", "(?i)x", "\xff", "^zoo/n",
			   "[^/]*'[^/]*$", "doc|same", "link", "\\W\\.", "\\d"));
	}
	if (chance(generator, 12)) {
		say(generator, "-e");
		say(generator, CHOICE(generator, "zoo", "zoo/links", "outside", "", "/", "no"));
	}
}

static void generate_levels(struct generator *generator)
{
	uint32_t count = chance(generator, 45) ? 1 + draw(generator, 3) : 0;

	for (uint32_t i = 0; i < count; i++)
		say(generator,
		    CHOICE(generator, "-o0", "-o1", "-o2", "-o0", "-o1", "-o2", "-o-1", "-o3"));
	if (count > 1 && chance(generator, 50))
		say(generator, "--hardlink-dupes");
}

/* Whether byte-code would go to where the walk may see it or not, as chance has it. */
static bool holds_prefix(const struct generator *generator, const char *operand)
{
	bool prefix = false;

	for (size_t i = 0; i < generator->variable_count; i++)
		prefix |= strncmp(generator->variables[i], "PYTHONPYCACHEPREFIX=", 20) == 0;
	return prefix && (strcmp(operand, ".") == 0 || strcmp(operand, scratch_path()) == 0);
}

static const char *generate_operand(struct generator *generator)
{
	return CHOICE(generator, "zoo", ".", "zoo/names", "zoo/names/", "zoo/links", "zoo/links",
		      "zoo/levels", "zoo/levels/", "./zoo/levels", "zoo//levels", "zoo/times",
		      "zoo/modes", "zoo/bad", "zoo/bad", "zoo/text", "zoo/text/", "prior", "prior",
		      "way_in", "way.py", "outside", "no/such", "zoo/levels/doc.py",
		      "zoo/bad/return.py", "zoo/bad/is.py", "zoo/names/.py", "zoo/names/X.PY",
		      "zoo/names/new\nline.py", "zoo/names/\xff\xfe.py", "zoo/names/sub",
		      "zoo/links/folder.py", "zoo/links/loop.py", scratch_path(),
		      in_scratch("zoo/names"), in_scratch("zoo/links"), in_scratch("zoo/levels"));
}

static void generate_operands(struct generator *generator)
{
	uint32_t count = 1 + draw(generator, 3);

	for (uint32_t i = 0; i < count; i++) {
		const char *operand = generate_operand(generator);
		while (holds_prefix(generator, operand))
			operand = generate_operand(generator);
		say(generator, operand);
	}
}

static void generate_list(struct generator *generator)
{
	if (!chance(generator, 12))
		return;
	say(generator, "-i");
	if (chance(generator, 50)) {
		say(generator, CHOICE(generator, "zoo.list", "odd.list", "empty.list", "no.list"));
		return;
	}
	say(generator, "-");
	generator->input = CHOICE(generator, "zoo/levels\n", " zoo/text\nzoo/names/\xff\n",
				  "zoo/levels/doc.py\r\nno/such\n", "");
}

static void generate_surroundings(struct generator *generator)
{
	static const mode_t umasks[] = {077, 027, 002};

	if (chance(generator, 12))
		set(generator, CHOICE(generator, "SOURCE_DATE_EPOCH=1", "SOURCE_DATE_EPOCH="));
	if (chance(generator, 12))
		set(generator, CHOICE(generator, "PYTHONOPTIMIZE=1", "PYTHONOPTIMIZE=2"));
	if (chance(generator, 12))
		set(generator, CHOICE(generator, "PYTHONPYCACHEPREFIX=cache",
				      "PYTHONPYCACHEPREFIX=./deep/cache/"));
	if (chance(generator, 12))
		set(generator, CHOICE(generator, "PYTHONWARNINGS=error", "PYTHONWARNINGS=ignore",
				      "PYTHONWARNINGS=default"));
	if (chance(generator, 8))
		set(generator, CHOICE(generator, "LC_ALL=C", "PYTHONUTF8=1"));
	if (chance(generator, 15))
		generator->umask = umasks[draw(generator, sizeof(umasks) / sizeof(*umasks))];
}

/* argparse wants all operands in one place: in front of the options or behind them. */
static void generate(struct generator *generator)
{
	bool operands_first = chance(generator, 30);

	generate_surroundings(generator);
	if (operands_first)
		generate_operands(generator);
	generate_flags(generator);
	generate_name(generator);
	generate_filter(generator);
	generate_levels(generator);
	generate_list(generator);
	if (!operands_first)
		generate_operands(generator);
}

static void try_generated(uint64_t *state)
{
	struct generator generator = {.state = *state};
	struct oracle_trial trial = defaults;

	generate(&generator);
	trial.request.arguments = generator.arguments;
	trial.request.environment = generator.variables;
	trial.request.input = generator.input;
	trial.request.umask = generator.umask;
	*state = generator.state;
	try_trial(trial);
}

static void try_seed(unsigned shift)
{
	const char *given = getenv("PYCOMPILEALL_TESTS_SEED");
	uint64_t seed = (given && *given ? strtoull(given, NULL, 10) : SEED) + shift;
	uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
	size_t count = run_quick() ? 5 : 40;

	(void)fprintf(stderr, "differential/%s: PYCOMPILEALL_TESTS_SEED=%llu\n",
		      criterion_current_test->name, (unsigned long long)(seed - shift));
	for (size_t i = 0; i < count; i++)
		try_generated(&state);
}

DIFFERENTIAL_TEST(generated_first, zoo_build)
{
	try_seed(0);
}

DIFFERENTIAL_TEST(generated_second, zoo_build)
{
	try_seed(1);
}

DIFFERENTIAL_TEST(generated_third, zoo_build)
{
	try_seed(2);
}

DIFFERENTIAL_TEST(generated_fourth, zoo_build)
{
	try_seed(3);
}
