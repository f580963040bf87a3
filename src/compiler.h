/*
 * compiler: the program's end of one compile server.
 *
 * A compiler belongs to one worker thread at a time. Its server is a process of its own, started by
 * the first compiler_compile and ended by compiler_destroy. A server that dies costs the file at
 * hand: the next compiler_compile starts another. So it does behind a giant source, since a server
 * cannot give back all the memory that one needs.
 */
#ifndef PYCOMPILEALL_COMPILER_H
#define PYCOMPILEALL_COMPILER_H

#include "buffer.h"
#include "interpreter.h"
#include "process.h"

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

/* How a server is started. */
struct compiler_command {
	struct process_command process;
	unsigned timeout;   /* seconds that a start, and each compile, may take; 0: any */
	char *arguments[2]; /* what compiler_embedded lets process.arguments point to */
};

/* The compile server's file in a folder of the program's own, beside it in a build tree, else in
 * libexecdir: `name` is its name there. NULL with errno ENOMEM. The caller frees it. */
char *compiler_find_file(const char *name);

/* The path of the server that embeds libpython, as above. Found once, before there are threads. */
char *compiler_find_server(void);

/* Makes `command` that which starts the server at `server`, a path that is borrowed, and returns
 * it. It has no timeout and is not bound. */
struct compiler_command *compiler_embedded(struct compiler_command *command, char *server);

/*
 * A compiler with no server yet. `command` is borrowed and must outlive it; `interpreter`, what the
 * greeting must agree with, is copied (NULL: whatever the first greeting says). NULL with errno
 * ENOMEM.
 */
struct compiler *compiler_create(const struct compiler_command *command,
				 const struct interpreter *interpreter);

/*
 * Starts the server without waiting for its greeting, so that several may start side by side.
 * COMPILER_CODE, or COMPILER_NO_START with the reason in answer->payload.
 */
enum compiler_outcome compiler_start(struct compiler *compiler, struct compiler_answer *answer);

/*
 * Waits for the greeting of a server that compiler_start has started, and tells in `interpreter`
 * what it is; from then on the compiler holds its servers against that. COMPILER_CODE, or
 * COMPILER_NO_START with the reason; then the server has been ended. Blocks up to the timeout.
 */
enum compiler_outcome compiler_ask(struct compiler *compiler, struct interpreter *interpreter,
				   struct compiler_answer *answer);

/* The process of a server that has greeted; 0: there is none. */
pid_t compiler_process(const struct compiler *compiler);

/* Ends the server, waits for it, and frees. NULL is legal. */
void compiler_destroy(struct compiler *compiler);

/*
 * Compiles one source. Blocks until the server has answered, or the timeout is over. Memory running
 * out is COMPILER_DIED.
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
