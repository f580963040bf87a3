#include "config.h"

#include "file_io.h"

#include "temporary.h"

#include "support/scratch.h"
#include "support/watch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int write_text(const char *name, const char *header, const char *body, mode_t mode)
{
	struct file_io_content content = {
		.header = header,
		.header_size = strlen(header),
		.body = body,
		.body_size = strlen(body),
		.mode = mode,
	};
	int folder = file_io_open_cache(AT_FDCWD, "cache", false);
	int error, result;

	cr_assert_geq(folder, 0);
	result = file_io_write(folder, name, &content);
	error = errno;
	close(folder);
	errno = error;
	return result;
}

static void assert_content(const char *path, const char *expected)
{
	size_t size;
	char *content = scratch_read(path, &size);

	cr_assert_eq(size, strlen(expected));
	cr_assert_arr_eq(content, expected, size);
	free(content);
}

SCRATCH_TEST(file_io, write_makes_the_folder_and_the_file)
{
	struct stat status;

	umask(027);
	cr_assert_eq(write_text("x.pyc", "head", "body", 0644), 0);
	assert_content("cache/x.pyc", "headbody");
	cr_assert_eq(stat("cache", &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0750);
	cr_assert_eq(stat("cache/x.pyc", &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0640);
}

SCRATCH_TEST(file_io, write_replaces_and_does_not_truncate)
{
	struct stat before, after;

	scratch_file("cache/x.pyc", "old");
	cr_assert_eq(link("cache/x.pyc", "old"), 0);
	cr_assert_eq(stat("old", &before), 0);
	cr_assert_eq(write_text("x.pyc", "new", "", 0644), 0);
	assert_content("cache/x.pyc", "new");
	assert_content("old", "old");
	cr_assert_eq(stat("cache/x.pyc", &after), 0);
	cr_assert_neq(before.st_ino, after.st_ino);
}

SCRATCH_TEST(file_io, failed_write_leaves_the_old_file_and_no_temporary)
{
	struct rlimit limit = {.rlim_cur = 100, .rlim_max = RLIM_INFINITY};
	char body[1000];

	memset(body, 'b', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	scratch_file("cache/x.pyc", "old");
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_eq(write_text("x.pyc", "new", body, 0644), -1);
	cr_assert_eq(errno, EFBIG);
	limit.rlim_cur = RLIM_INFINITY;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_content("cache/x.pyc", "old");
	cr_assert_eq(unlink("cache/x.pyc"), 0);
	cr_assert_eq(rmdir("cache"), 0, "a temporary was left");
}

SCRATCH_TEST(file_io, failed_rename_leaves_no_temporary)
{
	scratch_folder("cache/x.pyc");
	cr_assert_eq(write_text("x.pyc", "new", "", 0644), -1);
	cr_assert_eq(errno, EISDIR);
	cr_assert_eq(rmdir("cache/x.pyc"), 0);
	cr_assert_eq(rmdir("cache"), 0, "a temporary was left");
}

SCRATCH_TEST(file_io, name_may_be_as_long_as_a_name_can_be)
{
	char name[256], path[300] = "cache/";

	memset(name, 'n', 255);
	name[255] = '\0';
	strcat(path, name);
	cr_assert_eq(write_text(name, "head", "body", 0644), 0);
	assert_content(path, "headbody");
}

SCRATCH_TEST(file_io, cache_folder_is_not_a_link)
{
	scratch_folder("elsewhere");
	scratch_symlink("elsewhere", "cache");
	cr_assert_eq(file_io_open_cache(AT_FDCWD, "cache", false), -1);
	cr_assert_eq(errno, ENOTDIR);
}

SCRATCH_TEST(file_io, cache_folder_with_its_parents)
{
	struct stat status;
	int folder = file_io_open_cache(AT_FDCWD, "prefix/a/b", true);

	cr_assert_geq(folder, 0);
	close(folder);
	cr_assert_eq(stat("prefix/a/b", &status), 0);
	cr_assert_eq(status.st_mode & 07777, 0755);
}

SCRATCH_TEST(file_io, source_is_read_whole_whatever_its_size)
{
	static const size_t sizes[] = {0, 1, 16383, 16384, 16385, 16386, 100000, 1000000};
	struct buffer bytes = BUFFER_INIT;
	struct stat status;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *content = malloc(sizes[i] + 1);

		for (size_t j = 0; j < sizes[i]; j++)
			content[j] = (char)(j * 7 % 251);
		scratch_bytes("x.py", content, sizes[i]);
		cr_assert_eq(file_io_read_source(AT_FDCWD, "x.py", &bytes, &status), 0);
		cr_assert_eq(bytes.size, sizes[i]);
		cr_assert_eq((size_t)status.st_size, sizes[i]);
		if (sizes[i] > 0)
			cr_assert_arr_eq(bytes.data, content, sizes[i]);
		free(content);
	}
	buffer_fini(&bytes);
}

SCRATCH_TEST(file_io, what_is_no_regular_file_is_not_read)
{
	struct buffer bytes = BUFFER_INIT;
	struct stat status;

	scratch_fifo("fifo.py");
	scratch_folder("folder.py");
	cr_assert_eq(file_io_read_source(AT_FDCWD, "fifo.py", &bytes, &status), -1);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(file_io_read_source(AT_FDCWD, "folder.py", &bytes, &status), -1);
	cr_assert_eq(errno, EISDIR);
	cr_assert_eq(file_io_read_source(AT_FDCWD, "none.py", &bytes, &status), -1);
	cr_assert_eq(errno, ENOENT);
	buffer_fini(&bytes);
}

/* A link to a regular file is as good as the file; through any other nothing is opened. */
SCRATCH_TEST(file_io, links_lead_to_regular_files_only)
{
	struct buffer bytes = BUFFER_INIT;
	struct watch watch;
	struct stat status;
	char front[4];

	scratch_file("file", "x = 1\n");
	scratch_fifo("fifo");
	scratch_folder("folder");
	scratch_symlink("file", "link");
	scratch_symlink("link", "link.py");
	scratch_symlink("fifo", "fifo.py");
	scratch_symlink("folder", "folder.py");
	scratch_symlink("loop.py", "loop.py");
	watch_start(&watch, "fifo", IN_OPEN);
	cr_assert_eq(file_io_read_source(AT_FDCWD, "link.py", &bytes, &status), 0);
	cr_assert(bytes.size == 6 && S_ISREG(status.st_mode));
	cr_assert_eq(file_io_read_front(AT_FDCWD, "link.py", front, sizeof(front)), 4);
	cr_assert_eq(file_io_read_source(AT_FDCWD, "fifo.py", &bytes, &status), -1);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(file_io_read_front(AT_FDCWD, "fifo.py", front, sizeof(front)), -1);
	cr_assert_eq(errno, EINVAL);
	cr_assert_eq(file_io_read_source(AT_FDCWD, "folder.py", &bytes, &status), -1);
	cr_assert_eq(errno, EISDIR);
	cr_assert_eq(file_io_read_source(AT_FDCWD, "loop.py", &bytes, &status), -1);
	cr_assert_eq(errno, ELOOP);
	cr_assert_eq(watch_end(&watch), 0, "the FIFO was opened");
	buffer_fini(&bytes);
}

/* A file of the kernel has no size, and yet there is much to read, or no end. */
SCRATCH_TEST(file_io, source_with_more_than_its_size_takes_no_memory)
{
	static const char path[] = "/proc/kallsyms";
	struct buffer bytes = BUFFER_INIT;
	struct stat status;

	if (access(path, R_OK) != 0)
		SCRATCH_SKIP("%s cannot be read", path);
	cr_assert_eq(file_io_read_source(AT_FDCWD, path, &bytes, &status), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_lt(bytes.capacity, 65536);
	buffer_fini(&bytes);
}

/* Takes the names of the next temporaries of this process. */
static void take_temporaries(unsigned count)
{
	char name[TEMPORARY_SIZE], path[TEMPORARY_SIZE + 8];
	unsigned serial;
	int process;

	temporary_name(name);
	cr_assert_eq(sscanf(name, ".pycompileall-%d-%u.tmp", &process, &serial), 2);
	for (unsigned i = 1; i <= count; i++) {
		(void)snprintf(path, sizeof(path), "cache/.pycompileall-%d-%u.tmp", process,
			       serial + i);
		cr_assert_eq(symlink("nowhere", path), 0);
	}
}

/* Neither are they followed, nor does anybody hold us up by taking ever more of them. */
SCRATCH_TEST(file_io, names_of_temporaries_that_are_taken)
{
	scratch_folder("cache");
	take_temporaries(10);
	cr_assert_eq(write_text("x.pyc", "head", "body", 0644), 0);
	assert_content("cache/x.pyc", "headbody");
	take_temporaries(2000);
	cr_assert_eq(write_text("y.pyc", "head", "body", 0644), -1);
	cr_assert_eq(errno, EEXIST);
	cr_assert_eq(access("cache/nowhere", F_OK), -1);
}

SCRATCH_TEST(file_io, target_that_is_no_regular_file_is_told)
{
	scratch_file("file", "");
	scratch_symlink("file", "link");
	scratch_folder("folder");
	scratch_fifo("fifo");
	cr_assert_eq(file_io_target(AT_FDCWD, "none"), FILE_IO_WRITABLE);
	cr_assert_eq(file_io_target(AT_FDCWD, "file"), FILE_IO_WRITABLE);
	cr_assert_eq(file_io_target(AT_FDCWD, "link"), FILE_IO_SYMLINK);
	cr_assert_eq(file_io_target(AT_FDCWD, "folder"), FILE_IO_NOT_REGULAR);
	cr_assert_eq(file_io_target(AT_FDCWD, "fifo"), FILE_IO_NOT_REGULAR);
}

Test(file_io, cache_mode_is_importlibs)
{
	/* importlib._bootstrap_external: (mode | 0o200) & 0o666 */
	cr_assert_eq(file_io_cache_mode(S_IFREG | 0755), 0644);
	cr_assert_eq(file_io_cache_mode(S_IFREG | 0400), 0600);
	cr_assert_eq(file_io_cache_mode(S_IFREG | 0444), 0644);
	cr_assert_eq(file_io_cache_mode(S_IFREG | 06755), 0644);
}

/* Somebody who cleans up all the time, as one run after another would. */
static pid_t start_cleaning(void)
{
	pid_t process;

	scratch_folder("cache");
	process = fork();
	if (process == 0) {
		int folder = open("cache", O_PATH | O_DIRECTORY);

		/* Where the test fails nobody else ends it. */
		(void)alarm(30);
		for (;;)
			(void)temporary_clean(folder);
	}
	cr_assert_gt(process, 0);
	return process;
}

static void stop_cleaning(pid_t process)
{
	cr_assert_eq(kill(process, SIGKILL), 0);
	cr_assert_eq(waitpid(process, NULL, 0), process);
}

SCRATCH_TEST(file_io, write_beside_those_who_clean_up)
{
	pid_t process = start_cleaning();
	char body[20000], path[32];

	memset(body, 'x', sizeof(body) - 1);
	body[sizeof(body) - 1] = '\0';
	for (int i = 0; i < 1500; i++) {
		struct stat status;

		(void)snprintf(path, sizeof(path), "cache/%d.pyc", i % 7);
		cr_assert_eq(write_text(strchr(path, '/') + 1, "head", body, 0644), 0, "%s",
			     strerror(errno));
		cr_assert_eq(stat(path, &status), 0);
		cr_assert_eq(status.st_size, (off_t)sizeof(body) + 3);
	}
	stop_cleaning(process);
}

SCRATCH_TEST(file_io, link_beside_those_who_clean_up)
{
	pid_t process = start_cleaning();
	int folder = file_io_open_cache(AT_FDCWD, "cache", false);

	for (int i = 0; i < 1500; i++) {
		struct stat one, other;

		cr_assert_eq(write_text("one.pyc", "head", "body", 0644), 0);
		cr_assert_eq(write_text("other.pyc", "head", "body", 0644), 0);
		cr_assert_eq(file_io_link(folder, "one.pyc", "other.pyc"), 0, "%s",
			     strerror(errno));
		cr_assert_eq(stat("cache/one.pyc", &one), 0);
		cr_assert_eq(stat("cache/other.pyc", &other), 0);
		cr_assert_eq(one.st_ino, other.st_ino);
	}
	close(folder);
	stop_cleaning(process);
}
