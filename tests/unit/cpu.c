/*
 * cpu: the files that tell of quotas, whole trees of them, and the affinity mask.
 */
#include "config.h"

#include "buffer.h"
#include "cpu.h"

#include "support/scratch.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* The kernel's files as they are read: no NUL follows them. */
static char *without_nul(const char *text, size_t size)
{
	char *bytes = malloc(size ? size : 1);

	cr_assert(bytes);
	if (size > 0)
		memcpy(bytes, text, size);
	return bytes;
}

static unsigned parse_max(const char *text)
{
	size_t size = strlen(text);
	char *bytes = without_nul(text, size);
	unsigned cpus = cpu_parse_max(bytes, size);

	free(bytes);
	return cpus;
}

Test(cpu, max_quota)
{
	cr_expect_eq(parse_max("200000 100000\n"), 2);
	cr_expect_eq(parse_max("100000 100000\n"), 1);
	cr_expect_eq(parse_max("6400000 100000"), 64);
	cr_expect_eq(parse_max("3000 1000\n"), 3);
}

Test(cpu, max_rounds_up)
{
	cr_expect_eq(parse_max("150000 100000\n"), 2);
	cr_expect_eq(parse_max("200001 100000\n"), 3);
	cr_expect_eq(parse_max("1000 100000\n"), 1);
	cr_expect_eq(parse_max("0 100000\n"), 1);
}

Test(cpu, max_no_quota)
{
	cr_expect_eq(parse_max("max 100000\n"), 0);
}

Test(cpu, max_nonsense)
{
	static const char *const nonsense[] = {
		"",      "\n",      " ",      "100000",   "100000 ", "1 0\n",   "-1 100\n",
		"a b\n", "1 2 3\n", "1\n2\n", "0x10 1\n", "1,5 1\n", "\xff 1\n"};

	for (size_t i = 0; i < COUNT(nonsense); i++)
		cr_expect_eq(parse_max(nonsense[i]), 0, "\"%s\"", nonsense[i]);
}

Test(cpu, max_huge_numbers)
{
	cr_expect_eq(parse_max("18446744073709551615 1\n"), UINT_MAX);
	cr_expect_eq(parse_max("99999999999999999999999999 1\n"), UINT_MAX);
	cr_expect_eq(parse_max("1 99999999999999999999999999\n"), 1);
}

static unsigned parse_quota(const char *quota, const char *period)
{
	return cpu_parse_quota(quota, strlen(quota), period, strlen(period));
}

Test(cpu, quota_rounds_up)
{
	cr_expect_eq(parse_quota("200000\n", "100000\n"), 2);
	cr_expect_eq(parse_quota("250000\n", "100000\n"), 3);
	cr_expect_eq(parse_quota("5000\n", "100000\n"), 1);
}

Test(cpu, quota_none)
{
	cr_expect_eq(parse_quota("-1\n", "100000\n"), 0);
	cr_expect_eq(parse_quota("100000\n", "0\n"), 0);
	cr_expect_eq(parse_quota("", "100000\n"), 0);
	cr_expect_eq(parse_quota("100000\n", ""), 0);
}

static void expect_cgroup(const char *text, enum cpu_cgroup version, const char *path)
{
	struct buffer buffer = BUFFER_INIT;
	size_t size = strlen(text);
	char *bytes = without_nul(text, size);

	cr_expect_eq(cpu_parse_cgroup(bytes, size, &buffer), version, "%s", text);
	cr_expect_str_eq(buffer_string(&buffer), path, "%s", buffer_string(&buffer));
	buffer_fini(&buffer);
	free(bytes);
}

Test(cpu, cgroup_v2)
{
	expect_cgroup("0::/user.slice/session-1.scope\n", CPU_CGROUP_V2,
		      "/user.slice/session-1.scope");
	expect_cgroup("0::/", CPU_CGROUP_V2, "/");
}

Test(cpu, cgroup_v1)
{
	expect_cgroup("12:memory:/m\n4:cpu,cpuacct:/docker/ab\n1:name=systemd:/s\n", CPU_CGROUP_V1,
		      "/docker/ab");
	expect_cgroup("4:cpuacct,cpu:/a:b\n", CPU_CGROUP_V1, "/a:b");
}

/* In a hybrid the unified hierarchy is there, too, but the controller is not in it. */
Test(cpu, cgroup_hybrid)
{
	expect_cgroup("0::/unified\n1:cpu:/one\n", CPU_CGROUP_V1, "/one");
	expect_cgroup("1:cpu:/one\n0::/unified\n", CPU_CGROUP_V1, "/one");
	expect_cgroup("3:cpuset:/set\n2:cpuacct:/acct\n0::/unified\n", CPU_CGROUP_V2, "/unified");
}

Test(cpu, cgroup_none)
{
	expect_cgroup("", CPU_CGROUP_NONE, "");
	expect_cgroup("3:cpuset:/set\n", CPU_CGROUP_NONE, "");
	expect_cgroup("0::\n", CPU_CGROUP_NONE, "");
	expect_cgroup("0:/a\n", CPU_CGROUP_NONE, "");
	expect_cgroup("0::relative\n", CPU_CGROUP_NONE, "");
	expect_cgroup(":::\n\n::", CPU_CGROUP_NONE, "");
}

/* `folder` NULL: not found. */
static void expect_mount(const char *text, enum cpu_cgroup version, const char *path,
			 const char *folder, size_t mount_size)
{
	struct buffer buffer = BUFFER_INIT;
	size_t found_size = SIZE_MAX;
	size_t size = strlen(text);
	char *bytes = without_nul(text, size);

	cr_expect_eq(cpu_parse_mountinfo(bytes, size, version, path, &buffer, &found_size),
		     folder != NULL, "%s", text);
	cr_expect_str_eq(buffer_string(&buffer), folder ? folder : "", "%s",
			 buffer_string(&buffer));
	if (folder)
		cr_expect_eq(found_size, mount_size, "%zu", found_size);
	buffer_fini(&buffer);
	free(bytes);
}

static const char mountinfo_v2[] =
	"22 27 0:21 / /proc rw,relatime - proc proc rw\n"
	"31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 master:2 - cgroup2 cgroup2 rw,nsdelegate\n";

static const char mountinfo_v1[] =
	"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
	"33 31 0:30 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
	"32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime shared:7 - cgroup cgroup rw,cpu\n"
	"41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

Test(cpu, mountinfo_v2)
{
	expect_mount(mountinfo_v2, CPU_CGROUP_V2, "/a/b", "/sys/fs/cgroup/a/b", 14);
	expect_mount(mountinfo_v2, CPU_CGROUP_V2, "/", "/sys/fs/cgroup", 14);
	expect_mount(mountinfo_v2, CPU_CGROUP_V1, "/a/b", NULL, 0);
}

Test(cpu, mountinfo_v1)
{
	expect_mount(mountinfo_v1, CPU_CGROUP_V1, "/a", "/sys/fs/cgroup/cpu/a", 18);
	expect_mount(mountinfo_v1, CPU_CGROUP_V2, "/a", "/sys/fs/cgroup/unified/a", 22);
}

/* A container often sees its own cgroup only, as the root of the mount. */
Test(cpu, mountinfo_root_of_container)
{
	static const char mountinfo[] =
		"9 8 0:28 /docker/ab /sys/fs/cgroup ro - cgroup2 cgroup rw\n";

	expect_mount(mountinfo, CPU_CGROUP_V2, "/docker/ab", "/sys/fs/cgroup", 14);
	expect_mount(mountinfo, CPU_CGROUP_V2, "/docker/ab/c", "/sys/fs/cgroup/c", 14);
	expect_mount(mountinfo, CPU_CGROUP_V2, "/docker/abc", NULL, 0);
	expect_mount(mountinfo, CPU_CGROUP_V2, "/docker", NULL, 0);
	expect_mount(mountinfo, CPU_CGROUP_V2, "/", NULL, 0);
}

Test(cpu, mountinfo_next_that_fits)
{
	expect_mount("1 0 0:1 /other /first rw - cgroup2 none rw\n"
		     "2 0 0:1 /own /second rw - cgroup2 none rw\n",
		     CPU_CGROUP_V2, "/own/x", "/second/x", 7);
}

Test(cpu, mountinfo_outside_of_namespace)
{
	expect_mount(mountinfo_v2, CPU_CGROUP_V2, "/../other", NULL, 0);
	expect_mount(mountinfo_v2, CPU_CGROUP_V2, "/..", NULL, 0);
	expect_mount(mountinfo_v2, CPU_CGROUP_V2, "/..x", "/sys/fs/cgroup/..x", 14);
}

Test(cpu, mountinfo_escapes)
{
	expect_mount("1 0 0:1 /a\\040b /c\\134d\\040e rw - cgroup2 none rw\n", CPU_CGROUP_V2,
		     "/a b/x", "/c\\d e/x", 6);
}

Test(cpu, mountinfo_nonsense)
{
	static const char *const nonsense[] = {
		"",
		"\n\n",
		" - ",
		"- cgroup2 - cgroup2",
		"1 0 0:1 / /m rw cgroup2 none rw\n",
		"1 0 0:1 / /m rw -\n",
		"1 0 0:1 / /m rw - cgroup22 none rw\n",
		"1 0 0:1 /\\04 /m rw - cgroup2 none rw\n",
	};

	for (size_t i = 0; i < COUNT(nonsense); i++)
		expect_mount(nonsense[i], CPU_CGROUP_V2, "/a", NULL, 0);
}

/* A /proc/self of our own, whose one mount is the test's tree under `folder`. */
static void write_proc(const char *cgroup, const char *folder, const char *type)
{
	struct buffer mountinfo = BUFFER_INIT;

	buffer_printf(&mountinfo, "1 0 0:1 / %s/%s rw - %s none rw,cpu\n", scratch_path(), folder,
		      type);
	scratch_file("proc/cgroup", cgroup);
	scratch_file("proc/mountinfo", buffer_string(&mountinfo));
	buffer_fini(&mountinfo);
}

SCRATCH_TEST(cpu, limit_of_own_cgroup)
{
	write_proc("0::/a/b\n", "mount", "cgroup2");
	scratch_file("mount/a/b/cpu.max", "250000 100000\n");
	cr_assert_eq(cpu_cgroup_limit("proc"), 3);
}

SCRATCH_TEST(cpu, limit_of_ancestor)
{
	write_proc("0::/a/b/c\n", "mount", "cgroup2");
	scratch_file("mount/a/b/c/cpu.max", "800000 100000\n");
	scratch_file("mount/a/b/cpu.max", "max 100000\n");
	scratch_file("mount/a/cpu.max", "400000 100000\n");
	cr_assert_eq(cpu_cgroup_limit("proc"), 4);
}

SCRATCH_TEST(cpu, limit_of_mount)
{
	write_proc("0::/a\n", "mount", "cgroup2");
	scratch_file("mount/a/cpu.max", "max 100000\n");
	scratch_file("mount/cpu.max", "500000 100000\n");
	cr_assert_eq(cpu_cgroup_limit("proc"), 5);
}

/* What lies above the mount point is no cgroup. */
SCRATCH_TEST(cpu, limit_not_above_mount)
{
	write_proc("0::/\n", "above/mount", "cgroup2");
	scratch_file("above/cpu.max", "100000 100000\n");
	scratch_file("above/mount/cpu.max", "700000 100000\n");
	cr_assert_eq(cpu_cgroup_limit("proc"), 7);
}

SCRATCH_TEST(cpu, limit_v1)
{
	write_proc("1:cpu,cpuacct:/a\n0::/x\n", "mount", "cgroup");
	scratch_file("mount/a/cpu.cfs_quota_us", "-1\n");
	scratch_file("mount/a/cpu.cfs_period_us", "100000\n");
	scratch_file("mount/cpu.cfs_quota_us", "150000\n");
	scratch_file("mount/cpu.cfs_period_us", "50000\n");
	cr_assert_eq(cpu_cgroup_limit("proc"), 3);
}

SCRATCH_TEST(cpu, limit_none)
{
	write_proc("0::/a\n", "mount", "cgroup2");
	cr_assert_eq(cpu_cgroup_limit("proc"), 0, "no cpu.max");
	cr_assert_eq(cpu_cgroup_limit("nowhere"), 0, "no /proc");
}

/* The kernel gives a long list in pieces. */
SCRATCH_TEST(cpu, limit_behind_many_mounts)
{
	struct buffer mountinfo = BUFFER_INIT;

	for (unsigned i = 0; i < 2000; i++)
		buffer_printf(&mountinfo, "%u 0 0:1 / /other/mount/%u rw - tmpfs none rw\n", i, i);
	buffer_printf(&mountinfo, "9999 0 0:1 / %s/mount rw - cgroup2 none rw\n", scratch_path());
	scratch_file("proc/cgroup", "0::/\n");
	scratch_file("proc/mountinfo", buffer_string(&mountinfo));
	scratch_file("mount/cpu.max", "600000 100000\n");
	buffer_fini(&mountinfo);
	cr_assert_eq(cpu_cgroup_limit("proc"), 6);
}

/* The first CPU of the mask, which the test then is held to. */
static void keep_one_cpu(void)
{
	cpu_set_t allowed, one;
	int cpu = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		cr_skip_test("an affinity mask of more than 1,024 CPUs");
	while (!CPU_ISSET(cpu, &allowed))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
}

Test(cpu, usable_affinity)
{
	keep_one_cpu();
	cr_assert_eq(cpu_usable(), 1);
}

Test(cpu, usable_bounds)
{
	unsigned cpus = cpu_usable();
	unsigned limit = cpu_cgroup_limit("/proc/self");
	cpu_set_t allowed;
	unsigned expected;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		cr_skip_test("an affinity mask of more than 1,024 CPUs");
	expected = (unsigned)CPU_COUNT(&allowed);
	if (limit > 0 && limit < expected)
		expected = limit;
	if (expected > CPU_DEFAULT_MAX)
		expected = CPU_DEFAULT_MAX;
	cr_assert_eq(cpus, expected, "%u instead of %u", cpus, expected);
}

/* Every beginning of a file, with each of its bytes replaced: nothing is read beyond the end (for
 * the address sanitizer to see), and an answer is never half given. */
static void try_mangled(const char *text, size_t size)
{
	char *bytes = without_nul(text, size);
	struct buffer buffer = BUFFER_INIT;
	size_t mount_size;

	if (cpu_parse_cgroup(bytes, size, &buffer) == CPU_CGROUP_NONE)
		cr_assert_eq(buffer.size, 0);
	else
		cr_assert_eq(buffer.data[0], '/');
	for (int version = CPU_CGROUP_V1; version <= CPU_CGROUP_V2; version++) {
		buffer_clear(&buffer);
		if (cpu_parse_mountinfo(bytes, size, (enum cpu_cgroup)version, "/a/b", &buffer,
					&mount_size))
			cr_assert_leq(mount_size, buffer.size);
		else
			cr_assert_eq(buffer.size, 0);
	}
	cr_assert_leq(cpu_parse_quota(bytes, size, bytes, size), 1); /* a number by itself */
	(void)cpu_parse_max(bytes, size);
	buffer_fini(&buffer);
	free(bytes);
}

static void try_all_mangled(const char *text)
{
	static const char replacements[] = {'\0', ' ', '\n', ':', ',', '-', '/', '\\', '0', '\xff'};
	size_t size = strlen(text);
	char *copy = strdup(text);

	cr_assert(copy);
	for (size_t cut = 0; cut <= size; cut++)
		try_mangled(text, cut);
	for (size_t i = 0; i < size; i++) {
		for (size_t j = 0; j < COUNT(replacements); j++) {
			copy[i] = replacements[j];
			try_mangled(copy, size);
		}
		copy[i] = text[i];
	}
	free(copy);
}

Test(cpu, parsers_take_any_bytes)
{
	try_all_mangled(mountinfo_v1);
	try_all_mangled(mountinfo_v2);
	try_all_mangled("1 0 0:1 /a\\040b /c\\134 rw - cgroup2 none rw");
	try_all_mangled("4:cpu,cpuacct:/docker/ab\n0::/a\n");
	try_all_mangled("200000 100000\n");
}
