/*
 * regex: verdicts and messages, beside Python's re.
 */
#include "config.h"

#include "buffer.h"
#include "regex.h"

#include <criterion/criterion.h>
#include <errno.h>

Test(regex, compile_empty)
{
	struct buffer problem = BUFFER_INIT;

	cr_assert_null(regex_compile("", &problem));
	cr_assert_eq(errno, EINVAL);
	cr_assert_str_eq(buffer_string(&problem), "empty pattern");
	buffer_fini(&problem);
}
