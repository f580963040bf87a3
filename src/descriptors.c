#include "config.h"

#include "descriptors.h"

#include <sys/resource.h>

void descriptors_allow(size_t count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
	    limit.rlim_cur >= count)
		return;
	if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= count)
		limit.rlim_cur = count;
	else
		limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}
