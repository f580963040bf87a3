/*
 * Headers: taken apart and put together, and judged.
 *
 * byte 0      bits 0-1 the mode that is demanded, bit 2 any mode will do, bit 3 the magic number
 *             in the file is replaced by the one demanded
 * bytes 1-24  mtime of the source in seconds, its nanoseconds, its size
 * then        the front of a .pyc, and behind STALENESS_FRONT bytes the source
 */
#include "config.h"

#include "fuzz.h"
#include "interpreter.h"
#include "pyc_header.h"
#include "staleness.h"

#include <string.h>

const char fuzz_target[] = "pyc_header";

/* Whatever the bytes: apart and together again, they are the same. */
static void check_round_trip(const unsigned char bytes[PYC_HEADER_SIZE])
{
	unsigned char again[PYC_HEADER_SIZE];
	struct pyc_header header;

	pyc_header_parse(&header, bytes);
	pyc_header_build(again, &header);
	FUZZ_CHECK(memcmp(again, bytes, PYC_HEADER_SIZE) == 0);
	FUZZ_CHECK((header.flags & PYC_FLAG_HASH) ? header.mtime == 0 && header.size == 0
						  : header.hash == 0);
	pyc_header_parse_old(&header, bytes);
	pyc_header_build_old(again, &header);
	FUZZ_CHECK(memcmp(again, bytes, PYC_HEADER_OLD) == 0 && header.flags == 0);
}

static enum staleness judge(const struct staleness_demand *demand, const void *front, size_t size,
			    const struct stat *status, const struct fuzz_input *source)
{
	struct pyc_header header;
	enum staleness verdict = staleness_judge(demand, front, size, status, &header);

	FUZZ_CHECK(staleness_name(verdict));
	FUZZ_CHECK((verdict == STALENESS_TRUNCATED) == (size < STALENESS_FRONT));
	if (verdict != STALENESS_NEEDS_HASH)
		return verdict;
	FUZZ_CHECK(header.flags & PYC_FLAG_HASH);
	return staleness_judge_hash(demand, &header, source->bytes, source->size);
}

/* The mode that the header in `front` is of. */
static enum invalidation_mode mode_of(const unsigned char *front)
{
	struct pyc_header header;

	pyc_header_parse(&header, front);
	if (!(header.flags & PYC_FLAG_HASH))
		return INVALIDATION_TIMESTAMP;
	return header.flags & PYC_FLAG_CHECKED ? INVALIDATION_CHECKED_HASH
					       : INVALIDATION_UNCHECKED_HASH;
}

/* What we would write is fresh, and nothing else is. */
static void check_verdict(const struct staleness_demand *demand, const unsigned char *front,
			  size_t size, const struct stat *status, const struct fuzz_input *source)
{
	unsigned char own[STALENESS_FRONT] = {0};
	enum staleness verdict = judge(demand, front, size, status, source);
	enum invalidation_mode mode =
		demand->any_mode && size >= PYC_HEADER_SIZE ? mode_of(front) : demand->mode;

	(void)interpreter_build_header(demand->interpreter, mode, status, source->bytes, own);
	FUZZ_CHECK(judge(demand, own, sizeof(own), status, source) == STALENESS_FRESH);
	FUZZ_CHECK(judge(demand, own, sizeof(own) - 1, status, source) == STALENESS_TRUNCATED);
	if (size == STALENESS_FRONT)
		FUZZ_CHECK((verdict == STALENESS_FRESH) ==
			   (memcmp(own, front, PYC_HEADER_SIZE) == 0));
	else
		FUZZ_CHECK(verdict == STALENESS_TRUNCATED);
}

/* A source of that size cannot be had, so the hash is of the bytes there are. */
static void set_status(struct stat *status, struct fuzz_input *input)
{
	memset(status, 0, sizeof(*status));
	status->st_mtim.tv_sec = (time_t)fuzz_take_number(input);
	status->st_mtim.tv_nsec = (long)(fuzz_take_number(input) % 1000000000);
	status->st_size = (off_t)fuzz_take_number(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz_input input = {bytes, size};
	uint8_t choice = fuzz_take_byte(&input);
	struct staleness_demand demand = {
		.interpreter = interpreter_embedded(),
		.any_mode = choice & 4,
		.mode = (enum invalidation_mode)((choice & 3) % 3),
	};
	struct stat status;
	unsigned char *front;
	size_t front_size;

	set_status(&status, &input);
	front_size = input.size < STALENESS_FRONT ? input.size : STALENESS_FRONT;
	front = fuzz_copy(input.bytes, front_size);
	input.bytes += front_size;
	input.size -= front_size;
	if ((choice & 8) && front_size >= PYC_HEADER_MAGIC)
		memcpy(front, demand.interpreter->magic, PYC_HEADER_MAGIC);
	if (front_size >= PYC_HEADER_SIZE)
		check_round_trip(front);
	/* The hash that we write is of as many bytes as the status says there are. */
	if ((uint64_t)status.st_size != input.size &&
	    (demand.any_mode || demand.mode != INVALIDATION_TIMESTAMP))
		status.st_size = (off_t)input.size;
	check_verdict(&demand, front, front_size, &status, &input);
	free(front);
	return 0;
}
