/*
 * paths: --cache-path and --source-path: where byte-code belongs and where it came from, printed
 * one path a line, with -0 a NUL byte behind each. No file is looked at.
 */
#ifndef PYCOMPILEALL_PATHS_H
#define PYCOMPILEALL_PATHS_H

struct options;

/*
 * Prints what the options ask for. Returns 0, or 1 where a path has none or cannot be printed (the
 * message, in CPython's words, is on standard error and the others are printed), or 3 out of
 * memory: exit statuses, as session_run's.
 */
int paths_print(const struct options *options);

#endif
