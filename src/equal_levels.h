/*
 * equal_levels: whether the byte-code of a source is the same at two optimization levels, so that
 * it need be compiled only once.
 *
 * Level 1 removes assert statements and makes the name __debug__ a constant, level 2 removes
 * docstrings too, and nothing else depends on the level (the compiler's `optimize`). A source in
 * which none of these can be found as text has none to be removed: that is looked for here, without
 * parsing, so "not sure" is a frequent answer and never a wrong one. Pure: bytes in, answer out.
 */
#ifndef PYCOMPILEALL_EQUAL_LEVELS_H
#define PYCOMPILEALL_EQUAL_LEVELS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a source of `size` bytes that compiles at level `lower` is sure to give the same
 * byte-code at level `upper`; both 0 to 2, `lower` the smaller one. False: it may or may not.
 */
bool equal_levels_sure(const char *source, size_t size, int lower, int upper);

#endif
