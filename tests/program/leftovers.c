/*
 * leftovers: what a run that was killed has left is removed by the next one, stale sources or not;
 * what belongs to a run that lives is not.
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
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(leftovers, .timeout = 300);

#define MARKER ".pycompileall.writing"

static void require(bool done, const char *what)
{
	cr_assert(done, "%s: %s", what, strerror(errno));
}

static void build(void)
{
	scratch_file("t/a.py", "a = 1\n");
	scratch_file("t/sub/b.py", "b = 2\n");
}

/* Names by the process that left them. In a container it is often the one that is there again. */
static char *temporary_of(const char *folder, pid_t process)
{
	char *path;

	cr_assert_geq(asprintf(&path, "%s/.pycompileall-%ld-0.tmp", folder, (long)process), 0);
	return path;
}

/* As a killed run does: a marker and two temporaries, one of a process number that is in use. */
static void leave(const char *folder)
{
	const pid_t processes[] = {1, getpid()};
	char marker[100];

	for (size_t i = 0; i < 2; i++) {
		char *path = temporary_of(folder, processes[i]);

		scratch_file(path, "half of a .p");
		free(path);
	}
	(void)snprintf(marker, sizeof(marker), "%s/" MARKER, folder);
	scratch_file(marker, "");
}

/* Runs it, and expects that many stale sources and not a word about the rest. */
static void run_expecting(const struct combination *combination, struct run_request request,
			  const char *counts)
{
	struct run_result result;

	combination_run(&result, combination, request);
	RUN_ASSERT(&result, 0);
	cr_assert(strstr(result.output, counts), "no %s: %s", counts, result.output);
	cr_assert_eq(result.errors_size, 0, "%s", result.errors);
	run_result_fini(&result);
}

/* Whether two snapshots have the same files, folders' times aside. */
static void assert_same(struct snapshot *expected, const char *root, const char *what)
{
	struct snapshot *tree = snapshot_take(root, SNAPSHOT_ALL);

	SNAPSHOT_ASSERT(expected, tree, SNAPSHOT_SAME, what);
	snapshot_free(expected);
	snapshot_free(tree);
}

static void assert_tidied(const struct combination *combination, struct run_request request,
			  const char *const *folders)
{
	struct snapshot *clean;

	build();
	run_expecting(combination, request, " 2 compiled");
	clean = snapshot_take(".", SNAPSHOT_ALL);
	for (; *folders; folders++)
		leave(*folders);
	run_expecting(combination, request, " 2 fresh, 0 compiled");
	assert_same(clean, ".", "nothing stale");
}

COMBINATION_TEST(leftovers, go_where_nothing_is_stale)
{
	assert_tidied(combination, (struct run_request){.arguments = RUN_LIST("-qv", "t")},
		      RUN_LIST("t/__pycache__", "t/sub/__pycache__"));
}

COMBINATION_TEST(leftovers, go_beside_the_sources)
{
	assert_tidied(combination, (struct run_request){.arguments = RUN_LIST("-qv", "-b", "t")},
		      RUN_LIST("t", "t/sub"));
}

COMBINATION_TEST(leftovers, go_beneath_a_prefix)
{
	char cache[4200];
	const char *sub = "/t/sub";

	(void)snprintf(cache, sizeof(cache), "cache%s%s", scratch_path(), sub);
	assert_tidied(combination,
		      (struct run_request){
			      .arguments = RUN_LIST("-qv", "t"),
			      .environment = RUN_LIST("PYTHONPYCACHEPREFIX=cache"),
		      },
		      RUN_LIST(cache));
}

COMBINATION_TEST(leftovers, go_where_sources_are_named)
{
	assert_tidied(combination,
		      (struct run_request){.arguments = RUN_LIST("-qv", "t/a.py", "t/sub/b.py")},
		      RUN_LIST("t/__pycache__", "t/sub/__pycache__"));
}

COMBINATION_TEST(leftovers, go_where_something_is_written)
{
	const struct run_request request = {.arguments = RUN_LIST("-qv", "t")};
	struct snapshot *clean;

	build();
	run_expecting(combination, request, " 2 compiled");
	clean = snapshot_take("t", SNAPSHOT_ALL);
	leave("t/__pycache__");
	leave("t/sub/__pycache__");
	for (int i = 0; i < 2; i++) {
		char *path = oracle_cache_path(i == 0 ? "t/a.py" : "t/sub/b.py", 0);

		scratch_delete(path);
		free(path);
	}
	run_expecting(combination, request, " 0 fresh, 2 compiled");
	assert_same(clean, "t", "all stale");
}

/* Opens it and locks it as one who is at work on it. */
static void hold(const char *path, int how)
{
	int file = open(path, O_RDWR | O_CLOEXEC);

	require(file >= 0, path);
	require(flock(file, how) == 0, path);
}

/* To a run in another pid namespace, the number of a living process is that of a dead one. */
COMBINATION_TEST(leftovers, of_the_living_stay)
{
	const struct run_request request = {.arguments = RUN_LIST("-qv", "-f", "t/a.py")};
	char *temporary = temporary_of("t/__pycache__", 999999999);
	struct snapshot *held;

	build();
	run_expecting(combination, request, " 1 compiled");
	scratch_file("t/__pycache__/" MARKER, "");
	scratch_file(temporary, "half of a .p");
	hold("t/__pycache__/" MARKER, LOCK_SH);
	hold(temporary, LOCK_EX);
	held = snapshot_take("t", SNAPSHOT_ALL);
	run_expecting(combination, request, " 1 compiled");
	run_expecting(combination, (struct run_request){.arguments = RUN_LIST("-qv", "t/a.py")},
		      " 1 fresh, 0 compiled");
	assert_same(held, "t", "while somebody is at work");
	free(temporary);
}

/* --- What others put there in their place ----------------------------------------------------- */

static void make_folder(const char *path)
{
	scratch_folder(path);
}

static void make_link(const char *path)
{
	scratch_symlink("../../outside", path);
}

static void make_hard_link(const char *path)
{
	require(link("outside", path) == 0, path);
}

/* A run with something at the marker's name, and at that of a temporary; then one with nothing to
 * do. */
static void assert_harmless(const struct combination *combination, void (*make)(const char *path))
{
	const struct run_request request = {.arguments = RUN_LIST("-qv", "t/a.py")};
	char *temporary = temporary_of("t/__pycache__", getpid()), *byte_code, *content;
	size_t size;

	build();
	scratch_file("outside", "not to be touched");
	scratch_mtime("outside", 1000000000, 0);
	scratch_folder("t/__pycache__");
	make("t/__pycache__/" MARKER);
	make(temporary);
	run_expecting(combination, request, " 1 compiled");
	run_expecting(combination, request, " 1 fresh, 0 compiled");
	byte_code = oracle_cache_path("t/a.py", 0);
	require(access(byte_code, F_OK) == 0, byte_code);
	content = scratch_read("outside", &size);
	cr_assert_str_eq(content, "not to be touched");
	free(content);
	free(byte_code);
	free(temporary);
}

COMBINATION_TEST(leftovers, folders_at_their_names)
{
	assert_harmless(combination, make_folder);
}

COMBINATION_TEST(leftovers, links_at_their_names)
{
	assert_harmless(combination, make_link);
}

COMBINATION_TEST(leftovers, hard_links_at_their_names)
{
	assert_harmless(combination, make_hard_link);
}

COMBINATION_TEST(leftovers, fifos_at_their_names)
{
	assert_harmless(combination, scratch_fifo);
}

/* Byte-code behind such a link is taken for what it is; but nothing is removed there. */
COMBINATION_TEST(leftovers, behind_a_link_stay)
{
	struct snapshot *outside;

	build();
	run_expecting(combination, (struct run_request){.arguments = RUN_LIST("-qv", "t/a.py")},
		      " 1 compiled");
	require(rename("t/__pycache__", "outside") == 0, "rename");
	scratch_symlink("../outside", "t/__pycache__");
	leave("outside");
	outside = snapshot_take("outside", SNAPSHOT_ALL);
	run_expecting(combination, (struct run_request){.arguments = RUN_LIST("-qv", "t/a.py")},
		      " 1 fresh, 0 compiled");
	assert_same(outside, "outside", "behind a link");
}

/* Who may not remove them has nothing to say about it. */
COMBINATION_TEST(leftovers, that_cannot_be_removed)
{
	struct run_request request = {.arguments = RUN_LIST("-qv", "t")};
	struct snapshot *left;

	build();
	run_expecting(combination, request, " 2 compiled");
	leave("t/__pycache__");
	scratch_mode("t/__pycache__", 0555);
	left = snapshot_take("t", SNAPSHOT_ALL);
	request.unprivileged = true;
	run_expecting(combination, request, " 2 fresh, 0 compiled");
	assert_same(left, "t", "a folder that cannot be written to");
	scratch_mode("t/__pycache__", 0755);
}
