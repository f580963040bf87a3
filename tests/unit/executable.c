/* executable: names on PATH as execvp(3) finds them, and which file a process runs. */
#include "config.h"

#include "executable.h"

#include "process.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void make_program(const char *path)
{
	scratch_file(path, "#!/bin/sh\nexit 0\n");
	scratch_mode(path, 0755);
}

/* `name` is found at `expected` with this PATH. */
static void assert_found(const char *folders, const char *name, const char *expected)
{
	char *path;

	cr_assert_eq(setenv("PATH", folders, 1), 0);
	path = executable_find(name);
	cr_assert_not_null(path, "%s on '%s': errno %d", name, folders, errno);
	cr_assert_str_eq(path, expected);
	free(path);
}

static void assert_not_found(const char *folders, const char *name, int error)
{
	char *path;

	cr_assert_eq(setenv("PATH", folders, 1), 0);
	errno = 0;
	path = executable_find(name);
	cr_assert_null(path, "%s on '%s': %s", name, folders, path);
	cr_assert_eq(errno, error, "%s on '%s': errno %d", name, folders, errno);
}

SCRATCH_TEST(executable, first_folder_on_path_wins)
{
	make_program("one/both");
	make_program("two/both");
	make_program("two/second");
	assert_found("one:two", "both", "one/both");
	assert_found("two:one", "both", "two/both");
	assert_found("none:one:two", "second", "two/second");
	assert_not_found("one:two", "third", ENOENT);
}

/* As in a shell, wherever it stands: first, last, in between, alone. */
SCRATCH_TEST(executable, empty_component_is_the_current_folder)
{
	make_program("here");
	make_program("one/there");
	assert_found(":one", "here", "./here");
	assert_found("one:", "here", "./here");
	assert_found("none::one", "here", "./here");
	assert_found("", "here", "./here");
	assert_not_found("one:none", "here", ENOENT);
}

SCRATCH_TEST(executable, what_may_not_be_executed_is_passed_by_and_remembered)
{
	scratch_file("plain/it", "no program\n");
	make_program("right/it");
	assert_found("plain:right", "it", "right/it");
	assert_not_found("none:plain:none", "it", EACCES);
	assert_not_found("none", "it", ENOENT);
}

SCRATCH_TEST(executable, folders_are_no_programs)
{
	scratch_folder("one/it");
	make_program("two/it");
	assert_found("one:two", "it", "two/it");
	assert_not_found("one", "it", EACCES);
	assert_not_found("two", "./one/it", EACCES);
}

/* A file in the place of a folder is no reason to stop. */
SCRATCH_TEST(executable, files_on_path_are_passed_by)
{
	make_program("file");
	make_program("two/it");
	assert_found("file:two", "it", "two/it");
	assert_not_found("file", "it", ENOENT);
}

SCRATCH_TEST(executable, name_with_a_slash_is_a_path)
{
	make_program("it");
	make_program("one/it");
	assert_found("one", "./it", "./it");
	assert_found("none", "one/it", "one/it");
	assert_not_found("one", "none/it", ENOENT);
	assert_not_found("one", "it/it", ENOTDIR);
	scratch_mode("it", 0644);
	assert_not_found("one", "./it", EACCES);
}

SCRATCH_TEST(executable, no_name_is_nowhere)
{
	assert_not_found("/bin:.", "", ENOENT);
}

Test(executable, without_path_the_systems_folders_are_searched)
{
	char *path;

	cr_assert_eq(unsetenv("PATH"), 0);
	path = executable_find("sh");
	cr_assert_not_null(path);
	cr_assert_str_eq(path, "/bin/sh");
	free(path);
}

SCRATCH_TEST(executable, identity_is_that_of_the_file_behind_the_links)
{
	struct executable executable;
	char expected[500];
	struct stat status;

	make_program("real/it");
	scratch_symlink("real/it", "link");
	scratch_symlink("link", "another");
	cr_assert_eq(executable_identify(&executable, "./another"), 0);
	(void)snprintf(expected, sizeof(expected), "%s/real/it", scratch_path());
	cr_assert_str_eq(executable.path, expected);
	cr_assert_eq(stat("real/it", &status), 0);
	cr_assert_eq(executable.status.st_ino, status.st_ino);
	cr_assert_eq(executable.status.st_size, status.st_size);
	cr_assert_eq(executable.status.st_mtim.tv_sec, SCRATCH_MTIME);
	executable_fini(&executable);
	cr_assert_null(executable.path);
	executable_fini(&executable);
}

SCRATCH_TEST(executable, identity_of_nothing)
{
	struct executable executable;

	scratch_symlink("loop", "loop");
	cr_assert_eq(executable_identify(&executable, "none"), -1);
	cr_assert_eq(errno, ENOENT);
	cr_assert_null(executable.path);
	cr_assert_eq(executable_identify(&executable, "loop"), -1);
	cr_assert_eq(errno, ELOOP);
	cr_assert_null(executable.path);
}

SCRATCH_TEST(executable, fini_keeps_errno)
{
	struct executable executable = {0};

	errno = EXDEV;
	executable_fini(&executable);
	cr_assert_eq(errno, EXDEV);
}

SCRATCH_TEST(executable, this_process_runs_its_own_file)
{
	struct executable executable;

	cr_assert_eq(executable_identify(&executable, "/proc/self/exe"), 0);
	cr_assert(executable_is_run_by(&executable, getpid()));
	executable_fini(&executable);
	make_program("other");
	cr_assert_eq(executable_identify(&executable, "other"), 0);
	cr_assert_not(executable_is_run_by(&executable, getpid()));
	executable_fini(&executable);
}

/* A script is run by its interpreter; and that is so as soon as the exec was done. */
SCRATCH_TEST(executable, script_is_not_run_by_its_own_file)
{
	char path[] = "./script", *arguments[] = {path, NULL};
	const struct process_command command = {.path = path, .arguments = arguments};
	struct executable script, shell;
	pid_t process;
	int socket;

	scratch_file("script", "#!/bin/sh\nread line\n");
	scratch_mode("script", 0755);
	cr_assert_eq(executable_identify(&script, path), 0);
	cr_assert_eq(executable_identify(&shell, "/bin/sh"), 0);
	cr_assert_eq(process_start(&command, &socket, &process), 0);
	cr_assert_not(executable_is_run_by(&script, process));
	cr_assert(executable_is_run_by(&shell, process));
	(void)process_end(process);
	(void)close(socket);
	cr_assert_not(executable_is_run_by(&shell, process), "it has ended");
	executable_fini(&script);
	executable_fini(&shell);
}

/* The same name and content, put in its place: another file. */
SCRATCH_TEST(executable, replaced_file_is_another)
{
	char path[] = "./program", *arguments[] = {path, NULL};
	const struct process_command command = {.path = path, .arguments = arguments};
	struct executable before, after;
	size_t size;
	char *shell = scratch_read("/bin/sh", &size);
	pid_t process;
	int socket;

	scratch_bytes("program", shell, size);
	scratch_mode("program", 0755);
	scratch_bytes("next", shell, size);
	scratch_mode("next", 0755);
	free(shell);
	cr_assert_eq(executable_identify(&before, path), 0);
	cr_assert_eq(process_start(&command, &socket, &process), 0);
	cr_assert(executable_is_run_by(&before, process));
	cr_assert_eq(rename("next", "program"), 0);
	cr_assert_eq(executable_identify(&after, path), 0);
	cr_assert_not(executable_is_run_by(&after, process));
	cr_assert_str_eq(before.path, after.path);
	(void)process_end(process);
	(void)close(socket);
	executable_fini(&before);
	executable_fini(&after);
}
