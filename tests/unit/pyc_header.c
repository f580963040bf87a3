/*
 * pyc_header: the 16 bytes against CPython's own, and the way of an mtime through a double.
 */
#include "config.h"

#include "pyc_header.h"

#include <criterion/criterion.h>
#include <string.h>

/*
 * What CPython 3.13's importlib puts in front of the code: _code_to_timestamp_pyc with an mtime of
 * 0x1fedcba98 and a size of 0x101234567, _code_to_hash_pyc with a hash of 10 11 ... 17.
 */
static const unsigned char timestamp_bytes[PYC_HEADER_SIZE] = {
	0xf3, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0, 0x98, 0xba, 0xdc, 0xfe, 0x67, 0x45, 0x23, 0x01};
static const unsigned char checked_bytes[PYC_HEADER_SIZE] = {
	0xf3, 0x0d, 0x0d, 0x0a, 3, 0, 0, 0, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17};
static const unsigned char unchecked_bytes[PYC_HEADER_SIZE] = {
	0xf3, 0x0d, 0x0d, 0x0a, 1, 0, 0, 0, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17};

#define HASH 0x1716151413121110u

Test(pyc_header, build_timestamp)
{
	struct pyc_header header = {
		.magic = {0xf3, 0x0d, 0x0d, 0x0a},
		.flags = pyc_header_flags(INVALIDATION_TIMESTAMP),
		.mtime = 0xfedcba98,
		.size = 0x01234567,
		.hash = HASH,
	};
	unsigned char bytes[PYC_HEADER_SIZE];

	pyc_header_build(bytes, &header);
	cr_assert_arr_eq(bytes, timestamp_bytes, sizeof(bytes));
}

static void assert_hash_built(enum invalidation_mode mode, const unsigned char *expected)
{
	struct pyc_header header = {
		.magic = {0xf3, 0x0d, 0x0d, 0x0a},
		.flags = pyc_header_flags(mode),
		.mtime = 0xfedcba98,
		.size = 0x01234567,
		.hash = HASH,
	};
	unsigned char bytes[PYC_HEADER_SIZE];

	pyc_header_build(bytes, &header);
	cr_assert_arr_eq(bytes, expected, sizeof(bytes));
}

Test(pyc_header, build_checked_hash)
{
	assert_hash_built(INVALIDATION_CHECKED_HASH, checked_bytes);
}

Test(pyc_header, build_unchecked_hash)
{
	assert_hash_built(INVALIDATION_UNCHECKED_HASH, unchecked_bytes);
}

Test(pyc_header, parse_timestamp)
{
	struct pyc_header header;

	pyc_header_parse(&header, timestamp_bytes);
	cr_assert_arr_eq(header.magic, timestamp_bytes, PYC_HEADER_MAGIC);
	cr_assert_eq(header.flags, 0);
	cr_assert_eq(header.mtime, 0xfedcba98);
	cr_assert_eq(header.size, 0x01234567);
	cr_assert_eq(header.hash, 0);
}

Test(pyc_header, parse_hash)
{
	struct pyc_header header;

	pyc_header_parse(&header, checked_bytes);
	cr_assert_arr_eq(header.magic, checked_bytes, PYC_HEADER_MAGIC);
	cr_assert_eq(header.flags, PYC_FLAG_HASH | PYC_FLAG_CHECKED);
	cr_assert_eq(header.hash, HASH);
	cr_assert_eq(header.mtime, 0);
	cr_assert_eq(header.size, 0);
}

/* A flag that nobody knows must reach whoever refuses it. */
Test(pyc_header, parse_unknown_flags)
{
	unsigned char bytes[PYC_HEADER_SIZE];
	struct pyc_header header;

	memset(bytes, 0xff, sizeof(bytes));
	bytes[7] = 0x80;
	pyc_header_parse(&header, bytes);
	cr_assert_eq(header.flags, 0x80ffffff);
	cr_assert_eq(header.hash, UINT64_MAX);
}

/* ---- Before PEP 552 ---- */

/* What CPython 3.6's _code_to_bytecode puts in front, with the same mtime and size. */
static const unsigned char old_bytes[PYC_HEADER_OLD] = {0x33, 0x0d, 0x0d, 0x0a, 0x98, 0xba,
							0xdc, 0xfe, 0x67, 0x45, 0x23, 0x01};

/* What it has no place for is not written. */
Test(pyc_header, build_old)
{
	struct pyc_header header = {
		.magic = {0x33, 0x0d, 0x0d, 0x0a},
		.flags = PYC_FLAG_HASH,
		.mtime = 0xfedcba98,
		.size = 0x01234567,
		.hash = HASH,
	};
	unsigned char bytes[PYC_HEADER_OLD + 1];

	bytes[PYC_HEADER_OLD] = 0xee;
	pyc_header_build_old(bytes, &header);
	cr_assert_arr_eq(bytes, old_bytes, sizeof(old_bytes));
	cr_assert_eq(bytes[PYC_HEADER_OLD], 0xee);
}

Test(pyc_header, parse_old)
{
	struct pyc_header header;

	memset(&header, 0xff, sizeof(header));
	pyc_header_parse_old(&header, old_bytes);
	cr_assert_arr_eq(header.magic, old_bytes, PYC_HEADER_MAGIC);
	cr_assert_eq(header.mtime, 0xfedcba98);
	cr_assert_eq(header.size, 0x01234567);
	cr_assert_eq(header.flags, 0);
	cr_assert_eq(header.hash, 0);
}

/* int(os.stat(path).st_mtime) & 0xffffffff, by CPython 3.13 on files with these times. */
static const struct {
	int64_t seconds;
	long nanoseconds;
	uint32_t mtime;
} mtimes[] = {
	{0, 0, 0x00000000},
	{1700000000, 0, 0x6553f100},
	{1700000000, 500000000, 0x6553f100},
	{1700000000, 999999880, 0x6553f100},
	{1700000000, 999999881, 0x6553f101},
	{1700000000, 999999999, 0x6553f101},
	{-6, 500000000, 0xfffffffb},
	{-1, 0, 0xffffffff},
	{-1, 999999999, 0x00000000},
	{-2, 999999999, 0xffffffff},
	{-2147483648, 0, 0x80000000},
	{2147483647, 999999999, 0x80000000},
	{2147483648, 0, 0x80000000},
	{4294967295, 0, 0xffffffff},
	{4294967295, 999999999, 0x00000000},
	{4294967296, 0, 0x00000000},
	{4294967301, 0, 0x00000005},
	{8589934592, 1, 0x00000000},
};

Test(pyc_header, mtime_python)
{
	for (size_t i = 0; i < sizeof(mtimes) / sizeof(*mtimes); i++) {
		struct timespec time = {(time_t)mtimes[i].seconds, mtimes[i].nanoseconds};

		if (time.tv_sec != mtimes[i].seconds)
			continue; /* a time_t of 32 bits */
		cr_expect_eq(pyc_header_mtime(time), mtimes[i].mtime, "%lld s %ld ns: %08x",
			     (long long)mtimes[i].seconds, mtimes[i].nanoseconds,
			     (unsigned)pyc_header_mtime(time));
	}
}

/* int(float(n)) & 0xffffffff in Python; as a double the largest is 2^63, past any int64_t. */
Test(pyc_header, mtime_extremes)
{
	if (sizeof(time_t) < 8)
		cr_skip_test("a time_t of 32 bits");
	cr_expect_eq(pyc_header_mtime((struct timespec){(time_t)INT64_MAX, 999999999}), 0);
	cr_expect_eq(pyc_header_mtime((struct timespec){(time_t)INT64_MIN, 0}), 0);
	cr_expect_eq(pyc_header_mtime((struct timespec){(time_t)9007199254740991, 0}), 0xffffffff);
	cr_expect_eq(pyc_header_mtime((struct timespec){(time_t)9007199254740993, 0}), 0);
	cr_expect_eq(pyc_header_mtime((struct timespec){(time_t)-9007199254740991, 0}), 1);
	cr_expect_eq(pyc_header_mtime((struct timespec){(time_t)9223372036854774784, 0}),
		     0xfffffc00);
}
