/*
 * pycompileall: byte-compiles trees of Python sources.
 *
 * The map of this folder, in the order in which a run flows:
 *
 *   options         the command line, from one table
 *     environment   the variables that speak for what it does not say
 *   session         one run: starts and stops all the others
 *   interrupt       signals, as an event
 *   target          whose byte-code is made, and what of it: the interpreters of the run
 *     executable      which file an interpreter is
 *     interpreter_cache  what it said it is, from an earlier run
 *   list, sys_path  what is to be compiled: names from -i, and sys.path
 *   feed            operands into batches; every line gets its slot
 *     walk          folders in order (walk_fts, walk_nftw; walk_entries is what they share)
 *     folder        open folders, reached through no link
 *     batch         sources of one folder
 *     branches      folders that one walk leaves to others
 *   queue           batches, and branches, from those who walk to those who work
 *   worker          the way of one source: check, read, compile, write, report
 *     source        the source at hand
 *     group         sources put aside, to be compiled for one target after the other
 *     filter        what is skipped: -x (regex) and -e
 *     source_name   co_filename: -d, -s, -p
 *     recompile     what is done with it for one target
 *       equal_levels  what need not be compiled a second time
 *     staleness     whether a .pyc still fits, and if not, why
 *       pyc_header, source_hash
 *     cache_file    where byte-code goes, as something to open
 *       cache_path  the same as strings
 *     marker        says where byte-code is written, lest what a killed run left is never found
 *     file_io       sources are read consistently, .pyc files written atomically
 *       temporary   the name they have until then
 *       file_lock   whether whoever made one lives
 *     durability    which file systems were written to
 *     compiler      the client of a compile server
 *       process     starts it
 *       protocol    what they say to each other
 *   report          lines in walk order, and the counts
 *     report_lines  what there is to say at one place
 *     cause         errors that many files share: told once, then counted
 *     progress      the line on the terminal
 *     message       what is said about one source
 *     text          names and messages as Python prints them
 *     py_error      errno as Python's exceptions
 *
 *   paths           --cache-path and --source-path: no run at all
 *
 *   pycompile       libpycompile's functions: names for other programs, and for paths, of what
 *                   the rooms from staleness on know; pycompile.h is the one public header
 *
 *   compile_server  the other program: embeds libpython, knows no file of the tree;
 *                   compile_server.py is the same for any other interpreter
 *
 *   buffer, cpu, descriptors, interpreter, thread: used throughout
 */
#include "config.h"

#include "interpreter.h"
#include "options.h"
#include "paths.h"
#include "session.h"
#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static int print_version(void)
{
	(void)printf("%s %s (Python %s)\n", PACKAGE_NAME, PACKAGE_VERSION,
		     interpreter_embedded()->version);
	return fflush(stdout) == 0 ? SESSION_OK : SESSION_FAILED;
}

static int print_help(void)
{
	options_print_help(stdout);
	return fflush(stdout) == 0 ? SESSION_OK : SESSION_FAILED;
}

static int run(const struct options *options)
{
	switch (options->action) {
	case OPTIONS_HELP:
		return print_help();
	case OPTIONS_VERSION:
		return print_version();
	case OPTIONS_CACHE_PATH:
	case OPTIONS_SOURCE_PATH:
		return paths_print(options);
	default:
		return (int)session_run(options);
	}
}

/* Some parents want to hear nothing of their children; ours are to be waited for. Two signals would
 * kill us in the middle of a write, where errno says as much: they are ignored, as Python does. */
static void set_signals(void)
{
	/* These are signals, so this cannot fail. */
	(void)signal(SIGCHLD, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
}

int main(int argc, char *argv[])
{
	struct options options;
	int status;

	text_init();
	set_signals();
	switch (options_parse(&options, argc, argv, stderr)) {
	case OPTIONS_OK:
		status = run(&options);
		break;
	case OPTIONS_WRONG:
		status = SESSION_USAGE;
		break;
	default:
		(void)fprintf(stderr, "%s: %s\n", PACKAGE_NAME, strerror(errno));
		status = SESSION_IMPOSSIBLE;
	}
	options_fini(&options);
	return status;
}
