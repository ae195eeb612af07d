/*
 * How large an object may be at rest (FORMAT.md, "Size"). Padmé (Nikitin et
 * al., "Reducing Metadata Leakage from Encrypted Files and Communication with
 * PURBs", PETS 2019, section 4) lets only O(log log L) bits of a length show,
 * for at most 12 % more bytes. Nothing is smaller than KH_OBJECT_LEN_MIN.
 */
#ifndef KNOTHOLE_PADME_H
#define KNOTHOLE_PADME_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

/* The smallest Padmé length >= n. n <= 2^62. */
uint64_t kh_padme(uint64_t n);

/*
 * How long must the plaintext be, so that the sealed object has exactly a
 * Padmé length?
 *	header_len	bytes before the first chunk (kh_sealer_header_len)
 *	plain_min	bytes of plaintext that there are at least
 *	plain_len	receives the length to bring the plaintext to
 * A length that STREAM cannot produce (its last chunk would be empty or
 * shorter than its tag) is passed over for the next one.
 * Errors: KH_ELIMIT beyond KH_OBJECT_LEN_MAX.
 */
KH_CHECKED enum kh_err kh_padme_plan(
    size_t header_len, uint64_t plain_min, uint64_t *plain_len);

#endif
