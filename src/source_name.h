/*
 * source_name: the name of a source that goes into its byte-code, co_filename, and into the
 * messages of the compiler: the path itself, or what -d, -s and -p make of it. Pure string code.
 *
 * Source: the first lines of compileall.compile_dir and compile_file, as of 3.13.
 */
#ifndef PYCOMPILEALL_SOURCE_NAME_H
#define PYCOMPILEALL_SOURCE_NAME_H

struct buffer;

/* What the user asked for; NULL: not given. Of `explicit`, `destination` and the other two only one
 * kind. */
struct source_name_rule {
	const char *explicit;    /* --dfile: the very name */
	const char *destination; /* -d: stands for the operand */
	const char *strip;       /* -s: leading folders to be taken off */
	const char *prepend;     /* -p: joined in front */
};

enum source_name_result {
	SOURCE_NAME_OWN,       /* the path itself */
	SOURCE_NAME_CHANGED,   /* another name: there may be no file of that name */
	SOURCE_NAME_UNSTRIPPED /* -s does not lead to the path and was ignored; otherwise as above
				*/
};

/*
 * Appends the name of the source at `path`. `operand` is the folder it was found in, as the user
 * named it, or NULL for a file that was named itself. Leading folders match whole components: "/a"
 * leads to "/a/b.py" and not to "/ab.py"; trailing slashes of `strip` and `operand` do not count.
 * Memory running out is the buffer's failure.
 */
enum source_name_result source_name_append(struct buffer *buffer,
					   const struct source_name_rule *rule, const char *operand,
					   const char *path);

#endif
