/*
 * source_hash: the hash of a source in a hash-based .pyc (PEP 552), _imp.source_hash.
 *
 * SipHash over the raw bytes, key k0 = the magic number's four bytes as a little-endian number and
 * k1 = 0: SipHash-2-4 up to Python 3.10, SipHash-1-3 from 3.11.
 */
#ifndef PYCOMPILEALL_SOURCE_HASH_H
#define PYCOMPILEALL_SOURCE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Which SipHash an interpreter uses. */
enum source_hash_kind {
	SOURCE_HASH_NONE,  /* CPython up to 3.6: there are no hash-based .pyc files */
	SOURCE_HASH_SIP24, /* CPython up to 3.10 */
	SOURCE_HASH_SIP13, /* CPython 3.11 and later */
};

/*
 * The hash of `size` bytes. Stored in the header as 8 little-endian bytes of the value returned.
 * `magic` is the interpreter's magic number as it stands in a file. With SOURCE_HASH_NONE, 0.
 */
uint64_t source_hash(enum source_hash_kind kind, const unsigned char magic[4], const void *bytes,
		     size_t size);

/*
 * Which SipHash an interpreter uses whose source hash of no bytes is `nothing`, as it stands in a
 * .pyc; all zeroes: none. Returns 0, or -1 with errno EPROTO: none that is known.
 */
int source_hash_recognize(enum source_hash_kind *kind, const unsigned char magic[4],
			  const unsigned char nothing[8]);

#endif
