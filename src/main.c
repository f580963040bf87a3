/*
 * pycompileall: byte-compiles trees of Python sources.
 *
 * The map of this folder, in the order in which a run flows:
 *
 *   options         the command line and the environment, from one table
 *   session         one run: starts and stops all the others
 *   interrupt       signals, as an event
 *   feed            operands into batches; every line gets its slot
 *     walk          folders in order (walk_fts, walk_nftw; walk_entries is what they share)
 *     folder        open folders, reached through no link
 *     batch         sources of one folder
 *   queue           batches from the walker to the workers
 *   worker          the way of one source: check, read, compile, write, report
 *     staleness     whether a .pyc still fits, and if not, why
 *       pyc_header, source_hash
 *     cache_path    where byte-code belongs
 *     file_io       sources are read consistently, .pyc files written atomically
 *     compiler      the client of a compile server
 *       protocol    what they say to each other
 *   report          lines in walk order, and the counts
 *     progress      the line on the terminal
 *     text          names and messages as Python prints them
 *     py_error      errno as Python's exceptions
 *
 *   compile_server  the other program: embeds libpython, knows no file of the tree
 *
 *   buffer, cpu, interpreter, thread: used throughout
 */
#include "config.h"

#include "interpreter.h"
#include "options.h"
#include "session.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum session_status print(const struct options *options)
{
	if (options->help)
		options_print_help(stdout);
	else
		(void)printf("%s %s (Python %s)\n", PACKAGE_NAME, PACKAGE_VERSION,
			     interpreter_embedded()->version);
	return fflush(stdout) == 0 ? SESSION_OK : SESSION_FAILED;
}

static enum session_status run(const struct options *options)
{
	if (options->help || options->version)
		return print(options);
	return session_run(options);
}

int main(int argc, char *argv[])
{
	struct options options;
	enum session_status status;

	text_init();
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
	return (int)status;
}
