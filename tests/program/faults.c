/*
 * faults: each call that the program makes is made to fail, one after the other.
 *
 * As SQLite's tests do it: the first call of a function fails in the first run, the second one in
 * the second, and so on until a run is over before it came to that call. After each run the tree is
 * judged: every .pyc is the old one or the right new one, byte for byte, nothing else has appeared,
 * and the exit status is true: 0 only if all is up to date, else what failed was told. Then a run
 * without faults puts everything right.
 */
#include "config.h"

#include "support/fault_run.h"
#include "support/fault_tree.h"
#include "support/lines.h"
#include "support/oracle.h"
#include "support/run.h"
#include "support/scratch.h"
#include "support/snapshot.h"
#include "support/tally.h"

#include <criterion/parameterized.h>
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(faults, .timeout = 600);

#define NUMBER_MAX 5000 /* calls of one function in one run */

/* What was said tells of an error, by Python's text, by its number, or in words of our own. */
static bool tells(const struct run_result *result, int error)
{
	static const char *const texts[] = {"Can't list '", "Error reading file list",
					    "compile server", "Errno"};
	const char *text = error ? strerror(error) : texts[0];

	if (strstr(result->output, text) || strstr(result->errors, text))
		return true;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (strstr(result->output, texts[i]) || strstr(result->errors, texts[i]))
			return true;
	return false;
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* A cause that fails every file is told once and then counted. */
static void assert_told_once(const struct run_result *result, int error, const char *what)
{
	static const int common[] = {ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE, ENOMEM};
	char text[64];

	(void)snprintf(text, sizeof(text), "*** OSError: [Errno %d]", error);
	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
		cr_assert(error != common[i] || lines_count(result->output, text) <= 1, "%s: %s",
			  what, result->output);
}

/* Status 0 is for a complete tree, 1 for one about which something was told, 3 for one line, behind
 * what an interpreter may have said that had not memory enough to begin. */
static void assert_status(const struct run_result *result, const struct fault_trees *trees,
			  int error, const char *what)
{
	switch (result->status) {
	case 0:
		fault_tree_assert_complete(trees, what);
		cr_assert_eq(result->errors_size, 0, "%s: %s", what, result->errors);
		cr_assert_eq(lines_count(result->output, "***"), 0, "%s: %s", what, result->output);
		break;
	case 1:
		cr_assert(tells(result, error), "%s: nothing was told:\n%s%s", what, result->output,
			  result->errors);
		break;
	case 3:
		if (error != ENOMEM || !strstr(result->errors, "Fatal Python error: "))
			cr_assert_eq(count_lines(result->errors), 1, "%s: %s", what,
				     result->errors);
		cr_assert_eq(lines_count(result->errors, "pycompileall: "), 1, "%s: %s", what,
			     result->errors);
		cr_assert_eq(count_lines(strstr(result->errors, "pycompileall: ")), 1,
			     "%s: ours is not the last line: %s", what, result->errors);
		break;
	default:
		cr_assert_fail("%s: exit status %d", what, result->status);
	}
}

/* --- One function, one errno, every call -------------------------------------------------------
 */

/* What keeps a .pyc from coming to stand must be told, whatever else may be coped with. */
static bool is_fatal_to_a_file(const struct fault *fault, const char *about)
{
	return fault_tree_is_temporary(about) && fault->error != 0 && fault->error != EINTR &&
	       strcmp(fault->call, "unlinkat") != 0 && strcmp(fault->call, "flock") != 0;
}

/* It could not be removed, or seemed to be held by another run, who would remove it. */
static bool may_leave_marker(const struct fault *fault)
{
	return strcmp(fault->call, "unlinkat") == 0 ||
	       (strcmp(fault->call, "flock") == 0 && fault->error == EWOULDBLOCK);
}

/* One trial. False: the run had no such call. */
static bool try_fault(const struct fault_way *way, const struct fault_trees *trees,
		      const struct fault *fault)
{
	bool marked = may_leave_marker(fault);
	struct run_result result;
	char *about, *what;

	fault_tree_restore(trees->before);
	about = fault_run(&result, fault, fault_tree_request(way));
	tally_add("runs_with_a_fault", about != NULL);
	what = fault_describe(fault, about ? about : "", &result);
	cr_assert(result.status >= 0 && !result.timed_out && !result.left_running,
		  "%s: signal %d%s%s\n%s", what, result.signal, result.timed_out ? ", hung" : "",
		  result.left_running ? ", left processes running" : "", result.errors);
	fault_tree_assert_whole(trees, marked ? FAULT_LEFT_MARKERS : FAULT_LEFT_NOTHING, what);
	assert_status(&result, trees, fault->error, what);
	assert_told_once(&result, fault->error, what);
	if (about && is_fatal_to_a_file(fault, about))
		cr_assert_neq(result.status, 0, "%s: not told", what);
	if (result.status != 0 || marked)
		fault_tree_mend(way, trees, what);
	run_result_fini(&result);
	free(what);
	free(about);
	return about != NULL;
}

/* Lets call 1, 2, ... fail, `step` apart. Returns how many runs had that call. */
static size_t sweep(const struct fault_way *way, const struct fault_trees *trees,
		    struct fault fault, size_t step)
{
	size_t runs = 0;

	for (fault.number = 1; try_fault(way, trees, &fault); fault.number += step) {
		cr_assert_lt(fault.number, (size_t)NUMBER_MAX, "%s: no end", fault.call);
		runs++;
	}
	return runs;
}

/* --- What fails, and where ---------------------------------------------------------------------
 */

static const char *const plain_arguments[] = {"-j1", "t", NULL};
static const char *const levels_arguments[] = {"-j1",    "-o0", "-o2", "--hardlink-dupes",
					       "--sync", "t",   NULL};
static const char *const many_arguments[] = {"-j8", "t", NULL};
static const char *const list_arguments[] = {"-j1",
					     "--invalidation-mode=checked-hash",
					     "-q",
					     "-s",
					     "t",
					     "-p",
					     "/usr/share/python",
					     "-i",
					     "list",
					     NULL};

enum {
	PLAIN = 1,
	LEVELS = 2,
	LIST = 4,
	WAYS = 3
};

static const struct fault_way ways[WAYS] = {
	{.arguments = plain_arguments},
	{.arguments = levels_arguments},
	{.arguments = list_arguments, .prefix = true},
};

/* Each errno that a call may fail with here; in which ways; 0 in the list ends it. */
static const struct kind {
	const char *call;
	int errors[10];
	bool shorter; /* it may also do less than it was asked for */
	bool in_child;
	unsigned ways;
} kinds[] = {
	{"openat",
	 {EMFILE, EIO, EACCES, ENFILE, ENOMEM, ENOSPC, EDQUOT, EROFS, EINTR},
	 .ways = PLAIN},
	{"openat", {EMFILE, EACCES}, .ways = LEVELS | LIST},
	{"open", {EMFILE, ENFILE, ENOMEM, EACCES, EIO, EINTR}, .ways = PLAIN | LIST},
	{"openat2", {EMFILE, ENOSYS, EPERM, EAGAIN, ENOMEM, EACCES, EINTR, EIO}, .ways = PLAIN},
	{"read", {EIO, EINTR, ENOMEM}, .shorter = true, .ways = PLAIN | LIST},
	{"read", {EIO}, .shorter = true, .ways = LEVELS},
	{"write", {EIO, ENOSPC, EINTR}, .shorter = true, .ways = PLAIN},
	{"writev", {ENOSPC, EDQUOT, EIO, EINTR}, .shorter = true, .ways = PLAIN | LEVELS},
	{"close", {EIO, EINTR, ENOSPC, EDQUOT}, .ways = PLAIN},
	{"close", {EIO}, .ways = LEVELS | LIST},
	{"renameat", {ENOSPC, EDQUOT, EIO, EROFS, EACCES}, .ways = PLAIN | LEVELS},
	{"linkat", {ENOSPC, EDQUOT, EIO, EROFS, EACCES, EPERM, EMLINK}, .ways = LEVELS},
	{"unlinkat", {EIO, EROFS}, .ways = PLAIN | LEVELS},
	{"flock", {ENOLCK, EOPNOTSUPP, EINTR, EWOULDBLOCK}, .ways = PLAIN | LEVELS},
	{"mkdirat", {ENOSPC, EDQUOT, EIO, EROFS, EACCES, ENOMEM, EINTR}, .ways = PLAIN | LIST},
	{"fstat", {EIO, ENOMEM}, .ways = PLAIN | LEVELS},
	{"fstatat", {EIO, EACCES, ENOMEM}, .ways = PLAIN | LIST},
	{"stat", {EIO, ENOMEM, EACCES}, .ways = PLAIN | LIST},
	{"statfs", {EIO, ENOMEM, ENOSYS}, .ways = PLAIN},
	{"fdopendir", {ENOMEM, EMFILE}, .ways = PLAIN},
	{"readdir", {EIO}, .ways = PLAIN},
	{"fts_open", {ENOMEM}, .ways = PLAIN},
	{"fts_read", {ENOMEM, EMFILE}, .ways = PLAIN},
	{"fts_children", {EMFILE, EIO, ENFILE, ENOMEM, EACCES, EINTR}, .ways = PLAIN},
	{"fts_readdir", {EIO, EINTR}, .ways = PLAIN},
#ifdef HAVE_SYNCFS
	{"syncfs", {EIO, ENOSPC, EDQUOT}, .ways = LEVELS},
#endif
#ifdef HAVE_SYNC_FILE_RANGE
	{"sync_file_range", {EIO, ENOSPC, EDQUOT, ENOMEM}, .ways = LEVELS},
#endif
	{"fork", {EAGAIN, ENOMEM}, .ways = PLAIN},
	{"pthread_create", {EAGAIN, ENOMEM}, .ways = PLAIN},
	{"socketpair", {EMFILE, ENFILE, ENOMEM}, .ways = PLAIN},
	{"pipe2", {EMFILE, ENFILE, ENOMEM}, .ways = PLAIN},
	{"poll", {EINTR, ENOMEM}, .ways = PLAIN},
	{"sendmsg", {EINTR, ENOMEM, ENOBUFS, EPIPE}, .shorter = true, .ways = PLAIN},
	{"recv", {EINTR, ENOMEM, ECONNRESET}, .shorter = true, .ways = PLAIN},
	{"waitpid", {EINTR}, .ways = PLAIN},
	{"waitid", {EINTR}, .ways = PLAIN},
	{"dup2", {EMFILE, EBUSY}, .in_child = true, .ways = PLAIN},
	{"fcntl", {EMFILE, EINVAL}, .in_child = true, .ways = PLAIN},
	{"open", {EMFILE, ENFILE, EACCES}, .in_child = true, .ways = PLAIN},
	{"execve", {ENOENT, EACCES, ENOMEM}, .in_child = true, .ways = PLAIN},
	{"malloc", {ENOMEM}, .ways = PLAIN | LEVELS | LIST},
};

#define KINDS  (sizeof(kinds) / sizeof(*kinds))
#define TRIALS (KINDS * WAYS)

/* A kind in one of its ways. */
struct place {
	size_t kind, way;
};

ParameterizedTestParameters(faults, each_call)
{
	static struct place places[TRIALS];
	size_t count = 0;

	for (size_t kind = 0; kind < KINDS; kind++)
		for (size_t way = 0; way < WAYS; way++)
			if (kinds[kind].ways & 1U << way)
				places[count++] = (struct place){kind, way};
	return cr_make_param_array(struct place, places, count);
}

/* Byte-code may go to a folder of its own; then every folder on the way there has to be made. */
static struct fault_way way_of(size_t index)
{
	static char variable[4200];
	struct fault_way way = ways[index];

	(void)snprintf(variable, sizeof(variable), "PYTHONPYCACHEPREFIX=%s/t/cache",
		       scratch_path());
	if (way.prefix)
		way.environment = variable;
	return way;
}

/* What a call can be seen to do only where there is more memory to spare: few, spread out. */
static size_t step_of(const struct kind *kind, bool lasting)
{
	bool memory = strcmp(kind->call, "malloc") == 0;

	if (run_quick())
		return memory ? 29 : 3;
	return memory && lasting ? 7 : 1;
}

static void sweep_kind(const struct kind *kind, const struct fault_way *way,
		       const struct fault_trees *trees)
{
	struct fault fault = {.call = kind->call, .in_child = kind->in_child};
	size_t errors = run_quick() ? 2 : sizeof(kind->errors) / sizeof(*kind->errors);
	size_t runs = 0;

	if (kind->shorter)
		runs += sweep(way, trees, fault, step_of(kind, false));
	for (size_t i = 0; i < errors && kind->errors[i]; i++) {
		fault.error = kind->errors[i];
		runs += sweep(way, trees, fault, step_of(kind, false));
	}
	/* A call that is interrupted each time has no end, and need not have one. */
	fault.error = kind->errors[0];
	fault.lasting = true;
	if (fault.error != EINTR)
		runs += sweep(way, trees, fault, step_of(kind, true));
	cr_assert_gt(runs, (size_t)0, "%s is never called", kind->call);
}

ParameterizedTest(const struct place *place, faults, each_call, .fini = scratch_tell_kept)
{
	const struct kind *kind = &kinds[place->kind];
	struct fault_way way;
	struct fault_trees trees;
	const char *reason;

	scratch_create();
	reason = fault_impossible(kind->call);
	if (reason)
		SCRATCH_SKIP("%s: %s", kind->call, reason);
	way = way_of(place->way);
	fault_tree_build(&trees, &way);
	sweep_kind(kind, &way, &trees);
	fault_tree_free(&trees);
	scratch_remove();
}

/* --- With many workers -------------------------------------------------------------------------
 */

/* With many workers it is chance whose call fails; what must hold is the same. */
ParameterizedTestParameters(faults, many_workers)
{
	static size_t indices[KINDS];
	size_t count = 0;

	for (size_t i = 0; i < KINDS; i++)
		if (kinds[i].ways & PLAIN)
			indices[count++] = i;
	return cr_make_param_array(size_t, indices, count);
}

ParameterizedTest(const size_t *index, faults, many_workers, .fini = scratch_tell_kept)
{
	static const struct fault_way way = {.arguments = many_arguments};
	static const size_t numbers[] = {1, 2, 3, 6, 11, 23, 47};
	const struct kind *kind = &kinds[*index];
	struct fault fault = {
		.call = kind->call, .error = kind->errors[0], .in_child = kind->in_child};
	const char *reason;
	struct fault_trees trees;

	scratch_create();
	reason = fault_impossible(kind->call);
	if (reason)
		SCRATCH_SKIP("%s: %s", kind->call, reason);
	fault_tree_build(&trees, &way);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i += run_quick() ? 3 : 1) {
		fault.number = numbers[i];
		for (int lasting = 0; lasting <= (fault.error != EINTR); lasting++) {
			fault.lasting = lasting;
			(void)try_fault(&way, &trees, &fault);
		}
	}
	fault_tree_free(&trees);
	scratch_remove();
}

/* --- The system's own faults -------------------------------------------------------------------
 */

#define MANY 24 /* sources */

/* A namespace of our own for mounts, so that nobody else sees them, and none is left behind. False:
 * that is not permitted. */
static bool separate_mounts(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* Every second one has byte-code of an earlier version. */
static void write_many(void)
{
	char path[32], text[64];

	for (int version = 1; version >= 0; version--) {
		for (int i = version; i < MANY; i += 1 + version) {
			(void)snprintf(path, sizeof(path), "t/%s%02d.py", i < 4 ? "" : "sub/", i);
			(void)snprintf(text, sizeof(text), "x = [%d, %d]\n", i, version);
			scratch_file(path, text);
			scratch_mtime(path, SCRATCH_MTIME + version, 0);
		}
		if (version == 1)
			oracle_compile(RUN_LIST("-qq", "t"));
	}
}

/* One line in full, and one that counts all the others that have failed. */
static void assert_counted(const struct run_result *result, int error, size_t failed)
{
	char full[100], count[200];

	(void)snprintf(full, sizeof(full), "OSError: [Errno %d] %s: 't/", error, strerror(error));
	(void)snprintf(count, sizeof(count),
		       "*** %zu more files could not be compiled: [Errno %d] %s", failed - 1, error,
		       strerror(error));
	RUN_ASSERT(result, 1);
	cr_assert_eq(lines_count(result->output, full), (size_t)1, "%s", result->output);
	char *last = lines_last(result->output);
	cr_assert_str_eq(last, count, "%s", result->output);
	free(last);
	cr_assert_eq(count_lines(result->output), (size_t)3, "%s", result->output);
	cr_assert_eq(result->errors_size, 0, "%s", result->errors);
}

static void run_quiet(struct run_result *result, const char *jobs)
{
	run_ours(result, (struct run_request){.arguments = RUN_LIST("-q", jobs, "t")});
}

/* How many sources have no byte-code or that of the earlier version. */
static size_t count_stale(void)
{
	struct run_result result;
	struct run_request request = {.arguments = RUN_LIST("-q", "-v", "t")};
	size_t stale;

	run_ours(&result, request);
	stale = lines_count(result.output, "Stale ");
	run_result_fini(&result);
	return stale;
}

/* A file system with room for all of the sources and a part of the byte-code. */
static void fill_disk(const char *jobs)
{
	struct run_result result;
	struct fault_trees trees;
	struct snapshot *tree;

	cr_assert_eq(mount("none", "t", "tmpfs", 0, "size=1m"), 0, "%s", strerror(errno));
	write_many();
	trees.before = snapshot_take("t", SNAPSHOT_ALL);
	/* 24 sources and 12 old .pyc files take a page each. */
	cr_assert_eq(mount("none", "t", "tmpfs", MS_REMOUNT, "size=176k"), 0, "%s",
		     strerror(errno));
	run_quiet(&result, jobs);
	tree = snapshot_take("t", SNAPSHOT_ALL);
	cr_assert_eq(mount("none", "t", "tmpfs", MS_REMOUNT, "size=1m"), 0, "%s", strerror(errno));
	size_t stale = count_stale();
	cr_assert(stale > 1 && stale < MANY, "%zu", stale);
	assert_counted(&result, ENOSPC, stale);
	trees.after = snapshot_take("t", SNAPSHOT_ALL);
	fault_tree_assert_snapshot(tree, &trees, FAULT_LEFT_NOTHING, result.command);
	cr_assert_eq(count_stale(), 0);
	snapshot_free(tree);
	fault_tree_free(&trees);
	run_result_fini(&result);
	cr_assert_eq(umount2("t", MNT_DETACH), 0);
}

SCRATCH_TEST(faults, full_file_system)
{
	scratch_folder("t");
	if (!separate_mounts())
		SCRATCH_SKIP("nothing can be mounted here: %s", strerror(errno));
	fill_disk("-j1");
	fill_disk("-j8");
}

SCRATCH_TEST(faults, read_only_file_system)
{
	static const char message[] = "[Errno 30] Read-only file system";
	struct run_result result;

	scratch_folder("t");
	if (!separate_mounts())
		SCRATCH_SKIP("nothing can be mounted here: %s", strerror(errno));
	write_many();
	cr_assert_eq(mount("t", "t", NULL, MS_BIND, NULL), 0, "%s", strerror(errno));
	cr_assert_eq(mount("none", "t", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0, "%s",
		     strerror(errno));
	struct snapshot *before = snapshot_take("t", SNAPSHOT_ALL);
	run_quiet(&result, "-j1");
	assert_counted(&result, EROFS, MANY);
	run_result_fini(&result);
	run_quiet(&result, "-j8");
	assert_counted(&result, EROFS, MANY);
	run_result_fini(&result);
	run_ours(&result, (struct run_request){.arguments = RUN_LIST("--py-compile", "t/00.py",
								     "t/01.py", "t/02.py")});
	RUN_ASSERT(&result, 1);
	cr_assert_eq(result.output_size, 0, "%s", result.output);
	cr_assert_eq(count_lines(result.errors), (size_t)2, "%s", result.errors);
	cr_assert_eq(lines_count(result.errors, message), (size_t)1, "%s", result.errors);
	cr_assert(
		lines_have(result.errors,
			   "2 more files could not be compiled: [Errno 30] Read-only file system"),
		"%s", result.errors);
	run_result_fini(&result);
	run_ours(&result, (struct run_request){.arguments = RUN_LIST("-qq", "t")});
	RUN_ASSERT(&result, 1);
	cr_assert_eq(result.output_size + result.errors_size, (size_t)0);
	run_result_fini(&result);
	struct snapshot *after = snapshot_take("t", SNAPSHOT_ALL);
	SNAPSHOT_ASSERT(before, after, SNAPSHOT_UNTOUCHED, "a read-only tree");
	snapshot_free(before);
	snapshot_free(after);
	cr_assert_eq(umount2("t", MNT_DETACH), 0);
}

/* What the child limits itself to; read behind the fork. */
static int limited_resource;
static rlim_t limit;

static int set_limit(void)
{
	const struct rlimit value = {limit, limit};

	return setrlimit((__rlimit_resource_t)limited_resource, &value);
}

/* A user who has no process but these; root may have any number. */
#define NOBODY 61234

static int set_limit_of_nobody(void)
{
	if (set_limit() != 0 || setgroups(0, NULL) != 0 || setgid(NOBODY) != 0)
		return -1;
	return setuid(NOBODY);
}

/* Makes the tree theirs. */
static void give_away(const struct snapshot *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		cr_assert_eq(lchown(tree->entries[i].path, NOBODY, NOBODY), 0, "%s",
			     strerror(errno));
}

/* Runs the program with a limit, and judges as after a fault. Returns the exit status; below the
 * limit at which the program can be loaded that is 127, or a signal's. */
static int try_limit(const struct fault_way *way, const struct fault_trees *trees, int error,
		     int (*prepare)(void))
{
	struct run_request request = fault_tree_request(way);
	struct run_result result;
	char what[100];

	(void)snprintf(what, sizeof(what), "a limit of %llu", (unsigned long long)limit);
	fault_tree_restore(trees->before);
	if (prepare == set_limit_of_nobody)
		give_away(trees->before);
	request.prepare = prepare;
	run_ours(&result, request);
	int status = result.status;
	cr_assert(!result.timed_out && !result.left_running, "%s: hung", what);
	fault_tree_assert_whole(trees, FAULT_LEFT_NOTHING, what);
	if (status >= 0 && status < 126) {
		assert_status(&result, trees, error, what);
		assert_told_once(&result, error, what);
	} else {
		cr_assert_eq(result.output_size, 0, "%s: %s", what, result.output);
	}
	run_result_fini(&result);
	return status;
}

/* Too few descriptors for the program, for a server, for a source, and then enough. */
SCRATCH_TEST(faults, few_descriptors)
{
	struct fault_way way = way_of(0);
	struct fault_trees trees;
	bool seen[4] = {false};

	fault_tree_build(&trees, &way);
	limited_resource = RLIMIT_NOFILE;
	for (limit = 4; limit < 40; limit++) {
		int status = try_limit(&way, &trees, EMFILE, set_limit);

		if (status >= 0 && status < 4)
			seen[status] = true;
	}
	cr_assert(seen[0] && seen[1] && seen[3]);
	fault_tree_free(&trees);
}

/* Soft limits are low for the sake of other programs. */
static int set_soft_limit(void)
{
	struct rlimit few;

	if (getrlimit(RLIMIT_NOFILE, &few) != 0)
		return -1;
	few.rlim_cur = 32;
	return setrlimit(RLIMIT_NOFILE, &few);
}

SCRATCH_TEST(faults, few_descriptors_but_more_to_be_had)
{
	struct run_result result;
	char path[32];

	for (int i = 0; i < 24; i++) {
		(void)snprintf(path, sizeof(path), "t/p%02d/m.py", i);
		scratch_file(path, "x = 1\n");
	}
	run_ours(&result, (struct run_request){
				  .arguments = RUN_LIST("-q", "-j12", "t"),
				  .prepare = set_soft_limit,
			  });
	RUN_ASSERT(&result, 0);
	cr_assert_eq(result.output_size, 0, "%s", result.output);
	run_result_fini(&result);
}

#define MIB ((rlim_t)1 << 20)

SCRATCH_TEST(faults, little_memory)
{
	struct fault_way way = way_of(0);
	struct fault_trees trees;
	int status = -1;

	if (run_sanitized())
		SCRATCH_SKIP("a sanitizer needs all the address space there is");
	fault_tree_build(&trees, &way);
	limited_resource = RLIMIT_AS;
	for (limit = 2 * MIB; limit < 150 * MIB; limit += run_quick() ? 16 * MIB : 2 * MIB)
		status = try_limit(&way, &trees, ENOMEM, set_limit);
	cr_assert_eq(status, 0);
	fault_tree_free(&trees);
}

/* Too few for the threads, for a server, and then enough: what cannot be started ends the run. */
SCRATCH_TEST(faults, few_processes)
{
	/* The search for leaks would need a process more. */
	const struct fault_way way = {.arguments = plain_arguments,
				      .environment = "LSAN_OPTIONS=detect_leaks=0"};
	struct fault_trees trees;
	bool seen[4] = {false};

	if (geteuid() != 0)
		SCRATCH_SKIP("only root can be another user");
	if (!run_server_loads_as(NOBODY))
		SCRATCH_SKIP("another user cannot load the compile server");
	fault_tree_build(&trees, &way);
	limited_resource = RLIMIT_NPROC;
	for (limit = 1; limit < 12; limit++) {
		int status = try_limit(&way, &trees, EAGAIN, set_limit_of_nobody);

		if (status == 126 || status == 127)
			SCRATCH_SKIP("another user cannot run the program");
		if (status >= 0 && status < 4)
			seen[status] = true;
	}
	cr_assert(seen[0] && seen[3]);
	fault_tree_free(&trees);
}

/* A write beyond the limit is an error and no reason to die. */
static void assert_output_too_large(const char *const *arguments)
{
	struct run_result result;

	run_ours(&result, (struct run_request){.arguments = arguments, .file_limit = 500});
	RUN_ASSERT(&result, 1);
	cr_assert_eq(result.output_size, (size_t)500);
	cr_assert_str_eq(result.errors, "pycompileall: standard output: File too large\n");
	run_result_fini(&result);
}

SCRATCH_TEST(faults, output_beyond_the_limit)
{
	struct run_result result;

	scratch_folder("t");
	write_many();
	run_quiet(&result, "-j2");
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	assert_output_too_large(RUN_LIST("-v", "t"));
	assert_output_too_large(RUN_LIST(
		"--cache-path", "-o0", "-o1", "-o2", "t/00.py", "t/01.py", "t/02.py", "t/03.py",
		"t/sub/04.py", "t/sub/05.py", "t/sub/06.py", "t/sub/07.py", "t/sub/08.py",
		"t/sub/09.py", "t/sub/10.py", "t/sub/11.py", "t/sub/12.py", "t/sub/13.py"));
}
