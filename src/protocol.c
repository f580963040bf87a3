#include "config.h"

#include "protocol.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define SECOND      INT64_C(1000000000) /* nanoseconds */
#define MILLISECOND INT64_C(1000000)

static const unsigned char greeting_mark[4] = {'p', 'y', 'c', 's'};

static void put_u32(unsigned char *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
}

static void put_u64(unsigned char *bytes, uint64_t value)
{
	put_u32(bytes, (uint32_t)value);
	put_u32(bytes + 4, (uint32_t)(value >> 32));
}

static uint32_t get_u32(const unsigned char *bytes)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++)
		value |= (uint32_t)bytes[i] << (8 * i);
	return value;
}

static uint64_t get_u64(const unsigned char *bytes)
{
	return get_u32(bytes) | (uint64_t)get_u32(bytes + 4) << 32;
}

/* Whether a source, payload or warnings of that size may be asked memory for. */
static bool body_fits(uint64_t size)
{
	return size <= PROTOCOL_BODY_MAX && size <= PTRDIFF_MAX;
}

static int accept_if(bool valid)
{
	if (valid)
		return 0;
	errno = EPROTO;
	return -1;
}

void protocol_build_greeting(unsigned char bytes[PROTOCOL_GREETING_SIZE],
			     const struct protocol_greeting *greeting)
{
	memcpy(bytes, greeting_mark, sizeof(greeting_mark));
	put_u32(bytes + 4, greeting->version);
	memcpy(bytes + 8, greeting->magic, sizeof(greeting->magic));
	put_u32(bytes + 12, greeting->tag_size);
	put_u32(bytes + 16, greeting->python);
	put_u32(bytes + 20, (uint32_t)greeting->level);
	memcpy(bytes + 24, greeting->hash, sizeof(greeting->hash));
}

int protocol_parse_greeting(struct protocol_greeting *greeting,
			    const unsigned char bytes[PROTOCOL_GREETING_SIZE])
{
	greeting->version = get_u32(bytes + 4);
	memcpy(greeting->magic, bytes + 8, sizeof(greeting->magic));
	greeting->tag_size = get_u32(bytes + 12);
	greeting->python = get_u32(bytes + 16);
	greeting->level = (int32_t)get_u32(bytes + 20);
	memcpy(greeting->hash, bytes + 24, sizeof(greeting->hash));
	return accept_if(memcmp(bytes, greeting_mark, sizeof(greeting_mark)) == 0 &&
			 greeting->version == PROTOCOL_VERSION &&
			 greeting->tag_size <= PROTOCOL_TAG_MAX);
}

void protocol_build_request(unsigned char bytes[PROTOCOL_REQUEST_SIZE],
			    const struct protocol_request *request)
{
	put_u32(bytes, (uint32_t)request->level);
	put_u32(bytes + 4, request->flags);
	put_u32(bytes + 8, request->name_size);
	put_u32(bytes + 12, 0);
	put_u64(bytes + 16, request->source_size);
}

int protocol_parse_request(struct protocol_request *request,
			   const unsigned char bytes[PROTOCOL_REQUEST_SIZE])
{
	request->level = (int32_t)get_u32(bytes);
	request->flags = get_u32(bytes + 4);
	request->name_size = get_u32(bytes + 8);
	request->source_size = get_u64(bytes + 16);
	return accept_if((request->flags & ~PROTOCOL_REQUEST_QUOTE) == 0 &&
			 request->name_size <= PROTOCOL_NAME_MAX && get_u32(bytes + 12) == 0 &&
			 body_fits(request->source_size));
}

void protocol_build_response(unsigned char bytes[PROTOCOL_RESPONSE_SIZE],
			     const struct protocol_response *response)
{
	put_u32(bytes, response->status);
	put_u32(bytes + 4, 0);
	put_u64(bytes + 8, response->payload_size);
	put_u64(bytes + 16, response->warnings_size);
}

int protocol_parse_response(struct protocol_response *response,
			    const unsigned char bytes[PROTOCOL_RESPONSE_SIZE])
{
	uint32_t status = get_u32(bytes);

	response->status = status == PROTOCOL_CODE ? PROTOCOL_CODE : PROTOCOL_ERROR;
	response->payload_size = get_u64(bytes + 8);
	response->warnings_size = get_u64(bytes + 16);
	return accept_if((status == PROTOCOL_CODE || status == PROTOCOL_ERROR) &&
			 get_u32(bytes + 4) == 0 && body_fits(response->payload_size) &&
			 body_fits(response->warnings_size));
}

/* Nanoseconds. The clock is always there, and needs no system call. */
static int64_t now(void)
{
	struct timespec time = {0, 0};

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

int64_t protocol_deadline(unsigned seconds)
{
	return seconds > 0 ? now() + seconds * SECOND : PROTOCOL_NO_DEADLINE;
}

/* Milliseconds until then, rounded up; poll(2) takes no more than fit into an int. */
static int until(int64_t deadline)
{
	int64_t left = deadline - now();

	if (left <= 0)
		return 0;
	left = (left + MILLISECOND - 1) / MILLISECOND;
	return left < INT_MAX ? (int)left : INT_MAX;
}

/* Waits until the socket is ready for `events`. 0, or -1 with errno: EAGAIN behind the deadline. */
static int await(int socket, short events, int64_t deadline)
{
	struct pollfd awaited = {.fd = socket, .events = events};

	for (;;) {
		int time = until(deadline);
		int ready = poll(&awaited, 1, time);

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -1;
		if (ready == 0 && time < INT_MAX) {
			errno = EAGAIN;
			return -1;
		}
	}
}

/* Steps over `done` bytes that were sent. */
static void advance(struct msghdr *message, size_t done)
{
	while (message->msg_iovlen > 0 && done >= message->msg_iov->iov_len) {
		done -= message->msg_iov->iov_len;
		message->msg_iov++;
		message->msg_iovlen--;
	}
	if (message->msg_iovlen > 0) {
		message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + done;
		message->msg_iov->iov_len -= done;
	}
}

/* sendmsg(2), but interruptions are none, and with a deadline it is not the call that waits. */
static ssize_t send_some(int socket, int64_t deadline, const struct msghdr *message)
{
	bool limited = deadline != PROTOCOL_NO_DEADLINE;
	int flags = MSG_NOSIGNAL | (limited ? MSG_DONTWAIT : 0);
	ssize_t sent;

	do
		sent = sendmsg(socket, message, flags);
	while (sent < 0 && (errno == EINTR ||
			    (limited && errno == EAGAIN && await(socket, POLLOUT, deadline) == 0)));
	return sent;
}

int protocol_send_parts(int socket, int64_t deadline, const struct protocol_part *parts,
			size_t count)
{
	struct iovec vector[PROTOCOL_PARTS_MAX];
	struct msghdr message = {.msg_iov = vector, .msg_iovlen = count};

	for (size_t i = 0; i < count; i++) {
		vector[i].iov_base = (void *)(uintptr_t)parts[i].bytes;
		vector[i].iov_len = parts[i].size;
	}
	advance(&message, 0);
	while (message.msg_iovlen > 0) {
		ssize_t sent = send_some(socket, deadline, &message);

		if (sent < 0)
			return -1;
		advance(&message, (size_t)sent);
	}
	return 0;
}

int protocol_send(int socket, int64_t deadline, const void *bytes, size_t size)
{
	const struct protocol_part part = {bytes, size};

	return protocol_send_parts(socket, deadline, &part, 1);
}

void protocol_reader_init(struct protocol_reader *reader, int socket)
{
	reader->socket = socket;
	reader->deadline = PROTOCOL_NO_DEADLINE;
	reader->begin = 0;
	reader->end = 0;
}

/*
 * recv(2), but interruptions are none, the end is an error, and with a deadline it is not the call
 * that waits. Without one it waits for all of `size`, if `whole`.
 */
static ssize_t receive_some(const struct protocol_reader *reader, void *bytes, size_t size,
			    bool whole)
{
	bool limited = reader->deadline != PROTOCOL_NO_DEADLINE;
	int flags = limited ? MSG_DONTWAIT : whole ? MSG_WAITALL : 0;
	ssize_t received;

	if (limited && await(reader->socket, POLLIN, reader->deadline) != 0)
		return -1;
	do
		received = recv(reader->socket, bytes, size, flags);
	while (received < 0 && errno == EINTR);
	if (received != 0)
		return received;
	errno = ECONNRESET;
	return -1;
}

/* Receives what there is into a reader that holds nothing. */
static ssize_t fill(struct protocol_reader *reader)
{
	ssize_t received = receive_some(reader, reader->bytes, sizeof(reader->bytes), false);

	reader->begin = 0;
	reader->end = received > 0 ? (size_t)received : 0;
	return received;
}

/* Hands out what the reader holds, at most `size` bytes. Returns how many. */
static size_t take(struct protocol_reader *reader, void *bytes, size_t size)
{
	size_t held = reader->end - reader->begin;

	if (size > held)
		size = held;
	memcpy(bytes, reader->bytes + reader->begin, size);
	reader->begin += size;
	return size;
}

/* Receives at most `size` bytes: what is held, or what comes. Returns how many, or -1 with errno.
 */
static ssize_t receive_more(struct protocol_reader *reader, void *bytes, size_t size)
{
	if (reader->begin < reader->end)
		return (ssize_t)take(reader, bytes, size);
	/* Behind what fills the reader there is nothing to be had with it. */
	if (size >= sizeof(reader->bytes))
		return receive_some(reader, bytes, size, true);
	return fill(reader) < 0 ? -1 : (ssize_t)take(reader, bytes, size);
}

int protocol_receive(struct protocol_reader *reader, void *bytes, size_t size)
{
	char *next = bytes;

	while (size > 0) {
		ssize_t received = receive_more(reader, next, size);

		if (received < 0)
			return -1;
		next += received;
		size -= (size_t)received;
	}
	return 0;
}

bool protocol_has_more(const struct protocol_reader *reader)
{
	char byte;

	return reader->begin < reader->end ||
	       recv(reader->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}
