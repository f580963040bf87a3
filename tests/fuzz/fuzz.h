/*
 * fuzz: what the fuzz targets have in common.
 *
 * A target is one file and one program. libFuzzer drives it (scripts/fuzz), or the driver beside
 * this, which needs no engine (make check). Any bytes are a legal input. A target asserts
 * properties, so that what goes wrong without a crash is found, too.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Which folder of the corpus is the target's. Each target defines it. */
extern const char fuzz_target[];

/* One input, in the caller's memory. Each target defines it; it returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Ends the process if a property does not hold. */
#define FUZZ_CHECK(condition)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			(void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);      \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* What is left of an input. */
struct fuzz_input {
	const uint8_t *bytes;
	size_t size;
};

/* Takes one byte, or a number of 8 little-endian bytes; where there are none, zeroes. */
uint8_t fuzz_take_byte(struct fuzz_input *input);
uint64_t fuzz_take_number(struct fuzz_input *input);

/* Takes what stands before the next NUL byte, or all that is left, which the caller frees. */
char *fuzz_take_string(struct fuzz_input *input);

/* A copy that ends where the bytes end, so that AddressSanitizer sees who reads on. The caller
 * frees it; never NULL. */
void *fuzz_copy(const void *bytes, size_t size);

#endif
