#include "config.h"

#include "message.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct report_lines lines;

/* What was said since the last call. */
static void assert_said(const char *output, const char *errors)
{
	cr_assert_str_eq(buffer_string(&lines.output), output);
	cr_assert_str_eq(buffer_string(&lines.errors), errors);
	report_lines_clear(&lines);
}

static const struct message_style loud = {.quiet = 0}, errors_only = {.quiet = 1},
				  silent = {.quiet = 2}, verbose = {.verbose = true},
				  py_compile = {.py_compile = true},
				  py_compile_quiet = {.py_compile = true, .quiet = 1},
				  py_compile_verbose = {.py_compile = true, .verbose = true};

Test(message, compiling_is_said_at_level_0)
{
	message_compiling(&lines, &loud, "a'b.py");
	assert_said("Compiling \"a'b.py\"...\n", "");
	message_compiling(&lines, &errors_only, "a.py");
	message_compiling(&lines, &py_compile, "a.py");
	assert_said("", "");
}

Test(message, errno_by_style)
{
	message_errno(&lines, &loud, "a.py", EACCES, "a.py");
	assert_said("*** PermissionError: [Errno 13] Permission denied: 'a.py'\n", "");
	message_errno(&lines, &errors_only, "a.py", EACCES, "a.py");
	assert_said("*** Error compiling 'a.py'...\n"
		    "PermissionError: [Errno 13] Permission denied: 'a.py'\n",
		    "");
	message_errno(&lines, &silent, "a.py", EACCES, "a.py");
	assert_said("", "");
	message_errno(&lines, &py_compile, "a.py", ENOENT, "a.py");
	assert_said("", "[Errno 2] No such file or directory: 'a.py'\n");
	message_errno(&lines, &py_compile_quiet, "a.py", ENOENT, "a.py");
	assert_said("", "");
}

Test(message, python_text_keeps_its_own_newline)
{
	message_python(&lines, &loud, "a.py", "SyntaxError: no\n", 16);
	assert_said("*** SyntaxError: no\n\n", "");
	message_python(&lines, &py_compile, "a.py", "SyntaxError: no\n", 16);
	assert_said("", "SyntaxError: no\n");
	message_python(&lines, &py_compile, "a.py", "Sorry: ValueError: no", 21);
	assert_said("", "Sorry: ValueError: no\n");
}

Test(message, verdicts_are_said_when_verbose)
{
	message_verdict(&lines, &verbose, "a.py", "", STALENESS_FRESH);
	message_verdict(&lines, &verbose, "a.py", "2", STALENESS_MTIME);
	assert_said("Fresh 'a.py'\nStale 'a.py' [opt-2] (source mtime)\n", "");
	message_verdict(&lines, &loud, "a.py", "", STALENESS_FRESH);
	assert_said("", "");
}

Test(message, written_paths_are_said_by_py_compile_when_verbose)
{
	message_written(&lines, &py_compile_verbose, "__pycache__/a.pyc");
	assert_said("__pycache__/a.pyc\n", "");
	message_written(&lines, &verbose, "__pycache__/a.pyc");
	message_written(&lines, &py_compile, "__pycache__/a.pyc");
	assert_said("", "");
}

Test(message, what_stands_in_the_way)
{
	message_exists(&lines, &loud, "a.py", "a.pyc", true);
	assert_said(
		"*** FileExistsError: a.pyc is a symlink and will be changed into a regular file "
		"if import writes a byte-compiled file to it\n",
		"");
	message_exists(&lines, &py_compile, "a.py", "a.pyc", false);
	assert_said("",
		    "a.pyc is a non-regular file and will be changed into a regular one if import "
		    "writes a byte-compiled file to it\n");
}

Test(message, unstripped_is_said_below_level_2)
{
	message_unstripped(&lines, &errors_only, "/s", "q/a.py");
	assert_said("The stripdir path '/s' is not a valid prefix for source path 'q/a.py'; "
		    "ignoring\n",
		    "");
	message_unstripped(&lines, &silent, "/s", "q/a.py");
	assert_said("", "");
}

/* ---- Several interpreters ---- */

static const struct message_style labelled = {.label = "beta-2", .verbose = true},
				  labelled_errors_only = {.label = "beta-2", .quiet = 1},
				  labelled_silent = {.label = "beta-2", .quiet = 2},
				  labelled_py_compile = {.label = "beta-2", .py_compile = true};

Test(message, label_stands_behind_the_path)
{
	message_compiling(&lines, &labelled, "a.py");
	assert_said("Compiling 'a.py' for beta-2...\n", "");
	message_verdict(&lines, &labelled, "a.py", "", STALENESS_FRESH);
	message_verdict(&lines, &labelled, "a.py", "1", STALENESS_SIZE);
	assert_said("Fresh 'a.py' for beta-2\n"
		    "Stale 'a.py' for beta-2 [opt-1] (source size)\n",
		    "");
	message_python(&lines, &labelled_errors_only, "a.py", "SyntaxError: no\n", 16);
	assert_said("*** Error compiling 'a.py' for beta-2...\nSyntaxError: no\n\n", "");
	message_errno(&lines, &labelled_errors_only, "a.py", EACCES, "b.pyc");
	assert_said("*** Error compiling 'a.py' for beta-2...\n"
		    "PermissionError: [Errno 13] Permission denied: 'b.pyc'\n",
		    "");
}

/* "Compiling 'a.py' for beta-2..." stands above it. */
Test(message, label_is_not_said_twice)
{
	message_python(&lines, &labelled, "a.py", "SyntaxError: no\n", 16);
	assert_said("*** SyntaxError: no\n\n", "");
	message_python(&lines, &labelled_silent, "a.py", "SyntaxError: no\n", 16);
	assert_said("", "");
}

Test(message, label_stands_before_what_names_no_file)
{
	message_warnings(&lines, &labelled, "a.py:1: SyntaxWarning\n", 22);
	assert_said("", "beta-2: a.py:1: SyntaxWarning\n");
	message_warnings(&lines, &labelled, "", 0);
	assert_said("", "");
	message_python(&lines, &labelled_py_compile, "a.py", "SyntaxError: no\n", 16);
	assert_said("", "beta-2: SyntaxError: no\n");
	message_exists(&lines, &labelled_py_compile, "a.py", "a.pyc", false);
	assert_said("",
		    "beta-2: a.pyc is a non-regular file and will be changed into a regular one "
		    "if import writes a byte-compiled file to it\n");
	message_compiling(&lines, &labelled_py_compile, "a.py");
	assert_said("", "");
}

/* The whole text, with what frames it. */
Test(message, common_cause_is_marked)
{
	struct cause_tally tally = {0};

	for (int round = 0; round < 2; round++) {
		message_compiling(&lines, &loud, "a.py");
		message_errno(&lines, &loud, "a.py", EROFS, "a.pyc");
		message_errno(&lines, &errors_only, "b.py", ENOSPC, "b.pyc");
		message_errno(&lines, &py_compile, "c.py", ENOMEM, "c.py");
		report_lines_cut(&lines, &tally);
		assert_said(round == 0 ? "Compiling 'a.py'...\n"
					 "*** OSError: [Errno 30] Read-only file system: 'a.pyc'\n"
					 "*** Error compiling 'b.py'...\n"
					 "OSError: [Errno 28] No space left on device: 'b.pyc'\n"
				       : "Compiling 'a.py'...\n",
			    round == 0 ? "[Errno 12] Cannot allocate memory: 'c.py'\n" : "");
	}
}
