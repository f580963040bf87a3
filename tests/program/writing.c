/*
 * writing: how a .pyc comes to stand where it stands: whole, with the right mode, for the very
 * bytes that were compiled.
 */
#include "config.h"

#include "support/combination.h"
#include "support/lines.h"
#include "support/oracle.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(writing, .timeout = 600);

static void assert_equal(const struct combination *combination, void (*build)(void),
			 struct run_request request)
{
	const struct oracle_trial trial = {
		.build = build, .request = request, .combination = combination};

	oracle_assert_equal(&trial);
}

/* --- Modes ----------------------------------------------------------------------------------- */

static void build_modes(void)
{
	static const mode_t modes[] = {0755, 0400, 0644, 0600, 0444, 0666, 0777, 0640, 0500, 04755};
	char path[32];

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		(void)snprintf(path, sizeof(path), "t/m%05o.py", (unsigned)modes[i]);
		scratch_file(path, "m = 1\n");
		scratch_mode(path, modes[i]);
	}
}

COMBINATION_TEST(writing, modes)
{
	assert_equal(combination, build_modes, (struct run_request){.arguments = RUN_LIST("t")});
}

COMBINATION_TEST(writing, modes_under_strict_umask)
{
	assert_equal(combination, build_modes,
		     (struct run_request){.arguments = RUN_LIST("t"), .umask = 077});
}

COMBINATION_TEST(writing, modes_under_group_umask)
{
	assert_equal(combination, build_modes,
		     (struct run_request){.arguments = RUN_LIST("t"), .umask = 027});
}

/* CPython is not asked: that 0755 becomes 0644 and 0400 becomes 0600 is written down. */
SCRATCH_TEST(writing, modes_as_documented)
{
	struct run_result result;

	build_modes();
	run_ours(&result, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 0);
	struct snapshot *tree = snapshot_take("t", SNAPSHOT_ALL);
	char *path = oracle_cache_path("t/m00755.py", 0);
	cr_assert_eq(snapshot_find(tree, path)->status.st_mode, S_IFREG | 0644);
	free(path);
	path = oracle_cache_path("t/m00400.py", 0);
	cr_assert_eq(snapshot_find(tree, path)->status.st_mode, S_IFREG | 0600);
	cr_assert_eq(snapshot_find(tree, "t/__pycache__")->status.st_mode, S_IFDIR | 0755);
	free(path);
	snapshot_free(tree);
	run_result_fini(&result);
}

/* --- Replacing ------------------------------------------------------------------------------- */

static void build_one(void)
{
	scratch_file("t/a.py", "a = 1\n");
}

/* Whoever has the old file open, or linked, goes on with the old content. */
COMBINATION_TEST(writing, replaces_and_does_not_overwrite)
{
	struct run_result result;
	size_t old_size, linked_size;

	build_one();
	oracle_compile(RUN_LIST("-qq", combination->mode_option, "t"));
	char *path = oracle_cache_path("t/a.py", 0);
	char *old = scratch_read(path, &old_size);
	cr_assert_eq(link(path, "linked.pyc"), 0);
	scratch_file("t/a.py", "another = 12345\n");
	combination_run(&result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 0);
	char *linked = scratch_read("linked.pyc", &linked_size);
	cr_assert(linked_size == old_size && memcmp(linked, old, old_size) == 0,
		  "the old file was written to");
	struct snapshot *tree = snapshot_take("t", SNAPSHOT_PYC);
	cr_assert_eq(tree->count, 1);
	cr_assert_eq(tree->entries[0].status.st_nlink, 1);
	snapshot_free(tree);
	free(linked);
	free(old);
	free(path);
	run_result_fini(&result);
}

/* What may be replaced is the folder's business, not the file's. */
COMBINATION_TEST(writing, replaces_a_file_without_permissions)
{
	struct run_result result;

	build_one();
	oracle_compile(RUN_LIST("-qq", combination->mode_option, "t"));
	struct snapshot *expected = snapshot_take("t", SNAPSHOT_ALL);
	char *path = oracle_cache_path("t/a.py", 0);
	scratch_truncate(path, 1);
	scratch_mode(path, 0400);
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("t"), .unprivileged = true});
	RUN_ASSERT(&result, 0);
	struct snapshot *actual = snapshot_take("t", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(expected, actual, SNAPSHOT_SAME, result.command);
	snapshot_free(expected);
	snapshot_free(actual);
	free(path);
	run_result_fini(&result);
}

/* --- Writing fails --------------------------------------------------------------------------- */

/* A closed folder's byte-code, old as it is, stays; the rest is compiled. */
COMBINATION_TEST(writing, read_only_pycache)
{
	struct run_result result;

	build_one();
	oracle_compile(RUN_LIST("-qq", combination->mode_option, "t"));
	scratch_file("t/a.py", "another = 12345\n");
	scratch_file("t/sub/b.py", "b = 2\n");
	scratch_mode("t/__pycache__", 0555);
	struct snapshot *before = snapshot_take("t/__pycache__", SNAPSHOT_ALL);
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("t"), .unprivileged = true});
	RUN_ASSERT(&result, 1);
	struct snapshot *after = snapshot_take("t/__pycache__", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, result.command);
	cr_assert_eq(lines_count(result.output, "*** PermissionError: [Errno 13] Permission "
						"denied: 't/__pycache__/a."),
		     1, "%s", result.output);
	cr_assert(lines_have(result.output, "Compiling 't/sub/b.py'..."), "%s", result.output);
	snapshot_free(after);
	after = snapshot_take("t/sub", SNAPSHOT_PYC);
	cr_assert_eq(after->count, 1);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

static void build_read_only_folder(void)
{
	build_one();
	scratch_file("t/sub/b.py", "b = 2\n");
	scratch_mode("t", 0555);
}

COMBINATION_TEST(writing, read_only_folder)
{
	assert_equal(combination, build_read_only_folder,
		     (struct run_request){.arguments = RUN_LIST("t"), .unprivileged = true});
}

/* A process that has ended, as the one that left the temporary. */
static pid_t dead_process(void)
{
	pid_t process = fork();

	cr_assert_geq(process, 0, "%s", strerror(errno));
	if (process == 0)
		_exit(0);
	cr_assert_eq(waitpid(process, NULL, 0), process);
	return process;
}

/* What a killed run left beside the byte-code goes when something is next written there. */
COMBINATION_TEST(writing, stray_temporary_is_removed)
{
	char path[64];
	struct run_result result;

	build_one();
	(void)snprintf(path, sizeof(path), "t/__pycache__/.pycompileall-%ld-0.tmp",
		       (long)dead_process());
	scratch_file(path, "half of a .p");
	combination_run(&result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 0);
	cr_assert_eq(access(path, F_OK), -1, "'%s' is still there", path);
	run_result_fini(&result);
}

/* Some byte-code is bigger than the limit that the tests set. */
#define LIMIT 4096

static void build_big(void)
{
	char text[16000];
	size_t length = 0;

	for (int i = 0; length < sizeof(text) - 100; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "name%d = %d.5\n",
					   i, i);
	build_one();
	scratch_file("t/big.py", text);
	scratch_file("t/z.py", "z = 1\n");
}

/*
 * The limit stands for a full disk: what was written of the file so far goes away again. CPython
 * leaves it (cpython#126606).
 */
COMBINATION_TEST(writing, failure_half_way)
{
	struct run_result result;

	build_big();
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("t"), .file_limit = LIMIT});
	RUN_ASSERT(&result, 1);
	cr_assert_eq(lines_count(result.output, "*** OSError: [Errno 27] File too large"), 1, "%s",
		     result.output);
	struct snapshot *ours = snapshot_take("t", SNAPSHOT_ALL);
	scratch_clear();
	build_big();
	oracle_compile(RUN_LIST("-qq", combination->mode_option, "t/a.py", "t/z.py"));
	struct snapshot *theirs = snapshot_take("t", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(theirs, ours, SNAPSHOT_SAME, result.command);
	snapshot_free(ours);
	snapshot_free(theirs);
	run_result_fini(&result);
}

COMBINATION_TEST(writing, failure_half_way_keeps_the_old_file)
{
	struct run_result result;

	build_big();
	oracle_compile(RUN_LIST("-qq", combination->mode_option, "t"));
	scratch_mtime("t/big.py", SCRATCH_MTIME + 1, 0);
	struct snapshot *before = snapshot_take("t", SNAPSHOT_ALL);
	combination_run(
		&result, combination,
		(struct run_request){.arguments = RUN_LIST("-f", "t/big.py"), .file_limit = LIMIT});
	RUN_ASSERT(&result, 1);
	struct snapshot *after = snapshot_take("t", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_SAME, result.command);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

/* --- The source changes meanwhile ----------------------------------------------------------- */

/* Somebody who changes sources all the time, one small step after the other. */
struct editor {
	pthread_t thread;
	int (*step)(unsigned number); /* 0, or -1 with errno */
	unsigned pause;               /* microseconds between two steps */
	atomic_bool stop;
	atomic_uint steps;
};

/* Ends early, with `stop` set, if a step fails. */
static void *edit(void *argument)
{
	struct editor *editor = argument;

	for (unsigned number = 0; !atomic_load(&editor->stop); number++) {
		if (editor->step(number) != 0)
			break;
		atomic_fetch_add(&editor->steps, 1);
		(void)usleep(editor->pause);
	}
	atomic_store(&editor->stop, true);
	return NULL;
}

/* Runs a check in Python on the byte-code in t; it must succeed. */
static void assert_script(const char *script)
{
	struct run_result result;
	struct run_request request = {.arguments = RUN_LIST("-I", "-S", "-c", script)};

	run_python(&result, request);
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
}

#define STEPS_MIN   100u
#define ROUNDS_MOST 200

/* Compiles all of t again and again while it is edited, and checks it each time; more often where
 * that is done before the sources have changed much. */
static void compile_while_edited(const struct combination *combination, struct editor *editor,
				 const char *script)
{
	int rounds = run_quick() ? 3 : 10;
	struct run_result result;

	cr_assert_eq(pthread_create(&editor->thread, NULL, edit, editor), 0);
	for (int round = 0;
	     round < rounds || (round < ROUNDS_MOST && atomic_load(&editor->steps) <= STEPS_MIN);
	     round++) {
		combination_run(&result, combination,
				(struct run_request){.arguments = RUN_LIST("-f", "t")});
		RUN_ASSERT(&result, 0);
		run_result_fini(&result);
		assert_script(script);
	}
	cr_assert_not(atomic_exchange(&editor->stop, true), "a source could not be edited");
	cr_assert_eq(pthread_join(editor->thread, NULL), 0);
	cr_assert_gt(atomic_load(&editor->steps), STEPS_MIN, "the sources hardly changed");
}

#define REWRITTEN 10 /* sources */

/* A version of a source is known by its size: "x = SIZE" and a comment as long as need be. */
static size_t write_version(char *text, size_t size)
{
	int used = sprintf(text, "x = %zu\n#", size);

	memset(text + used, '-', size - (size_t)used);
	return size;
}

static int put_version(const char *path, size_t size)
{
	char text[4000];

	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (file < 0)
		return -1;
	ssize_t written = write(file, text, write_version(text, size));
	return close(file) == 0 && written == (ssize_t)size ? 0 : -1;
}

/* Half of the sources are rewritten in place, half are replaced. */
static int rewrite_source(unsigned number)
{
	char path[32];
	size_t size = 100 + (number * 37u) % 3000;

	(void)snprintf(path, sizeof(path), "t/s%u.py", number % REWRITTEN);
	if (number % 2)
		return put_version(path, size);
	return put_version("t/next", size) == 0 ? rename("t/next", path) : -1;
}

/* Every .pyc holds the code of one version, and its header describes that version. */
COMBINATION_TEST(writing, source_that_is_rewritten_meanwhile)
{
	static const char script[] =
		"import glob, importlib.util, marshal, struct, sys\n"
		"paths = glob.glob('t/__pycache__/*.pyc')\n"
		"def version(size):\n"
		"    text = b'x = %d\\n#' % size if size else b''\n"
		"    return text + b'-' * (size - len(text))\n"
		"for path in paths:\n"
		"    data = open(path, 'rb').read()\n"
		"    names = {'x': 0}\n"
		"    exec(marshal.loads(data[16:]), names)\n"
		"    flags, size = struct.unpack('<4xL4xL', data[:16])\n"
		"    hash = importlib.util.source_hash(version(names['x']))\n"
		"    if flags == 0 and size != names['x']:\n"
		"        sys.exit(f'{path}: code of {names[\"x\"]} bytes, header of {size}')\n"
		"    if flags != 0 and hash != data[8:16]:\n"
		"        sys.exit(f'{path}: code of {names[\"x\"]} bytes, hash of another')\n"
		"sys.exit(0 if len(paths) == 10 else f'{len(paths)} files')\n";
	struct editor editor = {.step = rewrite_source, .pause = 50};

	scratch_folder("t");
	for (unsigned number = 0; number < REWRITTEN; number++)
		cr_assert_eq(rewrite_source(number), 0, "%s", strerror(errno));
	compile_while_edited(combination, &editor, script);
}

#define GROWING_SIZE 1000000 /* bytes to begin with: reading them takes a while */

static void write_growing(void)
{
	static char text[GROWING_SIZE + 1];

	memset(text, '#', GROWING_SIZE);
	for (size_t i = 99; i < GROWING_SIZE; i += 100)
		text[i] = '\n';
	memcpy(text, "x = 0\n", 6);
	scratch_file("t/growing.py", text);
}

static int grow_source(unsigned number)
{
	static const char line[] = "x += 1\n";
	ssize_t size = sizeof(line) - 1;

	(void)number;
	int file = open("t/growing.py", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (file < 0)
		return -1;
	ssize_t written = write(file, line, (size_t)size);
	return close(file) == 0 && written == size ? 0 : -1;
}

/* What is appended while the source is read is in the code and in the header, or in neither. */
COMBINATION_TEST(writing, source_that_grows_meanwhile)
{
	static const char script[] =
		"import glob, importlib.util, marshal, struct, sys\n"
		"path, = glob.glob('t/__pycache__/*.pyc')\n"
		"data = open(path, 'rb').read()\n"
		"names = {}\n"
		"exec(marshal.loads(data[16:]), names)\n"
		"flags, size = struct.unpack('<4xL4xL', data[:16])\n"
		"end = 1000000 + 7 * names['x']\n"
		"source = open('t/growing.py', 'rb').read(end)\n"
		"if flags == 0 and size != end:\n"
		"    sys.exit(f'{path}: code of {end} bytes, header of {size}')\n"
		"if flags != 0 and importlib.util.source_hash(source) != data[8:16]:\n"
		"    sys.exit(f'{path}: code of {end} bytes, hash of another')\n";
	struct editor editor = {.step = grow_source, .pause = 1000};

	write_growing();
	compile_while_edited(combination, &editor, script);
}
