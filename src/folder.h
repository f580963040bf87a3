/*
 * folder: open folders, through which everything in a tree is reached.
 *
 * The operand's folder is opened by its name, links and all, since that is what the user named.
 * Below it no name is followed through a symbolic link: whoever can write to the tree could point
 * one elsewhere while we look (openat2 with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, and component by
 * component with O_NOFOLLOW where the kernel has no openat2).
 */
#ifndef PYCOMPILEALL_FOLDER_H
#define PYCOMPILEALL_FOLDER_H

#include <stdatomic.h>
#include <stdbool.h>

/* An operand's folder; closed when the last of those who hold it lets go. Safe between threads. */
struct folder;

/*
 * Opens a folder by name. The caller holds the one reference. NULL with errno of open(2), ENOTDIR
 * if it is none, or ENOMEM.
 */
struct folder *folder_open(const char *path);

/* Holds it once more; returns it. */
struct folder *folder_hold(struct folder *folder);

/* Lets go. NULL is legal. */
void folder_release(struct folder *folder);

/* Its descriptor: for the ...at calls only (it may be O_PATH), the folder's own to close. */
int folder_descriptor(const struct folder *folder);

/*
 * Opens the folder at `relative` ("" or "." for itself; no leading slash) beneath `folder`. Returns
 * a descriptor for the ...at calls that the caller closes, or -1 with errno: ELOOP or ENOTDIR where
 * a component has become a symbolic link, EXDEV where it would lead out, or that of open(2).
 */
int folder_open_beneath(const struct folder *folder, const char *relative);

/* The same as if the kernel had no openat2: for the tests. */
int folder_open_stepwise(int descriptor, const char *relative);

/*
 * Whether the path `beneath` lies beneath the folder `path`, to judge by their names alone: both
 * are real paths (realpath(3)). A folder does not lie beneath itself.
 */
bool folder_lies_beneath(const char *path, const char *beneath);

#endif
