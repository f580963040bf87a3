/*
 * sys_path: the folders of an interpreter's sys.path.
 */
#ifndef PYCOMPILEALL_SYS_PATH_H
#define PYCOMPILEALL_SYS_PATH_H

struct list;

/*
 * Adds the folders of sys.path as `executable -m` has it, by asking it: `executable` is started and
 * waited for. The environment (PYTHONPATH, ...) and the current folder count. Returns 0, or -1 with
 * errno: ECHILD, it failed; or that of pipe(2), posix_spawn(3), or malloc.
 */
int sys_path_add(struct list *list, const char *executable);

#endif
