/*
 * recompile: one source and one target, with a script in the place of the interpreter, which counts
 * the requests and keeps them.
 */
#include "config.h"

#include "recompile.h"

#include "protocol.h"
#include "support/scratch.h"
#include "support/stub.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct interpreter interpreter = {
	.cache_tag = "stub-1", .magic = "\1\2\r\n", .hash_kind = SOURCE_HASH_SIP13};

/* At each level its code is another. */
#define SOURCE     "'doc'\nassert 1\n"
#define LEVEL_0    "__pycache__/a.stub-1.pyc"
#define LEVEL_1    "__pycache__/a.stub-1.opt-1.pyc"
#define LEVEL_2    "__pycache__/a.stub-1.opt-2.pyc"
#define ZEROES_8   "\\0\\0\\0\\0\\0\\0\\0\\0"
#define CODE(text) "printf '" ZEROES_8 "\\1\\0\\0\\0\\0\\0\\0\\0" ZEROES_8 text "' >&0\n"
#define NO         "printf '\\1\\0\\0\\0\\0\\0\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0" ZEROES_8 "no' >&0\n"

static struct options options;
static struct targets targets;
static struct worker_settings settings;
static struct report *report;
static struct folder *root;
static struct batch *batch;
static struct source *source;
static struct compiler *compiler;
static struct recompile recompile;

static void give_up(void *context, const char *why)
{
	cr_assert_fail("%s%s", (const char *)context, why);
}

/* The source is loaded later, but its status is known by now, as the worker knows it. */
static void set_source(const char *coname)
{
	report = report_create(1);
	root = folder_open(".");
	batch = batch_create(report, root, "", "", "");
	cr_assert_eq(batch_add(batch, "a.py", report_operand(report, 0)), 0);
	source = source_create(1);
	cr_assert_eq(source_set(source, batch, 0), 0);
	buffer_append_string(&source->coname, coname);
	cr_assert_eq(source_settle(source), 0);
	cr_assert_eq(stat("a.py", &source->status), 0);
}

/* "a.py" at three levels; `script` answers each request, whose number is $count. */
static void set_up(const char *coname, const char *script)
{
	char name[] = "pycompileall", option[] = "--python", python[] = "./python";
	char zero[] = "-o0", one[] = "-o1", two[] = "-o2";
	char *words[] = {name, option, python, zero, one, two, NULL};
	struct buffer problem = BUFFER_INIT;
	char text[1000], context[] = "";

	scratch_file("a.py", SOURCE);
	(void)snprintf(text, sizeof(text),
		       "count=0\ngreet\nwhile receive; do\ncount=$((count + 1))\n"
		       "cp request request.$count\nprintf x >>requests\n%sdone\n",
		       script);
	stub_server("python", &interpreter, strlen(coname) + strlen(SOURCE), text);
	cr_assert_eq(options_parse(&options, 6, words, stderr), OPTIONS_OK);
	cr_assert_eq(targets_find(&targets, &options, &problem), 0, "%s", buffer_string(&problem));
	settings = (struct worker_settings){
		.targets = &targets, .give_up = give_up, .context = context};
	set_source(coname);
	compiler = target_compiler(targets.list[0]);
	recompile = (struct recompile){.settings = &settings};
	recompile_set(&recompile, source, 0, compiler);
}

static void release(void)
{
	recompile_fini(&recompile);
	compiler_destroy(compiler);
	source_destroy(source);
	batch_destroy(batch);
	folder_release(root);
	report_destroy(report);
	targets_fini(&targets);
	options_fini(&options);
}

/* What was said of the target since the last call. */
static void assert_said(const char *output)
{
	struct report_lines *lines = &source->results[0].lines;

	cr_assert_str_eq(buffer_string(&lines->output), output);
	buffer_clear(&lines->output);
}

static void assert_verdicts(enum staleness zero, enum staleness one, enum staleness two)
{
	const enum staleness *verdicts = source->results[0].verdicts;

	cr_assert_eq(verdicts[0], zero, "%s", staleness_name(verdicts[0]));
	cr_assert_eq(verdicts[1], one, "%s", staleness_name(verdicts[1]));
	cr_assert_eq(verdicts[2], two, "%s", staleness_name(verdicts[2]));
}

static size_t requests(void)
{
	size_t size;

	if (access("requests", F_OK) != 0)
		return 0;
	free(scratch_read("requests", &size));
	return size;
}

static ino_t inode(const char *path)
{
	struct stat status;

	cr_assert_eq(stat(path, &status), 0, "%s", path);
	return status.st_ino;
}

SCRATCH_TEST(recompile, each_level_has_its_verdict)
{
	set_up("a.py", CODE("c"));
	cr_assert(recompile_judge(&recompile));
	assert_verdicts(STALENESS_MISSING, STALENESS_MISSING, STALENESS_MISSING);
	cr_assert_eq(recompile_run(&recompile), 0);
	assert_said("Compiling 'a.py'...\n");
	cr_assert_eq(requests(), 3);
	cr_assert_not(recompile_judge(&recompile));
	assert_verdicts(STALENESS_FRESH, STALENESS_FRESH, STALENESS_FRESH);
	scratch_truncate(LEVEL_1, 16);
	cr_assert(recompile_judge(&recompile));
	assert_verdicts(STALENESS_FRESH, STALENESS_TRUNCATED, STALENESS_FRESH);
	cr_assert_eq(recompile_run(&recompile), 0);
	cr_assert_eq(requests(), 4, "only the stale one");
	cr_assert_not(recompile_judge(&recompile));
	release();
}

SCRATCH_TEST(recompile, forced_is_stale_whatever_there_is)
{
	set_up("a.py", CODE("c"));
	(void)recompile_judge(&recompile);
	cr_assert_eq(recompile_run(&recompile), 0);
	settings.force = true;
	cr_assert(recompile_judge(&recompile));
	assert_verdicts(STALENESS_FORCED, STALENESS_FORCED, STALENESS_FORCED);
	release();
}

/* A hash is held against the source's bytes; without them nobody knows. */
SCRATCH_TEST(recompile, hash_needs_the_source)
{
	set_up("a.py", CODE("c"));
	targets.list[0]->demand.mode = INVALIDATION_CHECKED_HASH;
	(void)recompile_judge(&recompile);
	cr_assert_eq(recompile_run(&recompile), 0);
	scratch_mtime("a.py", SCRATCH_MTIME + 5, 0);
	cr_assert_eq(source_set(source, batch, 0), 0);
	cr_assert_not(recompile_judge(&recompile), "the time does not matter");
	scratch_file("a.py", "x = 2\n");
	cr_assert_eq(source_set(source, batch, 0), 0);
	cr_assert(recompile_judge(&recompile));
	assert_verdicts(STALENESS_HASH, STALENESS_HASH, STALENESS_HASH);
	scratch_delete("a.py");
	cr_assert_eq(source_set(source, batch, 0), 0);
	cr_assert(recompile_judge(&recompile));
	assert_verdicts(STALENESS_UNREADABLE, STALENESS_UNREADABLE, STALENESS_UNREADABLE);
	assert_said("Compiling 'a.py'...\n");
	cr_assert_eq(recompile_run(&recompile), -1);
	assert_said("Compiling 'a.py'...\n"
		    "*** FileNotFoundError: [Errno 2] No such file or directory: 'a.py'\n");
	release();
}

/* As in compileall: what went before stands, what would follow is not tried. */
SCRATCH_TEST(recompile, error_at_a_level_stops_the_later_ones)
{
	set_up("a.py", "if test $count = 2; then\n" NO "else\n" CODE("c") "fi\n");
	(void)recompile_judge(&recompile);
	cr_assert_eq(recompile_run(&recompile), -1);
	assert_said("Compiling 'a.py'...\n*** no\n");
	cr_assert_eq(requests(), 2);
	cr_assert_eq(access(LEVEL_0, F_OK), 0);
	cr_assert_eq(access(LEVEL_1, F_OK), -1);
	cr_assert_eq(access(LEVEL_2, F_OK), -1);
	release();
}

/* Nothing is asked where the answer could not be written. */
SCRATCH_TEST(recompile, what_stands_in_the_way_is_not_replaced)
{
	set_up("a.py", CODE("c"));
	scratch_symlink("elsewhere", LEVEL_0);
	(void)recompile_judge(&recompile);
	cr_assert_eq(recompile_run(&recompile), -1);
	assert_said("Compiling 'a.py'...\n*** FileExistsError: " LEVEL_0
		    " is a symlink and will be changed into a regular file if import writes a "
		    "byte-compiled file to it\n");
	cr_assert_eq(requests(), 0);
	cr_assert_eq(access("elsewhere", F_OK), -1);
	release();
}

SCRATCH_TEST(recompile, folder_that_cannot_be_made)
{
	set_up("a.py", CODE("c"));
	scratch_file("__pycache__", "a file\n");
	(void)recompile_judge(&recompile);
	cr_assert_eq(recompile_run(&recompile), -1);
	assert_said("Compiling 'a.py'...\n"
		    "*** NotADirectoryError: [Errno 20] Not a directory: '__pycache__'\n");
	release();
}

/* The bytes are those of a .pyc: the header of the source that was read, and the code. */
SCRATCH_TEST(recompile, header_and_code_are_written)
{
	static const char expected[] = "\1\2\r\n\0\0\0\0\x00\x10\x5e\x5f\x0f\0\0\0c";
	char *bytes;
	size_t size;

	set_up("a.py", CODE("c"));
	scratch_mtime("a.py", 0x5f5e1000, 0);
	(void)recompile_judge(&recompile);
	cr_assert_eq(recompile_run(&recompile), 0);
	bytes = scratch_read(LEVEL_2, &size);
	cr_assert_eq(size, sizeof(expected) - 1);
	cr_assert_arr_eq(bytes, expected, size);
	free(bytes);
	release();
}

SCRATCH_TEST(recompile, equal_levels_become_one_file)
{
	set_up("a.py", "if test $count = 3; then\n" CODE("\\343") "else\n" CODE("c") "fi\n");
	settings.hardlink_dupes = true;
	(void)recompile_judge(&recompile);
	cr_assert_eq(recompile_run(&recompile), 0);
	cr_assert_eq(inode(LEVEL_0), inode(LEVEL_1));
	cr_assert_neq(inode(LEVEL_1), inode(LEVEL_2));
	release();
}

SCRATCH_TEST(recompile, equal_levels_are_files_of_their_own_unless_asked)
{
	set_up("a.py", CODE("c"));
	(void)recompile_judge(&recompile);
	cr_assert_eq(recompile_run(&recompile), 0);
	cr_assert_neq(inode(LEVEL_0), inode(LEVEL_1));
	release();
}

/* The last request of a source compiled under this name. */
static void assert_request(const char *coname, uint32_t flags)
{
	struct protocol_request request;
	size_t size;
	char *bytes;

	set_up(coname, CODE("c"));
	(void)recompile_judge(&recompile);
	cr_assert_eq(recompile_run(&recompile), 0);
	bytes = scratch_read("request.3", &size);
	cr_assert_eq(protocol_parse_request(&request, (unsigned char *)bytes), 0);
	cr_assert_eq(request.level, 2);
	cr_assert_eq(request.flags, flags);
	cr_assert_eq(request.name_size, strlen(coname));
	cr_assert_eq(memcmp(bytes + PROTOCOL_REQUEST_SIZE, coname, strlen(coname)), 0);
	cr_assert_eq(memcmp(bytes + size - strlen(SOURCE), SOURCE, strlen(SOURCE)), 0);
	free(bytes);
	release();
}

/* Messages quote lines only where the name leads to the file, as Python would find it. */
SCRATCH_TEST(recompile, lines_are_quoted_under_its_own_name)
{
	assert_request("a.py", PROTOCOL_REQUEST_QUOTE);
}

SCRATCH_TEST(recompile, lines_are_not_quoted_under_another_name)
{
	assert_request("/usr/lib/b.py", 0);
}

/* As long as SOURCE is, for the stub. */
SCRATCH_TEST(recompile, levels_that_are_sure_to_be_equal_share_one_answer)
{
	set_up("a.py", CODE("c"));
	cr_assert(recompile_judge(&recompile));
	scratch_file("a.py", "xx=1\nassertion\n");
	cr_assert_eq(recompile_run(&recompile), 0);
	cr_assert_eq(requests(), 1);
	for (size_t i = 0; i < 3; i++) {
		static const char *const paths[] = {LEVEL_0, LEVEL_1, LEVEL_2};
		size_t size;
		char *bytes = scratch_read(paths[i], &size);

		cr_assert_eq(size, 17);
		cr_assert_eq(bytes[16], 'c');
		free(bytes);
	}
	release();
}
