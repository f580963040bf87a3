#include "config.h"

#include "py_error.h"

#include "buffer.h"
#include "text.h"

#include <errno.h>
#include <locale.h>
#include <stddef.h>
#include <string.h>

/* errnomap of CPython's Objects/exceptions.c. */
static const struct {
	int error;
	const char *name;
} py_errors[] = {
	{EAGAIN, "BlockingIOError"},
	{EALREADY, "BlockingIOError"},
	{EINPROGRESS, "BlockingIOError"},
	{EWOULDBLOCK, "BlockingIOError"},
	{EPIPE, "BrokenPipeError"},
#ifdef ESHUTDOWN
	{ESHUTDOWN, "BrokenPipeError"},
#endif
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
};

const char *py_error_name(int error)
{
	for (size_t i = 0; i < sizeof(py_errors) / sizeof(py_errors[0]); i++) {
		if (py_errors[i].error == error)
			return py_errors[i].name;
	}
	return "OSError";
}

/* Python leaves LC_MESSAGES alone, so its texts are the C locale's whatever the environment says;
 * unlike strerror, strerror_l is safe between threads. */
static void append_description(struct buffer *buffer, int error)
{
	locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);

	if (!locale) {
		buffer_printf(buffer, "Unknown error %d", error);
		return;
	}
	buffer_append_string(buffer, strerror_l(error, locale));
	freelocale(locale);
}

void py_error_append(struct buffer *buffer, int error, const char *path)
{
	buffer_printf(buffer, "%s: ", py_error_name(error));
	py_error_append_text(buffer, error, path);
}

void py_error_append_text(struct buffer *buffer, int error, const char *path)
{
	buffer_printf(buffer, "[Errno %d] ", error);
	append_description(buffer, error);
	if (!path)
		return;
	buffer_append_string(buffer, ": ");
	text_append_repr(buffer, path);
}

void py_error_append_exists(struct buffer *buffer, const char *path, bool is_link)
{
	text_append_name(buffer, path);
	buffer_append_string(buffer, is_link ? " is a symlink and will be changed into a regular "
					       "file if import writes a byte-compiled file to it"
					     : " is a non-regular file and will be changed into a "
					       "regular one if import writes a byte-compiled file "
					       "to it");
}
