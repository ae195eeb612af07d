/*
 * Bech32 (BIP 173) for keys of 32 bytes: HRP "1" 52 characters of data, 6 of
 * checksum.
 */
#ifndef KNOTHOLE_AGE_BECH32_H
#define KNOTHOLE_AGE_BECH32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

#define KH_BECH32_TAIL_LEN 59 /* the "1" and all that follows it */

/*
 * Write hrp, KH_BECH32_TAIL_LEN characters and a NUL.
 *	hrp	lower case, not empty
 *	upper	write everything in upper case
 */
void kh_bech32_encode(const char *hrp, bool upper,
    const uint8_t key[static KH_X25519_LEN], char *out);

/*
 * Read exactly `n` characters. Upper and lower case are both accepted, a
 * mixture is not.
 *	hrp	in lower case, whatever the text's case
 *	out	the key; zeroed on error
 * Errors: KH_EKEY.
 */
KH_CHECKED enum kh_err kh_bech32_decode(const char *hrp, const char *text,
    size_t n, uint8_t out[static KH_X25519_LEN]);

#endif
