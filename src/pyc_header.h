/*
 * pyc_header: the first 16 bytes of a .pyc (PEP 552), or 12 up to Python 3.6. Pure: bytes in, bytes
 * out.
 */
#ifndef PYCOMPILEALL_PYC_HEADER_H
#define PYCOMPILEALL_PYC_HEADER_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define PYC_HEADER_SIZE  16 /* bytes */
#define PYC_HEADER_OLD   12 /* bytes, up to Python 3.6 */
#define PYC_HEADER_MAGIC 4  /* bytes of the magic number */

/* How an import finds out whether a .pyc still fits its source. */
enum invalidation_mode {
	INVALIDATION_TIMESTAMP,      /* mtime and size are compared */
	INVALIDATION_CHECKED_HASH,   /* the source's hash is compared */
	INVALIDATION_UNCHECKED_HASH, /* it does not: the .pyc is taken as it is */
};

/* A header taken apart. */
struct pyc_header {
	unsigned char magic[PYC_HEADER_MAGIC]; /* magic number, as it stands in the file */
	uint32_t flags;                        /* PYC_FLAG_*; other bits make import refuse it */
	uint32_t mtime; /* seconds, masked to 32 bits; without PYC_FLAG_HASH */
	uint32_t size;  /* bytes, masked to 32 bits; without PYC_FLAG_HASH */
	uint64_t hash;  /* source hash; only with PYC_FLAG_HASH */
};

#define PYC_FLAG_HASH    1u /* a source hash stands where mtime and size would */
#define PYC_FLAG_CHECKED 2u /* ... and import compares it */

/* The flags of a mode. */
uint32_t pyc_header_flags(enum invalidation_mode mode);

/* Takes apart 16 bytes. Any bytes will do; whether they mean anything is staleness's question. */
void pyc_header_parse(struct pyc_header *header, const unsigned char bytes[PYC_HEADER_SIZE]);

/* Writes the 16 bytes of a header; mtime and size, or hash, as the flags say. */
void pyc_header_build(unsigned char bytes[PYC_HEADER_SIZE], const struct pyc_header *header);

/* The same for the header before PEP 552, which has neither flags nor a hash. */
void pyc_header_parse_old(struct pyc_header *header, const unsigned char bytes[PYC_HEADER_OLD]);
void pyc_header_build_old(unsigned char bytes[PYC_HEADER_OLD], const struct pyc_header *header);

/*
 * A modification time as the header has it: Python keeps it as a C double of seconds and truncates
 * that toward zero, so that x.999999999 is the next second and -5.5 is -5; then 32 bits of it.
 * Source: int(os.stat().st_mtime) in py_compile and importlib.
 */
uint32_t pyc_header_mtime(struct timespec mtime);

#endif
