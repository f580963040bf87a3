/* The example of doc/examples, built with the library ($PACKAGE_HOOK), as a process. */
#include "support/run.h"
#include "support/scratch.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Runs the example on m.py and n.py. The compile server is in `folder`. */
static void run_hook(struct run_result *result, const char *folder)
{
	const char *program = getenv("PACKAGE_HOOK");
	char variable[4096];

	cr_assert_not_null(program, "PACKAGE_HOOK is not set");
	(void)snprintf(variable, sizeof(variable), "PYCOMPILEALL_LIBEXECDIR=%s", folder);
	run_program(result, &(struct run_request){
				    .program = RUN_LIST(program),
				    .arguments = RUN_LIST("m.py", "n.py"),
				    .environment = RUN_LIST(variable),
			    });
}

/* The folder of the compile server under test. */
static const char *server_folder(char folder[4096])
{
	const char *server = getenv("COMPILE_SERVER");

	cr_assert_not_null(server, "COMPILE_SERVER is not set");
	(void)snprintf(folder, 4096, "%.*s", (int)(strrchr(server, '/') - server), server);
	return folder;
}

SCRATCH_TEST(library, package_hook_compiles_what_is_stale)
{
	char folder[4096];
	struct run_result result;

	scratch_file("m.py", "x = 1\n");
	scratch_file("n.py", "y = 1\n");
	run_hook(&result, server_folder(folder));
	RUN_ASSERT(&result, 0);
	cr_assert_str_eq(result.output, "compiled m.py (missing)\ncompiled n.py (missing)\n");
	run_result_fini(&result);
	scratch_file("n.py", "y = 10\n");
	run_hook(&result, folder);
	RUN_ASSERT(&result, 0);
	cr_assert_str_eq(result.output, "fresh m.py\ncompiled n.py (source size)\n");
	run_result_fini(&result);
}

SCRATCH_TEST(library, package_hook_compiles_what_python_imports)
{
	char folder[4096];
	struct run_result result;

	scratch_file("m.py", "x = 1\n");
	scratch_file("n.py",
		     "import m\nprint(m.x, m.__cached__ == __spec__.cached.replace('n.', 'm.'))\n");
	run_hook(&result, server_folder(folder));
	RUN_ASSERT(&result, 0);
	run_result_fini(&result);
	run_python(&result, (struct run_request){.arguments = RUN_LIST("-v", "-c", "import n")});
	RUN_ASSERT(&result, 0);
	cr_assert_str_eq(result.output, "1 True\n");
	cr_assert(strstr(result.errors, "__pycache__/m."));
	cr_assert_null(strstr(result.errors, "# wrote"));
	run_result_fini(&result);
}

SCRATCH_TEST(library, package_hook_goes_on_after_an_error)
{
	char folder[4096];
	struct run_result result;

	scratch_file("m.py", "x = (\n");
	scratch_file("n.py", "y = 1\n");
	run_hook(&result, server_folder(folder));
	RUN_ASSERT(&result, 1);
	cr_assert_str_eq(result.output, "failed m.py (SyntaxError)\ncompiled n.py (missing)\n");
	cr_assert(strstr(result.errors, "SyntaxError: '(' was never closed"));
	run_result_fini(&result);
}

SCRATCH_TEST(library, package_hook_gives_up_without_a_server)
{
	struct run_result result;

	scratch_file("m.py", "x = 1\n");
	scratch_file("n.py", "y = 1\n");
	run_hook(&result, "/nonexistent");
	RUN_ASSERT(&result, 2);
	cr_assert_str_eq(result.output, "");
	cr_assert(strstr(result.errors, "/nonexistent/compile_server"));
	run_result_fini(&result);
}
