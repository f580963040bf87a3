/*
 * cpu: how many CPUs this process may use.
 *
 * The scheduler's affinity mask says on which CPUs it may run, a container's quota (cgroup) for how
 * much of their time: the smaller of both is what threads can be busy with.
 *
 * The parsers are pure. They take any bytes: what is not as the kernel writes it counts as absent.
 */
#ifndef PYCOMPILEALL_CPU_H
#define PYCOMPILEALL_CPU_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

/*
 * More workers than this are not started unless asked for: each may own an interpreter of about
 * 10 MiB, and a disk seldom feeds as many.
 */
#define CPU_DEFAULT_MAX 64u

/*
 * The number of CPUs this process may use, 1 to CPU_DEFAULT_MAX. Reads a few small files of /proc
 * and /sys where a cgroup may set a quota; what cannot be read sets none.
 */
unsigned cpu_usable(void);

/*
 * The CPUs that the quota of a process's cgroup, or of one above it, leaves it: rounded up, at
 * least 1; 0 = no quota. `proc` is the process's folder, "/proc/self".
 */
unsigned cpu_cgroup_limit(const char *proc);

/* In which hierarchy the kernel accounts a process's CPU time. */
enum cpu_cgroup {
	CPU_CGROUP_NONE, /* in none */
	CPU_CGROUP_V1,   /* in the one that has the controller "cpu" */
	CPU_CGROUP_V2,   /* in the unified one */
};

/*
 * Reads /proc/PID/cgroup. Version 1 counts where its line names "cpu", since a controller is in one
 * hierarchy only. Appends the cgroup's path ("/user.slice/..."), unless the answer is
 * CPU_CGROUP_NONE.
 */
enum cpu_cgroup cpu_parse_cgroup(const char *bytes, size_t size, struct buffer *path);

/*
 * Finds in /proc/PID/mountinfo where the cgroup at `path` (a string) can be seen. Appends that
 * folder, and sets `*mount_size` to the length of its front part that is the mount point, below
 * which the cgroup and those above it lie. False: nowhere, nothing is appended.
 */
bool cpu_parse_mountinfo(const char *bytes, size_t size, enum cpu_cgroup version, const char *path,
			 struct buffer *folder, size_t *mount_size);

/* The CPUs of a cpu.max ("QUOTA PERIOD", microseconds); 0 = no quota ("max", or not such a file).
 */
unsigned cpu_parse_max(const char *bytes, size_t size);

/*
 * The same of cpu.cfs_quota_us and cpu.cfs_period_us, a number each; 0 = no quota (-1, or not such
 * files).
 */
unsigned cpu_parse_quota(const char *quota, size_t quota_size, const char *period,
			 size_t period_size);

#endif
