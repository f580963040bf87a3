/*
 * py_error: against what CPython 3.13 raises and prints for the same errno.
 */
#include "config.h"

#include "buffer.h"
#include "py_error.h"

#include <criterion/criterion.h>
#include <errno.h>

/* type(OSError(errno, "")).__name__ */
static const struct {
	int error;
	const char *name;
} names[] = {
	{EAGAIN, "BlockingIOError"},
	{EWOULDBLOCK, "BlockingIOError"},
	{EALREADY, "BlockingIOError"},
	{EINPROGRESS, "BlockingIOError"},
	{EPIPE, "BrokenPipeError"},
	{ESHUTDOWN, "BrokenPipeError"},
	{ECHILD, "ChildProcessError"},
	{ECONNABORTED, "ConnectionAbortedError"},
	{ECONNREFUSED, "ConnectionRefusedError"},
	{ECONNRESET, "ConnectionResetError"},
	{EEXIST, "FileExistsError"},
	{ENOENT, "FileNotFoundError"},
	{EISDIR, "IsADirectoryError"},
	{ENOTDIR, "NotADirectoryError"},
	{EINTR, "InterruptedError"},
	{EACCES, "PermissionError"},
	{EPERM, "PermissionError"},
	{ESRCH, "ProcessLookupError"},
	{ETIMEDOUT, "TimeoutError"},
	{EIO, "OSError"},
	{ENOSPC, "OSError"},
	{ELOOP, "OSError"},
	{ENAMETOOLONG, "OSError"},
	{EROFS, "OSError"},
	{EMFILE, "OSError"},
	{EINVAL, "OSError"},
	{ENOMEM, "OSError"},
	{ESTALE, "OSError"},
	{ENOTEMPTY, "OSError"},
	{EXDEV, "OSError"},
	{0, "OSError"},
	{-1, "OSError"},
};

Test(py_error, name_python)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		cr_expect_str_eq(py_error_name(names[i].error), names[i].name, "errno %d: %s",
				 names[i].error, py_error_name(names[i].error));
}

static void expect_message(int error, const char *path, const char *expected)
{
	struct buffer buffer = BUFFER_INIT;

	py_error_append(&buffer, error, path);
	cr_expect_str_eq(buffer_string(&buffer), expected, "%s", buffer_string(&buffer));
	buffer_fini(&buffer);
}

Test(py_error, append_with_path)
{
	expect_message(EACCES, "a/b.py", "PermissionError: [Errno 13] Permission denied: 'a/b.py'");
	expect_message(ENOENT, "it's",
		       "FileNotFoundError: [Errno 2] No such file or directory: \"it's\"");
}

Test(py_error, append_without_path)
{
	expect_message(EACCES, NULL, "PermissionError: [Errno 13] Permission denied");
}

Test(py_error, append_undecodable_path)
{
	expect_message(ENOSPC, "x\xff", "OSError: [Errno 28] No space left on device: 'x\\udcff'");
}

Test(py_error, append_unknown_errno)
{
	expect_message(999999, "x", "OSError: [Errno 999999] Unknown error 999999: 'x'");
}
