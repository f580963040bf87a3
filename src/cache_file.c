#include "config.h"

#include "cache_file.h"

#include "cache_path.h"
#include "durability.h"
#include "marker.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void cache_file_fini(struct cache_file *file)
{
	buffer_fini(&file->folder);
	buffer_fini(&file->name);
	buffer_fini(&file->path);
	buffer_fini(&file->shown);
}

/* "x.pyc" beside the source. */
static void set_legacy(struct cache_file *file, const char *base)
{
	buffer_append_string(&file->folder, ".");
	buffer_append_string(&file->name, base);
	buffer_append_byte(&file->name, 'c');
}

/* The two parts of an explicit path. */
static void set_explicit(struct cache_file *file, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash)
		buffer_append(&file->folder, path, slash == path ? 1 : (size_t)(slash - path));
	else
		buffer_append_string(&file->folder, ".");
	buffer_append_string(&file->name, slash ? slash + 1 : path);
}

static void set_parts(struct cache_file *file, const struct cache_rule *rule, const char *source,
		      const char *base, const char *optimization)
{
	if (rule->explicit) {
		set_explicit(file, rule->explicit);
		return;
	}
	if (rule->legacy) {
		set_legacy(file, base);
		return;
	}
	/* Without a prefix the folder is relative to the source's, which is open. What fails, fails
	 * for want of memory, and the buffers know. */
	if (rule->prefix)
		(void)cache_path_append_folder(&file->folder, source, rule->prefix, rule->cwd);
	else
		buffer_append_string(&file->folder, CACHE_PATH_FOLDER);
	(void)cache_path_append_name(&file->name, base, rule->cache_tag, optimization);
}

void cache_file_set(struct cache_file *file, const struct cache_rule *rule, int descriptor,
		    const char *source, const char *base, const char *optimization)
{
	bool beside = !rule->explicit && (rule->legacy || !rule->prefix);

	buffer_clear(&file->folder);
	buffer_clear(&file->name);
	buffer_clear(&file->path);
	file->base = beside ? descriptor : AT_FDCWD;
	file->parents = !beside;
	file->rule = rule;
	file->source = source;
	file->source_base = base;
	set_parts(file, rule, source, base, optimization);
	buffer_append(&file->path, file->folder.data, file->folder.size);
	buffer_append_byte(&file->path, '/');
	buffer_append(&file->path, file->name.data, file->name.size);
}

/* What stands before the source's name goes before ours, unless our folder says all. */
const char *cache_file_shown(struct cache_file *file)
{
	const struct cache_rule *rule = file->rule;

	if (rule->explicit)
		return rule->explicit;
	buffer_clear(&file->shown);
	if (rule->legacy || !rule->prefix)
		buffer_append(&file->shown, file->source,
			      (size_t)(file->source_base - file->source));
	if (!rule->legacy) {
		buffer_append(&file->shown, file->folder.data, file->folder.size);
		buffer_append_byte(&file->shown, '/');
	}
	buffer_append(&file->shown, file->name.data, file->name.size);
	return buffer_string(&file->shown);
}

const char *cache_file_path(struct cache_file *file)
{
	return buffer_string(&file->path);
}

/*
 * How much of a path is the folder that os.makedirs would name: the first that is missing, or the
 * one below the first that is no folder.
 */
static size_t blamed_length(int base, char *path)
{
	bool below_file = false;

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		struct stat status;
		int result;

		if (below_file)
			return (size_t)(slash - path);
		*slash = '\0';
		result = fstatat(base, path, &status, 0);
		*slash = '/';
		if (result != 0)
			return (size_t)(slash - path);
		below_file = !S_ISDIR(status.st_mode);
	}
	return strlen(path);
}

const char *cache_file_blamed(struct cache_file *file)
{
	const char *shown = cache_file_shown(file), *slash = strrchr(shown, '/');

	if (!file->folder_failed || !slash)
		return shown;
	/* What is shown may be the rule's own string: cut a copy. */
	buffer_clear(&file->path);
	buffer_append(&file->path, shown, (size_t)(slash - shown));
	(void)buffer_string(&file->path);
	if (file->parents && file->path.size > 0 && !buffer_failed(&file->path))
		buffer_truncate(&file->path, blamed_length(file->base, file->path.data));
	return buffer_string(&file->path);
}

/* Opens the folder. What of the names was lost would otherwise pass for a name that is missing. */
static int open_folder(struct cache_file *file)
{
	int folder;

	if (buffer_failed(&file->folder) || buffer_failed(&file->name)) {
		file->folder_failed = false;
		errno = ENOMEM;
		return -1;
	}
	folder = file_io_open_cache(file->base, buffer_string(&file->folder), file->parents);
	file->folder_failed = folder < 0;
	return folder;
}

/* Closes what names were looked up through, and keeps errno. */
static int close_folder(int folder, int result)
{
	int error = errno;

	(void)close(folder);
	errno = error;
	return result;
}

int cache_file_write(struct cache_file *file, const struct file_io_content *content,
		     struct marker *marker)
{
	int result, folder = open_folder(file);

	if (folder < 0)
		return -1;
	if (marker)
		marker_raise(marker, folder);
	result = file_io_write(folder, buffer_string(&file->name), content);
	if (result == 0)
		result = durability_note(file->rule->durability, folder);
	return close_folder(folder, result);
}

/* Whether there is a marker; a folder that is a link will be refused. */
static bool has_marker(struct cache_file *file)
{
	struct stat status;
	size_t size = file->folder.size;
	bool found;

	buffer_append_string(&file->folder, "/" MARKER_NAME);
	found = !buffer_failed(&file->folder) && fstatat(file->base, buffer_string(&file->folder),
							 &status, AT_SYMLINK_NOFOLLOW) == 0;
	buffer_truncate(&file->folder, size);
	return found;
}

void cache_file_tidy(struct cache_file *file)
{
	int folder;

	if (!has_marker(file))
		return;
	folder = open_folder(file);
	if (folder < 0)
		return;
	marker_tidy(folder);
	(void)close(folder);
}

int cache_file_link_if_equal(struct cache_file *file, const char *other, struct marker *marker)
{
	const char *name = buffer_string(&file->name);
	int result, folder = open_folder(file);

	if (folder < 0)
		return -1;
	if (marker)
		marker_raise(marker, folder);
	result = file_io_equal(folder, other, name);
	if (result > 0)
		result = file_io_link(folder, other, name);
	if (result == 0)
		result = durability_note(file->rule->durability, folder);
	return close_folder(folder, result);
}
