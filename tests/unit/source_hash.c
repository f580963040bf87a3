/*
 * source_hash: against what CPython's _imp.source_hash(key, source) gave, where key is the magic
 * number as a little-endian number.
 */
#include "config.h"

#include "source_hash.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Byte i of every source here is 3i^2 + 7i + 5, modulo 256. */
static void fill(unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i * i * 3 + i * 7 + 5);
}

/* Of 0 to 64 bytes, by CPython 3.10.13. */
static const unsigned char magic_310[4] = {0x6f, 0x0d, 0x0d, 0x0a};
static const uint64_t short_sip24[] = {
	0x27fde72525cdc08c, 0xe27cbd4d1c628fcf, 0x4d79cf9044cef482, 0x19ff489d5231ea49,
	0xfd4cb05672c37411, 0x3293857a81dc5d34, 0x4e38ad257af67ab3, 0x7b3ceee5e778fb2e,
	0xdae661393b4462ab, 0x4b96e787cf10fa53, 0x6b8d5c7629a6e51b, 0x2a2654e10c50c2ac,
	0x57e4253352172972, 0xaadd70b196f6edb8, 0x7b10ed3a9aa4c731, 0xfb360dbf446a5181,
	0xb02e63152684d4bf, 0x0fe9bf75eea2d7fa, 0x928a362d0ce64db5, 0x004f22e0fa7fef28,
	0x7a5eb1f364584f00, 0x553b283d8bb3660c, 0x14388ae126a876af, 0x11753f2635e8a6a5,
	0x148fa79b0b3264fb, 0x788c9d0173827f60, 0x29b40486f0fab6b9, 0xa8ceab81dd55e25f,
	0xaef5fdea5ca7076d, 0xfa07d7b03a1bc461, 0x2ab7f600dbf4aafb, 0xe404628f153825e5,
	0xc9df5573f54be7c2, 0x20c86f7ef510423c, 0xc55adc30d73aeb89, 0xe1c5aed60f59e32a,
	0x0bd0c34f5e386640, 0xc883375f20718549, 0x24c6855a455edefa, 0x88e5368f05c108d9,
	0x4785612b2fb6df44, 0x7e8dfacb7200e4b9, 0xa3da18b6e027bbf7, 0x2899461b5579d85e,
	0x84494446a8ed9202, 0x4e8d1c2aa19549b5, 0x71cb0c194b127850, 0xf96afd769cd59716,
	0x0f96c075c3a93d51, 0xce60f539d2d9bb88, 0x413f173fcf10f4bf, 0xe7ba37c23d54f9a9,
	0x871f2b23c866b16d, 0x32994d2ad2b1ebef, 0x2a19f2d7109165dc, 0xbfc13cc5b5f2b344,
	0xcb5c2d06ef00ced6, 0x6bcdc27cd0fc4d22, 0xacdbebf1878315f0, 0x3ef1e98139e1fb42,
	0xf9747173faff34dd, 0xe6adc17a2b349222, 0x7b4e93b41fa46da7, 0x77867b4d327a8e36,
	0x029ae1e3369d7286,
};

/* Of 0 to 64 bytes, by CPython 3.11.7. */
static const unsigned char magic_311[4] = {0xa7, 0x0d, 0x0d, 0x0a};
static const uint64_t short_sip13[] = {
	0x737fe8d5d59c8d73, 0x5716586d7e73ee06, 0x10df442f5bbb220a, 0xbf8881a8b5f1682a,
	0xd330c4ac1f8c6041, 0xe886c9da912b2998, 0x7d3e6dabb2a5a0ac, 0x2c2f2c92e4fb00ab,
	0x5965b0782c3dfc58, 0xc31b4d47a5cc3b31, 0xb1cd34f265f8617f, 0x483c467d472751a7,
	0xf9b83013de20c8a5, 0xcc5403460e1485d5, 0x51c339af39afaec5, 0xbc4f04b095176846,
	0x62c2265239afedaa, 0x52869ea4854f71b1, 0x240fded20630e709, 0x80d49d7f291a3cf2,
	0x7389dccc3aecc04d, 0x9751d86c4779f01a, 0x0482b7b3d84ae305, 0xca8bbb22fc744e07,
	0x7f59a31aff8e277f, 0x173dea67f049e255, 0x1b777a882cdf5382, 0xffed0c97ad3ad4a3,
	0x06b79ae0cd012824, 0xb9daf8a95b5156d6, 0xd7aa7fc81bd3e075, 0xc832c7c3a671f418,
	0xf18d12299c51276e, 0x8cc65f2677ebed41, 0x0d652ff2b07feca5, 0x6ff0d4e3fad3a15f,
	0x46da59de53ba937a, 0xe50fc3572d9886db, 0xaa7a0c12340c07e5, 0xd5bcf6f3e354c784,
	0x8716fd3c4695a9c9, 0xa24f7af3987d6b73, 0xfa6f1278d87eebc9, 0xf04126ad3aa5fe65,
	0x841ed2a0eb3fa862, 0x2261115bcf546397, 0x1a7ec97c1115fc42, 0x01d0f05276a73120,
	0x37e536dfdb768c30, 0xa56350ad58b29af0, 0xec07400fa99cb1f4, 0x34af39bda3fb324d,
	0x3080b477f58b28a2, 0x73af31c6b81c95ab, 0x7c08fd8e6d6ed6c5, 0x9e31656656fd9292,
	0xb6bcb7973e705a4a, 0xf04de3067bf72110, 0x569e5ad5becd3c9c, 0x34dca9b0bf4cfafd,
	0x2a036d315d5d966b, 0xec47e4b786d25822, 0xfcfa419b94163261, 0x004b7da57cda4abe,
	0x1640db7457d72385,
};

/* Of more bytes, by the same two. */
struct large {
	size_t size;
	uint64_t hash;
};
static const struct large large_sip24[] = {
	{1000, 0x870efe5cca185c80},
	{4096, 0xaf09bf5b72b347cd},
	{65537, 0x3e6f490058ec8682},
	{1048579, 0xe1efea8d1b04dde5},
};
static const struct large large_sip13[] = {
	{1000, 0x64194d0e13cbb180},
	{4096, 0xb8ce66ed26728c60},
	{65537, 0x06afd1a7e55bcf53},
	{1048579, 0x97c3a5f17e86b2c5},
};

/* Of 21 bytes, by each version with its own magic number. */
static const struct {
	const char *version;
	unsigned char magic[4];
	enum source_hash_kind kind;
	uint64_t hash;
} versions[] = {
	{"3.8", {0x55, 0x0d, 0x0d, 0x0a}, SOURCE_HASH_SIP24, 0x5ac92e83ac2297a0},
	{"3.9", {0x61, 0x0d, 0x0d, 0x0a}, SOURCE_HASH_SIP24, 0x4d74f1c95eee262e},
	{"3.10", {0x6f, 0x0d, 0x0d, 0x0a}, SOURCE_HASH_SIP24, 0x553b283d8bb3660c},
	{"3.11", {0xa7, 0x0d, 0x0d, 0x0a}, SOURCE_HASH_SIP13, 0x9751d86c4779f01a},
	{"3.12", {0xcb, 0x0d, 0x0d, 0x0a}, SOURCE_HASH_SIP13, 0xf9f58d8dbdc1937a},
	{"3.13", {0xf3, 0x0d, 0x0d, 0x0a}, SOURCE_HASH_SIP13, 0xe2428c85d76a3f7a},
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static void expect_hash(enum source_hash_kind kind, const unsigned char magic[4], size_t size,
			uint64_t expected)
{
	unsigned char *bytes = malloc(size + 1); /* malloc(0) may be NULL */
	uint64_t hash;

	cr_assert(bytes);
	fill(bytes, size);
	hash = source_hash(kind, magic, bytes, size);
	cr_expect_eq(hash, expected, "%zu bytes: %016" PRIx64, size, hash);
	free(bytes);
}

Test(source_hash, short_sip24)
{
	for (size_t size = 0; size < COUNT(short_sip24); size++)
		expect_hash(SOURCE_HASH_SIP24, magic_310, size, short_sip24[size]);
}

Test(source_hash, short_sip13)
{
	for (size_t size = 0; size < COUNT(short_sip13); size++)
		expect_hash(SOURCE_HASH_SIP13, magic_311, size, short_sip13[size]);
}

Test(source_hash, large_sip24)
{
	for (size_t i = 0; i < COUNT(large_sip24); i++)
		expect_hash(SOURCE_HASH_SIP24, magic_310, large_sip24[i].size, large_sip24[i].hash);
}

Test(source_hash, large_sip13)
{
	for (size_t i = 0; i < COUNT(large_sip13); i++)
		expect_hash(SOURCE_HASH_SIP13, magic_311, large_sip13[i].size, large_sip13[i].hash);
}

Test(source_hash, key_of_every_version)
{
	unsigned char bytes[21];

	fill(bytes, sizeof(bytes));
	for (size_t i = 0; i < COUNT(versions); i++)
		cr_expect_eq(source_hash(versions[i].kind, versions[i].magic, bytes, sizeof(bytes)),
			     versions[i].hash, "%s", versions[i].version);
}

/* A source need not begin where the machine likes to load from. */
Test(source_hash, any_alignment)
{
	unsigned char bytes[8 + 64];

	for (size_t offset = 0; offset < 8; offset++) {
		fill(bytes + offset, 64);
		cr_expect_eq(source_hash(SOURCE_HASH_SIP13, magic_311, bytes + offset, 64),
			     short_sip13[64], "offset %zu", offset);
	}
}

/* An empty source has no bytes to point at. */
Test(source_hash, empty_without_bytes)
{
	cr_assert_eq(source_hash(SOURCE_HASH_SIP24, magic_310, NULL, 0), short_sip24[0]);
	cr_assert_eq(source_hash(SOURCE_HASH_SIP13, magic_311, NULL, 0), short_sip13[0]);
}

/* ---- Which one an interpreter uses ---- */

static int recognize(enum source_hash_kind *kind, const unsigned char magic[4], uint64_t nothing)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(nothing >> (8 * i));
	errno = 0;
	return source_hash_recognize(kind, magic, bytes);
}

Test(source_hash, recognized_by_the_hash_of_nothing)
{
	enum source_hash_kind kind;

	cr_assert_eq(recognize(&kind, magic_310, short_sip24[0]), 0);
	cr_assert_eq(kind, SOURCE_HASH_SIP24);
	cr_assert_eq(recognize(&kind, magic_311, short_sip13[0]), 0);
	cr_assert_eq(kind, SOURCE_HASH_SIP13);
	cr_assert_eq(recognize(&kind, magic_310, 0), 0);
	cr_assert_eq(kind, SOURCE_HASH_NONE);
}

/* Any bit off, the bytes the other way round, or the hash of another magic number. */
Test(source_hash, others_are_not_recognized)
{
	enum source_hash_kind kind;

	for (unsigned bit = 0; bit < 64; bit++) {
		cr_assert_eq(recognize(&kind, magic_310, short_sip24[0] ^ UINT64_C(1) << bit), -1);
		cr_assert_eq(errno, EPROTO);
	}
	cr_assert_eq(recognize(&kind, magic_310, __builtin_bswap64(short_sip24[0])), -1);
	cr_assert_eq(recognize(&kind, magic_311, short_sip24[0]), -1);
	cr_assert_eq(recognize(&kind, magic_310, short_sip24[1]), -1);
	cr_assert_eq(recognize(&kind, magic_310, UINT64_MAX), -1);
}

Test(source_hash, none_hashes_nothing)
{
	cr_assert_eq(source_hash(SOURCE_HASH_NONE, magic_310, "x = 1\n", 6), 0);
}
