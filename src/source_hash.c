#include "config.h"

#include "source_hash.h"

#include <errno.h>

/* SipHash's four words; J.-P. Aumasson, D. J. Bernstein: "SipHash: a fast short-input PRF". */
struct state {
	uint64_t v0, v1, v2, v3;
};

/* Written with shifts it is right on every machine, and one load where the machine allows it. */
static inline uint64_t load64(const unsigned char *bytes)
{
	return (uint64_t)bytes[0] | (uint64_t)bytes[1] << 8 | (uint64_t)bytes[2] << 16 |
	       (uint64_t)bytes[3] << 24 | (uint64_t)bytes[4] << 32 | (uint64_t)bytes[5] << 40 |
	       (uint64_t)bytes[6] << 48 | (uint64_t)bytes[7] << 56;
}

/* The last 0 to 7 bytes, and the length's lowest byte on top. */
static inline uint64_t load_tail(const unsigned char *bytes, size_t size)
{
	uint64_t word = (uint64_t)size << 56;

	for (size_t i = size - size % 8; i < size; i++)
		word |= (uint64_t)bytes[i] << (8 * (i % 8));
	return word;
}

static inline uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

/* Unrolled by request: gcc at -O2 would keep the loop, at half the speed. */
static inline void mix(struct state *s, unsigned rounds)
{
#pragma GCC unroll 4
	for (unsigned i = 0; i < rounds; i++) {
		s->v0 += s->v1;
		s->v2 += s->v3;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v1;
		s->v0 += s->v3;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 = rotate(s->v2, 32);
	}
}

static inline void absorb(struct state *s, uint64_t word, unsigned rounds)
{
	s->v3 ^= word;
	mix(s, rounds);
	s->v0 ^= word;
}

/* Inlined into each of its two callers, so that the rounds are constants inside of the loop. */
static inline __attribute__((always_inline)) uint64_t siphash(uint64_t key0,
							      const unsigned char *bytes,
							      size_t size, unsigned rounds,
							      unsigned final_rounds)
{
	struct state s = {
		.v0 = key0 ^ 0x736f6d6570736575u,
		.v1 = 0x646f72616e646f6du,
		.v2 = key0 ^ 0x6c7967656e657261u,
		.v3 = 0x7465646279746573u,
	};

	for (size_t i = 0; i + 8 <= size; i += 8)
		absorb(&s, load64(bytes + i), rounds);
	absorb(&s, load_tail(bytes, size), rounds);
	s.v2 ^= 0xff;
	mix(&s, final_rounds);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

uint64_t source_hash(enum source_hash_kind kind, const unsigned char magic[4], const void *bytes,
		     size_t size)
{
	uint64_t key0 = (uint64_t)magic[0] | (uint64_t)magic[1] << 8 | (uint64_t)magic[2] << 16 |
			(uint64_t)magic[3] << 24;

	switch (kind) {
	case SOURCE_HASH_SIP13:
		return siphash(key0, bytes, size, 1, 3);
	case SOURCE_HASH_SIP24:
		return siphash(key0, bytes, size, 2, 4);
	case SOURCE_HASH_NONE:
		break;
	}
	return 0;
}

int source_hash_recognize(enum source_hash_kind *kind, const unsigned char magic[4],
			  const unsigned char nothing[8])
{
	static const enum source_hash_kind kinds[] = {SOURCE_HASH_NONE, SOURCE_HASH_SIP13,
						      SOURCE_HASH_SIP24};
	uint64_t wanted = load64(nothing);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (source_hash(kinds[i], magic, "", 0) == wanted) {
			*kind = kinds[i];
			return 0;
		}
	}
	errno = EPROTO;
	return -1;
}
