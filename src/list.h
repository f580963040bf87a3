/*
 * list: names of files and folders, as they come from the command line, from -i, or from sys.path.
 */
#ifndef PYCOMPILEALL_LIST_H
#define PYCOMPILEALL_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* A list that owns its names. All zero is an empty one. */
struct list {
	char **names;
	size_t count, capacity;
};

/* Frees the names; the list is empty and usable again. */
void list_fini(struct list *list);

/* Adds a copy of `size` bytes, none of them NUL. 0, or -1 with errno ENOMEM. */
int list_add(struct list *list, const char *name, size_t size);

/* The index of a name in the list, or the list's count: it is not there. */
size_t list_find(const struct list *list, const char *name);

/* How names stand in a text. */
enum list_format {
	LIST_LINES,       /* one a line, white space around it stripped, as compileall does */
	LIST_WHOLE_LINES, /* one a line, nothing stripped, as py_compile does */
	LIST_NULS,        /* a NUL byte behind each, nothing stripped, empty ones left out */
};

/*
 * Adds the names in a text. Lines end as Python's universal newlines do (\n, \r\n, \r), white space
 * is what str.strip takes off, and an empty line is an empty name. Returns 0, or -1 with errno:
 * EINVAL, a NUL byte in lines; ENOMEM. Names before the fault have been added.
 */
int list_add_text(struct list *list, enum list_format format, const char *text, size_t size);

/*
 * Adds the names in the file at `path`; "-" is standard input. May block on it. The lines of a file
 * must be UTF-8; those of standard input need not (Python decodes it with surrogateescape). Returns
 * 0, or -1 with errno as above, EILSEQ: not UTF-8, or that of open(2) and read(2).
 */
int list_add_file(struct list *list, const char *path, enum list_format format);

/* The same for what can be read from an open descriptor, which stays the caller's; any bytes. */
int list_add_descriptor(struct list *list, enum list_format format, int descriptor);

#endif
