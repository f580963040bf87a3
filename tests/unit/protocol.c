/* Frames, byte by byte, and their transport over a socket. */
#include "config.h"

#include "protocol.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

TestSuite(protocol, .timeout = 60);

#define BYTES(...) ((const unsigned char[]){__VA_ARGS__})

/* ---- Greeting ---- */

static const unsigned char greeting_bytes[PROTOCOL_GREETING_SIZE] = {
	'p',  'y', 'c',  's',  2,    0,    0,    0,    0xa7, 0x0d, 0x0d, 0x0a, 11, 0, 0, 0,
	0xf0, 2,   0x0b, 0x03, 0xfe, 0xff, 0xff, 0xff, 1,    2,    3,    4,    5,  6, 7, 8,
};

Test(protocol, greeting_is_built)
{
	const struct protocol_greeting greeting = {
		.version = PROTOCOL_VERSION,
		.magic = {0xa7, 0x0d, 0x0d, 0x0a},
		.tag_size = 11,
		.python = 0x030b02f0,
		.level = -2,
		.hash = {1, 2, 3, 4, 5, 6, 7, 8},
	};
	unsigned char bytes[PROTOCOL_GREETING_SIZE];

	protocol_build_greeting(bytes, &greeting);
	cr_assert_arr_eq(bytes, greeting_bytes, sizeof(bytes));
}

Test(protocol, greeting_is_parsed)
{
	struct protocol_greeting greeting;

	cr_assert_eq(protocol_parse_greeting(&greeting, greeting_bytes), 0);
	cr_assert_eq(greeting.version, PROTOCOL_VERSION);
	cr_assert_arr_eq(greeting.magic, greeting_bytes + 8, 4);
	cr_assert_eq(greeting.tag_size, 11);
	cr_assert_eq(greeting.python, 0x030b02f0);
	cr_assert_eq(greeting.level, -2);
	cr_assert_arr_eq(greeting.hash, greeting_bytes + 24, 8);
}

/* Parses the greeting with one byte changed. */
static int parse_greeting_with(size_t offset, unsigned char byte)
{
	struct protocol_greeting greeting;
	unsigned char bytes[PROTOCOL_GREETING_SIZE];

	memcpy(bytes, greeting_bytes, sizeof(bytes));
	bytes[offset] = byte;
	errno = 0;
	return protocol_parse_greeting(&greeting, bytes);
}

Test(protocol, greeting_without_its_mark)
{
	for (size_t i = 0; i < 4; i++) {
		cr_assert_eq(parse_greeting_with(i, 'x'), -1);
		cr_assert_eq(errno, EPROTO);
	}
}

Test(protocol, greeting_of_another_version)
{
	cr_assert_eq(parse_greeting_with(4, PROTOCOL_VERSION + 1), -1);
	cr_assert_eq(errno, EPROTO);
	cr_assert_eq(parse_greeting_with(7, 1), -1);
	cr_assert_eq(errno, EPROTO);
}

Test(protocol, greeting_with_the_longest_tag)
{
	cr_assert_eq(parse_greeting_with(12, PROTOCOL_TAG_MAX), 0);
}

Test(protocol, greeting_with_too_long_a_tag)
{
	cr_assert_eq(parse_greeting_with(13, 1), -1);
	cr_assert_eq(errno, EPROTO);
}

/* ---- Request ---- */

static const unsigned char request_bytes[PROTOCOL_REQUEST_SIZE] = {
	0xfe, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0x05, 0x04, 0x03, 0, 0, 0, 0, 0, 6, 5, 4, 3, 0, 0, 0, 0,
};

Test(protocol, request_is_built)
{
	const struct protocol_request request = {
		.level = -2,
		.flags = PROTOCOL_REQUEST_QUOTE,
		.name_size = 0x030405,
		.source_size = 0x03040506,
	};
	unsigned char bytes[PROTOCOL_REQUEST_SIZE];

	protocol_build_request(bytes, &request);
	cr_assert_arr_eq(bytes, request_bytes, sizeof(bytes));
}

Test(protocol, request_is_parsed)
{
	struct protocol_request request;

	cr_assert_eq(protocol_parse_request(&request, request_bytes), 0);
	cr_assert_eq(request.level, -2);
	cr_assert_eq(request.flags, PROTOCOL_REQUEST_QUOTE);
	cr_assert_eq(request.name_size, 0x030405);
	cr_assert_eq(request.source_size, 0x03040506);
}

/* Parses the request with `size` bytes changed. */
static int parse_request_with(size_t offset, const unsigned char *change, size_t size)
{
	struct protocol_request request;
	unsigned char bytes[PROTOCOL_REQUEST_SIZE];

	memcpy(bytes, request_bytes, sizeof(bytes));
	memcpy(bytes + offset, change, size);
	errno = 0;
	return protocol_parse_request(&request, bytes);
}

Test(protocol, request_at_its_limits)
{
	cr_assert_eq(parse_request_with(8, BYTES(0, 0, 0x10, 0), 4), 0);
	cr_assert_eq(parse_request_with(16, BYTES(0, 0, 0, 0, 1, 0, 0, 0), 8), 0);
}

Test(protocol, request_with_too_long_a_name)
{
	cr_assert_eq(parse_request_with(8, BYTES(1, 0, 0x10, 0), 4), -1);
	cr_assert_eq(errno, EPROTO);
}

Test(protocol, request_with_too_long_a_source)
{
	cr_assert_eq(parse_request_with(16, BYTES(1, 0, 0, 0, 1, 0, 0, 0), 8), -1);
	cr_assert_eq(errno, EPROTO);
	cr_assert_eq(parse_request_with(23, BYTES(0xff), 1), -1);
	cr_assert_eq(errno, EPROTO);
}

Test(protocol, request_with_unknown_flags)
{
	cr_assert_eq(parse_request_with(4, BYTES(2), 1), -1);
	cr_assert_eq(errno, EPROTO);
}

Test(protocol, request_with_something_where_zero_belongs)
{
	cr_assert_eq(parse_request_with(12, BYTES(1), 1), -1);
	cr_assert_eq(errno, EPROTO);
}

/* ---- Response ---- */

static const unsigned char response_bytes[PROTOCOL_RESPONSE_SIZE] = {
	1, 0, 0, 0, 0, 0, 0, 0, 6, 5, 4, 3, 0, 0, 0, 0, 9, 8, 7, 0, 0, 0, 0, 0,
};

Test(protocol, response_is_built)
{
	const struct protocol_response response = {
		.status = PROTOCOL_ERROR,
		.payload_size = 0x03040506,
		.warnings_size = 0x070809,
	};
	unsigned char bytes[PROTOCOL_RESPONSE_SIZE];

	protocol_build_response(bytes, &response);
	cr_assert_arr_eq(bytes, response_bytes, sizeof(bytes));
}

Test(protocol, response_is_parsed)
{
	struct protocol_response response;

	cr_assert_eq(protocol_parse_response(&response, response_bytes), 0);
	cr_assert_eq(response.status, PROTOCOL_ERROR);
	cr_assert_eq(response.payload_size, 0x03040506);
	cr_assert_eq(response.warnings_size, 0x070809);
}

/* Parses the response with `size` bytes changed. */
static int parse_response_with(size_t offset, const unsigned char *change, size_t size)
{
	struct protocol_response response;
	unsigned char bytes[PROTOCOL_RESPONSE_SIZE];

	memcpy(bytes, response_bytes, sizeof(bytes));
	memcpy(bytes + offset, change, size);
	errno = 0;
	return protocol_parse_response(&response, bytes);
}

Test(protocol, response_of_unknown_status)
{
	cr_assert_eq(parse_response_with(0, BYTES(2), 1), -1);
	cr_assert_eq(errno, EPROTO);
	cr_assert_eq(parse_response_with(3, BYTES(1), 1), -1);
	cr_assert_eq(errno, EPROTO);
}

Test(protocol, response_with_something_where_zero_belongs)
{
	cr_assert_eq(parse_response_with(4, BYTES(1), 1), -1);
	cr_assert_eq(errno, EPROTO);
}

Test(protocol, response_at_its_limits)
{
	cr_assert_eq(parse_response_with(8, BYTES(0, 0, 0, 0, 1, 0, 0, 0), 8), 0);
	cr_assert_eq(parse_response_with(16, BYTES(0, 0, 0, 0, 1, 0, 0, 0), 8), 0);
}

Test(protocol, response_with_too_long_a_payload)
{
	cr_assert_eq(parse_response_with(8, BYTES(1, 0, 0, 0, 1, 0, 0, 0), 8), -1);
	cr_assert_eq(errno, EPROTO);
}

Test(protocol, response_with_too_long_warnings)
{
	cr_assert_eq(parse_response_with(16, BYTES(1, 0, 0, 0, 1, 0, 0, 0), 8), -1);
	cr_assert_eq(errno, EPROTO);
}

/* Whatever the bytes are, parsing them accepts or refuses; what it accepts, building gives back. */
Test(protocol, random_frames_are_taken_or_refused)
{
	unsigned short state[3] = {1, 2, 3};
	size_t taken = 0;

	for (int i = 0; i < 100000; i++) {
		unsigned char bytes[PROTOCOL_RESPONSE_SIZE] = {0}, built[PROTOCOL_RESPONSE_SIZE];
		struct protocol_response response;

		for (int change = 0; change < 6; change++)
			bytes[nrand48(state) % (long)sizeof(bytes)] =
				(unsigned char)(nrand48(state) % 3);
		if (protocol_parse_response(&response, bytes) != 0)
			continue;
		taken++;
		protocol_build_response(built, &response);
		cr_assert_arr_eq(built, bytes, sizeof(bytes));
	}
	cr_assert_gt(taken, 0);
	cr_assert_lt(taken, 100000);
}

/* ---- Transport ---- */

static int ends[2];
static struct protocol_reader reader; /* of ends[0] */

static void connect_ends(void)
{
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	protocol_reader_init(&reader, ends[0]);
}

static void ignore(int signal)
{
	(void)signal;
}

/* Signals that end every wait early, some time after `microseconds`, again and again. */
static void interrupt_every(suseconds_t microseconds)
{
	const struct sigaction action = {.sa_handler = ignore};
	const struct itimerval timer = {{0, microseconds}, {0, microseconds}};

	cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	cr_assert_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void *send_in_pieces(void *text)
{
	for (const char *piece = text; *piece; piece++) {
		(void)usleep(1000);
		if (protocol_send(ends[1], PROTOCOL_NO_DEADLINE, piece, 1) != 0)
			return NULL;
	}
	return text;
}

Test(protocol, receive_joins_single_bytes_through_interruptions, .init = connect_ends)
{
	char text[] = "in pieces, and interrupted between them";
	char received[sizeof(text)] = "";
	pthread_t sender;
	void *result;

	cr_assert_eq(pthread_create(&sender, NULL, send_in_pieces, text), 0);
	interrupt_every(700);
	/* As a frame, whose fixed part comes first. */
	cr_assert_eq(protocol_receive(&reader, received, 10), 0);
	cr_assert_eq(protocol_receive(&reader, received + 10, strlen(text) - 10), 0);
	cr_assert_eq(pthread_join(sender, &result), 0);
	cr_assert_not_null(result);
	cr_assert_str_eq(received, text);
}

/* Far more than a socket holds. */
#define MUCH ((size_t)5 << 20)

static void *send_much(void *bytes)
{
	return protocol_send(ends[1], PROTOCOL_NO_DEADLINE, bytes, MUCH) == 0 ? bytes : NULL;
}

Test(protocol, send_goes_on_until_all_is_sent, .init = connect_ends)
{
	unsigned char *sent = malloc(MUCH), *received = malloc(MUCH);
	pthread_t sender;
	void *result;

	cr_assert(sent && received);
	for (size_t i = 0; i < MUCH; i++)
		sent[i] = (unsigned char)(i * 7 + i / 251);
	cr_assert_eq(pthread_create(&sender, NULL, send_much, sent), 0);
	cr_assert_eq(protocol_receive(&reader, received, MUCH), 0);
	cr_assert_eq(pthread_join(sender, &result), 0);
	cr_assert_eq(result, sent);
	cr_assert_eq(memcmp(sent, received, MUCH), 0);
	free(sent);
	free(received);
}

static void *send_parts(void *bytes)
{
	const unsigned char *all = bytes;
	const struct protocol_part parts[] = {{all, 3}, {NULL, 0}, {all + 3, MUCH - 3}};

	return protocol_send_parts(ends[1], PROTOCOL_NO_DEADLINE, parts, 3) == 0 ? bytes : NULL;
}

Test(protocol, parts_arrive_one_behind_the_other, .init = connect_ends)
{
	unsigned char *sent = malloc(MUCH), *received = malloc(MUCH);
	pthread_t sender;
	void *result;

	cr_assert(sent && received);
	for (size_t i = 0; i < MUCH; i++)
		sent[i] = (unsigned char)(i * 11 + i / 253);
	cr_assert_eq(pthread_create(&sender, NULL, send_parts, sent), 0);
	interrupt_every(700);
	cr_assert_eq(protocol_receive(&reader, received, MUCH), 0);
	cr_assert_eq(pthread_join(sender, &result), 0);
	cr_assert_eq(result, sent);
	cr_assert_eq(memcmp(sent, received, MUCH), 0);
	free(sent);
	free(received);
}

Test(protocol, receive_of_nothing_waits_for_nothing, .init = connect_ends)
{
	cr_assert_eq(protocol_receive(&reader, NULL, 0), 0);
	cr_assert_eq(protocol_send(ends[0], PROTOCOL_NO_DEADLINE, NULL, 0), 0);
}

Test(protocol, receive_from_a_closed_end, .init = connect_ends)
{
	char byte;

	cr_assert_eq(close(ends[1]), 0);
	cr_assert_eq(protocol_receive(&reader, &byte, 1), -1);
	cr_assert_eq(errno, ECONNRESET);
}

Test(protocol, receive_of_less_than_asked_for, .init = connect_ends)
{
	char bytes[4];

	cr_assert_eq(protocol_send(ends[1], PROTOCOL_NO_DEADLINE, "abc", 3), 0);
	cr_assert_eq(close(ends[1]), 0);
	cr_assert_eq(protocol_receive(&reader, bytes, sizeof(bytes)), -1);
	cr_assert_eq(errno, ECONNRESET);
}

/* The test itself would die of SIGPIPE. */
Test(protocol, send_to_a_closed_end, .init = connect_ends)
{
	cr_assert_eq(close(ends[1]), 0);
	cr_assert_eq(protocol_send(ends[0], PROTOCOL_NO_DEADLINE, "x", 1), -1);
	cr_assert_eq(errno, EPIPE);
}

Test(protocol, no_socket)
{
	char byte = 0;

	cr_assert_eq(protocol_send(-1, PROTOCOL_NO_DEADLINE, &byte, 1), -1);
	cr_assert_eq(errno, EBADF);
	protocol_reader_init(&reader, -1);
	cr_assert_eq(protocol_receive(&reader, &byte, 1), -1);
	cr_assert_eq(errno, EBADF);
}

/* ---- What a reader holds ---- */

/* Bytes that wait in the socket, and not in the reader. */
static size_t waiting(void)
{
	int size;

	cr_assert_eq(ioctl(ends[0], FIONREAD, &size), 0);
	return (size_t)size;
}

/* Up to three readers full of bytes that differ, the same in each call. */
static const unsigned char *many_bytes(void)
{
	static unsigned char bytes[3 * PROTOCOL_READER_SIZE];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 13 + i / 241);
	return bytes;
}

/* Sends the bytes from `begin` to `end`, at once. */
static void send_bytes(size_t begin, size_t end)
{
	cr_assert_eq(
		protocol_send(ends[1], PROTOCOL_NO_DEADLINE, many_bytes() + begin, end - begin), 0);
}

/* Receives as many as that and holds them against what was sent. */
static void assert_received(size_t begin, size_t end)
{
	static unsigned char received[3 * PROTOCOL_READER_SIZE];

	cr_assert_eq(protocol_receive(&reader, received, end - begin), 0);
	cr_assert_eq(memcmp(received, many_bytes() + begin, end - begin), 0);
}

/* The fixed part of a frame brings the rest with it, and the next frame too. */
Test(protocol, frames_that_come_together, .init = connect_ends)
{
	send_bytes(0, 300);
	assert_received(0, 24);
	cr_assert_eq(waiting(), 0);
	assert_received(24, 100);
	assert_received(100, 124);
	assert_received(124, 300);
}

/* What is held is less than asked for: the rest comes behind it. */
Test(protocol, frame_whose_end_comes_later, .init = connect_ends)
{
	send_bytes(0, 100);
	assert_received(0, 24);
	send_bytes(100, 300);
	assert_received(24, 200);
	cr_assert_eq(waiting(), 0);
	assert_received(200, 300);
}

Test(protocol, frame_of_the_size_of_a_reader, .init = connect_ends)
{
	send_bytes(0, PROTOCOL_READER_SIZE);
	assert_received(0, 24);
	cr_assert_eq(waiting(), 0);
	assert_received(24, PROTOCOL_READER_SIZE);
}

Test(protocol, frame_of_one_byte_more_than_a_reader, .init = connect_ends)
{
	send_bytes(0, PROTOCOL_READER_SIZE + 1);
	assert_received(0, 24);
	cr_assert_eq(waiting(), 1);
	assert_received(24, PROTOCOL_READER_SIZE + 1);
}

/* What would fill the reader is not led through it: nothing comes with it. */
Test(protocol, large_frame_is_received_straight, .init = connect_ends)
{
	const size_t size = 5 * PROTOCOL_READER_SIZE / 2;

	send_bytes(0, size + 100);
	assert_received(0, 24);
	cr_assert_eq(waiting(), size + 100 - PROTOCOL_READER_SIZE);
	assert_received(24, size);
	cr_assert_eq(waiting(), 100);
	assert_received(size, size + 24);
	cr_assert_eq(waiting(), 0);
	assert_received(size + 24, size + 100);
}

Test(protocol, end_amid_a_frame_that_is_held, .init = connect_ends)
{
	unsigned char bytes[200];

	send_bytes(0, 100);
	cr_assert_eq(close(ends[1]), 0);
	assert_received(0, 24);
	cr_assert_eq(protocol_receive(&reader, bytes, 77), -1);
	cr_assert_eq(errno, ECONNRESET);
}

/* The other end is gone, but what it had said is heard. */
Test(protocol, end_behind_frames_that_are_held, .init = connect_ends)
{
	unsigned char byte;

	send_bytes(0, 100);
	cr_assert_eq(close(ends[1]), 0);
	assert_received(0, 24);
	assert_received(24, 60);
	assert_received(60, 100);
	cr_assert_eq(protocol_receive(&reader, &byte, 1), -1);
	cr_assert_eq(errno, ECONNRESET);
}

/* A tenth of a second from now. */
static void set_deadline(void)
{
	reader.deadline = protocol_deadline(1) - 900000000;
}

/* Half of a fixed part has come, behind a frame, and no more does. */
Test(protocol, deadline_amid_what_is_held, .init = connect_ends)
{
	unsigned char bytes[24];

	set_deadline();
	send_bytes(0, 112);
	assert_received(0, 100);
	cr_assert_eq(waiting(), 0);
	cr_assert_eq(protocol_receive(&reader, bytes, sizeof(bytes)), -1);
	cr_assert_eq(errno, EAGAIN);
}

/* What is held has come in time. */
Test(protocol, no_deadline_for_what_is_held, .init = connect_ends)
{
	set_deadline();
	send_bytes(0, 100);
	assert_received(0, 24);
	(void)usleep(200000);
	assert_received(24, 100);
}

/* Nobody waits for it, so it may be late. */
Test(protocol, no_deadline_for_what_has_come, .init = connect_ends)
{
	unsigned char byte;

	set_deadline();
	send_bytes(0, 100);
	(void)usleep(200000);
	assert_received(0, 100);
	cr_assert_eq(protocol_receive(&reader, &byte, 1), -1);
	cr_assert_eq(errno, EAGAIN);
}

/* One deadline for all pieces, none of which is late by itself. */
Test(protocol, deadline_of_many_pieces, .init = connect_ends)
{
	char text[250], received[sizeof(text)]; /* few enough to wait in the socket */
	pthread_t thread;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	set_deadline();
	cr_assert_eq(pthread_create(&thread, NULL, send_in_pieces, text), 0);
	cr_assert_eq(protocol_receive(&reader, received, sizeof(text) - 1), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(pthread_join(thread, NULL), 0);
}

/* Interruptions neither end the wait nor make it longer. */
Test(protocol, deadline_amid_interruptions, .init = connect_ends)
{
	unsigned char byte;

	interrupt_every(1000);
	set_deadline();
	cr_assert_eq(protocol_receive(&reader, &byte, 1), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_geq(protocol_deadline(1), reader.deadline + 1000000000);
}

/* The other end reads, but not all of it, and never again. */
Test(protocol, deadline_of_what_is_sent, .init = connect_ends)
{
	static char much[1 << 20];

	set_deadline();
	cr_assert_eq(protocol_send(ends[0], reader.deadline, much, sizeof(much)), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(recv(ends[1], much, sizeof(much) / 16, MSG_WAITALL),
		     (ssize_t)(sizeof(much) / 16));
	set_deadline();
	cr_assert_eq(protocol_send(ends[0], reader.deadline, much, sizeof(much)), -1);
	cr_assert_eq(errno, EAGAIN);
}

/* Seconds beyond what poll(2) takes at once. */
Test(protocol, deadline_that_is_far, .init = connect_ends)
{
	reader.deadline = protocol_deadline(UINT_MAX - 1);
	cr_assert_lt(reader.deadline, protocol_deadline(UINT_MAX));
	send_bytes(0, 100);
	assert_received(0, 100);
	cr_assert_eq(protocol_deadline(0), PROTOCOL_NO_DEADLINE);
}

Test(protocol, reader_of_another_connection_holds_nothing, .init = connect_ends)
{
	send_bytes(0, 100);
	assert_received(0, 24);
	connect_ends();
	send_bytes(200, 300);
	assert_received(200, 300);
}

/* Held, waiting in the socket, and neither; the end is nothing to be received. */
Test(protocol, more_than_was_asked_for, .init = connect_ends)
{
	cr_assert_not(protocol_has_more(&reader));
	send_bytes(0, 10);
	cr_assert(protocol_has_more(&reader));
	assert_received(0, 9);
	cr_assert_eq(waiting(), 0);
	cr_assert(protocol_has_more(&reader));
	assert_received(9, 10);
	cr_assert_not(protocol_has_more(&reader));
	cr_assert_eq(close(ends[1]), 0);
	cr_assert_not(protocol_has_more(&reader));
}
