/*
 * message: what is said about one source, in compileall's words or in py_compile's.
 *
 * compileall prints everything on standard output and begins an error with "*** "; py_compile is
 * silent but for errors, on standard error and without a frame.
 */
#ifndef PYCOMPILEALL_MESSAGE_H
#define PYCOMPILEALL_MESSAGE_H

#include "report.h"
#include "staleness.h"

#include <stdbool.h>
#include <stddef.h>

/* How to say it. */
struct message_style {
	bool py_compile; /* as python -m py_compile does */
	int quiet;    /* compileall: 0, 1 (errors only), 2 (nothing); py_compile: 0 or errors off */
	bool verbose; /* verdicts, and the paths that py_compile writes */
	/* Where there are several interpreters, the one it is about; else NULL. */
	const char *label;
};

/* "Compiling 'a.py'...", "Compiling 'a.py' for cpython-312..." */
void message_compiling(struct report_lines *lines, const struct message_style *style,
		       const char *path);

/* "Fresh 'a.py'", "Stale 'a.py' [opt-1] (source mtime)"; `optimization` is "" for level 0. */
void message_verdict(struct report_lines *lines, const struct message_style *style,
		     const char *path, const char *optimization, enum staleness verdict);

/* py_compile with -v: the path that was written. */
void message_written(struct report_lines *lines, const struct message_style *style,
		     const char *cache_path);

/* What Python printed on standard error: `size` bytes of UTF-8. */
void message_warnings(struct report_lines *lines, const struct message_style *style,
		      const char *text, size_t size);

/* "The stripdir path ... is not a valid prefix ..." */
void message_unstripped(struct report_lines *lines, const struct message_style *style,
			const char *strip, const char *path);

/* Errors of the source at `path`: an errno that concerns `concerned`, marked if it is a common
 * cause; a text of Python's, `size` bytes of UTF-8; a cache path where a link, or else something
 * that is no file, stands. */
void message_errno(struct report_lines *lines, const struct message_style *style, const char *path,
		   int error, const char *concerned);
void message_python(struct report_lines *lines, const struct message_style *style, const char *path,
		    const char *text, size_t size);
void message_exists(struct report_lines *lines, const struct message_style *style, const char *path,
		    const char *cache_path, bool is_link);

#endif
