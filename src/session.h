/*
 * session: one run. Starts and stops all the others, in order, and knows the exit status.
 */
#ifndef PYCOMPILEALL_SESSION_H
#define PYCOMPILEALL_SESSION_H

struct options;

/* Exit statuses. */
enum session_status {
	SESSION_OK = 0,         /* all is up to date */
	SESSION_FAILED = 1,     /* some file could not be compiled, read, listed or written */
	SESSION_USAGE = 2,      /* the command line is wrong */
	SESSION_IMPOSSIBLE = 3, /* the run could not be done: no server, no thread, no memory */
};

/*
 * Does the run that the options ask for. Returns its exit status; where a signal ended it, the
 * process dies by that signal instead.
 */
enum session_status session_run(const struct options *options);

#endif
