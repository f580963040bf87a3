#include "config.h"

#include "marker.h"

#include "file_lock.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH "t/" MARKER_NAME

/* A name that no living process has anything to do with. */
#define STRAY "t/.pycompileall-999999999-0.tmp"

static int open_folder(const char *name)
{
	int folder;

	scratch_folder(name);
	folder = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(folder, 0);
	return folder;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static int count_descriptors(void)
{
	int count = 0;

	for (int i = 0; i < 1024; i++)
		count += fcntl(i, F_GETFD) >= 0;
	return count;
}

SCRATCH_TEST(marker, stands_while_it_is_raised)
{
	struct marker marker = {0};
	int folder = open_folder("t"), before = count_descriptors();

	cr_assert_not(is_there(PATH));
	marker_raise(&marker, folder);
	cr_assert(is_there(PATH));
	marker_raise(&marker, folder);
	cr_assert(is_there(PATH));
	marker_lower(&marker);
	cr_assert_not(is_there(PATH));
	marker_lower(&marker);
	cr_assert_eq(count_descriptors(), before);
}

SCRATCH_TEST(marker, goes_along_to_another_folder)
{
	struct marker marker = {0};
	int one = open_folder("t"), other = open_folder("u");

	marker_raise(&marker, one);
	marker_raise(&marker, other);
	cr_assert_not(is_there(PATH));
	cr_assert(is_there("u/" MARKER_NAME));
	marker_lower(&marker);
	cr_assert_not(is_there("u/" MARKER_NAME));
}

SCRATCH_TEST(marker, last_one_removes_it)
{
	struct marker markers[3] = {0};
	int folder = open_folder("t");

	for (size_t i = 0; i < 3; i++)
		marker_raise(&markers[i], folder);
	marker_lower(&markers[1]);
	cr_assert(is_there(PATH));
	marker_lower(&markers[0]);
	cr_assert(is_there(PATH));
	marker_lower(&markers[2]);
	cr_assert_not(is_there(PATH));
}

SCRATCH_TEST(marker, tidy_removes_what_the_dead_left)
{
	int folder = open_folder("t");

	scratch_file(PATH, "");
	scratch_file(STRAY, "half");
	marker_tidy(folder);
	cr_assert_not(is_there(STRAY));
	cr_assert_not(is_there(PATH));
}

SCRATCH_TEST(marker, tidy_leaves_it_to_the_living)
{
	struct marker marker = {0};
	int folder = open_folder("t");

	marker_raise(&marker, folder);
	scratch_file(STRAY, "half");
	marker_tidy(folder);
	cr_assert(is_there(PATH));
	cr_assert(is_there(STRAY), "who writes there will see to it");
	marker_lower(&marker);
	cr_assert_not(is_there(PATH));
}

/* What cannot be removed now is found by the next run. */
SCRATCH_TEST(marker, tidy_keeps_it_for_what_stays)
{
	int folder = open_folder("t");

	scratch_file(PATH, "");
	scratch_folder(STRAY);
	marker_tidy(folder);
	cr_assert(is_there(PATH));
	cr_assert_eq(rmdir(STRAY), 0);
	marker_tidy(folder);
	cr_assert_not(is_there(PATH));
}

SCRATCH_TEST(marker, raise_removes_what_the_dead_left)
{
	struct marker marker = {0};
	int folder = open_folder("t");

	scratch_file(PATH, "");
	scratch_file(STRAY, "half");
	marker_raise(&marker, folder);
	cr_assert_not(is_there(STRAY));
	cr_assert(is_there(PATH));
	marker_lower(&marker);
	cr_assert_not(is_there(PATH));
}

static void assert_does_without(const char *what)
{
	struct marker marker = {0};
	int folder = open_folder("t"), before = count_descriptors();

	marker_raise(&marker, folder);
	cr_assert(marker.raised, "%s", what);
	cr_assert_eq(marker.descriptor, -1, "%s", what);
	marker_tidy(folder);
	marker_lower(&marker);
	cr_assert(is_there(PATH), "%s", what);
	cr_assert_eq(count_descriptors(), before, "%s", what);
}

SCRATCH_TEST(marker, does_without_where_the_name_is_taken)
{
	scratch_folder(PATH);
	assert_does_without("a folder");
	cr_assert_eq(rmdir(PATH), 0);
	scratch_file("outside", "");
	cr_assert_eq(symlink("../outside", PATH), 0);
	assert_does_without("a link");
}

/* Nobody may hold up a run by holding the file. */
SCRATCH_TEST(marker, does_without_where_it_is_held)
{
	int held;

	scratch_file(PATH, "");
	held = file_lock_open(AT_FDCWD, PATH);
	cr_assert_eq(file_lock_try(held, FILE_LOCK_ALONE), FILE_LOCK_GOT);
	assert_does_without("held");
}

SCRATCH_TEST(marker, killed_holder_leaves_it_for_the_next)
{
	int folder = open_folder("t"), ready[2];
	char byte;
	pid_t process;

	cr_assert_eq(pipe(ready), 0);
	process = fork();
	if (process == 0) {
		struct marker marker = {0};

		(void)alarm(30);
		marker_raise(&marker, folder);
		(void)write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	marker_tidy(folder);
	cr_assert(is_there(PATH));
	cr_assert_eq(kill(process, SIGKILL), 0);
	cr_assert_eq(waitpid(process, NULL, 0), process);
	cr_assert(is_there(PATH));
	marker_tidy(folder);
	cr_assert_not(is_there(PATH));
}

/* Processes that come and go at random: whoever holds one finds the file there, or has none; and
 * when all have gone, it has gone. */
SCRATCH_TEST(marker, many_at_once)
{
	int folder = open_folder("t"), status;

	for (int i = 0; i < 4; i++) {
		if (fork() != 0)
			continue;
		for (int round = 0; round < 2000; round++) {
			struct marker marker = {0};

			if (round % 8 == i)
				marker_tidy(folder);
			marker_raise(&marker, folder);
			if (marker.descriptor >= 0 && !is_there(PATH))
				_exit(1);
			marker_lower(&marker);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		cr_assert_gt(wait(&status), 0);
		cr_assert_eq(status, 0);
	}
	cr_assert_not(is_there(PATH));
}
