#include "config.h"

#include "filter.h"

#include "buffer.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>

static bool skips(const char *expression, const char *limit, const char *path)
{
	struct buffer problem = BUFFER_INIT;
	struct filter *filter = filter_create(expression, limit, &problem);
	struct filter_scratch *scratch;
	int result;

	cr_assert_not_null(filter, "%s", buffer_string(&problem));
	scratch = filter_scratch_create(filter);
	cr_assert_not_null(scratch);
	result = filter_skips(filter, scratch, path);
	cr_assert_geq(result, 0);
	filter_scratch_destroy(scratch);
	filter_destroy(filter);
	buffer_fini(&problem);
	return result > 0;
}

Test(filter, nothing_asked_for_skips_nothing)
{
	cr_assert_not(skips(NULL, NULL, "a.py"));
}

Test(filter, expression_is_searched_in_the_path)
{
	cr_assert(skips("bad_coding|badsyntax|site-packages", NULL, "q/site-packages/a.py"));
	cr_assert_not(skips("bad_coding|badsyntax|site-packages", NULL, "q/sitepackages/a.py"));
}

Test(filter, wrong_expression_is_told)
{
	struct buffer problem = BUFFER_INIT;

	cr_assert_null(filter_create("a(b", NULL, &problem));
	cr_assert_eq(errno, EINVAL);
	cr_assert_gt(problem.size, 0);
	buffer_fini(&problem);
}

SCRATCH_TEST(filter, links_must_stay_in_the_limit)
{
	scratch_file("in/a.py", "");
	scratch_file("inner/b.py", "");
	scratch_symlink("a.py", "in/good.py");
	scratch_symlink("../inner/b.py", "in/bad.py");
	scratch_symlink("nowhere", "in/dangling.py");
	cr_assert_not(skips(NULL, "in", "in/a.py"));
	cr_assert_not(skips(NULL, "in", "inner/b.py"), "not a link");
	cr_assert_not(skips(NULL, "in", "in/good.py"));
	cr_assert(skips(NULL, "in", "in/bad.py"), "'inner' only begins like 'in'");
	cr_assert(skips(NULL, "in", "in/dangling.py"));
	cr_assert(skips(NULL, "none", "in/good.py"));
	cr_assert_not(skips(NULL, "/", "in/bad.py"));
}
