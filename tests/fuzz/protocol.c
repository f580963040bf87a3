/*
 * Frames, as either end reads them. The input is what the other end sends.
 */
#include "config.h"

#include "fuzz.h"
#include "interpreter.h"
#include "protocol.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char fuzz_target[] = "protocol";

/* Whether accepted or not, errno says so, and what is accepted builds the same bytes again. */
#define CHECK_FRAME(kind, size, bytes)                                                             \
	do {                                                                                       \
		unsigned char again_[size];                                                        \
		struct protocol_##kind frame_;                                                     \
		memset(&frame_, 0xa5, sizeof(frame_));                                             \
		errno = 0;                                                                         \
		if (protocol_parse_##kind(&frame_, bytes) == 0) {                                  \
			check_##kind(&frame_);                                                     \
			protocol_build_##kind(again_, &frame_);                                    \
			FUZZ_CHECK(memcmp(again_, bytes, size) == 0);                              \
		} else {                                                                           \
			FUZZ_CHECK(errno == EPROTO);                                               \
		}                                                                                  \
	} while (0)

static void check_greeting(const struct protocol_greeting *greeting)
{
	FUZZ_CHECK(greeting->version == PROTOCOL_VERSION);
	FUZZ_CHECK(greeting->tag_size <= PROTOCOL_TAG_MAX);
}

static void check_request(const struct protocol_request *request)
{
	FUZZ_CHECK(request->name_size <= PROTOCOL_NAME_MAX);
	FUZZ_CHECK(request->source_size <= PROTOCOL_BODY_MAX);
}

static void check_response(const struct protocol_response *response)
{
	FUZZ_CHECK(response->status == PROTOCOL_CODE || response->status == PROTOCOL_ERROR);
	FUZZ_CHECK(response->payload_size <= PROTOCOL_BODY_MAX);
	FUZZ_CHECK(response->warnings_size <= PROTOCOL_BODY_MAX);
}

/* The next fixed part: 0, or -1 where the other end closed before its last byte. */
static int receive(int socket, unsigned char *bytes, size_t size, size_t *left)
{
	errno = 0;
	if (protocol_receive(socket, bytes, size) == 0) {
		FUZZ_CHECK(*left >= size);
		*left -= size;
		return 0;
	}
	FUZZ_CHECK(*left < size && errno == ECONNRESET);
	return -1;
}

/* What follows a greeting that was accepted: a tag, which becomes part of a file's name. */
static int read_tag(int socket, const struct protocol_greeting *greeting, size_t *left)
{
	unsigned char tag[PROTOCOL_TAG_MAX];
	struct interpreter interpreter;

	if (greeting->tag_size == 0)
		return 0;
	if (receive(socket, tag, greeting->tag_size, left) != 0)
		return -1;
	errno = 0;
	if (interpreter_from_greeting(&interpreter, greeting, (const char *)tag) != 0) {
		FUZZ_CHECK(errno == EPROTO);
		return 0;
	}
	FUZZ_CHECK(strlen(interpreter.cache_tag) == greeting->tag_size);
	FUZZ_CHECK(!strchr(interpreter.cache_tag, '/') && interpreter.cache_tag[0] != '.');
	FUZZ_CHECK(strnlen(interpreter.version, sizeof(interpreter.version)) <
		   sizeof(interpreter.version));
	FUZZ_CHECK(interpreter_equals(&interpreter, &interpreter));
	return 0;
}

/* The program's end: a greeting with its tag, then responses. */
static void read_as_program(int socket, size_t left)
{
	unsigned char greeting[PROTOCOL_GREETING_SIZE], response[PROTOCOL_RESPONSE_SIZE];
	struct protocol_greeting accepted;

	if (receive(socket, greeting, sizeof(greeting), &left) != 0)
		return;
	CHECK_FRAME(greeting, PROTOCOL_GREETING_SIZE, greeting);
	if (protocol_parse_greeting(&accepted, greeting) == 0 &&
	    read_tag(socket, &accepted, &left) != 0)
		return;
	while (receive(socket, response, sizeof(response), &left) == 0)
		CHECK_FRAME(response, PROTOCOL_RESPONSE_SIZE, response);
}

/* The server's end: requests. */
static void read_as_server(int socket, size_t left)
{
	unsigned char request[PROTOCOL_REQUEST_SIZE];

	while (receive(socket, request, sizeof(request), &left) == 0)
		CHECK_FRAME(request, PROTOCOL_REQUEST_SIZE, request);
}

static void converse(void (*read)(int socket, size_t left), const uint8_t *bytes, size_t size)
{
	const struct protocol_part parts[] = {{bytes, size / 2},
					      {bytes + size / 2, size - size / 2}};
	int ends[2];

	/* All of it waits in the socket, so that nobody need read while we send. */
	FUZZ_CHECK(size <= 65536);
	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	FUZZ_CHECK(protocol_send_parts(ends[0], parts, 2) == 0);
	FUZZ_CHECK(close(ends[0]) == 0);
	read(ends[1], size);
	FUZZ_CHECK(close(ends[1]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size > 65536)
		return 0;
	converse(read_as_program, bytes, size);
	converse(read_as_server, bytes, size);
	return 0;
}
