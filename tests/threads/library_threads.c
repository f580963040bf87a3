/*
 * libpycompile under many threads, each with a context of its own, without a test framework, so
 * that it runs under ThreadSanitizer. The server is $COMPILE_SERVER. Prints what fails and exits 1.
 */
#include <pycompile.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS  12

static char folder[] = "/tmp/library_threads.XXXXXX";
static atomic_uint failures;

/* One thread and its files. */
struct part {
	pthread_t thread;
	unsigned number;
};

static void fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)fputs("library_threads: ", stderr);
	(void)vfprintf(stderr, format, arguments);
	(void)fputc('\n', stderr);
	va_end(arguments);
	atomic_fetch_add(&failures, 1);
}

static void write_text(const char *path, const char *text)
{
	FILE *stream = fopen(path, "w");

	if (!stream || fputs(text, stream) < 0 || fclose(stream) != 0)
		fail("cannot write %s", path);
}

/* Compiles `text` at `path` and expects an outcome and an error's type. */
static void compile(struct pycompile *context, const char *path, const char *text,
		    enum pycompile_outcome outcome, const char *type)
{
	struct pycompile_result *result;

	write_text(path, text);
	result = pycompile_compile(context, path, NULL);
	if (!result) {
		fail("no result for %s", path);
		return;
	}
	if (pycompile_result_outcome(result) != outcome ||
	    strcmp(pycompile_result_error_type(result), type) != 0)
		fail("%s: %d %s: %s", path, (int)pycompile_result_outcome(result),
		     pycompile_result_error_type(result), pycompile_result_message(result));
	pycompile_result_destroy(result);
}

static void expect_verdict(const char *path, int verdict)
{
	int found = pycompile_check(path, NULL);

	if (found != verdict)
		fail("%s: verdict %d, not %d", path, found, verdict);
}

static void remove_cache(const char *path)
{
	char *cache = pycompile_cache_from_source(path, NULL, NULL);

	if (!cache || unlink(cache) != 0)
		fail("cannot remove the byte-code of %s", path);
	free(cache);
}

/* Everything that a context does, all threads in one __pycache__. */
static void *run(void *argument)
{
	const struct part *part = argument;
	struct pycompile *context = pycompile_create(getenv("COMPILE_SERVER"));
	char path[sizeof(folder) + 32];

	if (!context) {
		fail("no context");
		return NULL;
	}
	for (unsigned i = 0; i < ROUNDS; i++) {
		(void)snprintf(path, sizeof(path), "%s/m%u_%u.py", folder, part->number, i);
		compile(context, path, "x = (\n", PYCOMPILE_REJECTED, "SyntaxError");
		expect_verdict(path, PYCOMPILE_STALE_MISSING);
		compile(context, path, "def f(x):\n    return x is 1\n", PYCOMPILE_WRITTEN, "");
		expect_verdict(path, PYCOMPILE_FRESH);
		remove_cache(path);
		if (unlink(path) != 0)
			fail("cannot remove %s", path);
	}
	pycompile_destroy(context);
	return NULL;
}

int main(void)
{
	struct part parts[THREADS];
	char cache[sizeof(folder) + 32];

	if (!mkdtemp(folder)) {
		perror("library_threads");
		return 1;
	}
	for (unsigned i = 0; i < THREADS; i++) {
		parts[i].number = i;
		if (pthread_create(&parts[i].thread, NULL, run, &parts[i]) != 0) {
			perror("library_threads");
			return 1;
		}
	}
	for (unsigned i = 0; i < THREADS; i++)
		(void)pthread_join(parts[i].thread, NULL);
	/* With all byte-code, also a temporary left behind would have been in there. */
	(void)snprintf(cache, sizeof(cache), "%s/__pycache__", folder);
	if (rmdir(cache) != 0 || rmdir(folder) != 0)
		fail("%s is not empty", folder);
	return atomic_load(&failures) > 0;
}
