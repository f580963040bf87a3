#include "config.h"

#include "staleness.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>

static const struct interpreter interpreter = {
	.version = "3.11.2",
	.cache_tag = "cpython-311",
	.magic = {0xa7, 0x0d, 0x0d, 0x0a},
	.hash_kind = SOURCE_HASH_SIP13,
};

static const struct staleness_demand any_mode = {.interpreter = &interpreter, .any_mode = true};

static const struct stat source = {
	.st_size = 0x1234,
	.st_mtim = {.tv_sec = 0x5f5e1000},
};

/* A fresh .pyc's front, with a timestamp. */
static void build_front(unsigned char front[STALENESS_FRONT])
{
	static const unsigned char fresh[STALENESS_FRONT] = {
		0xa7, 0x0d, 0x0d, 0x0a, 0, 0, 0, 0, 0x00, 0x10, 0x5e, 0x5f, 0x34, 0x12, 0, 0, 0xe3,
	};

	memcpy(front, fresh, sizeof(fresh));
}

/* The verdict on a fresh front of which one byte is another. */
static enum staleness judge_changed(size_t offset, unsigned char byte)
{
	unsigned char front[STALENESS_FRONT];
	struct pyc_header header;

	build_front(front);
	front[offset] = byte;
	return staleness_judge(&any_mode, front, sizeof(front), &source, &header);
}

Test(staleness, matching_header_is_fresh)
{
	cr_assert_eq(judge_changed(16, 0xe3), STALENESS_FRESH);
}

Test(staleness, each_field_has_its_reason)
{
	cr_assert_eq(judge_changed(0, 0xcb), STALENESS_MAGIC);
	cr_assert_eq(judge_changed(3, 0x0b), STALENESS_MAGIC);
	cr_assert_eq(judge_changed(4, 4), STALENESS_FLAGS);
	cr_assert_eq(judge_changed(7, 0x80), STALENESS_FLAGS);
	cr_assert_eq(judge_changed(4, 2), STALENESS_FLAGS, "checked without hash is no mode");
	cr_assert_eq(judge_changed(8, 1), STALENESS_MTIME);
	cr_assert_eq(judge_changed(11, 1), STALENESS_MTIME);
	cr_assert_eq(judge_changed(12, 1), STALENESS_SIZE);
	cr_assert_eq(judge_changed(15, 1), STALENESS_SIZE);
	cr_assert_eq(judge_changed(4, 1), STALENESS_NEEDS_HASH);
	cr_assert_eq(judge_changed(4, 3), STALENESS_NEEDS_HASH);
}

Test(staleness, header_without_code_behind_it_is_truncated)
{
	unsigned char front[STALENESS_FRONT];
	struct pyc_header header;

	build_front(front);
	for (size_t size = 0; size < STALENESS_FRONT; size++)
		cr_assert_eq(staleness_judge(&any_mode, front, size, &source, &header),
			     STALENESS_TRUNCATED, "%zu bytes", size);
}

Test(staleness, size_and_mtime_are_masked_to_32_bits)
{
	struct stat large = source;
	unsigned char front[STALENESS_FRONT];
	struct pyc_header header;

	large.st_size += (off_t)1 << 32;
	large.st_mtim.tv_sec += (time_t)1 << 32;
	build_front(front);
	cr_assert_eq(staleness_judge(&any_mode, front, sizeof(front), &large, &header),
		     STALENESS_FRESH);
}

Test(staleness, requested_mode_rejects_the_others)
{
	static const unsigned char flags[] = {0, 3, 1};
	static const enum invalidation_mode modes[] = {
		INVALIDATION_TIMESTAMP, INVALIDATION_CHECKED_HASH, INVALIDATION_UNCHECKED_HASH};
	unsigned char front[STALENESS_FRONT];
	struct pyc_header header;

	build_front(front);
	for (size_t asked = 0; asked < 3; asked++) {
		struct staleness_demand demand = {.interpreter = &interpreter,
						  .mode = modes[asked]};

		for (size_t found = 0; found < 3; found++) {
			enum staleness verdict;

			front[4] = flags[found];
			verdict = staleness_judge(&demand, front, sizeof(front), &source, &header);
			cr_assert_eq(verdict == STALENESS_FLAGS, found != asked);
		}
	}
}

Test(staleness, hash_is_held_against_the_source)
{
	struct pyc_header header = {.flags = PYC_FLAG_HASH};

	header.hash = source_hash(SOURCE_HASH_SIP13, interpreter.magic, "pass\n", 5);
	cr_assert_eq(staleness_judge_hash(&any_mode, &header, "pass\n", 5), STALENESS_FRESH);
	cr_assert_eq(staleness_judge_hash(&any_mode, &header, "pasS\n", 5), STALENESS_HASH);
}

SCRATCH_TEST(staleness, files_that_cannot_be_judged)
{
	struct pyc_header header;

	scratch_folder("folder");
	scratch_symlink("loop", "loop");
	scratch_fifo("fifo");
	cr_assert_eq(staleness_check(&any_mode, AT_FDCWD, "none", &source, &header),
		     STALENESS_MISSING);
	cr_assert_eq(staleness_check(&any_mode, AT_FDCWD, "folder", &source, &header),
		     STALENESS_UNREADABLE);
	cr_assert_eq(staleness_check(&any_mode, AT_FDCWD, "loop", &source, &header),
		     STALENESS_UNREADABLE);
	cr_assert_eq(staleness_check(&any_mode, AT_FDCWD, "fifo", &source, &header),
		     STALENESS_TRUNCATED, "and it did not block");
}

SCRATCH_TEST(staleness, file_is_judged_by_its_front)
{
	unsigned char front[STALENESS_FRONT];
	struct pyc_header header;

	build_front(front);
	scratch_bytes("x.pyc", front, sizeof(front));
	cr_assert_eq(staleness_check(&any_mode, AT_FDCWD, "x.pyc", &source, &header),
		     STALENESS_FRESH);
}

/* ---- Before PEP 552: no flags, no hash ---- */

static const struct interpreter old_interpreter = {
	.version = "3.6.15",
	.cache_tag = "cpython-36",
	.magic = {0x33, 0x0d, 0x0d, 0x0a},
	.hash_kind = SOURCE_HASH_NONE,
};

/* The verdict on the first bytes of a fresh .pyc of Python 3.6, of which one is another. */
static enum staleness judge_old(size_t size, size_t offset, unsigned char byte)
{
	const struct staleness_demand demand = {.interpreter = &old_interpreter,
						.mode = INVALIDATION_TIMESTAMP};
	unsigned char front[PYC_HEADER_OLD + 1] = {0x33, 0x0d, 0x0d, 0x0a, 0x00, 0x10, 0x5e,
						   0x5f, 0x34, 0x12, 0,    0,    0xe3};
	struct pyc_header header;

	front[offset] = byte;
	return staleness_judge(&demand, front, size, &source, &header);
}

Test(staleness, old_header_has_12_bytes)
{
	cr_assert_eq(judge_old(13, 12, 0xe3), STALENESS_FRESH);
	for (size_t size = 0; size < 13; size++)
		cr_assert_eq(judge_old(size, 12, 0xe3), STALENESS_TRUNCATED, "%zu bytes", size);
}

Test(staleness, each_field_of_an_old_header_has_its_reason)
{
	cr_assert_eq(judge_old(13, 0, 0x32), STALENESS_MAGIC);
	cr_assert_eq(judge_old(13, 3, 0x0b), STALENESS_MAGIC);
	cr_assert_eq(judge_old(13, 4, 1), STALENESS_MTIME, "and no flag");
	cr_assert_eq(judge_old(13, 7, 1), STALENESS_MTIME);
	cr_assert_eq(judge_old(13, 8, 1), STALENESS_SIZE);
	cr_assert_eq(judge_old(13, 11, 1), STALENESS_SIZE);
}

/* What a newer Python wrote at the old one's place. */
Test(staleness, old_header_is_not_a_new_one)
{
	const struct staleness_demand demand = {.interpreter = &old_interpreter, .any_mode = true};
	unsigned char front[STALENESS_FRONT];
	struct pyc_header header;

	build_front(front);
	cr_assert_eq(staleness_judge(&demand, front, sizeof(front), &source, &header),
		     STALENESS_MAGIC);
	memcpy(front, old_interpreter.magic, PYC_HEADER_MAGIC);
	cr_assert_eq(staleness_judge(&demand, front, sizeof(front), &source, &header),
		     STALENESS_MTIME);
}

Test(staleness, every_verdict_has_a_name)
{
	for (int verdict = STALENESS_FRESH; verdict <= STALENESS_NEEDS_HASH; verdict++)
		cr_assert(staleness_name((enum staleness)verdict)[0] != '\0');
	cr_assert_str_eq(staleness_name(STALENESS_MTIME), "source mtime");
}
