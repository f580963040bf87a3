#include "config.h"

#include "tally.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_MAX 64
#define NAME_SIZE 64

/* Where the tests of the runner with this process id leave their counts. */
static void file_path(char path[PATH_MAX], pid_t runner)
{
	const char *folder = getenv("TMPDIR");

	(void)snprintf(path, PATH_MAX, "%s/pycompileall-tally-%ld",
		       folder && *folder ? folder : "/tmp", (long)runner);
}

void tally_add(const char *name, size_t count)
{
	char path[PATH_MAX];

	file_path(path, getppid());
	FILE *file = fopen(path, "a");
	cr_assert_not_null(file, "%s cannot be opened", path);
	(void)fprintf(file, "%s %zu\n", name, count);
	cr_assert_eq(fclose(file), 0, "%s cannot be written", path);
}

struct sum {
	char name[NAME_SIZE];
	size_t count;
};

static void add(struct sum sums[NAMES_MAX], const struct sum *more)
{
	for (size_t i = 0; i < NAMES_MAX; i++) {
		if (!sums[i].name[0])
			strcpy(sums[i].name, more->name);
		if (strcmp(sums[i].name, more->name) == 0) {
			sums[i].count += more->count;
			return;
		}
	}
}

ReportHook(PRE_ALL)(struct criterion_test_set *tests)
{
	char path[PATH_MAX];

	(void)tests;
	file_path(path, getpid());
	(void)unlink(path);
}

ReportHook(POST_ALL)(struct criterion_global_stats *statistics)
{
	struct sum sums[NAMES_MAX] = {0};
	struct sum one;
	char path[PATH_MAX];

	(void)statistics;
	file_path(path, getpid());
	FILE *file = fopen(path, "r");
	if (!file)
		return;
	while (fscanf(file, "%63s %zu", one.name, &one.count) == 2)
		add(sums, &one);
	(void)fclose(file);
	(void)unlink(path);
	for (size_t i = 0; i < NAMES_MAX && sums[i].name[0]; i++)
		(void)fprintf(stderr, "%6zu %s\n", sums[i].count, sums[i].name);
}
