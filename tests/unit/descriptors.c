#include "config.h"

#include "descriptors.h"

#include <criterion/criterion.h>
#include <sys/resource.h>

static void set_limits(rlim_t soft, rlim_t hard)
{
	const struct rlimit limit = {soft, hard};

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static rlim_t soft_limit(void)
{
	struct rlimit limit;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	return limit.rlim_cur;
}

Test(descriptors, allow_raises_as_far_as_needed)
{
	set_limits(100, 300);
	descriptors_allow(200);
	cr_assert_eq(soft_limit(), 200);
}

Test(descriptors, allow_raises_no_further_than_the_hard_limit)
{
	set_limits(100, 300);
	descriptors_allow(301);
	cr_assert_eq(soft_limit(), 300);
	descriptors_allow((size_t)-1);
	cr_assert_eq(soft_limit(), 300);
}

Test(descriptors, allow_never_lowers)
{
	set_limits(100, 300);
	descriptors_allow(50);
	cr_assert_eq(soft_limit(), 100);
	descriptors_allow(0);
	cr_assert_eq(soft_limit(), 100);
}
