#include "config.h"

#include "cause.h"

#include "buffer.h"

#include <criterion/criterion.h>
#include <errno.h>

static void assert_counts(const struct cause_tally *tally, const char *output, const char *errors)
{
	struct buffer out = BUFFER_INIT, err = BUFFER_INIT;

	cause_append_counts(tally, &out, &err);
	cr_assert_str_eq(buffer_string(&out), output);
	cr_assert_str_eq(buffer_string(&err), errors);
	buffer_fini(&out);
	buffer_fini(&err);
}

Test(cause, what_is_common)
{
	static const int common[] = {ENOSPC, EDQUOT, EROFS, EMFILE, ENFILE, ENOMEM};
	static const int own[] = {0, EACCES, EIO, ENOENT, EINTR, EFBIG, ENOTDIR};

	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++)
		cr_assert(cause_is_common(common[i]), "%d", common[i]);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		cr_assert_not(cause_is_common(own[i]), "%d", own[i]);
}

Test(cause, is_told_once_and_then_counted)
{
	struct cause_tally tally = {0};

	cr_assert(cause_meet(&tally, EROFS, CAUSE_UNCOMPILED, false));
	assert_counts(&tally, "", "");
	cr_assert_not(cause_meet(&tally, EROFS, CAUSE_UNCOMPILED, false));
	assert_counts(&tally,
		      "*** 1 more file could not be compiled: [Errno 30] Read-only file system\n",
		      "");
	cr_assert_not(cause_meet(&tally, EROFS, CAUSE_UNCOMPILED, false));
	assert_counts(&tally,
		      "*** 2 more files could not be compiled: [Errno 30] Read-only file system\n",
		      "");
}

Test(cause, errors_and_effects_are_counted_apart)
{
	struct cause_tally tally = {0};

	for (int i = 0; i < 3; i++) {
		cr_assert_eq(cause_meet(&tally, EMFILE, CAUSE_UNLISTED, false), i == 0);
		cr_assert_eq(cause_meet(&tally, EMFILE, CAUSE_UNCOMPILED, false), i == 0);
		cr_assert_eq(cause_meet(&tally, ENOSPC, CAUSE_UNCOMPILED, false), i == 0);
	}
	assert_counts(&tally,
		      "*** 2 more files could not be compiled: [Errno 28] No space left on device\n"
		      "*** 2 more files could not be compiled: [Errno 24] Too many open files\n"
		      "*** 2 more folders could not be listed: [Errno 24] Too many open files\n",
		      "");
}

Test(cause, is_counted_where_it_was_told)
{
	struct cause_tally tally = {0};

	(void)cause_meet(&tally, ENOSPC, CAUSE_UNCOMPILED, true);
	(void)cause_meet(&tally, ENOSPC, CAUSE_UNCOMPILED, true);
	assert_counts(&tally, "",
		      "1 more file could not be compiled: [Errno 28] No space left on device\n");
}
