#include "config.h"

#include "temporary.h"

#include "file_lock.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Test(temporary, names_are_recognised_and_differ)
{
	char one[TEMPORARY_SIZE], other[TEMPORARY_SIZE];

	temporary_name(one);
	temporary_name(other);
	cr_assert_str_neq(one, other);
	cr_assert_eq(temporary_process(one), getpid());
	cr_assert_eq(temporary_process(other), getpid());
}

Test(temporary, other_names_are_not_ours)
{
	static const char *const names[] = {
		"",
		"a.cpython-311.pyc",
		".pycompileall-",
		".pycompileall-1-0",
		".pycompileall-1-0.tmp.bak",
		".pycompileall--1-0.tmp",
		".pycompileall-0-0.tmp",
		".pycompileall- 1-0.tmp",
		".pycompileall-1-+0.tmp",
		".pycompileall-99999999999999999999-0.tmp",
		".pycompileall-99999999999-0.tmp",
		"x.pycompileall-1-0.tmp",
	};

	cr_assert_eq(temporary_process(".pycompileall-1-0.tmp"), 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		cr_assert_eq(temporary_process(names[i]), 0, "%s", names[i]);
}

/* The number of a process that has been and gone. */
static pid_t dead_process(void)
{
	pid_t process = fork();

	if (process == 0)
		_exit(0);
	cr_assert_eq(waitpid(process, NULL, 0), process);
	return process;
}

/* One of a process, with a lock or without. Its descriptor. */
static int make(char path[100], pid_t process, int serial, bool locked)
{
	int file;

	(void)snprintf(path, 100, "t/.pycompileall-%ld-%d.tmp", (long)process, serial);
	scratch_file(path, "half");
	file = open(path, O_WRONLY);
	cr_assert_geq(file, 0);
	if (locked)
		cr_assert_eq(file_lock_try(file, FILE_LOCK_ALONE), FILE_LOCK_GOT);
	return file;
}

static bool clean(void)
{
	int folder = open("t", O_PATH | O_DIRECTORY);
	bool all = temporary_clean(folder);

	close(folder);
	return all;
}

/* The lock tells, not the number: in a container this process may have that of the dead one, and in
 * another pid namespace a living one may be nobody's. */
SCRATCH_TEST(temporary, only_those_of_the_dead_are_removed)
{
	char dead[100], namesake[100], living[100], elsewhere[100];
	int one, other;

	(void)make(dead, dead_process(), 7, false);
	(void)make(namesake, getpid(), 7, false);
	one = make(living, getpid(), 8, true);
	other = make(elsewhere, dead_process(), 9, true);
	scratch_file("t/.pycompileall-x.tmp", "somebody else's");
	cr_assert_not(clean());
	cr_assert_eq(access(dead, F_OK), -1);
	cr_assert_eq(access(namesake, F_OK), -1);
	cr_assert_eq(access(living, F_OK), 0);
	cr_assert_eq(access(elsewhere, F_OK), 0);
	close(one);
	close(other);
	cr_assert(clean());
	cr_assert_eq(access(living, F_OK), -1);
	cr_assert_eq(access(elsewhere, F_OK), -1);
	cr_assert_eq(access("t/.pycompileall-x.tmp", F_OK), 0);
}

/* Where a lock cannot be asked for, as on some file systems, the number has to do. */
SCRATCH_TEST(temporary, without_locks_the_process_tells)
{
	char dead[100], living[100];

	scratch_folder("t");
	(void)snprintf(dead, sizeof(dead), "t/.pycompileall-%ld-7.tmp", (long)dead_process());
	(void)snprintf(living, sizeof(living), "t/.pycompileall-%ld-7.tmp", (long)getpid());
	scratch_fifo(dead);
	scratch_fifo(living);
	cr_assert_not(clean());
	cr_assert_eq(access(dead, F_OK), -1);
	cr_assert_eq(access(living, F_OK), 0);
}
