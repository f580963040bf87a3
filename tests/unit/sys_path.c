#include "config.h"

#include "sys_path.h"

#include "list.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

SCRATCH_TEST(sys_path, begins_as_that_of_a_module_run)
{
	struct list list = {0};

	setenv("PYTHONPATH", "/from/pythonpath", 1);
	cr_assert_eq(sys_path_add(&list, PYTHON_EXECUTABLE), 0);
	cr_assert_geq(list.count, 3);
	cr_assert_str_eq(list.names[0], scratch_path());
	cr_assert_str_eq(list.names[1], "/from/pythonpath");
	list_fini(&list);
}

Test(sys_path, failing_interpreter_is_an_error)
{
	struct list list = {0};

	cr_assert_eq(sys_path_add(&list, "/bin/false"), -1);
	cr_assert_eq(errno, ECHILD);
	cr_assert_eq(sys_path_add(&list, "/no/such/python"), -1);
	cr_assert_eq(errno, ENOENT);
	list_fini(&list);
}
