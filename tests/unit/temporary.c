#include "config.h"

#include "temporary.h"

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

SCRATCH_TEST(temporary, only_those_of_the_dead_are_removed)
{
	char dead[100], living[100];
	int folder;

	(void)snprintf(dead, sizeof(dead), "t/.pycompileall-%ld-7.tmp", (long)dead_process());
	(void)snprintf(living, sizeof(living), "t/.pycompileall-%ld-7.tmp", (long)getpid());
	scratch_file(dead, "half");
	scratch_file(living, "half");
	scratch_file("t/.pycompileall-x.tmp", "somebody else's");
	folder = open("t", O_PATH | O_DIRECTORY);
	temporary_clean(folder);
	close(folder);
	cr_assert_eq(access(dead, F_OK), -1);
	cr_assert_eq(access(living, F_OK), 0);
	cr_assert_eq(access("t/.pycompileall-x.tmp", F_OK), 0);
}
