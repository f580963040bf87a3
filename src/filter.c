#include "config.h"

#include "filter.h"

#include "buffer.h"
#include "folder.h"
#include "regex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct filter {
	struct regex *regex; /* NULL: none */
	bool limits_links;
	char *limit; /* the real path that links must not leave; NULL: there is none, none may pass
		      */
};

struct filter_scratch {
	struct regex_scratch *regex;
};

struct filter *filter_create(const char *expression, const char *link_limit, struct buffer *problem)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	if (!filter)
		return NULL;
	if (expression) {
		filter->regex = regex_compile(expression, problem);
		if (!filter->regex) {
			free(filter);
			return NULL;
		}
	}
	filter->limits_links = link_limit != NULL;
	if (link_limit)
		filter->limit = realpath(link_limit, NULL);
	return filter;
}

void filter_destroy(struct filter *filter)
{
	if (!filter)
		return;
	regex_free(filter->regex);
	free(filter->limit);
	free(filter);
}

struct filter_scratch *filter_scratch_create(const struct filter *filter)
{
	struct filter_scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch || !filter->regex)
		return scratch;
	scratch->regex = regex_scratch_create();
	if (scratch->regex)
		return scratch;
	free(scratch);
	return NULL;
}

void filter_scratch_destroy(struct filter_scratch *scratch)
{
	if (!scratch)
		return;
	regex_scratch_destroy(scratch->regex);
	free(scratch);
}

/* Whether `path` is a symbolic link that leads out of the limit. */
static bool leads_out(const struct filter *filter, const char *path)
{
	struct stat status;
	char *real;
	bool out;

	if (lstat(path, &status) != 0 || !S_ISLNK(status.st_mode))
		return false;
	real = realpath(path, NULL);
	/* A link to nowhere is no file: that it is skipped is right either way. */
	out = !real || !filter->limit || !folder_lies_beneath(filter->limit, real);
	free(real);
	return out;
}

int filter_skips(const struct filter *filter, struct filter_scratch *scratch, const char *path)
{
	int found = filter->regex ? regex_search(filter->regex, scratch->regex, path) : 0;

	if (found != 0)
		return found;
	return filter->limits_links && leads_out(filter, path);
}
