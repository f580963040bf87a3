#include "config.h"

#include "pyc_header.h"

#include <string.h>

/*
 * All numbers are little-endian.
 *
 * bytes  timestamp                  hash
 * 0-3    magic number               magic number
 * 4-7    flags: 0                   flags: PYC_FLAG_HASH, with PYC_FLAG_CHECKED or not
 * 8-11   mtime of the source, s     source hash
 * 12-15  size of the source, bytes  source hash
 *
 * Up to Python 3.6:
 *
 * 0-3    magic number
 * 4-7    mtime of the source, s
 * 8-11   size of the source, bytes
 */
#define FLAGS_AT 4
#define MTIME_AT 8
#define SIZE_AT  12
#define HASH_AT  8

#define OLD_MTIME_AT 4
#define OLD_SIZE_AT  8

static uint32_t load32(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static void store32(unsigned char *bytes, uint32_t value)
{
	bytes[0] = (unsigned char)value;
	bytes[1] = (unsigned char)(value >> 8);
	bytes[2] = (unsigned char)(value >> 16);
	bytes[3] = (unsigned char)(value >> 24);
}

uint32_t pyc_header_flags(enum invalidation_mode mode)
{
	switch (mode) {
	case INVALIDATION_CHECKED_HASH:
		return PYC_FLAG_HASH | PYC_FLAG_CHECKED;
	case INVALIDATION_UNCHECKED_HASH:
		return PYC_FLAG_HASH;
	case INVALIDATION_TIMESTAMP:
		break;
	}
	return 0;
}

void pyc_header_parse(struct pyc_header *header, const unsigned char bytes[PYC_HEADER_SIZE])
{
	*header = (struct pyc_header){.flags = load32(bytes + FLAGS_AT)};
	memcpy(header->magic, bytes, PYC_HEADER_MAGIC);
	if (header->flags & PYC_FLAG_HASH) {
		header->hash = load32(bytes + HASH_AT);
		header->hash |= (uint64_t)load32(bytes + HASH_AT + 4) << 32;
	} else {
		header->mtime = load32(bytes + MTIME_AT);
		header->size = load32(bytes + SIZE_AT);
	}
}

void pyc_header_build(unsigned char bytes[PYC_HEADER_SIZE], const struct pyc_header *header)
{
	memcpy(bytes, header->magic, PYC_HEADER_MAGIC);
	store32(bytes + FLAGS_AT, header->flags);
	if (header->flags & PYC_FLAG_HASH) {
		store32(bytes + HASH_AT, (uint32_t)header->hash);
		store32(bytes + HASH_AT + 4, (uint32_t)(header->hash >> 32));
	} else {
		store32(bytes + MTIME_AT, header->mtime);
		store32(bytes + SIZE_AT, header->size);
	}
}

void pyc_header_parse_old(struct pyc_header *header, const unsigned char bytes[PYC_HEADER_OLD])
{
	*header = (struct pyc_header){
		.mtime = load32(bytes + OLD_MTIME_AT),
		.size = load32(bytes + OLD_SIZE_AT),
	};
	memcpy(header->magic, bytes, PYC_HEADER_MAGIC);
}

void pyc_header_build_old(unsigned char bytes[PYC_HEADER_OLD], const struct pyc_header *header)
{
	memcpy(bytes, header->magic, PYC_HEADER_MAGIC);
	store32(bytes + OLD_MTIME_AT, header->mtime);
	store32(bytes + OLD_SIZE_AT, header->size);
}

uint32_t pyc_header_mtime(struct timespec mtime)
{
	double seconds = (double)mtime.tv_sec + 1e-9 * (double)mtime.tv_nsec;

	/* The last seconds of a 64-bit time_t round up to 2^63, which no int64_t holds; the low 32
	 * bits of it, and of -2^63, are zeros. */
	if (!(seconds > -0x1p63 && seconds < 0x1p63))
		return 0;
	return (uint32_t)(int64_t)seconds;
}
