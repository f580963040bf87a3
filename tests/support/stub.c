#include "config.h"

#include "stub.h"

#include "buffer.h"
#include "protocol.h"
#include "scratch.h"
#include "source_hash.h"

#include <string.h>

static void append_octal(struct buffer *text, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		buffer_printf(text, "\\%03o", ((const unsigned char *)bytes)[i]);
}

static void append_greeting(struct buffer *text, const struct interpreter *interpreter)
{
	unsigned char bytes[PROTOCOL_GREETING_SIZE];
	struct protocol_greeting greeting = {
		.version = PROTOCOL_VERSION,
		.tag_size = (uint32_t)strlen(interpreter->cache_tag),
		.python = 0x030b02f0,
		.level = interpreter->level,
	};
	uint64_t hash = source_hash(interpreter->hash_kind, interpreter->magic, "", 0);

	memcpy(greeting.magic, interpreter->magic, sizeof(greeting.magic));
	for (size_t i = 0; i < sizeof(greeting.hash); i++)
		greeting.hash[i] = (unsigned char)(hash >> (8 * i));
	protocol_build_greeting(bytes, &greeting);
	append_octal(text, bytes, sizeof(bytes));
	append_octal(text, interpreter->cache_tag, greeting.tag_size);
}

void stub_server(const char *path, const struct interpreter *interpreter, size_t size,
		 const char *script)
{
	struct buffer text = BUFFER_INIT;

	/* Another server may write to the same file, so it must not be seen half made. */
	buffer_printf(
		&text,
		"#!/bin/sh\nreceive() { head -c %zu <&0 >request.$$ && test -s request.$$ &&\n"
		"mv request.$$ request; }\n",
		PROTOCOL_REQUEST_SIZE + size);
	buffer_append_string(&text, "greet() { printf '");
	append_greeting(&text, interpreter);
	buffer_printf(&text, "' >&0; }\n%s", script);
	scratch_bytes(path, text.data, text.size);
	scratch_mode(path, 0755);
	buffer_fini(&text);
}
