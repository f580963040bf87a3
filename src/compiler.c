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
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER_NAME "compile_server"

/* A server greets after some milliseconds, on a cold disk after some seconds. What has said nothing
 * by then is no compile server. */
#define GREETING_TIMEOUT 60 /* seconds */

extern char **environ;

struct compiler {
	const char *server;
	const struct interpreter *interpreter;
	int socket;      /* -1: there is no server */
	unsigned starts; /* servers started */

	pthread_mutex_t lock; /* for the two below */
	pid_t process;        /* the server's, not reaped; 0: none */
	bool cancelled;       /* no server is started any more */
};

/* "FOLDER/compile_server" in memory of the caller's. */
static char *server_in(const char *folder)
{
	struct buffer path = BUFFER_INIT;

	buffer_printf(&path, "%s/" SERVER_NAME, folder);
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

/* The server in the build tree that the program was started from; NULL: it is not in one. */
static char *server_in_build_tree(void)
{
	char path[PATH_MAX];
	const char *folder = own_folder(path);
	const char *name = folder ? strrchr(folder, '/') : NULL;
	char *server;

	if (!name || strcmp(name, "/src") != 0)
		return NULL;
	server = server_in(folder);
	if (server && access(server, X_OK) == 0)
		return server;
	free(server);
	return NULL;
}

char *compiler_find_server(void)
{
	const char *folder = secure_getenv("PYCOMPILEALL_LIBEXECDIR");
	char *server;

	if (folder && *folder)
		return server_in(folder);
	server = server_in_build_tree();
	return server ? server : server_in(PKGLIBEXECDIR);
}

struct compiler *compiler_create(const char *server, const struct interpreter *interpreter)
{
	struct compiler *compiler = calloc(1, sizeof(*compiler));

	if (!compiler)
		return NULL;
	compiler->server = server;
	compiler->interpreter = interpreter;
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

/*
 * A terminal, or a service manager, signals the whole process group. What then becomes of the run
 * is the program's to decide, which ends its servers itself: so the server has these signals
 * blocked from its first instruction on.
 */
static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t blocked, defaults;
	int error;

	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGINT);
	(void)sigaddset(&blocked, SIGTERM);
	(void)sigaddset(&blocked, SIGHUP);
	(void)sigemptyset(&defaults);
	(void)sigaddset(&defaults, SIGPIPE);
	error = posix_spawnattr_setsigmask(attributes, &blocked);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(attributes, &defaults);
	if (error == 0)
		error = posix_spawnattr_setflags(attributes,
						 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return error;
}

/* Its end of the socket is the server's standard input; it has nothing to print. */
static int set_descriptors(posix_spawn_file_actions_t *actions, int socket)
{
	int error = posix_spawn_file_actions_adddup2(actions, socket, STDIN_FILENO);

	if (error == 0)
		error = posix_spawn_file_actions_addopen(actions, STDOUT_FILENO, "/dev/null",
							 O_WRONLY, 0);
	return error;
}

/* Starts the process. Returns 0 or an errno. */
static int spawn(struct compiler *compiler, int socket, pid_t *process)
{
	char name[] = SERVER_NAME;
	char *arguments[] = {name, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error = posix_spawn_file_actions_init(&actions);

	if (error != 0)
		return error;
	error = posix_spawnattr_init(&attributes);
	if (error == 0) {
		error = set_signals(&attributes);
		if (error == 0)
			error = set_descriptors(&actions, socket);
		if (error == 0)
			error = posix_spawn(process, compiler->server, &actions, &attributes,
					    arguments, environ);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Starts the process unless it was cancelled; the two belong together. Returns 0 or an errno. */
static int spawn_unless_cancelled(struct compiler *compiler, int socket)
{
	int error = ECANCELED;
	pid_t process;

	thread_lock(&compiler->lock);
	if (!compiler->cancelled) {
		error = spawn(compiler, socket, &process);
		if (error == 0)
			compiler->process = process;
	}
	thread_unlock(&compiler->lock);
	return error;
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
		buffer_printf(text, "the compile server did not greet within %d seconds",
			      GREETING_TIMEOUT);
	else
		buffer_printf(text, "the compile server was not understood: %s", strerror(error));
	return outcome;
}

static int set_timeout(int socket, int seconds)
{
	struct timeval timeout = {.tv_sec = seconds, .tv_usec = 0};

	return setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
}

/* Receives a greeting; the tag becomes a string. 0, or -1 with errno (EAGAIN: none came). */
static int receive_greeting(int socket, struct protocol_greeting *greeting,
			    char tag[PROTOCOL_TAG_MAX + 1])
{
	unsigned char bytes[PROTOCOL_GREETING_SIZE];

	if (set_timeout(socket, GREETING_TIMEOUT) != 0 ||
	    protocol_receive(socket, bytes, sizeof(bytes)) != 0 ||
	    protocol_parse_greeting(greeting, bytes) != 0 ||
	    protocol_receive(socket, tag, greeting->tag_size) != 0)
		return -1;
	tag[greeting->tag_size] = '\0';
	return set_timeout(socket, 0);
}

/* Holds the greeting against the interpreter. COMPILER_CODE: all is well; else the server was
 * ended, and the answer has the reason. */
static enum compiler_outcome check_greeting(struct compiler *compiler,
					    struct compiler_answer *answer)
{
	const unsigned char *ours = compiler->interpreter->magic;
	const char *our_tag = compiler->interpreter->cache_tag;
	struct protocol_greeting greeting;
	const unsigned char *theirs = greeting.magic;
	char tag[PROTOCOL_TAG_MAX + 1];

	if (receive_greeting(compiler->socket, &greeting, tag) != 0)
		return give_up(compiler, answer, COMPILER_NO_START);
	if (memcmp(theirs, ours, PYC_HEADER_MAGIC) == 0 && strcmp(tag, our_tag) == 0)
		return COMPILER_CODE;
	(void)end_server(compiler);
	buffer_printf(&answer->payload,
		      "compile server %s is for %s (magic number %02x%02x%02x%02x), this program "
		      "for %s (%02x%02x%02x%02x)",
		      compiler->server, tag, theirs[0], theirs[1], theirs[2], theirs[3], our_tag,
		      ours[0], ours[1], ours[2], ours[3]);
	return COMPILER_NO_START;
}

/* Starts a process with the other end of a socket. 0, or -1 with errno (ECANCELED). */
static int connect_server(struct compiler *compiler)
{
	int ends[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	error = spawn_unless_cancelled(compiler, ends[1]);
	(void)close(ends[1]);
	if (error != 0) {
		(void)close(ends[0]);
		errno = error;
		return -1;
	}
	compiler->socket = ends[0];
	compiler->starts++;
	return 0;
}

/* Starts a server. COMPILER_CODE: there is one; else the answer has the reason. */
static enum compiler_outcome start_server(struct compiler *compiler, struct compiler_answer *answer)
{
	if (connect_server(compiler) == 0)
		return check_greeting(compiler, answer);
	if (errno == ECANCELED) {
		buffer_append_string(&answer->payload, "compiling was cancelled");
		return COMPILER_DIED;
	}
	buffer_printf(&answer->payload, "cannot start compile server %s: %s", compiler->server,
		      strerror(errno));
	return COMPILER_NO_START;
}

static int send_request(int socket, const struct compiler_request *request, size_t name_size)
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
	return protocol_send_parts(socket, parts, 3);
}

static int receive_into(int socket, struct buffer *buffer, size_t size)
{
	char *bytes = buffer_reserve(buffer, size);

	if (!bytes || protocol_receive(socket, bytes, size) != 0)
		return -1;
	buffer->size += size;
	return 0;
}

static int receive_answer(int socket, struct compiler_answer *answer)
{
	unsigned char bytes[PROTOCOL_RESPONSE_SIZE];
	struct protocol_response frame;

	if (protocol_receive(socket, bytes, sizeof(bytes)) != 0 ||
	    protocol_parse_response(&frame, bytes) != 0 ||
	    receive_into(socket, &answer->payload, (size_t)frame.payload_size) != 0 ||
	    receive_into(socket, &answer->warnings, (size_t)frame.warnings_size) != 0)
		return -1;
	answer->outcome = frame.status == PROTOCOL_CODE ? COMPILER_CODE : COMPILER_ERROR;
	return 0;
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
	if (compiler->socket < 0) {
		answer->outcome = start_server(compiler, answer);
		if (answer->outcome != COMPILER_CODE)
			return;
	}
	if (send_request(compiler->socket, request, name_size) != 0 ||
	    receive_answer(compiler->socket, answer) != 0)
		answer->outcome = give_up(compiler, answer, COMPILER_DIED);
}
