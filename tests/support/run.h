/*
 * run: one run of a program: what it is given, and what became of it.
 *
 * Standard output and error go to files, so that a program never waits for the test; where
 * standard error is to be a terminal, run_wait reads along. A run that takes too long is killed.
 */
#ifndef TESTS_RUN_H
#define TESTS_RUN_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/*
 * What a program is given. The lists end in NULL; a list that is NULL is empty. The arguments are
 * those of `program` (its path first), `options` and `arguments`, in this order.
 */
struct run_request {
	const char *const *program;
	const char *const *options;
	const char *const *arguments;
	/*
	 * "NAME=value" each, on top of PATH, HOME, LANG=C.UTF-8 and the sanitizers' options; no
	 * other variable of the test's own environment is handed down, no PYTHON... among them.
	 */
	const char *const *environment;
	const char *input; /* standard input; NULL: /dev/null */
	mode_t umask;      /* 0: the test's own */
	off_t file_limit;  /* bytes that a file may grow to; 0: no limit */
	bool unprivileged; /* root's power to pass by permissions is taken away */
	bool terminal;     /* standard error is a terminal */
	/* Called in the child before it becomes the program, and so only what is safe behind a
	 * fork: 0, or -1 and it exits with 126. NULL: nothing. */
	int (*prepare)(void);
	unsigned seconds; /* it may take; 0: RUN_SECONDS */
};

#define RUN_SECONDS 120

/* What became of it. */
struct run_result {
	char *command;     /* the command line, for messages */
	int status;        /* exit status, or -1 */
	int signal;        /* that it died by, or 0 */
	bool timed_out;    /* it took too long and was killed */
	bool left_running; /* processes that it started outlived it */
	long peak;         /* KiB that it, or what it waited for, had resident at most; never less
			    * than the test had when it started it */
	char *output;      /* of standard output; a NUL byte follows */
	size_t output_size;
	char *errors; /* of standard error, or the terminal; a NUL byte follows */
	size_t errors_size;
};

/* A run under way. */
struct run {
	char *command;
	pid_t process; /* leads a session and a process group of its own */
	FILE *output;
	FILE *errors;
	int terminal;     /* our end of the terminal, or -1 */
	unsigned seconds; /* until it is killed */
};

/* Starts a program. Fails the test if that is not possible. */
void run_start(struct run *run, const struct run_request *request);

/*
 * Waits until the program and all that it started have ended, the latter for two seconds at most.
 * `result` is to be given to run_result_fini.
 */
void run_wait(struct run *run, struct run_result *result);

/* Both at once. */
void run_program(struct run_result *result, const struct run_request *request);

void run_result_fini(struct run_result *result);

/* The program under test, by the environment variable PYCOMPILEALL: an absolute path. */
const char *run_our_path(void);

/* Run or start it; the request's `program` is set here. */
void run_ours(struct run_result *result, struct run_request request);
void run_start_ours(struct run *run, struct run_request request);

/* The same for the interpreter whose byte-code is the aim, by the environment variable PYTHON. */
void run_python(struct run_result *result, struct run_request request);

/* Whether the environment asks for smaller trees and fewer combinations, as under sanitizers. */
bool run_quick(void);

/*
 * Whether a process of that user can load the compile server ($COMPILE_SERVER): the libpython of a
 * Python in root's home is for root alone. For root only, who can become that user.
 */
bool run_server_loads_as(uid_t user);

/* Whether the programs were built with a sanitizer, which maps more memory than any limit allows.
 */
bool run_sanitized(void);

/*
 * NULL if the program ended with this exit status, in time, with nothing left running; else what
 * happened instead, with both streams, in words that the caller frees.
 */
char *run_failure(const struct run_result *result, int status);

#define RUN_ASSERT(result, status)                                                                 \
	do {                                                                                       \
		char *failure_ = run_failure(result, status);                                      \
		cr_assert(!failure_, "%s", failure_ ? failure_ : "");                              \
	} while (0)

/* A list of arguments or variables in place. */
#define RUN_LIST(...)                                                                              \
	((const char *const[]){                                                                    \
		__VA_ARGS__,                                                                       \
		NULL,                                                                              \
	})

#endif
