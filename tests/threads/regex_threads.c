/*
 * One compiled regular expression under many threads, without a test framework, so that it runs
 * under ThreadSanitizer. Exits 1 if any search tells otherwise than the first.
 */
#include "config.h"

#include "buffer.h"
#include "regex.h"
#include "thread.h"

#include <stdio.h>
#include <stdlib.h>

#define THREADS 8
#define ROUNDS  500

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct {
	const char *path;
	int expected;
} searches[] = {
	{"/usr/lib/python3/dist-packages/a.py", 0},
	{"/usr/lib/python3/test/badsyntax_future3.py", 1},
	{"/srv/caf\303\251/caf\303\251.py", 1},
	{"/srv/caf\303\251/caf\303\250.py", 0},
	{"/srv/\377/\376.py", 1},
	{"/srv/\377/.py", 0},
};

struct searcher {
	pthread_t thread;
	const struct regex *regex;
	unsigned wrong;
};

static void fail(const char *what)
{
	(void)fprintf(stderr, "regex_threads: %s\n", what);
	exit(1);
}

static void *search(void *argument)
{
	struct searcher *searcher = argument;
	struct regex_scratch *scratch = regex_scratch_create();

	if (!scratch)
		fail("no scratch");
	for (size_t i = 0; i < ROUNDS * COUNT(searches); i++)
		searcher->wrong += regex_search(searcher->regex, scratch,
						searches[i % COUNT(searches)].path) !=
				   searches[i % COUNT(searches)].expected;
	regex_scratch_destroy(scratch);
	return NULL;
}

int main(void)
{
	struct buffer problem = BUFFER_INIT;
	struct regex *regex =
		regex_compile("bad_?(syntax|coding)|(\\w\xc3\xa9)/.*\\2|[\\udcfe]", &problem);
	struct searcher searchers[THREADS];

	if (!regex)
		fail("the pattern is refused");
	for (size_t i = 0; i < THREADS; i++) {
		searchers[i] = (struct searcher){.regex = regex};
		if (thread_create(&searchers[i].thread, search, &searchers[i]) != 0)
			fail("no thread");
	}
	for (size_t i = 0; i < THREADS; i++) {
		(void)thread_join(searchers[i].thread);
		if (searchers[i].wrong > 0)
			fail("a search went wrong");
	}
	regex_free(regex);
	buffer_fini(&problem);
	(void)puts("regex_threads: one expression, many threads: ok");
	return 0;
}
