/*
 * Who owns what: the worker's thread alone talks on the socket. The lock guards the process id, so
 * that compiler_cancel, from another thread, never signals a process that was already reaped and
 * whose number another process may have.
 */
#include "config.h"

#include "compiler.h"

#include "protocol.h"
#include "thread.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER_NAME "compile_server"

/* A source of more bytes is a giant: when it is done, Python's heap is so strewn with what is left
 * of it that hardly any memory goes back to the system. */
#define GIANT ((size_t)1 << 20)

struct compiler {
	const struct compiler_command *command;
	struct interpreter interpreter; /* what its servers must be */
	bool known;                     /* ... once that is known */
	int socket;                     /* -1: there is no server */
	unsigned starts;                /* servers started */
	struct protocol_reader reader;  /* of the socket, while there is one */

	pthread_mutex_t lock; /* for the two below */
	pid_t process;        /* the server's, not reaped; 0: none */
	bool cancelled;       /* no server is started any more */
};

/* "FOLDER/NAME" in memory of the caller's. */
static char *file_in(const char *folder, const char *name)
{
	struct buffer path = BUFFER_INIT;

	buffer_printf(&path, "%s/%s", folder, name);
	if (!buffer_failed(&path) && *buffer_string(&path))
		return path.data;
	buffer_fini(&path);
	errno = ENOMEM;
	return NULL;
}

/* The folder of the program's own file, without ".libs" at its end. NULL: not known. */
static const char *own_folder(char path[PATH_MAX])
{
	ssize_t size = readlink("/proc/self/exe", path, PATH_MAX - 1);
	char *slash;

	if (size <= 0)
		return NULL;
	path[size] = '\0';
	slash = strrchr(path, '/');
	if (!slash || slash == path)
		return NULL;
	*slash = '\0';
	slash = strrchr(path, '/');
	if (slash && strcmp(slash, "/.libs") == 0)
		*slash = '\0';
	return path;
}

/* The file in the build tree that the program was started from; NULL: it is not in one. */
static char *file_in_build_tree(const char *file)
{
	char path[PATH_MAX];
	const char *folder = own_folder(path);
	const char *name = folder ? strrchr(folder, '/') : NULL;
	char *found;

	if (!name || strcmp(name, "/src") != 0)
		return NULL;
	found = file_in(folder, file);
	if (found && access(found, R_OK) == 0)
		return found;
	free(found);
	return NULL;
}

char *compiler_find_file(const char *name)
{
	const char *folder = secure_getenv("PYCOMPILEALL_LIBEXECDIR");
	char *found;

	if (folder && *folder)
		return file_in(folder, name);
	found = file_in_build_tree(name);
	return found ? found : file_in(PKGLIBEXECDIR, name);
}

char *compiler_find_server(void)
{
	return compiler_find_file(SERVER_NAME);
}

struct compiler_command *compiler_embedded(struct compiler_command *command, char *server)
{
	*command = (struct compiler_command){.arguments = {server, NULL}};
	command->process.path = server;
	command->process.arguments = command->arguments;
	return command;
}

struct compiler *compiler_create(const struct compiler_command *command,
				 const struct interpreter *interpreter)
{
	struct compiler *compiler = calloc(1, sizeof(*compiler));

	if (!compiler)
		return NULL;
	compiler->command = command;
	compiler->known = interpreter != NULL;
	if (interpreter)
		compiler->interpreter = *interpreter;
	compiler->socket = -1;
	if (thread_lock_init(&compiler->lock) == 0)
		return compiler;
	free(compiler);
	return NULL;
}

/*
 * Kills the server, which changes nothing about the end of one that is ending already, and reaps
 * it. It keeps nothing that a gentler end would save, and might not heed one. Returns its status as
 * of waitpid(2), or -1 if there is none to be had.
 */
static int end_server(struct compiler *compiler)
{
	int status = -1;
	siginfo_t ended;

	(void)close(compiler->socket);
	compiler->socket = -1;
	(void)kill(compiler->process, SIGKILL);
	/* Waited for without the lock and without reaping: until then the number is the server's,
	 * and a cancel may use it. */
	while (waitid(P_PID, (id_t)compiler->process, &ended, WEXITED | WNOWAIT) != 0 &&
	       errno == EINTR)
		continue;
	thread_lock(&compiler->lock);
	while (waitpid(compiler->process, &status, 0) < 0 && errno == EINTR)
		continue;
	compiler->process = 0;
	thread_unlock(&compiler->lock);
	return status;
}

void compiler_destroy(struct compiler *compiler)
{
	if (!compiler)
		return;
	if (compiler->socket >= 0)
		(void)end_server(compiler);
	thread_lock_fini(&compiler->lock);
	free(compiler);
}

void compiler_cancel(struct compiler *compiler)
{
	thread_lock(&compiler->lock);
	compiler->cancelled = true;
	if (compiler->process > 0)
		(void)kill(compiler->process, SIGKILL);
	thread_unlock(&compiler->lock);
}

unsigned compiler_starts(const struct compiler *compiler)
{
	return compiler->starts;
}

/* Starts the process unless that was cancelled; the two belong together. 0, or -1 with errno. */
static int start_unless_cancelled(struct compiler *compiler)
{
	int error = ECANCELED;

	thread_lock(&compiler->lock);
	if (!compiler->cancelled) {
		error = 0;
		if (process_start(&compiler->command->process, &compiler->socket,
				  &compiler->process) != 0)
			error = errno;
	}
	if (error != 0)
		compiler->process = 0;
	thread_unlock(&compiler->lock);
	errno = error;
	return error == 0 ? 0 : -1;
}

/* How a server ended that closed the conversation. */
static void describe_end(struct buffer *text, int status)
{
	if (status != -1 && WIFSIGNALED(status))
		buffer_printf(text, "the compile server was killed by signal %d (%s)",
			      WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (status != -1 && WIFEXITED(status))
		buffer_printf(text, "the compile server ended with status %d", WEXITSTATUS(status));
	else
		buffer_append_string(text, "the compile server ended");
}

static bool is_cancelled(struct compiler *compiler)
{
	bool cancelled;

	thread_lock(&compiler->lock);
	cancelled = compiler->cancelled;
	thread_unlock(&compiler->lock);
	return cancelled;
}

/* What was not done when the time was over. */
static const char *late_for(enum compiler_outcome outcome)
{
	return outcome == COMPILER_NO_START ? "greet" : "answer";
}

/* The conversation broke, with errno: ends the server and says how it came to that. */
static enum compiler_outcome give_up(struct compiler *compiler, struct compiler_answer *answer,
				     enum compiler_outcome outcome)
{
	struct buffer *text = &answer->payload;
	int error = errno;
	int status = end_server(compiler);

	buffer_clear(&answer->warnings);
	buffer_clear(text);
	if (is_cancelled(compiler)) {
		buffer_append_string(text, "compiling was cancelled");
		return COMPILER_DIED;
	}
	if (error == EPIPE || error == ECONNRESET)
		describe_end(text, status);
	else if (error == EAGAIN)
		buffer_printf(text, "the compile server did not %s within %u s", late_for(outcome),
			      compiler->command->timeout);
	else
		buffer_printf(text, "the compile server was not understood: %s", strerror(error));
	return outcome;
}

/* Receives a greeting. 0, or -1 with errno (EAGAIN: none came; EPROTO: it is none). */
static int receive_greeting(struct protocol_reader *reader, struct interpreter *interpreter)
{
	unsigned char bytes[PROTOCOL_GREETING_SIZE];
	char tag[PROTOCOL_TAG_MAX];
	struct protocol_greeting greeting;

	if (protocol_receive(reader, bytes, sizeof(bytes)) != 0 ||
	    protocol_parse_greeting(&greeting, bytes) != 0 ||
	    protocol_receive(reader, tag, greeting.tag_size) != 0)
		return -1;
	return interpreter_from_greeting(interpreter, &greeting, tag);
}

/* Ends a server that is another interpreter than was expected, and says so. */
static enum compiler_outcome refuse(struct compiler *compiler, const struct interpreter *found,
				    struct compiler_answer *answer)
{
	const struct interpreter *wanted = &compiler->interpreter;
	const unsigned char *theirs = found->magic, *ours = wanted->magic;

	(void)end_server(compiler);
	buffer_printf(&answer->payload,
		      "compile server %s is for %s (magic number %02x%02x%02x%02x), not "
		      "for %s (%02x%02x%02x%02x)",
		      compiler->command->process.path, found->cache_tag, theirs[0], theirs[1],
		      theirs[2], theirs[3], wanted->cache_tag, ours[0], ours[1], ours[2], ours[3]);
	return COMPILER_NO_START;
}

enum compiler_outcome compiler_ask(struct compiler *compiler, struct interpreter *interpreter,
				   struct compiler_answer *answer)
{
	if (receive_greeting(&compiler->reader, interpreter) != 0)
		return give_up(compiler, answer, COMPILER_NO_START);
	if (protocol_has_more(&compiler->reader)) {
		errno = EPROTO;
		return give_up(compiler, answer, COMPILER_NO_START);
	}
	if (compiler->known && !interpreter_equals(interpreter, &compiler->interpreter))
		return refuse(compiler, interpreter, answer);
	compiler->interpreter = *interpreter;
	compiler->known = true;
	return COMPILER_CODE;
}

pid_t compiler_process(const struct compiler *compiler)
{
	return compiler->process;
}

/* What begins now may take as long as the command says. */
static void begin_exchange(struct compiler *compiler)
{
	compiler->reader.deadline = protocol_deadline(compiler->command->timeout);
}

enum compiler_outcome compiler_start(struct compiler *compiler, struct compiler_answer *answer)
{
	buffer_clear(&answer->payload);
	if (start_unless_cancelled(compiler) == 0) {
		compiler->starts++;
		protocol_reader_init(&compiler->reader, compiler->socket);
		begin_exchange(compiler);
		return COMPILER_CODE;
	}
	compiler->socket = -1;
	if (errno == ECANCELED) {
		buffer_append_string(&answer->payload, "compiling was cancelled");
		return COMPILER_DIED;
	}
	buffer_printf(&answer->payload, "cannot start compile server %s: %s",
		      compiler->command->process.path, strerror(errno));
	return COMPILER_NO_START;
}

/* Starts a server and hears it. COMPILER_CODE: there is one; else the answer has the reason. */
static enum compiler_outcome start_server(struct compiler *compiler, struct compiler_answer *answer)
{
	struct interpreter interpreter;
	enum compiler_outcome outcome = compiler_start(compiler, answer);

	return outcome == COMPILER_CODE ? compiler_ask(compiler, &interpreter, answer) : outcome;
}

static int send_request(const struct protocol_reader *reader,
			const struct compiler_request *request, size_t name_size)
{
	unsigned char bytes[PROTOCOL_REQUEST_SIZE];
	const struct protocol_request frame = {
		.level = request->level,
		.flags = request->quote ? PROTOCOL_REQUEST_QUOTE : 0,
		.name_size = (uint32_t)name_size,
		.source_size = request->size,
	};
	const struct protocol_part parts[] = {
		{bytes, sizeof(bytes)},
		{request->name, name_size},
		{request->source, request->size},
	};

	protocol_build_request(bytes, &frame);
	return protocol_send_parts(reader->socket, reader->deadline, parts, 3);
}

static int receive_into(struct protocol_reader *reader, struct buffer *buffer, size_t size)
{
	char *bytes = buffer_reserve(buffer, size);

	if (!bytes || protocol_receive(reader, bytes, size) != 0)
		return -1;
	buffer->size += size;
	return 0;
}

/* What marshal makes of a code object begins with its type, 'c', in whose byte the highest bit is a
 * flag. Anything else could not be imported. */
static bool is_code(const struct buffer *payload)
{
	return payload->size > 0 && (payload->data[0] & 0x7f) == 'c';
}

static int receive_answer(struct protocol_reader *reader, struct compiler_answer *answer)
{
	unsigned char bytes[PROTOCOL_RESPONSE_SIZE];
	struct protocol_response frame;

	if (protocol_receive(reader, bytes, sizeof(bytes)) != 0 ||
	    protocol_parse_response(&frame, bytes) != 0 ||
	    receive_into(reader, &answer->payload, (size_t)frame.payload_size) != 0 ||
	    receive_into(reader, &answer->warnings, (size_t)frame.warnings_size) != 0)
		return -1;
	answer->outcome = frame.status == PROTOCOL_CODE ? COMPILER_CODE : COMPILER_ERROR;
	if (answer->outcome == COMPILER_ERROR || is_code(&answer->payload))
		return 0;
	errno = EPROTO;
	return -1;
}

void compiler_compile(struct compiler *compiler, const struct compiler_request *request,
		      struct compiler_answer *answer)
{
	size_t name_size = strlen(request->name);

	buffer_clear(&answer->payload);
	buffer_clear(&answer->warnings);
	if (name_size > PROTOCOL_NAME_MAX || request->size > PROTOCOL_BODY_MAX) {
		answer->outcome = COMPILER_ERROR;
		buffer_append_string(&answer->payload,
				     "Sorry: OverflowError: the source or its name is too large");
		return;
	}
	/* What it says now would be taken for the answer to what it is asked next. */
	if (compiler->socket >= 0 && protocol_has_more(&compiler->reader))
		(void)end_server(compiler);
	if (compiler->socket < 0) {
		answer->outcome = start_server(compiler, answer);
		if (answer->outcome != COMPILER_CODE)
			return;
	}
	begin_exchange(compiler);
	if (send_request(&compiler->reader, request, name_size) != 0 ||
	    receive_answer(&compiler->reader, answer) != 0)
		answer->outcome = give_up(compiler, answer, COMPILER_DIED);
	else if (request->size > GIANT)
		(void)end_server(compiler);
}
