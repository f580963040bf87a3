/*
 * pycompile: Python byte-code for C and C++ programs. Where it belongs, whether it is up to date,
 * and compiling it, as importlib.util, importlib and py_compile of the Python that this library was
 * built for would do it. No Python runs in the calling process: compiling is done by a process of
 * its own, the compile server, which is started by the first source that is compiled.
 *
 * Strings. Paths are bytes as the file system has them, relative ones start at the current folder.
 * Text that is handed out is UTF-8, whatever the locale is. A `char *` that a function returns
 * belongs to the caller, who frees it with free(3); a `const char *` stays the library's.
 *
 * Errors. Functions return -1 or NULL, with errno. What becomes of a source that is compiled is not
 * an error of the call but a result.
 *
 * Threads. The library keeps no state of its own. All functions may be called from several threads
 * at once; one context (struct pycompile), or one result, is used by one thread at a time. The
 * environment is read where it says so, and must not be changed by another thread meanwhile. A
 * context has a child process: the calling program must not wait(2) for children in general while
 * it has one, only for those it knows.
 */
#ifndef PYCOMPILE_H
#define PYCOMPILE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The Python that this library was built for ---- */

/* Its version: "3.11.2". */
const char *pycompile_python_version(void);

/* Its sys.implementation.cache_tag: "cpython-311". */
const char *pycompile_cache_tag(void);

/* Its importlib.util.MAGIC_NUMBER: 4 bytes, with which each .pyc begins. */
const unsigned char *pycompile_magic_number(void);

/* ---- Paths (PEP 3147, PEP 488): no file is looked at ---- */

/*
 * importlib.util.cache_from_source: the path of the byte-code of the source at `path`.
 * `optimization` is "" for none, or letters and digits as str.isalnum has them, in UTF-8; NULL is
 * the interpreter's own level, as PYTHONOPTIMIZE has it. `prefix` is what sys.pycache_prefix would
 * be; NULL or "" for none (PYTHONPYCACHEPREFIX is not read).
 * NULL with errno EINVAL: `optimization` is not alphanumeric; ENOMEM; or one of getcwd(3), which is
 * asked where there is a prefix.
 */
char *pycompile_cache_from_source(const char *path, const char *optimization, const char *prefix);

/* What is wrong with a path that no source can be told from. */
enum pycompile_path_error {
	PYCOMPILE_PATH_OK = 0,         /* nothing */
	PYCOMPILE_PATH_NOT_IN_PYCACHE, /* its folder is not __pycache__ */
	PYCOMPILE_PATH_DOTS,           /* the name has fewer than two or more than three dots */
	PYCOMPILE_PATH_NO_OPT,         /* the third of four parts does not begin with "opt-" */
	PYCOMPILE_PATH_OPT_NOT_ALPHANUMERIC /* what follows "opt-" is not alphanumeric */
};

/*
 * importlib.util.source_from_cache: the path of the source of the byte-code at `path`. `prefix` as
 * above. NULL with errno ENOMEM, or EINVAL where Python raises ValueError; then `*error`, unless
 * `error` is NULL, says why.
 */
char *pycompile_source_from_cache(const char *path, const char *prefix,
				  enum pycompile_path_error *error);

/* ---- Headers (PEP 552): bytes in, bytes out ---- */

/* How an import finds out whether a .pyc still fits its source. */
enum pycompile_mode {
	PYCOMPILE_MODE_DEFAULT = 0,   /* to compile: checked-hash where the environment has a
				       * SOURCE_DATE_EPOCH that is not empty, else timestamp; to
				       * check: any of the three */
	PYCOMPILE_MODE_TIMESTAMP,     /* its mtime and size are compared */
	PYCOMPILE_MODE_CHECKED_HASH,  /* its hash is compared */
	PYCOMPILE_MODE_UNCHECKED_HASH /* it does not: the .pyc is taken as it is */
};

#define PYCOMPILE_HEADER_SIZE  16 /* bytes */
#define PYCOMPILE_FLAG_HASH    1u /* a source hash stands where mtime and size would */
#define PYCOMPILE_FLAG_CHECKED 2u /* ... and import compares it */

/* A header taken apart. */
struct pycompile_header {
	unsigned char magic[4]; /* magic number, as it stands in the file */
	uint32_t flags;         /* PYCOMPILE_FLAG_*; other bits make import refuse the file */
	uint32_t mtime;         /* of the source, seconds, masked to 32 bits; without FLAG_HASH */
	uint32_t size;          /* of the source, bytes, masked to 32 bits; without FLAG_HASH */
	uint64_t hash;          /* of the source; only with FLAG_HASH */
};

/* Takes apart the first 16 bytes of a .pyc. Any bytes will do; what is not there is 0. */
void pycompile_header_read(struct pycompile_header *header, const unsigned char *bytes);

/* Writes 16 bytes; mtime and size, or hash, as the flags say. */
void pycompile_header_build(unsigned char *bytes, const struct pycompile_header *header);

/* A file's modification time (st_mtim) as a header has it: through a C double of seconds, truncated
 * toward zero, so that x.999999999 is the next second; then 32 bits of it. */
uint32_t pycompile_header_mtime(struct timespec mtime);

/* importlib.util.source_hash of `size` bytes, as a header has it. */
uint64_t pycompile_source_hash(const void *source, size_t size);

/* ---- Options, for checking and for compiling ---- */

/* The parameters of py_compile.compile. Begin with PYCOMPILE_OPTIONS_INIT; where a function takes a
 * pointer to options, NULL stands for just that. The strings are the caller's. */
struct pycompile_options {
	const char *cfile;  /* the path of the .pyc; NULL: cache_from_source's */
	const char *dfile;  /* stands for the source in byte-code and messages; NULL: its path */
	const char *prefix; /* pycache prefix; NULL or "": none. Not used with `cfile` */
	int optimize;       /* level, 0 to 2; below 0: PYTHONOPTIMIZE's, or 0 */
	enum pycompile_mode mode;
};

#define PYCOMPILE_OPTIONS_INIT                                                                     \
	{                                                                                          \
		NULL, NULL, NULL, -1, PYCOMPILE_MODE_DEFAULT                                       \
	}

/* ---- Staleness ---- */

/* Whether a .pyc fits its source, and if not, why. */
enum pycompile_staleness {
	PYCOMPILE_FRESH = 0,       /* import would take it */
	PYCOMPILE_STALE_MISSING,   /* there is no such file */
	PYCOMPILE_STALE_TRUNCATED, /* it ends within the header, or right behind it */
	PYCOMPILE_STALE_MAGIC,     /* it is another interpreter's */
	PYCOMPILE_STALE_FLAGS,     /* no mode has these flags, or another mode was asked for */
	PYCOMPILE_STALE_MTIME,     /* the source's modification time is another */
	PYCOMPILE_STALE_SIZE,      /* the source's size is another */
	PYCOMPILE_STALE_HASH,      /* the source's hash is another */
	PYCOMPILE_UNREADABLE       /* it cannot be read */
};

/*
 * Whether the byte-code of the source at `file` is up to date. Of the options `cfile`, or `prefix`
 * and `optimize`, say where it is, and `mode` which mode it must have. The source is read only if
 * its hash is to be compared, in all hash modes: an unchecked one, too, is stale if it differs.
 * Returns an enum pycompile_staleness, or -1 with errno: the source is no regular file (EINVAL,
 * EISDIR), cannot be looked at or read (those of open(2), stat(2)), or ENOMEM. May block on the
 * disk only.
 */
int pycompile_check(const char *file, const struct pycompile_options *options);

/* The verdict in words: "source mtime". NULL for what is none. */
const char *pycompile_staleness_name(int staleness);

/* ---- Compiling ---- */

/* What compiling needs: a compile server, once there is one. */
struct pycompile;

/*
 * A context. `server` is the path of the compile server; NULL: the one in the folder that the
 * environment's PYCOMPILEALL_LIBEXECDIR names, else the installed one. NULL with errno ENOMEM.
 */
struct pycompile *pycompile_create(const char *server);

/* Ends the server, waits for it, and frees. NULL is legal. */
void pycompile_destroy(struct pycompile *context);

/* What became of a source. */
enum pycompile_outcome {
	PYCOMPILE_WRITTEN = 0,  /* the .pyc has been written */
	PYCOMPILE_REJECTED,     /* Python's compiler raised an exception: the source is wrong */
	PYCOMPILE_OS_ERROR,     /* the source cannot be read, or the .pyc not be written */
	PYCOMPILE_SERVER_DIED,  /* the server ended over this source; the next gets another */
	PYCOMPILE_SERVER_ABSENT /* no server can be started, or it is another Python's */
};

struct pycompile_result;

/*
 * py_compile.compile: compiles the source at `file`, whatever is there already, and writes the .pyc
 * complete or not at all. Missing folders are made. A .pyc that is a symbolic link or no regular
 * file is refused. Blocks until the server has answered.
 *
 * It prints nothing: what `quiet` and `doraise` of Python's decide is the caller's to decide. With
 * quiet 0 or 1 Python prints the message of a rejected source, or with doraise raises it as
 * PyCompileError; the errors of an outcome PYCOMPILE_OS_ERROR it always raises.
 *
 * The caller destroys the result. NULL with errno ENOMEM.
 */
struct pycompile_result *pycompile_compile(struct pycompile *context, const char *file,
					   const struct pycompile_options *options);

/* Frees a result and the strings that were got from it. NULL is legal. */
void pycompile_result_destroy(struct pycompile_result *result);

/* What became of the source. */
enum pycompile_outcome pycompile_result_outcome(const struct pycompile_result *result);

/* The path that was written, which Python's function returns; NULL if none was. */
const char *pycompile_result_path(const struct pycompile_result *result);

/*
 * The name of the exception's type: "SyntaxError", "ValueError", "FileNotFoundError",
 * "FileExistsError", ...; "ChildProcessError" for the two server outcomes; "" if there is none.
 */
const char *pycompile_result_error_type(const struct pycompile_result *result);

/*
 * The error's text as `python3 -m py_compile` prints it: the message of PyCompileError, which ends
 * in a newline for a SyntaxError, or str() of an OSError; why there is no server. "" if there is no
 * error.
 */
const char *pycompile_result_message(const struct pycompile_result *result);

/* The errno of an outcome PYCOMPILE_OS_ERROR (EEXIST for what is refused), else 0. */
int pycompile_result_errno(const struct pycompile_result *result);

/* The compiler's warnings as Python prints them on standard error, whatever the outcome; "" for
 * none. Their filters are PYTHONWARNINGS's as it was when the server was started. */
const char *pycompile_result_warnings(const struct pycompile_result *result);

#ifdef __cplusplus
}
#endif

#endif
