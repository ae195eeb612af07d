/*
 * The canonical bytes of a code and its check word: shared by the writer, the
 * reader and the derivation, so that they cannot disagree.
 */
#ifndef KNOTHOLE_LIB_CODE_CANON_H
#define KNOTHOLE_LIB_CODE_CANON_H

#include <stdint.h>

#include "knothole/code.h"

#define KH_CODE_BASE_DIGITS (KH_CODE_WORDS - 1)
#define KH_CODE_BYTES_LEN (2 * KH_CODE_BASE_DIGITS)
#define KH_CODE_DECIMALS (KH_CODE_DIGITS - 2) /* without check digits */

/*
 * The canonical bytes C(S): the 7 base-7776 digits of S, most significant
 * first, each as two bytes, most significant first. Secret: wipe.
 */
void kh_code_bytes(
    const struct kh_code *c, uint8_t out[static KH_CODE_BYTES_LEN]);

/*
 * The check word's index. With K = the 22 ASCII bytes "knothole code check
 * v1": the first 8 bytes of BLAKE2b (key K, message C(S), 32 bytes of output)
 * as a number, most significant byte first, modulo 7776.
 */
uint16_t kh_code_check(const struct kh_code *c);

/*
 * ISO 7064 MOD 97-10: the number in 00..99 that makes the 28 decimal digits
 * (values 0 to 9), followed by it in two digits, congruent to 1 modulo 97; of
 * the two that may exist the one in 02..98.
 */
unsigned kh_code_mod97(const uint8_t dec[static KH_CODE_DECIMALS]);

#endif
