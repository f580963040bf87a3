#include "config.h"

#include "cpu.h"

#include "buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

/*
 * What the kernel writes; a path's blanks, newlines and backslashes are octal (\040) in mountinfo.
 *
 * /proc/self/cgroup     ID:CONTROLLER,...:PATH          a line a hierarchy; version 2 is "0::PATH"
 * /proc/self/mountinfo  ID PARENT MAJOR:MINOR ROOT MOUNT-POINT OPTION,... [TAG...] - TYPE SOURCE
 *                       SUPER-OPTION,...                a line a mount
 * cpu.max               QUOTA PERIOD | max PERIOD       version 2, us
 * cpu.cfs_quota_us      QUOTA | -1                      version 1, us
 * cpu.cfs_period_us     PERIOD                          version 1, us
 */
#define MOUNTINFO_ROOT 3 /* fields before it */

/* The quota's files are a line; the lists in /proc come in pieces of a page. */
#define READ_SIZE 4096 /* bytes */

/* CPUs in the affinity masks that are tried: as cpu_set_t has, up to more than any kernel has. */
#define AFFINITY_MIN (1 << 10)
#define AFFINITY_MAX (1 << 20)

/* Bytes of somebody else's. */
struct span {
	const char *bytes;
	size_t size;
};

/* Cuts off what stands before the first `separator`, or all; `rest` goes on behind it. */
static struct span cut(struct span *rest, char separator)
{
	const char *end = rest->size > 0 ? memchr(rest->bytes, separator, rest->size) : NULL;
	struct span piece = *rest;

	if (!end) {
		*rest = (struct span){NULL, 0};
		return piece;
	}
	piece.size = (size_t)(end - piece.bytes);
	rest->bytes = end + 1;
	rest->size -= piece.size + 1;
	return piece;
}

static bool equals(struct span span, const char *string)
{
	return span.size == strlen(string) &&
	       (span.size == 0 || !memcmp(span.bytes, string, span.size));
}

/* Whether `word` is in a list with commas. */
static bool lists(struct span list, const char *word)
{
	while (list.size > 0) {
		if (equals(cut(&list, ','), word))
			return true;
	}
	return false;
}

/* The number that the span is, or UINT64_MAX if it is too large; false: it is none. */
static bool parse_number(struct span digits, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < digits.size; i++) {
		unsigned digit = (unsigned)(unsigned char)digits.bytes[i] - '0';

		if (digit > 9)
			return false;
		if (*number > (UINT64_MAX - digit) / 10)
			*number = UINT64_MAX;
		else
			*number = *number * 10 + digit;
	}
	return digits.size > 0;
}

/* Rounded up: half a CPU still runs one thread. */
static unsigned divide(uint64_t quota, uint64_t period)
{
	uint64_t cpus;

	if (period == 0)
		return 0;
	cpus = quota / period + (quota % period != 0);
	if (cpus == 0)
		return 1;
	return cpus < UINT_MAX ? (unsigned)cpus : UINT_MAX;
}

unsigned cpu_parse_max(const char *bytes, size_t size)
{
	struct span rest = {bytes, size};
	struct span line = cut(&rest, '\n');
	struct span quota = cut(&line, ' ');
	uint64_t quota_us, period_us;

	if (!parse_number(quota, &quota_us) || !parse_number(line, &period_us))
		return 0;
	return divide(quota_us, period_us);
}

unsigned cpu_parse_quota(const char *quota, size_t quota_size, const char *period,
			 size_t period_size)
{
	struct span quota_file = {quota, quota_size};
	struct span period_file = {period, period_size};
	uint64_t quota_us, period_us;

	if (!parse_number(cut(&quota_file, '\n'), &quota_us) ||
	    !parse_number(cut(&period_file, '\n'), &period_us))
		return 0;
	return divide(quota_us, period_us);
}

enum cpu_cgroup cpu_parse_cgroup(const char *bytes, size_t size, struct buffer *path)
{
	enum cpu_cgroup version = CPU_CGROUP_NONE;
	struct span rest = {bytes, size};
	struct span found = {NULL, 0};

	while (rest.size > 0 && version != CPU_CGROUP_V1) {
		struct span line = cut(&rest, '\n');
		struct span id = cut(&line, ':');
		struct span controllers = cut(&line, ':');

		if (line.size == 0 || line.bytes[0] != '/')
			continue;
		if (lists(controllers, "cpu"))
			version = CPU_CGROUP_V1;
		else if (equals(id, "0") && controllers.size == 0)
			version = CPU_CGROUP_V2;
		else
			continue;
		found = line;
	}
	buffer_append(path, found.bytes, found.size);
	return version;
}

/* Takes the next byte off a path of mountinfo, which is not empty: one byte, or \ and three. */
static char next_byte(struct span *path)
{
	const unsigned char *bytes = (const unsigned char *)path->bytes;
	bool escaped = bytes[0] == '\\' && path->size >= 4;
	size_t size = escaped ? 4 : 1;

	path->bytes += size;
	path->size -= size;
	if (!escaped)
		return (char)bytes[0];
	return (char)((bytes[1] & 3) << 6 | (bytes[2] & 7) << 3 | (bytes[3] & 7));
}

/* Outside of this process's cgroup namespace, where no mount with the root "/" shows it. */
static bool is_outside(const char *path)
{
	return strncmp(path, "/..", 3) == 0 && (path[3] == '\0' || path[3] == '/');
}

/* What of a cgroup's path lies below a mount's root: "" or "/..."; NULL: it lies elsewhere. */
static const char *below_root(const char *path, struct span root)
{
	if (equals(root, "/")) {
		if (is_outside(path))
			return NULL;
		return path + (path[0] == '/' && path[1] == '\0');
	}
	for (; root.size > 0; path++) {
		if (*path == '\0' || next_byte(&root) != *path)
			return NULL;
	}
	return *path == '\0' || *path == '/' ? path : NULL;
}

/* What matters of a line of mountinfo; spans of nothing where the line ends too early. */
struct mount {
	struct span root;  /* the folder of its file system that is mounted */
	struct span point; /* where */
	struct span type;  /* of the file system */
	struct span super; /* the file system's options, of version 1 the controllers */
};

static struct mount parse_mount(struct span line)
{
	struct mount mount;

	for (unsigned i = 0; i < MOUNTINFO_ROOT; i++)
		(void)cut(&line, ' ');
	mount.root = cut(&line, ' ');
	mount.point = cut(&line, ' ');
	while (line.size > 0 && !equals(cut(&line, ' '), "-"))
		;
	mount.type = cut(&line, ' ');
	(void)cut(&line, ' ');
	mount.super = line;
	return mount;
}

static bool has_version(const struct mount *mount, enum cpu_cgroup version)
{
	if (version == CPU_CGROUP_V1)
		return equals(mount->type, "cgroup") && lists(mount->super, "cpu");
	return equals(mount->type, "cgroup2");
}

bool cpu_parse_mountinfo(const char *bytes, size_t size, enum cpu_cgroup version, const char *path,
			 struct buffer *folder, size_t *mount_size)
{
	struct span rest = {bytes, size};

	while (rest.size > 0) {
		struct mount mount = parse_mount(cut(&rest, '\n'));
		const char *below = NULL;

		if (has_version(&mount, version))
			below = below_root(path, mount.root);
		if (!below)
			continue;
		*mount_size = folder->size;
		while (mount.point.size > 0)
			buffer_append_byte(folder, next_byte(&mount.point));
		*mount_size = folder->size - *mount_size;
		buffer_append_string(folder, below);
		return true;
	}
	return false;
}

static bool read_all(int descriptor, struct buffer *content)
{
	for (;;) {
		char *place = buffer_reserve(content, READ_SIZE);
		ssize_t got;

		if (!place)
			return false;
		got = read(descriptor, place, READ_SIZE);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		content->size += (size_t)got;
	}
}

/* Replaces `content` by a file's; false: it could not be read. */
static bool read_file(struct buffer *content, const char *folder, const char *name)
{
	int descriptor;
	bool done;

	buffer_clear(content);
	buffer_printf(content, "%s/%s", folder, name);
	descriptor = open(buffer_string(content), O_RDONLY | O_CLOEXEC);
	if (descriptor < 0)
		return false;
	buffer_clear(content);
	done = read_all(descriptor, content);
	(void)close(descriptor); /* it was only read from */
	return done;
}

/* The quota of one cgroup; 0 = none. */
static unsigned read_quota(const char *folder, enum cpu_cgroup version)
{
	struct buffer quota = BUFFER_INIT;
	struct buffer period = BUFFER_INIT;
	unsigned cpus = 0;

	if (version == CPU_CGROUP_V2) {
		if (read_file(&quota, folder, "cpu.max"))
			cpus = cpu_parse_max(quota.data, quota.size);
	} else if (read_file(&quota, folder, "cpu.cfs_quota_us") &&
		   read_file(&period, folder, "cpu.cfs_period_us")) {
		cpus = cpu_parse_quota(quota.data, quota.size, period.data, period.size);
	}
	buffer_fini(&quota);
	buffer_fini(&period);
	return cpus;
}

/* Cuts the last component off, but nothing of the mount point. */
static void go_up(struct buffer *folder, size_t mount_size)
{
	const char *below = folder->data + mount_size;
	const char *slash = memrchr(below, '/', folder->size - mount_size);

	buffer_truncate(folder, slash ? (size_t)(slash - folder->data) : mount_size);
}

/* A cgroup has no more time than each of those above it: the smallest quota on the way up. */
static unsigned smallest_quota(struct buffer *folder, size_t mount_size, enum cpu_cgroup version)
{
	unsigned smallest = read_quota(buffer_string(folder), version);

	while (folder->size > mount_size) {
		unsigned cpus;

		go_up(folder, mount_size);
		cpus = read_quota(buffer_string(folder), version);
		if (cpus > 0 && (smallest == 0 || cpus < smallest))
			smallest = cpus;
	}
	return smallest;
}

unsigned cpu_cgroup_limit(const char *proc)
{
	struct buffer content = BUFFER_INIT;
	struct buffer path = BUFFER_INIT;
	struct buffer folder = BUFFER_INIT;
	enum cpu_cgroup version = CPU_CGROUP_NONE;
	size_t mount_size;
	unsigned cpus = 0;

	if (read_file(&content, proc, "cgroup"))
		version = cpu_parse_cgroup(content.data, content.size, &path);
	if (version != CPU_CGROUP_NONE && read_file(&content, proc, "mountinfo") &&
	    cpu_parse_mountinfo(content.data, content.size, version, buffer_string(&path), &folder,
				&mount_size))
		cpus = smallest_quota(&folder, mount_size, version);
	buffer_fini(&content);
	buffer_fini(&path);
	buffer_fini(&folder);
	return cpus;
}

/* The CPUs of the affinity mask, asked for with room for `room` of them; 0 with errno EINVAL: the
 * kernel's mask is larger. */
#ifdef CPU_ALLOC_SIZE
static unsigned count_affinity(int room)
{
	size_t size = CPU_ALLOC_SIZE(room);
	cpu_set_t *set = CPU_ALLOC(room);
	unsigned cpus = 0;
	int error;

	if (!set)
		return 0;
	if (sched_getaffinity(0, size, set) == 0)
		cpus = (unsigned)CPU_COUNT_S(size, set);
	error = errno;
	CPU_FREE(set);
	errno = error;
	return cpus;
}
#else
static unsigned count_affinity(int room)
{
	(void)room;
	errno = ENOSYS;
	return 0;
}
#endif

static unsigned count_cpus(void)
{
	long online;

	for (int room = AFFINITY_MIN; room <= AFFINITY_MAX; room *= 2) {
		unsigned cpus = count_affinity(room);

		if (cpus > 0)
			return cpus;
		if (errno != EINVAL)
			break;
	}
	online = sysconf(_SC_NPROCESSORS_ONLN);
	return online < 1 ? 1 : (unsigned)online;
}

unsigned cpu_usable(void)
{
	unsigned cpus = count_cpus();
	unsigned limit = cpus > 1 ? cpu_cgroup_limit("/proc/self") : 0;

	if (limit > 0 && limit < cpus)
		cpus = limit;
	return cpus < CPU_DEFAULT_MAX ? cpus : CPU_DEFAULT_MAX;
}
