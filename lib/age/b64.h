/*
 * The base64 of age headers (RFC 4648, section 4): unpadded, canonical, of a
 * length that is known beforehand. Anything else is refused.
 */
#ifndef KNOTHOLE_AGE_B64_H
#define KNOTHOLE_AGE_B64_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

#define KH_B64_LINE_LEN 64 /* columns of a full line */
#define KH_B64_LINE_BYTES 48 /* what they stand for */
#define KH_B64_LEN(n) (((n)*4 + 2) / 3)

/* Write KH_B64_LEN(n) characters, no NUL. n is at most KH_B64_LINE_BYTES. */
void kh_b64_encode(const uint8_t *p, size_t n, char *out);

/*
 * Decode the `n` characters at `text` into exactly `len` bytes, at most
 * KH_B64_LINE_BYTES.
 * Errors: KH_EFORMAT for a wrong length, a character outside the alphabet,
 * padding, or unused bits that are not zero (C2SP age, "Conventions").
 */
KH_CHECKED enum kh_err kh_b64_decode(
    const uint8_t *text, size_t n, uint8_t *out, size_t len);

/* One line of armor: 1 to KH_B64_LINE_LEN characters, padded to a multiple of
 * four; as strict. *len receives how many bytes, at most KH_B64_LINE_BYTES. */
KH_CHECKED enum kh_err kh_b64_decode_padded(
    const uint8_t *text, size_t n, uint8_t *out, size_t *len);

#endif
