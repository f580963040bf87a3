#include "config.h"

#include "descriptors.h"

#include <criterion/criterion.h>
#include <dirent.h>

size_t descriptors_count(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	cr_assert_not_null(folder);
	while (readdir(folder))
		count++;
	(void)closedir(folder);
	return count;
}
