/*
 * swapper: somebody who may write to a tree, and puts links where folders and files were, as fast
 * as it goes.
 */
#ifndef TESTS_SWAPPER_H
#define TESTS_SWAPPER_H

#include <criterion/criterion.h>
#include <sys/types.h>

/* A name in a tree, and a link that changes places with it. None lies beneath another one's. */
struct swapper_pair {
	const char *inside; /* the name */
	const char *decoy;  /* the link, beside the tree; made by swapper_start */
	const char *target; /* what it leads to */
};

struct swapper; /* opaque */

/*
 * Makes the links, and starts a thread that exchanges one pair after the other, without a pause, as
 * the user `user` (with its group; as the test's own where that is 0). The pairs are borrowed.
 * Fails the test if that is not possible.
 */
struct swapper *swapper_start(const struct swapper_pair *pairs, size_t count, uid_t user);

/* Ends it, with every name where it was; tells how often names changed places. */
unsigned long swapper_stop(struct swapper *swapper);

#endif
