/*
 * compiler: the program's end of one compile server.
 *
 * A compiler belongs to one worker thread at a time. Its server is a process of its own, started by
 * the first compiler_compile and ended by compiler_destroy. A server that dies costs the file at
 * hand: the next compiler_compile starts another.
 */
#ifndef PYCOMPILEALL_COMPILER_H
#define PYCOMPILEALL_COMPILER_H

#include "buffer.h"
#include "interpreter.h"

#include <stdbool.h>
#include <stddef.h>

struct compiler;

/* What became of a request. */
enum compiler_outcome {
	COMPILER_CODE,    /* compiled; `payload` is the marshalled code */
	COMPILER_ERROR,   /* Python raised; `payload` is PyCompileError's message, UTF-8 */
	COMPILER_DIED,    /* the server ended or spoke nonsense; `payload` says how, UTF-8 */
	COMPILER_NO_START /* no server could be started; `payload` says why, UTF-8 */
};

/* One request. Nothing of it is kept after the call. */
struct compiler_request {
	const char *name;   /* co_filename, file system bytes */
	const void *source; /* the raw bytes of the source */
	size_t size;        /* bytes in `source` */
	int level;          /* optimization, compile()'s `optimize` */
	bool quote;         /* messages may quote the source's lines: the name is the file's own */
};

/* The answer; the caller owns it, buffer_fini's both buffers, and may use it again and again. */
struct compiler_answer {
	enum compiler_outcome outcome;
	struct buffer payload;  /* as the outcome says */
	struct buffer warnings; /* what Python printed on stderr for this source, UTF-8 */
};

/* The path of the compile server: beside the program in a build tree, else in libexecdir. Found
 * once, before there are threads. NULL with errno ENOMEM. The caller frees it. */
char *compiler_find_server(void);

/*
 * A compiler with no server yet. `server` (a path) and `interpreter` (what the greeting must agree
 * with) are borrowed and must outlive it. NULL with errno ENOMEM.
 */
struct compiler *compiler_create(const char *server, const struct interpreter *interpreter);

/* Ends the server, waits for it, and frees. NULL is legal. */
void compiler_destroy(struct compiler *compiler);

/*
 * Compiles one source. Blocks until the server has answered. Memory running out is COMPILER_DIED.
 */
void compiler_compile(struct compiler *compiler, const struct compiler_request *request,
		      struct compiler_answer *answer);

/*
 * Kills the server at once, so that a compiler_compile in another thread returns COMPILER_DIED; no
 * server is started afterwards. The only call that another thread may make.
 */
void compiler_cancel(struct compiler *compiler);

/* Servers this compiler has started. */
unsigned compiler_starts(const struct compiler *compiler);

#endif
