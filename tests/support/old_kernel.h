/*
 * old_kernel: a program that finds no openat2, as on Linux before 5.6.
 */
#ifndef TESTS_OLD_KERNEL_H
#define TESTS_OLD_KERNEL_H

/*
 * From here on openat2 fails with ENOSYS in this process and in those that it becomes or starts; a
 * run_request's `prepare`. 0, or -1 with errno: the kernel has no seccomp filters. Safe behind a
 * fork.
 */
int old_kernel_pretend(void);

#endif
