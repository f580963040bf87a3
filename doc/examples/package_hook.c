/*
 * package_hook: what a package manager does after it has unpacked Python sources.
 *
 *     package_hook FILE...
 *
 * For each file it looks whether the byte-code is up to date, and compiles it if it is not. Prints
 * what it did, one line a file. The exit status is 1 if a file could not be compiled or read, and 2
 * if nothing can be: then there is no sense in going on.
 *
 *     cc package_hook.c $(pkg-config --cflags --libs pycompile) -o package_hook
 */
#include <pycompile.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Byte-code of level 0 that an import takes without a look at the source's hash. */
static const struct pycompile_options options = {
	.optimize = 0,
	.mode = PYCOMPILE_MODE_TIMESTAMP,
};

/* Tells what became of a file. Returns what it adds to the exit status. */
static int report(const char *file, int why, const struct pycompile_result *result)
{
	(void)fputs(pycompile_result_warnings(result), stderr);
	switch (pycompile_result_outcome(result)) {
	case PYCOMPILE_WRITTEN:
		(void)printf("compiled %s (%s)\n", file, pycompile_staleness_name(why));
		return 0;
	case PYCOMPILE_SERVER_ABSENT:
		(void)fprintf(stderr, "package_hook: %s\n", pycompile_result_message(result));
		return 2;
	default:
		(void)printf("failed %s (%s)\n", file, pycompile_result_error_type(result));
		(void)fprintf(stderr, "%s\n", pycompile_result_message(result));
		return 1;
	}
}

static int compile(struct pycompile *context, const char *file, int why)
{
	struct pycompile_result *result = pycompile_compile(context, file, &options);
	int status;

	if (!result) {
		perror("package_hook");
		return 2;
	}
	status = report(file, why, result);
	pycompile_result_destroy(result);
	return status;
}

static int handle(struct pycompile *context, const char *file)
{
	int verdict = pycompile_check(file, &options);

	if (verdict < 0) {
		(void)printf("failed %s (%s)\n", file, strerror(errno));
		return 1;
	}
	if (verdict > PYCOMPILE_FRESH)
		return compile(context, file, verdict);
	(void)printf("fresh %s\n", file);
	return 0;
}

int main(int argc, char *argv[])
{
	/* It starts no process before there is a file to compile. */
	struct pycompile *context = pycompile_create(NULL);
	int worst = 0;

	if (!context) {
		perror("package_hook");
		return 2;
	}
	for (int i = 1; i < argc && worst < 2; i++) {
		int status = handle(context, argv[i]);

		worst = status > worst ? status : worst;
	}
	pycompile_destroy(context);
	return worst;
}
