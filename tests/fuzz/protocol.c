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

#define SENT_MAX ((size_t)1 << 16) /* bytes; a socket takes as many */
#define PIECES   32                /* at most; more would take long where all are small */

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

/* One end, and what is still to be read there. */
struct end {
	struct protocol_reader reader;
	const uint8_t *bytes;
	size_t left;
};

/* The next bytes: 0, or -1 where the other end closed before the last of them. */
static int receive(struct end *end, unsigned char *bytes, size_t size)
{
	errno = 0;
	if (protocol_receive(&end->reader, bytes, size) == 0) {
		FUZZ_CHECK(end->left >= size);
		FUZZ_CHECK(memcmp(bytes, end->bytes, size) == 0);
		end->bytes += size;
		end->left -= size;
		return 0;
	}
	FUZZ_CHECK(end->left < size && errno == ECONNRESET);
	return -1;
}

/* What follows a greeting that was accepted: a tag, which becomes part of a file's name. */
static int read_tag(struct end *end, const struct protocol_greeting *greeting)
{
	unsigned char tag[PROTOCOL_TAG_MAX];
	struct interpreter interpreter;

	if (greeting->tag_size == 0)
		return 0;
	if (receive(end, tag, greeting->tag_size) != 0)
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
static void read_as_program(struct end *end)
{
	unsigned char greeting[PROTOCOL_GREETING_SIZE], response[PROTOCOL_RESPONSE_SIZE];
	struct protocol_greeting accepted;

	if (receive(end, greeting, sizeof(greeting)) != 0)
		return;
	CHECK_FRAME(greeting, PROTOCOL_GREETING_SIZE, greeting);
	if (protocol_parse_greeting(&accepted, greeting) == 0 && read_tag(end, &accepted) != 0)
		return;
	while (receive(end, response, sizeof(response)) == 0)
		CHECK_FRAME(response, PROTOCOL_RESPONSE_SIZE, response);
}

/* The server's end: requests. */
static void read_as_server(struct end *end)
{
	unsigned char request[PROTOCOL_REQUEST_SIZE];

	while (receive(end, request, sizeof(request)) == 0)
		CHECK_FRAME(request, PROTOCOL_REQUEST_SIZE, request);
}

/* Either end: pieces of any size, of which each two bytes of the first of them are one. */
static void read_in_pieces(struct end *end)
{
	static unsigned char piece[1 << 16];
	struct fuzz_input sizes = {end->bytes, end->left < 2 * PIECES ? end->left : 2 * PIECES};

	while (sizes.size > 0) {
		size_t low = fuzz_take_byte(&sizes);

		if (receive(end, piece, 1 + low + ((size_t)fuzz_take_byte(&sizes) << 8)) != 0)
			return;
	}
}

/* All of it waits in the socket, so that nobody need read while we send, and nobody is late. */
static void converse(void (*read)(struct end *end), unsigned seconds, const uint8_t *bytes,
		     size_t size)
{
	const struct protocol_part parts[] = {{bytes, size / 2},
					      {bytes + size / 2, size - size / 2}};
	struct end end = {.bytes = bytes, .left = size};
	int ends[2];

	FUZZ_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	FUZZ_CHECK(protocol_send_parts(ends[0], PROTOCOL_NO_DEADLINE, parts, 2) == 0);
	FUZZ_CHECK(close(ends[0]) == 0);
	protocol_reader_init(&end.reader, ends[1]);
	end.reader.deadline = protocol_deadline(seconds);
	read(&end);
	FUZZ_CHECK(close(ends[1]) == 0);
}

/* The input again and again, so that there is more of it than a reader holds. */
static void converse_at_length(const uint8_t *bytes, size_t size)
{
	static uint8_t repeated[5 * PROTOCOL_READER_SIZE / 2];
	size_t filled = 0;

	while (size > 0 && filled + size <= sizeof(repeated)) {
		memcpy(repeated + filled, bytes, size);
		filled += size;
	}
	converse(read_in_pieces, size % 2 * 3600, repeated, filled);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (size > SENT_MAX)
		return 0;
	converse(read_as_program, 3600, bytes, size);
	converse(read_as_server, 0, bytes, size);
	converse_at_length(bytes, size);
	return 0;
}
