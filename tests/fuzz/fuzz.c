#include "config.h"

#include "fuzz.h"

#include <string.h>

uint8_t fuzz_take_byte(struct fuzz_input *input)
{
	if (input->size == 0)
		return 0;
	input->size--;
	return *input->bytes++;
}

uint64_t fuzz_take_number(struct fuzz_input *input)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < 8; i++)
		number |= (uint64_t)fuzz_take_byte(input) << (8 * i);
	return number;
}

char *fuzz_take_string(struct fuzz_input *input)
{
	size_t length = strnlen((const char *)input->bytes, input->size);
	char *string = malloc(length + 1);

	FUZZ_CHECK(string);
	memcpy(string, input->bytes, length);
	string[length] = '\0';
	input->bytes += length;
	input->size -= length;
	(void)fuzz_take_byte(input);
	return string;
}

void *fuzz_copy(const void *bytes, size_t size)
{
	void *copy = malloc(size ? size : 1);

	FUZZ_CHECK(copy);
	if (size > 0)
		memcpy(copy, bytes, size);
	return copy;
}
