/*
 * cache_file: where the byte-code of the source at hand goes, as descriptors and names.
 *
 * cache_path knows the strings; here they become something to open: relative to the open folder of
 * the source, or with a pycache prefix or an explicit path to where the program was started.
 */
#ifndef PYCOMPILEALL_CACHE_FILE_H
#define PYCOMPILEALL_CACHE_FILE_H

#include "buffer.h"
#include "file_io.h"

#include <stdbool.h>

struct durability;
struct marker;

/* What decides the place; the same for all sources of a run. */
struct cache_rule {
	const char *cache_tag;         /* of the interpreter */
	const char *prefix;            /* pycache prefix, or NULL */
	const char *cwd;               /* the current folder; used only with a prefix */
	const char *explicit;          /* --cfile: the very path; NULL: none */
	bool legacy;                   /* -b: x.pyc beside x.py; the prefix does not count */
	struct durability *durability; /* is told what was written; NULL: nobody wants to know */
};

/* A place. All zero is none yet; cache_file_fini frees. */
struct cache_file {
	int base;             /* descriptor that `folder` and `path` are relative to */
	bool parents;         /* missing folders above the folder are made, too */
	struct buffer folder; /* the folder */
	struct buffer name;   /* the file's name in it */
	struct buffer path;   /* both */
	struct buffer shown;  /* the path as messages have it, once that was asked for */

	bool folder_failed; /* the last write failed at the folder, not at the file */

	/* Borrowed from the last cache_file_set. */
	const struct cache_rule *rule;
	const char *source, *source_base;
};

void cache_file_fini(struct cache_file *file);

/*
 * Sets the place for one source and level. `descriptor` is the open folder of the source, `source`
 * its path as it is printed, of which `base` is the last component; all are borrowed until the
 * place is set anew. `optimization` is "" or alphanumeric. Memory running out leaves names that
 * cannot be opened.
 */
void cache_file_set(struct cache_file *file, const struct cache_rule *rule, int descriptor,
		    const char *source, const char *base, const char *optimization);

/* The path as messages have it; valid until the place is set anew. */
const char *cache_file_shown(struct cache_file *file);

/* The path relative to file->base, for the ...at calls. */
const char *cache_file_path(struct cache_file *file);

/* The path that the last failing write or link is about, as messages have it: the file's, or that
 * of its folder if that could not be made or opened. Valid as that of cache_file_shown. */
const char *cache_file_blamed(struct cache_file *file);

/*
 * Writes the file, complete or not at all, and the folder if it is missing; `marker` is raised
 * there before (NULL: none is). 0, or -1 with errno of file_io_open_cache or file_io_write, or
 * ENOMEM.
 */
int cache_file_write(struct cache_file *file, const struct file_io_content *content,
		     struct marker *marker);

/*
 * Makes the file another name of `other`, which lies in the same folder, if their bytes are equal;
 * `marker` as above. Returns 0 (also if they are not, or are one file already), or -1 with errno of
 * open(2), read(2), linkat(2) or renameat(2); then both are as they were.
 */
int cache_file_link_if_equal(struct cache_file *file, const char *other, struct marker *marker);

/*
 * Removes what dead runs have left in the folder, if a marker says that there may be something.
 * That is looked for with one call; what cannot be removed stays.
 */
void cache_file_tidy(struct cache_file *file);

#endif
