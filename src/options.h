/*
 * options: the command line, and the environment that speaks for it.
 *
 * One table tells every option: the parser, --help, and the checks that the manual and the
 * completions agree with it all read that table. The habits are argparse's, because that is what
 * compileall's users have in their fingers and scripts: clusters (-lqj2), unique abbreviations of
 * long options, options and operands in any order, "--", and the last of two scalars wins.
 */
#ifndef PYCOMPILEALL_OPTIONS_H
#define PYCOMPILEALL_OPTIONS_H

#include "pyc_header.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What the program is to do. */
enum options_action {
	OPTIONS_COMPILE,     /* as python -m compileall */
	OPTIONS_PY_COMPILE,  /* --py-compile, or the name pycompile: as python -m py_compile */
	OPTIONS_CACHE_PATH,  /* --cache-path: print where byte-code belongs */
	OPTIONS_SOURCE_PATH, /* --source-path: print where its source is */
	OPTIONS_HELP,        /* -h: print the help */
	OPTIONS_VERSION,     /* --version: print the version */
};

/* As many interpreters as there are bits in a mask of them. */
#define OPTIONS_PYTHONS_MAX 32

#define OPTIONS_TIMEOUT 60 /* seconds, where none is asked for */

struct options {
	enum options_action action; /* what to do with the operands */

	int quiet;         /* -q: how often */
	bool verbose;      /* -v */
	bool force;        /* -f */
	bool no_recursion; /* -l */
	bool depth_given;  /* -r was given: it wins over -l */
	long depth;        /* -r: levels below an operand */
	long jobs;         /* -j: worker threads; 0: as many as there are usable CPUs */

	int *levels;        /* -o, as given; NULL: none was */
	size_t level_count; /* how many */

	bool mode_given;             /* --invalidation-mode */
	enum invalidation_mode mode; /* valid if mode_given */

	bool legacy;         /* -b: x.pyc beside x.py */
	bool hardlink_dupes; /* --hardlink-dupes */
	bool nuls;           /* -0: names in lists end with NUL bytes */

	const char **pythons;      /* --python, as given, borrowed from argv; NULL: none was */
	size_t python_count;       /* how many, at most OPTIONS_PYTHONS_MAX */
	bool no_interpreter_cache; /* --no-interpreter-cache */
	long timeout;              /* --timeout: seconds; 0: none */
	uint64_t memory_limit;     /* --memory-limit: bytes; 0: none */
	bool sync;                 /* --sync */

	/* Values; NULL: not given. Borrowed from argv. */
	const char *destination;  /* -d */
	const char *strip;        /* -s */
	const char *prepend;      /* -p */
	const char *exclude;      /* -x */
	const char *list;         /* -i */
	const char *link_limit;   /* -e; an empty one counts as not given */
	const char *cfile;        /* --cfile */
	const char *dfile;        /* --dfile */
	const char *optimization; /* --optimization */

	const char **operands; /* borrowed from argv */
	size_t operand_count;
};

/* One row of the table. */
struct option_row {
	char letter;          /* 'q' for -q; 0: none */
	const char *name;     /* "workers" for --workers; NULL: none */
	const char *argument; /* what --help calls its value; NULL: it takes none */
	const char *help;     /* one sentence or two, without a full stop */
};

/* A usage error that is found after the parsing: printed as options_parse prints its own. */
void options_complain(FILE *errors, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What options_parse found. */
enum options_outcome {
	OPTIONS_OK,       /* the options stand */
	OPTIONS_WRONG,    /* a usage error; it was printed on the stream */
	OPTIONS_NO_MEMORY /* errno is ENOMEM */
};

/*
 * Parses argv[1] and what follows. Usage and what is wrong are printed on `errors`. Call
 * options_fini whatever comes back.
 */
enum options_outcome options_parse(struct options *options, int argc, char *const argv[],
				   FILE *errors);

/* Frees what options_parse allocated. */
void options_fini(struct options *options);

/* Prints the help. */
void options_print_help(FILE *stream);

/* The table, for the checks: row `index`, or NULL behind the last. */
const struct option_row *options_row(size_t index);

/* How many levels below an operand to walk; negative: all. */
long options_depth(const struct options *options);

/* The invalidation mode of what is written: the one given, else the environment's. */
enum invalidation_mode options_mode(const struct options *options);

#endif
