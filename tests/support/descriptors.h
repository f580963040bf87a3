/*
 * descriptors: how many this process has open, to see that none is lost.
 */
#ifndef TESTS_DESCRIPTORS_H
#define TESTS_DESCRIPTORS_H

#include <stddef.h>

/* The number is the same from call to call as long as nothing is opened or closed in between. */
size_t descriptors_count(void);

#endif
