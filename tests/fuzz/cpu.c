/*
 * What the kernel says of cgroups. Byte 0 tells how much of the rest is a file of numbers: 16 times
 * as many bytes; what follows is /proc/PID/cgroup and /proc/PID/mountinfo, parted by a NUL byte.
 */
#include "config.h"

#include "buffer.h"
#include "cpu.h"
#include "fuzz.h"

#include <limits.h>
#include <string.h>

const char fuzz_target[] = "cpu";

/* Before what is appended: it must stay. */
#define FRONT "front"

static const char *appended(struct buffer *buffer)
{
	const char *string = buffer_string(buffer);

	FUZZ_CHECK(!buffer_failed(buffer));
	FUZZ_CHECK(strncmp(string, FRONT, strlen(FRONT)) == 0);
	return string + strlen(FRONT);
}

/* Numbers that the kernel could write give what division gives, however long the file. */
static void check_division(uint64_t quota, uint64_t period)
{
	uint64_t expected = period ? quota / period + (quota % period != 0) : 0;
	char max[64], one[32], other[32];
	int size = snprintf(max, sizeof(max), "%llu %llu\n", (unsigned long long)quota,
			    (unsigned long long)period);
	int one_size = snprintf(one, sizeof(one), "%llu\n", (unsigned long long)quota);
	int other_size = snprintf(other, sizeof(other), "%llu\n", (unsigned long long)period);
	unsigned cpus = cpu_parse_max(max, (size_t)size);

	if (period > 0 && expected == 0)
		expected = 1;
	if (expected > UINT_MAX)
		expected = UINT_MAX;
	FUZZ_CHECK(cpus == expected);
	FUZZ_CHECK(cpu_parse_quota(one, (size_t)one_size, other, (size_t)other_size) == cpus);
}

static void check_numbers(const uint8_t *bytes, size_t size)
{
	struct fuzz_input input = {bytes, size};
	char *text = fuzz_copy(bytes, size);

	(void)cpu_parse_max(text, size);
	(void)cpu_parse_quota(text, size / 2, text + size / 2, size - size / 2);
	free(text);
	uint64_t quota = fuzz_take_number(&input);
	uint64_t period = fuzz_take_number(&input);
	check_division(quota, period);
	check_division(quota % 1000000, period % 100000);
}

static void check_mountinfo(const struct fuzz_input *mounts, enum cpu_cgroup version,
			    const char *path)
{
	struct buffer folder = BUFFER_INIT;
	size_t mount_size = 0;

	buffer_append_string(&folder, FRONT);
	if (cpu_parse_mountinfo((const char *)mounts->bytes, mounts->size, version, path, &folder,
				&mount_size)) {
		FUZZ_CHECK(folder.size >= strlen(FRONT) + mount_size);
		/* What lies below the mount point is an end of the path, or nothing. */
		size_t below = folder.size - strlen(FRONT) - mount_size;
		FUZZ_CHECK(below <= strlen(path));
		FUZZ_CHECK(memcmp(folder.data + folder.size - below, path + strlen(path) - below,
				  below) == 0);
		FUZZ_CHECK(below == 0 || path[strlen(path) - below] == '/');
	} else {
		FUZZ_CHECK(*appended(&folder) == '\0');
	}
	buffer_fini(&folder);
}

static void check_lists(struct fuzz_input cgroup, const struct fuzz_input *mounts)
{
	struct buffer path = BUFFER_INIT;
	enum cpu_cgroup version;

	buffer_append_string(&path, FRONT);
	version = cpu_parse_cgroup((const char *)cgroup.bytes, cgroup.size, &path);
	if (version == CPU_CGROUP_NONE) {
		FUZZ_CHECK(*appended(&path) == '\0');
		check_mountinfo(mounts, CPU_CGROUP_V1, "/a/b");
		check_mountinfo(mounts, CPU_CGROUP_V2, "/");
	} else {
		FUZZ_CHECK(*appended(&path) == '/' && !strchr(appended(&path), '\n'));
		check_mountinfo(mounts, version, appended(&path));
	}
	buffer_fini(&path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz_input input = {bytes, size};
	size_t numbers = 16 * (size_t)fuzz_take_byte(&input);
	struct fuzz_input cgroup;
	const uint8_t *end;

	if (numbers > input.size)
		numbers = input.size;
	check_numbers(input.bytes, numbers);
	input.bytes += numbers;
	input.size -= numbers;
	end = input.size ? memchr(input.bytes, '\0', input.size) : NULL;
	cgroup = input;
	if (end) {
		cgroup.size = (size_t)(end - input.bytes);
		input.bytes = end + 1;
		input.size -= cgroup.size + 1;
	}
	check_lists(cgroup, &input);
	return 0;
}
