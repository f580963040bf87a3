/*
 * descriptors: how many files this process may have open.
 *
 * The soft limit is low (1,024 as a rule) for the sake of programs that use select(2); those that
 * do not may raise it up to the hard one.
 */
#ifndef PYCOMPILEALL_DESCRIPTORS_H
#define PYCOMPILEALL_DESCRIPTORS_H

#include <stddef.h>

/* Raises the soft limit so that `count` descriptors may be open, or as far as the hard one lets it.
 * Where that is not far enough, whoever needs one will be told. Never lowers it. */
void descriptors_allow(size_t count);

#endif
