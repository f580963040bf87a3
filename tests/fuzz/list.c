/*
 * Lists of names, in every format, from a text, a descriptor and a file. The input is the list.
 */
#include "config.h"

#include "buffer.h"
#include "fuzz.h"
#include "list.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utf8proc.h>

const char fuzz_target[] = "list";

static const enum list_format formats[] = {LIST_LINES, LIST_WHOLE_LINES, LIST_NULS};

static bool equal(const struct list *left, const struct list *right)
{
	if (left->count != right->count)
		return false;
	for (size_t i = 0; i < left->count; i++)
		if (strcmp(left->names[i], right->names[i]) != 0)
			return false;
	return true;
}

/* Names that are written as a list and read again are the same. */
static void check_again(const struct list *list, enum list_format format)
{
	struct buffer text = BUFFER_INIT;
	struct list again = {0};

	for (size_t i = 0; i < list->count; i++)
		buffer_append(&text, list->names[i], strlen(list->names[i]) + 1);
	for (size_t i = 0; format != LIST_NULS && i < text.size; i++)
		if (text.data[i] == '\0')
			text.data[i] = '\n';
	FUZZ_CHECK(list_add_text(&again, format, text.data, text.size) == 0);
	FUZZ_CHECK(equal(&again, list));
	list_fini(&again);
	buffer_fini(&text);
}

/* How many names there are, told in another way. */
static size_t count_names(enum list_format format, const uint8_t *bytes, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++) {
		uint8_t next = i + 1 < size ? bytes[i + 1] : 0;

		if (format == LIST_NULS)
			count += bytes[i] != '\0' && next == '\0';
		else if (bytes[i] == '\n' || (bytes[i] == '\r' && next != '\n'))
			count++;
		else if (i + 1 == size)
			count++;
	}
	return count;
}

static void check_names(const struct list *list, enum list_format format)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *name = list->names[i];

		if (format == LIST_NULS)
			FUZZ_CHECK(*name);
		else
			FUZZ_CHECK(!strpbrk(name, "\r\n"));
		if (format == LIST_LINES && *name) {
			FUZZ_CHECK(!strchr(" \t\v\f\x1c\x1d\x1e\x1f", *name));
			FUZZ_CHECK(!strchr(" \t\v\f\x1c\x1d\x1e\x1f", name[strlen(name) - 1]));
		}
	}
}

/* Every name stands in the list as it is, one behind the other. */
static void check_order(const struct list *list, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < list->count; i++) {
		size_t length = strlen(list->names[i]);
		const uint8_t *place = length ? memmem(bytes, size, list->names[i], length) : bytes;

		FUZZ_CHECK(place);
		size -= (size_t)(place - bytes) + length;
		bytes = place + length;
	}
}

static bool is_utf8(const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		utf8proc_int32_t character;
		utf8proc_ssize_t length =
			utf8proc_iterate(bytes, (utf8proc_ssize_t)size, &character);

		if (length <= 0)
			return false;
		bytes += length;
		size -= (size_t)length;
	}
	return true;
}

/* A descriptor and a file say what the text says; a file of lines must be UTF-8. */
static void check_file(const struct list *expected, int result, enum list_format format,
		       int descriptor, bool utf8)
{
	struct list list = {0};
	char path[64];

	FUZZ_CHECK(lseek(descriptor, 0, SEEK_SET) == 0);
	FUZZ_CHECK(list_add_descriptor(&list, format, descriptor) == result);
	FUZZ_CHECK(equal(&list, expected));
	list_fini(&list);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
	if (format == LIST_NULS || utf8) {
		FUZZ_CHECK(list_add_file(&list, path, format) == result);
		FUZZ_CHECK(equal(&list, expected));
	} else {
		FUZZ_CHECK(list_add_file(&list, path, format) == -1 && errno == EILSEQ);
		FUZZ_CHECK(list.count == 0);
	}
	list_fini(&list);
}

static void check_format(enum list_format format, int descriptor, const uint8_t *bytes, size_t size)
{
	struct list list = {0};
	int result = list_add_text(&list, format, (const char *)bytes, size);

	if (format != LIST_NULS && size > 0 && memchr(bytes, '\0', size)) {
		FUZZ_CHECK(result == -1 && errno == EINVAL && list.count == 0);
	} else {
		FUZZ_CHECK(result == 0);
		FUZZ_CHECK(list.count == count_names(format, bytes, size));
		check_names(&list, format);
		check_order(&list, bytes, size);
		check_again(&list, format);
	}
	check_file(&list, result, format, descriptor, is_utf8(bytes, size));
	list_fini(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	int descriptor = memfd_create("list", MFD_CLOEXEC);

	FUZZ_CHECK(descriptor >= 0);
	FUZZ_CHECK(write(descriptor, bytes, size) == (ssize_t)size);
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		check_format(formats[i], descriptor, bytes, size);
	FUZZ_CHECK(close(descriptor) == 0);
	return 0;
}
