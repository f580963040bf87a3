#include "config.h"

#include "file_lock.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_again(void)
{
	int descriptor = file_lock_open(AT_FDCWD, "x");

	cr_assert_geq(descriptor, 0);
	return descriptor;
}

SCRATCH_TEST(file_lock, one_alone_or_several_together)
{
	int one, other;

	scratch_file("x", "");
	one = open_again();
	other = open_again();
	cr_assert_eq(file_lock_try(one, FILE_LOCK_ALONE), FILE_LOCK_GOT);
	cr_assert_eq(file_lock_try(other, FILE_LOCK_ALONE), FILE_LOCK_OTHERS);
	cr_assert_eq(file_lock_try(other, FILE_LOCK_TOGETHER), FILE_LOCK_OTHERS);
	cr_assert_eq(file_lock_try(one, FILE_LOCK_TOGETHER), FILE_LOCK_GOT);
	cr_assert_eq(file_lock_try(other, FILE_LOCK_TOGETHER), FILE_LOCK_GOT);
	cr_assert_eq(file_lock_try(one, FILE_LOCK_ALONE), FILE_LOCK_OTHERS);
	close(other);
	cr_assert_eq(file_lock_try(one, FILE_LOCK_ALONE), FILE_LOCK_GOT);
	close(one);
}

SCRATCH_TEST(file_lock, ends_with_its_holder)
{
	int descriptor, ready[2];
	char byte;
	pid_t process;

	scratch_file("x", "");
	descriptor = open_again();
	cr_assert_eq(pipe(ready), 0);
	process = fork();
	if (process == 0) {
		int own = file_lock_open(AT_FDCWD, "x");

		(void)alarm(30);
		if (file_lock_try(own, FILE_LOCK_ALONE) == FILE_LOCK_GOT)
			(void)write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	cr_assert_eq(file_lock_try(descriptor, FILE_LOCK_ALONE), FILE_LOCK_OTHERS);
	cr_assert_eq(kill(process, SIGKILL), 0);
	cr_assert_eq(waitpid(process, NULL, 0), process);
	cr_assert_eq(file_lock_try(descriptor, FILE_LOCK_ALONE), FILE_LOCK_GOT);
	close(descriptor);
}

/* A descriptor that only names a file takes no lock, as one on a file system without locks. */
SCRATCH_TEST(file_lock, unknown_where_there_are_none)
{
	int descriptor;

	scratch_file("x", "");
	descriptor = open("x", O_PATH);
	cr_assert_eq(file_lock_try(descriptor, FILE_LOCK_ALONE), FILE_LOCK_UNKNOWN);
	close(descriptor);
}

SCRATCH_TEST(file_lock, knows_whether_the_name_is_gone)
{
	int descriptor;

	scratch_file("x", "");
	descriptor = open_again();
	cr_assert_eq(file_lock_has_name(descriptor), 1);
	cr_assert_eq(unlink("x"), 0);
	cr_assert_eq(file_lock_has_name(descriptor), 0);
	close(descriptor);
	cr_assert_eq(file_lock_has_name(descriptor), -1);
	cr_assert_eq(errno, EBADF);
}

SCRATCH_TEST(file_lock, opens_regular_files_only)
{
	scratch_file("file", "");
	scratch_folder("folder");
	cr_assert_eq(symlink("file", "link"), 0);
	cr_assert_eq(mkfifo("fifo", 0600), 0);
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = {"folder", "link", "fifo"};

		cr_assert_eq(file_lock_open(AT_FDCWD, names[i]), -1, "%s", names[i]);
		cr_assert_eq(errno, EINVAL, "%s", names[i]);
	}
	cr_assert_eq(file_lock_open(AT_FDCWD, "missing"), -1);
	cr_assert_eq(errno, ENOENT);
}

/* Who may only read it can still ask for its lock. */
SCRATCH_TEST(file_lock, opens_what_may_only_be_read)
{
	int status;
	pid_t process;

	scratch_file("x", "");
	scratch_mode("x", 0444);
	scratch_mode(".", 0755);
	process = fork();
	if (process == 0) {
		int descriptor;

		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(2);
		descriptor = file_lock_open(AT_FDCWD, "x");
		_exit(descriptor >= 0 && file_lock_try(descriptor, FILE_LOCK_ALONE) == FILE_LOCK_GOT
			      ? 0
			      : 1);
	}
	cr_assert_eq(waitpid(process, &status, 0), process);
	cr_assert_eq(status, 0);
}
