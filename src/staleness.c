#include "config.h"

#include "staleness.h"

#include "file_io.h"
#include "source_hash.h"

#include <errno.h>
#include <string.h>

#define KNOWN_FLAGS (PYC_FLAG_HASH | PYC_FLAG_CHECKED)

/* Whether flags are those of a mode that will do. PYC_FLAG_CHECKED alone is no mode. */
static bool flags_fit(const struct staleness_demand *demand, uint32_t flags)
{
	if ((flags & ~KNOWN_FLAGS) != 0 || flags == PYC_FLAG_CHECKED)
		return false;
	return demand->any_mode || flags == pyc_header_flags(demand->mode);
}

/* Takes the header apart. False: something of it, or all that it describes, is missing. */
static bool parse(const struct staleness_demand *demand, const void *front, size_t size,
		  struct pyc_header *header)
{
	bool old = demand->interpreter->hash_kind == SOURCE_HASH_NONE;

	if (size <= (old ? PYC_HEADER_OLD : PYC_HEADER_SIZE)) {
		memset(header, 0, sizeof(*header));
		return false;
	}
	if (old)
		pyc_header_parse_old(header, front);
	else
		pyc_header_parse(header, front);
	return true;
}

enum staleness staleness_judge(const struct staleness_demand *demand, const void *front,
			       size_t size, const struct stat *source, struct pyc_header *header)
{
	if (!parse(demand, front, size, header))
		return STALENESS_TRUNCATED;
	if (memcmp(header->magic, demand->interpreter->magic, PYC_HEADER_MAGIC) != 0)
		return STALENESS_MAGIC;
	if (!flags_fit(demand, header->flags))
		return STALENESS_FLAGS;
	if (header->flags & PYC_FLAG_HASH)
		return STALENESS_NEEDS_HASH;
	if (header->mtime != pyc_header_mtime(source->st_mtim))
		return STALENESS_MTIME;
	if (header->size != (uint32_t)source->st_size)
		return STALENESS_SIZE;
	return STALENESS_FRESH;
}

enum staleness staleness_judge_hash(const struct staleness_demand *demand,
				    const struct pyc_header *header, const void *source,
				    size_t size)
{
	const struct interpreter *interpreter = demand->interpreter;

	if (header->hash != source_hash(interpreter->hash_kind, interpreter->magic, source, size))
		return STALENESS_HASH;
	return STALENESS_FRESH;
}

enum staleness staleness_check(const struct staleness_demand *demand, int folder, const char *path,
			       const struct stat *source, struct pyc_header *header)
{
	unsigned char front[STALENESS_FRONT];
	ssize_t size = file_io_read_front(folder, path, front, sizeof(front));

	if (size < 0)
		return errno == ENOENT || errno == ENOTDIR ? STALENESS_MISSING
							   : STALENESS_UNREADABLE;
	return staleness_judge(demand, front, (size_t)size, source, header);
}

const char *staleness_name(enum staleness verdict)
{
	static const char *const names[] = {
		[STALENESS_FRESH] = "fresh",           [STALENESS_MISSING] = "missing",
		[STALENESS_TRUNCATED] = "truncated",   [STALENESS_MAGIC] = "magic number",
		[STALENESS_FLAGS] = "flags",           [STALENESS_MTIME] = "source mtime",
		[STALENESS_SIZE] = "source size",      [STALENESS_HASH] = "source hash",
		[STALENESS_UNREADABLE] = "unreadable", [STALENESS_FORCED] = "forced",
		[STALENESS_NEEDS_HASH] = "needs hash",
	};

	return names[verdict];
}
