/*
 * protocol: the frames between the program and a compile server, shared by both ends.
 *
 * One socket (SOCK_STREAM), one conversation: the server greets once, then answers one request
 * after the other; it ends when the program closes its end. All numbers are little-endian.
 *
 * greeting       server -> program, once
 *   0-3   "pycs"
 *   4-7   protocol version, PROTOCOL_VERSION
 *   8-11  magic number (importlib.util.MAGIC_NUMBER)
 *   12-15 length of the cache tag in bytes, at most PROTOCOL_TAG_MAX
 *   16-19 version (sys.hexversion)
 *   20-23 default optimization level (sys.flags.optimize), signed
 *   24-31 source hash of no bytes, as it stands in a .pyc: tells which hash the interpreter uses;
 *         zeroes where it has none (before PEP 552)
 *   32-   the cache tag
 *
 * request        program -> server
 *   0-3   level: what compile() is given as `optimize`, signed
 *   4-7   flags, PROTOCOL_REQUEST_*
 *   8-11  length of the name in bytes
 *   12-15 zero
 *   16-23 length of the source in bytes
 *   24-   the name (co_filename, file system bytes), then the source (raw bytes)
 *
 * response       server -> program
 *   0-3   status, enum protocol_status
 *   4-7   zero
 *   8-15  length of the payload in bytes: marshalled code, or the error's message in UTF-8
 *   16-23 length of the warnings in bytes: what Python printed on stderr, in UTF-8
 *   24-   the payload, then the warnings
 *
 * Either end takes any bytes: a length beyond its limit, or an unknown version or status, is
 * EPROTO, never a crash and never an allocation of that size.
 */
#ifndef PYCOMPILEALL_PROTOCOL_H
#define PYCOMPILEALL_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROTOCOL_VERSION       2u
#define PROTOCOL_GREETING_SIZE 32u                 /* bytes, without the tag */
#define PROTOCOL_REQUEST_SIZE  24u                 /* bytes, without name and source */
#define PROTOCOL_RESPONSE_SIZE 24u                 /* bytes, without payload and warnings */
#define PROTOCOL_TAG_MAX       255u                /* bytes of a cache tag */
#define PROTOCOL_NAME_MAX      (1u << 20)          /* bytes of a name */
#define PROTOCOL_BODY_MAX      ((uint64_t)1 << 32) /* bytes of a source, payload or warnings */

/* The name is where the source stands, so a message may quote its lines; without it (-d, -s, -p)
 * Python finds no file under that name and quotes none. */
#define PROTOCOL_REQUEST_QUOTE 1u

enum protocol_status {
	PROTOCOL_CODE = 0,  /* the payload is the marshalled code object */
	PROTOCOL_ERROR = 1, /* the payload is py_compile.PyCompileError's message */
};

struct protocol_greeting {
	uint32_t version;
	unsigned char magic[4];
	uint32_t tag_size; /* bytes */
	uint32_t python;   /* sys.hexversion */
	int32_t level;
	unsigned char hash[8]; /* of no bytes */
};

struct protocol_request {
	int32_t level;
	uint32_t flags;
	uint32_t name_size;   /* bytes */
	uint64_t source_size; /* bytes */
};

struct protocol_response {
	enum protocol_status status;
	uint64_t payload_size;  /* bytes */
	uint64_t warnings_size; /* bytes */
};

/* Write the fixed part of a frame. */
void protocol_build_greeting(unsigned char bytes[PROTOCOL_GREETING_SIZE],
			     const struct protocol_greeting *greeting);
void protocol_build_request(unsigned char bytes[PROTOCOL_REQUEST_SIZE],
			    const struct protocol_request *request);
void protocol_build_response(unsigned char bytes[PROTOCOL_RESPONSE_SIZE],
			     const struct protocol_response *response);

/* Take the fixed part of a frame apart. 0, or -1 with errno EPROTO: not such a frame. */
int protocol_parse_greeting(struct protocol_greeting *greeting,
			    const unsigned char bytes[PROTOCOL_GREETING_SIZE]);
int protocol_parse_request(struct protocol_request *request,
			   const unsigned char bytes[PROTOCOL_REQUEST_SIZE]);
int protocol_parse_response(struct protocol_response *response,
			    const unsigned char bytes[PROTOCOL_RESPONSE_SIZE]);

/* Bytes of a frame that lie together; a frame has at most PROTOCOL_PARTS_MAX such parts. */
struct protocol_part {
	const void *bytes; /* may be NULL if there are none */
	size_t size;       /* bytes */
};

#define PROTOCOL_PARTS_MAX 3

/*
 * When nobody waits for the other end any more: nanoseconds of CLOCK_MONOTONIC, or
 * PROTOCOL_NO_DEADLINE. One deadline holds for a whole exchange, however many pieces it comes in;
 * what has come, or can be sent without waiting, is in time even behind it, so that a program that
 * was stopped for a while does not take its server for a slow one.
 */
#define PROTOCOL_NO_DEADLINE ((int64_t)-1)

/* The deadline that lies so many seconds ahead; 0: none. */
int64_t protocol_deadline(unsigned seconds);

/*
 * Sends all parts, in one system call if the socket takes them: each call more would wake the other
 * end for a piece of which it can make nothing. 0, or -1 with errno of sendmsg(2) or poll(2), or
 * EAGAIN behind the deadline; EPIPE raises no signal. Blocks while the other end does not read.
 */
int protocol_send_parts(int socket, int64_t deadline, const struct protocol_part *parts,
			size_t count);

/* The same for bytes that lie together. */
int protocol_send(int socket, int64_t deadline, const void *bytes, size_t size);

/*
 * What has come over a socket and was not asked for yet: as much as fits is received at once, so
 * that a small frame costs one system call and not one for each of its parts. A reader belongs to
 * one connection, and to one thread at a time; who waits for the socket by other means than
 * protocol_receive does not see what it holds. It owns nothing, least of all the socket.
 *
 * With that size most frames come at once, and the copying costs no more than the calls that it
 * saves: doc/performance.md has the figures.
 */
#define PROTOCOL_READER_SIZE ((size_t)16384) /* bytes */

struct protocol_reader {
	int socket;
	int64_t deadline;  /* of what is received; its owner sets it */
	size_t begin, end; /* what it holds: the bytes from `begin` on, before `end` */
	unsigned char bytes[PROTOCOL_READER_SIZE];
};

/* Begins to read from a socket, without a deadline. What the reader held goes: it was of another
 * connection. */
void protocol_reader_init(struct protocol_reader *reader, int socket);

/*
 * Receives exactly `size` bytes, and perhaps some of what follows, which is kept for the next call.
 * What is still to come goes straight to `bytes` if it would fill the reader. 0, or -1 with errno
 * of recv(2) or poll(2), EAGAIN behind the deadline, or ECONNRESET where the other end closed
 * before the last byte; then the frame is lost, and so is the conversation. Blocks while the other
 * end does not write.
 */
int protocol_receive(struct protocol_reader *reader, void *bytes, size_t size);

/*
 * Whether there is something to receive already: held, or waiting in the socket. Where nothing was
 * asked for, the answers no longer belong to the questions. The end of the conversation is nothing.
 * Never blocks.
 */
bool protocol_has_more(const struct protocol_reader *reader);

#endif
