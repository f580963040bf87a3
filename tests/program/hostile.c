/*
 * hostile: trees that somebody else can write to, made to hold the program up or to lead it out.
 *
 * What bad_input, walk and writing have of this (a .pyc or a __pycache__ that is a link or a FIFO,
 * loops of links, names that are too long) is not repeated here.
 */
#include "config.h"

#include "support/combination.h"
#include "support/heavy.h"
#include "support/lines.h"
#include "support/old_kernel.h"
#include "support/oracle.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/snapshot.h"
#include "support/swapper.h"
#include "support/tally.h"
#include "support/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

TestSuite(hostile, .timeout = 900);

static void require(bool done, const char *what)
{
	cr_assert(done, "%s: %s", what, strerror(errno));
}

static void assert_equal(const struct combination *combination, void (*build)(void),
			 const char *const *arguments)
{
	const struct oracle_trial trial = {
		.build = build, .request = {.arguments = arguments}, .combination = combination};

	oracle_assert_equal(&trial);
}

static void build_good(void)
{
	scratch_file("t/a.py", "a = 1\n");
	scratch_file("t/sub/b.py", "b = 2\n");
	scratch_file("t/z.py", "z = 3\n");
}

static void make_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int one = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	require(one >= 0, "socket");
	cr_assert_lt(strlen(path), sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	require(bind(one, (const struct sockaddr *)&address, sizeof(address)) == 0, path);
	(void)close(one);
}

#define ZEROES makedev(1, 5) /* /dev/zero: whoever reads it to its end never ends */

/* False: only root can, and not in every container; that is counted. */
static bool make_device(const char *path)
{
	if (mknod(path, S_IFCHR | 0666, ZEROES) == 0)
		return true;
	cr_assert_eq(errno, EPERM, "mknod %s: %s", path, strerror(errno));
	tally_add("tests-without-a-device-node", 1);
	return false;
}

/* --- What stands at the place of a .pyc ------------------------------------------------------ */

static void build_odd_targets(void)
{
	build_good();
	scratch_folder("t/__pycache__");
	scratch_folder("t/sub/__pycache__");
	char *path = oracle_cache_path("t/a.py", 0);
	make_socket(path);
	free(path);
	path = oracle_cache_path("t/sub/b.py", 0);
	if (!make_device(path))
		make_socket(path);
	free(path);
}

COMBINATION_TEST(hostile, target_is_a_socket_or_a_device)
{
	assert_equal(combination, build_odd_targets, RUN_LIST("t"));
}

COMBINATION_TEST(hostile, target_is_a_socket_or_a_device_and_force)
{
	assert_equal(combination, build_odd_targets, RUN_LIST("-f", "t"));
}

static const char *mode_option;

static void build_linked_byte_code(void)
{
	build_good();
	oracle_compile(RUN_LIST("-qq", mode_option, "t"));
	char *path = oracle_cache_path("t/a.py", 0);
	require(rename(path, "elsewhere.pyc") == 0, path);
	scratch_symlink("../../elsewhere.pyc", path);
	free(path);
}

/* An import takes it, so it is fresh; CPython compiles hash-based byte-code again each time. */
COMBINATION_TEST(hostile, link_to_byte_code_that_fits)
{
	struct run_result result;

	mode_option = combination->mode_option;
	build_linked_byte_code();
	struct snapshot *before = snapshot_take(".", SNAPSHOT_ALL);
	combination_run(&result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 0);
	struct snapshot *after = snapshot_take(".", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, result.command);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
	if (combination->mode == COMBINATION_TIMESTAMP)
		assert_equal(combination, build_linked_byte_code, RUN_LIST("t"));
}

/* Opening a device can do something, such as starting a watchdog: a link must not make us. */
COMBINATION_TEST(hostile, link_to_what_is_no_byte_code_is_not_opened)
{
	struct run_result result;
	struct watch fifo, file;

	build_good();
	scratch_fifo("fifo");
	scratch_file("file", "no byte-code at all");
	char *path = oracle_cache_path("t/a.py", 0);
	scratch_symlink("../../fifo", path);
	free(path);
	path = oracle_cache_path("t/sub/b.py", 0);
	scratch_symlink("../../../file", path);
	free(path);
	watch_start(&fifo, "fifo", IN_OPEN);
	watch_start(&file, "file", IN_OPEN);
	combination_run(&result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 1);
	cr_assert_eq(lines_count(result.output, "*** FileExistsError: "), 2, "%s", result.output);
	cr_assert_eq(watch_end(&fifo), 0, "the FIFO was opened");
	cr_assert_eq(watch_end(&file), IN_OPEN, "the file was not read: nothing is seen here");
	run_result_fini(&result);
}

/* --- What stands at the place of __pycache__ ------------------------------------------------- */

/* Where it is no folder, two sources fail, and the one further down is compiled. */
static void run_blocked(const struct combination *combination)
{
	struct run_result result;
	size_t size;

	build_good();
	struct snapshot *before = snapshot_take("t/__pycache__", SNAPSHOT_ALL);
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("t"), .seconds = 30});
	RUN_ASSERT(&result, 1);
	struct snapshot *after = snapshot_take("t/__pycache__", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, result.command);
	cr_assert_eq(lines_count(result.output, "*** NotADirectoryError: [Errno 20] "), 2, "%s",
		     result.output);
	char *path = oracle_cache_path("t/sub/b.py", 0);
	free(scratch_read(path, &size));
	cr_assert_gt(size, 16);
	free(path);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

COMBINATION_TEST(hostile, pycache_is_a_fifo)
{
	scratch_fifo("t/__pycache__");
	run_blocked(combination);
}

COMBINATION_TEST(hostile, pycache_is_a_socket)
{
	scratch_folder("t");
	make_socket("t/__pycache__");
	run_blocked(combination);
}

COMBINATION_TEST(hostile, pycache_is_a_device)
{
	scratch_folder("t");
	if (!make_device("t/__pycache__"))
		SCRATCH_SKIP("device nodes cannot be made here");
	run_blocked(combination);
}

COMBINATION_TEST(hostile, pycache_is_a_link_to_a_file)
{
	scratch_file("outside", "not to be touched");
	scratch_symlink("../outside", "t/__pycache__");
	run_blocked(combination);
}

COMBINATION_TEST(hostile, pycache_is_a_link_to_itself)
{
	scratch_symlink("__pycache__", "t/__pycache__");
	run_blocked(combination);
}

/* Within the tree, too: who may write to it could point it elsewhere at any moment. */
COMBINATION_TEST(hostile, pycache_is_a_link_within_the_tree)
{
	scratch_folder("t/cache");
	scratch_symlink("cache", "t/__pycache__");
	run_blocked(combination);
	cr_assert_eq(rmdir("t/cache"), 0, "something was written through the link");
}

/* --- What stands at the place of a source ---------------------------------------------------- */

static void build_no_sources(void)
{
	build_good();
	scratch_fifo("t/fifo.py");
	make_socket("t/socket.py");
	if (!make_device("t/device.py"))
		scratch_fifo("t/device.py");
	scratch_symlink("fifo.py", "t/link.py");
	scratch_symlink("/dev/zero", "t/zeroes.py");
}

/* None of them is opened, be it found or named; the source beside them is. */
static void run_watched(const struct combination *combination, const char *const *arguments)
{
	static const char *const paths[] = {"t/fifo.py", "t/socket.py", "t/device.py", "t/a.py"};
	struct watch watches[4];
	struct run_result result;

	for (size_t i = 0; i < 4; i++)
		watch_start(&watches[i], paths[i], IN_OPEN);
	combination_run(&result, combination,
			(struct run_request){.arguments = arguments, .seconds = 30});
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(watch_end(&watches[i]), 0, "'%s' was opened", paths[i]);
	cr_assert_eq(watch_end(&watches[3]), IN_OPEN, "nothing is seen here");
	cr_assert(!result.timed_out && !result.signal, "%s", result.command);
	run_result_fini(&result);
}

COMBINATION_TEST(hostile, sources_that_are_no_files_are_not_opened)
{
	build_no_sources();
	run_watched(combination, RUN_LIST("-f", "t"));
	run_watched(combination, RUN_LIST("-f", "t/fifo.py", "t/socket.py", "t/device.py",
					  "t/link.py", "t/zeroes.py", "t/a.py"));
}

COMBINATION_TEST(hostile, sources_that_are_no_files_as_with_cpython)
{
	assert_equal(combination, build_no_sources, RUN_LIST("t"));
}

/* py_compile opens what is named, and waits for somebody to write to the FIFO. */
SCRATCH_TEST(hostile, fifo_named_to_pycompile)
{
	struct run_result result;
	struct run_request request = {
		.program = RUN_LIST("./pycompile"),
		.arguments = RUN_LIST("t/fifo.py", "t/link.py", "t/socket.py", "t/a.py"),
		.seconds = 30,
	};
	size_t size;

	struct watch watch;

	build_no_sources();
	scratch_symlink(run_our_path(), "pycompile");
	watch_start(&watch, "t/fifo.py", IN_OPEN);
	run_program(&result, &request);
	RUN_ASSERT(&result, 1);
	cr_assert_eq(watch_end(&watch), 0, "the FIFO was opened");
	char *path = oracle_cache_path("t/a.py", 0);
	free(scratch_read(path, &size));
	free(path);
	run_result_fini(&result);
}

static void build_hard_links(void)
{
	build_good();
	require(link("t/a.py", "t/b.py") == 0, "link");
	require(link("t/a.py", "t/sub/a.py") == 0, "link");
	scratch_file("outside.py", "outside = 1\n");
	require(link("outside.py", "t/inside.py") == 0, "link");
}

COMBINATION_TEST(hostile, hard_links_between_sources)
{
	assert_equal(combination, build_hard_links, RUN_LIST("t"));
}

/* --- Size ------------------------------------------------------------------------------------ */

/* Enters a folder that is made. */
static void enter_new(const char *name)
{
	require(mkdir(name, 0755) == 0 && chdir(name) == 0, name);
}

/* Folders within folders, a source in each; their paths may be longer than any path can be. */
static void build_nested(unsigned levels, const char *name)
{
	enter_new("t");
	for (unsigned i = 0; i < levels; i++) {
		scratch_file("a.py", "a = 1\n");
		enter_new(name);
	}
	scratch_file("a.py", "a = 1\n");
	require(chdir(scratch_path()) == 0, "chdir");
}

static void remove_nested(unsigned levels, const char *name)
{
	require(chdir("t") == 0, "chdir");
	for (unsigned i = 0; i < levels; i++)
		require(chdir(name) == 0, name);
	for (unsigned i = 0; i < levels; i++) {
		scratch_clear();
		require(chdir("..") == 0 && rmdir(name) == 0, name);
	}
	require(chdir(scratch_path()) == 0, "chdir");
}

static size_t count_byte_code(void)
{
	struct snapshot *tree = snapshot_take("t", SNAPSHOT_PYC);
	size_t count = tree->count;

	snapshot_free(tree);
	return count;
}

#define LEVELS 1000

COMBINATION_TEST(hostile, thousand_levels)
{
	struct run_result result;

	build_nested(LEVELS, "d");
	combination_run(&result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 0);
	cr_assert_eq(count_byte_code(), LEVELS + 1);
	run_result_fini(&result);
	combination_run(&result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 0);
	cr_assert_eq(lines_count(result.output, "Listing "), LEVELS + 1);
	cr_assert_eq(lines_count(result.output, "Compiling "), 0);
	run_result_fini(&result);
}

#define LONG_LEVELS 30

/* Somewhere the path becomes longer than any path can be: what lies above it is compiled. */
COMBINATION_TEST(hostile, levels_beyond_the_longest_path)
{
	struct run_result result;
	char name[201];

	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	build_nested(LONG_LEVELS, name);
	combination_run(&result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 1);
	size_t listed = lines_count(result.output, "Listing ");
	cr_assert_geq(listed, 4000 / sizeof(name), "%s", result.output);
	cr_assert_eq(lines_count(result.output, "Compiling "), listed, "%s", result.output);
	cr_assert_eq(lines_count(result.output, "*** "), 0, "%s", result.output);
	cr_assert_eq(lines_count(result.output, "Can't list "), 1, "%s", result.output);
	run_result_fini(&result);
	remove_nested(LONG_LEVELS, name);
}

SCRATCH_TEST(hostile, hundred_thousand_files_in_a_folder)
{
	const unsigned files = run_quick() ? 5000 : 100000;
	struct run_result result;

	scratch_folder("t");
	require(chdir("t") == 0, "chdir");
	for (unsigned i = 0; i < files; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "m%u.py", i);
		int file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		require(file >= 0 && close(file) == 0, name);
	}
	require(chdir("..") == 0, "chdir");
	run_ours(&result,
		 (struct run_request){.arguments = RUN_LIST("-j8", "-q", "t"), .seconds = 600});
	RUN_ASSERT(&result, 0);
	cr_assert_eq(count_byte_code(), files);
	run_result_fini(&result);
	run_ours(&result, (struct run_request){.arguments = RUN_LIST("-j8", "t"), .seconds = 600});
	RUN_ASSERT(&result, 0);
	cr_assert_str_eq(result.output, "Listing 't'...\n");
	run_result_fini(&result);
}

/* Names of one empty source, or of as few as may be. */
static void build_links(unsigned count)
{
	char source[32] = "", name[32];

	scratch_folder("t");
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "t/module_%06u.py", i);
		if (*source && link(source, name) == 0)
			continue;
		require(!*source || errno == EMLINK, "link");
		scratch_file(name, "");
		memcpy(source, name, sizeof(source));
	}
}

/* Where it does not believe link counts, fts keeps a status for each entry, too. */
static bool link_counts_are_right(void)
{
	static const unsigned long types[] = {0xef53, 0x58465342, 0x01021994, 0x9123683e,
					      0x794c7630}; /* ext4, XFS, tmpfs, Btrfs, overlayfs */
	struct statfs status;

	require(statfs(".", &status) == 0, "statfs");
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if ((unsigned long)status.f_type == types[i])
			return true;
	return false;
}

#define PEAK_MAX 32768 /* KiB */

SCRATCH_TEST(hostile, memory_for_two_hundred_thousand_files_in_a_folder)
{
	struct run_result result;

#ifdef USE_NFTW
	SCRATCH_SKIP("nftw holds every path");
#endif
	if (run_sanitized())
		SCRATCH_SKIP("a sanitizer needs more memory than the program");
	if (!link_counts_are_right())
		SCRATCH_SKIP("fts needs more memory on this file system");
	build_links(200000);
	run_ours(&result, (struct run_request){.arguments = RUN_LIST("-j2", "-x", "module_", "t")});
	RUN_ASSERT(&result, 0);
	cr_assert_str_eq(result.output, "Listing 't'...\n");
	cr_assert_leq(result.peak, PEAK_MAX, "%ld KiB", result.peak);
	run_result_fini(&result);
}

/* A path of `length` bytes below "t/", which ends in ".py". */
static void source_of_length(size_t length)
{
	char path[300] = "t/";

	memset(path + 2, 'n', length - 3);
	strcpy(path + 2 + length - 3, ".py");
	scratch_file(path, "n = 1\n");
}

#define LONGEST 255 /* bytes of a name */

/* Of the byte-code's name not a byte is left over; CPython's temporary has a longer one. */
COMBINATION_TEST(hostile, byte_code_with_the_longest_name)
{
	struct run_result result;

	source_of_length(5);
	char *path = oracle_cache_path("t/nn.py", 0);
	size_t more = strlen(strrchr(path, '/') + 1) - strlen("nn.py");
	free(path);
	source_of_length(LONGEST - more);
	source_of_length(LONGEST - more + 1);
	combination_run(&result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 1);
	cr_assert_eq(lines_count(result.output, "*** OSError: [Errno 36] File name too long: "), 1,
		     "%s", result.output);
	cr_assert_eq(count_byte_code(), 2);
	run_result_fini(&result);
}

COMBINATION_TEST(hostile, byte_code_with_the_longest_name_beside_its_source)
{
	struct run_result result;

	source_of_length(5);
	source_of_length(LONGEST - 1);
	source_of_length(LONGEST);
	combination_run(&result, combination,
			(struct run_request){.arguments = RUN_LIST("-b", "t")});
	RUN_ASSERT(&result, 1);
	cr_assert_eq(lines_count(result.output, "*** OSError: [Errno 36] File name too long: "), 1,
		     "%s", result.output);
	cr_assert_eq(count_byte_code(), 2);
	run_result_fini(&result);
}

/* --- Another file system --------------------------------------------------------------------- */

/* A namespace of our own, so that nobody else sees the mount. False: that is not permitted. */
static bool mount_within(const char *path)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("none", path, "tmpfs", 0, "mode=0755") == 0;
}

COMBINATION_TEST(hostile, file_system_below_the_tree)
{
	build_good();
	scratch_folder("t/mounted");
	if (!mount_within("t/mounted")) {
		tally_add("tests-without-a-mount", 1);
		SCRATCH_SKIP("no file system can be mounted here: %s", strerror(errno));
	}
	scratch_file("t/mounted/c.py", "c = 1\n");
	scratch_file("t/mounted/sub/sub/d.py", "d = 1\n");
	assert_equal(combination, NULL, RUN_LIST("t"));
	assert_equal(combination, NULL, RUN_LIST("-r", "2", "t"));
	require(umount("t/mounted") == 0, "umount");
}

/* A file system as __pycache__: nothing is renamed across. */
COMBINATION_TEST(hostile, file_system_as_pycache)
{
	build_good();
	scratch_folder("t/__pycache__");
	if (!mount_within("t/__pycache__")) {
		tally_add("tests-without-a-mount", 1);
		SCRATCH_SKIP("no file system can be mounted here: %s", strerror(errno));
	}
	struct run_result result;
	combination_run(&result, combination, (struct run_request){.arguments = RUN_LIST("t")});
	RUN_ASSERT(&result, 0);
	cr_assert_eq(count_byte_code(), 3);
	run_result_fini(&result);
	require(umount("t/__pycache__") == 0, "umount");
}

/* --- Something is replaced at a known moment ------------------------------------------------- */

/*
 * In t/a a source that takes a while to compile, in t/b another one. Outside there is a folder that
 * has all that somebody would go astray for.
 */
static void build_to_be_replaced(void)
{
	heavy_build();
	scratch_folder("t/a");
	require(rename("t/m00.py", "t/a/m.py") == 0, "rename");
	for (int i = 1; i < HEAVY_SOURCES; i++) {
		char path[32];
		(void)snprintf(path, sizeof(path), "t/m%02d.py", i);
		scratch_delete(path);
	}
	scratch_file("t/b/m.py", "b = 1\n");
	scratch_file("outside/m.py", "outside = 1\n");
	scratch_folder("outside/__pycache__");
	scratch_file("outside/file", "not to be touched");
}

struct replacement {
	void (*build)(void);  /* more in the tree; NULL: nothing */
	const char *inside;   /* what is replaced */
	const char *target;   /* ... by a link to this */
	int (*prepare)(void); /* for the program */
	const char *moved;    /* the replaced folder's byte-code is here in the end; NULL: none */
	int status;           /* the program's exit status */
	size_t failures;      /* sources that fail */
	bool race;            /* it may also come too late to be noticed: status 0 and no failure */
};

/* Replaces it once t/a/m.py has been read, and so everything was looked at. */
static void replace_meanwhile(const struct replacement *replacement)
{
	struct run_result result;
	struct watch watch;
	struct run run;

	build_to_be_replaced();
	if (replacement->build)
		replacement->build();
	scratch_symlink(replacement->target, "decoy");
	struct snapshot *before = snapshot_take("outside", SNAPSHOT_ALL);
	watch_start(&watch, "t/a/m.py", IN_CLOSE_NOWRITE);
	run_start_ours(&run, (struct run_request){.arguments = RUN_LIST("-j1", "t"),
						  .prepare = replacement->prepare});
	cr_assert(watch_wait(&watch, 60), "t/a/m.py is not read");
	require(renameat2(AT_FDCWD, "decoy", AT_FDCWD, replacement->inside, RENAME_EXCHANGE) == 0,
		"renameat2");
	run_wait(&run, &result);
	bool late = replacement->race && result.status == 0;
	RUN_ASSERT(&result, late ? 0 : replacement->status);
	struct snapshot *after = snapshot_take("outside", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, result.command);
	cr_assert_eq(lines_count(result.output, "*** "), late ? 0 : replacement->failures, "%s",
		     result.output);
	if (replacement->moved)
		cr_assert_eq(access(replacement->moved, F_OK), 0, "no '%s'", replacement->moved);
	(void)watch_end(&watch);
	snapshot_free(before);
	snapshot_free(after);
	run_result_fini(&result);
}

/* The walk has seen t/b as a folder; by the time its turn comes it is a link, or it is open. */
SCRATCH_TEST(hostile, folder_becomes_a_link_behind_the_walk)
{
	replace_meanwhile(&(const struct replacement){
		.inside = "t/b", .target = "../outside", .status = 1, .race = true});
}

SCRATCH_TEST(hostile, folder_becomes_a_link_behind_the_walk_without_openat2)
{
	replace_meanwhile(&(const struct replacement){.inside = "t/b",
						      .target = "../outside",
						      .prepare = old_kernel_pretend,
						      .status = 1,
						      .race = true});
}

/* The folder is open: what is written goes into it, wherever it is by now. */
SCRATCH_TEST(hostile, folder_becomes_a_link_between_check_and_write)
{
	char *path = oracle_cache_path("decoy/m.py", 0);

	replace_meanwhile(&(const struct replacement){
		.inside = "t/a", .target = "../outside", .moved = path, .status = 0});
	free(path);
}

static void build_pycache(void)
{
	scratch_folder("t/a/__pycache__");
}

SCRATCH_TEST(hostile, pycache_becomes_a_link_between_check_and_write)
{
	replace_meanwhile(&(const struct replacement){.build = build_pycache,
						      .inside = "t/a/__pycache__",
						      .target = "../../outside/__pycache__",
						      .status = 1,
						      .failures = 1});
}

static void build_old_byte_code(void)
{
	char *path = oracle_cache_path("t/a/m.py", 0);

	scratch_file(path, "old");
	free(path);
}

/* The link goes, what it leads to stays. */
SCRATCH_TEST(hostile, byte_code_becomes_a_link_between_check_and_write)
{
	char *path = oracle_cache_path("t/a/m.py", 0);

	replace_meanwhile(&(const struct replacement){.build = build_old_byte_code,
						      .inside = path,
						      .target = "../../../outside/file",
						      .moved = path,
						      .status = 0});
	free(path);
}

/* --- Everything is replaced all the time ----------------------------------------------------- */

#define ATTACKER 65534
#define VICTIM   65533

/* No pointers: Criterion hands it from one process to another. */
struct race {
	char jobs_option[8];
	bool stepwise; /* without openat2 */
	bool root;     /* the program is run by root, else by an ordinary user */
};

static struct race races[] = {
	{"-j1", false, true},  {"-j2", false, true}, {"-j8", false, true},  {"-j1", true, true},
	{"-j2", true, true},   {"-j8", true, true},  {"-j1", false, false}, {"-j2", false, false},
	{"-j8", false, false}, {"-j1", true, false}, {"-j2", true, false},  {"-j8", true, false},
};

/* For the child: what it does before it becomes the program. */
static const struct race *racing;

static int become_victim(void)
{
	if (!racing->root && geteuid() == 0 &&
	    (setgroups(0, NULL) != 0 || setgid(VICTIM) != 0 || setuid(VICTIM) != 0))
		return -1;
	return racing->stepwise ? old_kernel_pretend() : 0;
}

/* What a killed run leaves, which only goes where it may be looked for. */
static void build_leftovers(const char *folder)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/__pycache__/.pycompileall.writing", folder);
	scratch_file(path, "");
	(void)snprintf(path, sizeof(path), "%s/__pycache__/.pycompileall-1-0.tmp", folder);
	scratch_file(path, "half of a .p");
}

/* Sources, and byte-code that is to be replaced, below a folder; the same inside and outside. */
static void build_double(const char *root)
{
	static const char *const folders[] = {"0", "1", "2", "3", "4/sub", "5/sub/sub"};
	char path[64];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		for (int j = 0; j < 3; j++) {
			(void)snprintf(path, sizeof(path), "%s/%s/m%d.py", root, folders[i], j);
			scratch_file(path, "m = 1\n");
			char *cache = oracle_cache_path(path, 0);
			scratch_file(cache, root);
			free(cache);
		}
		(void)snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
		build_leftovers(path);
	}
}

/* Who owns what is beneath a folder; with `others` all may write to its folders. */
static void give_away(const char *root, uid_t owner, bool others)
{
	struct snapshot *tree = snapshot_take(root, SNAPSHOT_ALL);

	for (size_t i = 0; i < tree->count; i++) {
		const struct snapshot_entry *entry = &tree->entries[i];
		require(lchown(entry->path, owner, (gid_t)owner) == 0, entry->path);
		if (others && S_ISDIR(entry->status.st_mode))
			scratch_mode(entry->path, 0777);
	}
	snapshot_free(tree);
}

/* The attacker's are the tree and the decoys, the treasure is the victim's. */
static void build_race(const struct race *race)
{
	build_double("t");
	build_double("treasure");
	scratch_folder("decoys");
	if (geteuid() != 0)
		return;
	give_away("t", ATTACKER, !race->root);
	give_away("decoys", ATTACKER, false);
	if (!race->root)
		give_away("treasure", VICTIM, false);
}

static unsigned long race_for(const struct race *race, time_t seconds)
{
	struct swapper_pair pairs[] = {
		{"t/0", "decoys/folder", "../treasure/0"},
		{"t/1/__pycache__", "decoys/cache", "../../treasure/1/__pycache__"},
		{NULL, "decoys/byte_code", NULL},
		{"t/3/m1.py", "decoys/source", "../../treasure/3/m1.py"},
		{"t/4/sub", "decoys/sub", "../../treasure/4/sub"},
		{"t/5", "decoys/above", "../treasure/5"},
	};
	char *byte_code = oracle_cache_path("t/2/m1.py", 0), *target = NULL;
	struct timespec start, now;
	unsigned long runs = 0;

	cr_assert_geq(
		asprintf(&target, "../../../treasure/2/__pycache__%s", strrchr(byte_code, '/')), 0);
	pairs[2].inside = byte_code;
	pairs[2].target = target;
	require(clock_gettime(CLOCK_MONOTONIC, &start) == 0, "clock_gettime");
	struct swapper *swapper =
		swapper_start(pairs, sizeof(pairs) / sizeof(*pairs), geteuid() == 0 ? ATTACKER : 0);
	do {
		struct run_result result;
		/* What is fresh is not written, but tidied up beside. */
		run_ours(&result,
			 (struct run_request){.arguments = RUN_LIST(race->jobs_option,
								    runs % 2 == 0 ? "-f" : "-q",
								    "-q", "t"),
					      .prepare = become_victim});
		if (result.status != 0)
			RUN_ASSERT(&result, 1);
		run_result_fini(&result);
		runs++;
		require(clock_gettime(CLOCK_MONOTONIC, &now) == 0, "clock_gettime");
	} while (now.tv_sec - start.tv_sec < seconds);
	tally_add("swaps-of-links-in-races", swapper_stop(swapper));
	free(byte_code);
	free(target);
	return runs;
}

ParameterizedTestParameters(hostile, links_swapped_all_the_time)
{
	return cr_make_param_array(struct race, races, sizeof(races) / sizeof(*races));
}

ParameterizedTest(const struct race *race, hostile, links_swapped_all_the_time,
		  .fini = scratch_tell_kept)
{
	scratch_create();
	if (race->root && geteuid() != 0) {
		tally_add("races-without-root", 1);
		SCRATCH_SKIP("only root can be root");
	}
	if (!race->root && geteuid() == 0 && !run_server_loads_as(VICTIM))
		SCRATCH_SKIP("another user cannot load the compile server");
	racing = race;
	build_race(race);
	struct snapshot *before = snapshot_take("treasure", SNAPSHOT_ALL);
	tally_add("runs-in-races", race_for(race, run_quick() ? 1 : 3));
	struct snapshot *after = snapshot_take("treasure", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, race->jobs_option);
	snapshot_free(before);
	snapshot_free(after);
	scratch_remove();
}
