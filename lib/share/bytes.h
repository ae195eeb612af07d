/*
 * A share as bytes and as rows of digits: shared by writer and reader, so that
 * they cannot disagree.
 */
#ifndef KNOTHOLE_LIB_SHARE_BYTES_H
#define KNOTHOLE_LIB_SHARE_BYTES_H

#include "knothole/share.h"

#define KH_SHARE_VERSION 1
#define KH_SHARE_CHECK_LEN 3
#define KH_SHARE_ROW_DIGITS (KH_CODE_WORDS - 1)
#define KH_SHARE_WORDS (KH_SHARE_ROWS * KH_CODE_WORDS)
#define KH_SHARE_ROW_BITS 90

/* Secret: wipe. */
void kh_share_bytes(const struct kh_share *s, uint8_t out[static KH_SHARE_LEN]);

/* Back. Errors: KH_EUNSUP another version; KH_ECHECK the digest does not fit;
 * KH_EFORMAT numbers that cannot be. `out` is zeroed then. */
KH_CHECKED enum kh_err kh_share_from_bytes(
    const uint8_t p[static KH_SHARE_LEN], struct kh_share *out);

/* Row `row` of the bytes as base-7776 digits, most significant first. */
void kh_share_row_digits(const uint8_t p[static KH_SHARE_LEN], unsigned row,
    uint16_t digit[static KH_SHARE_ROW_DIGITS]);

/* Back, into bytes whose other rows stay. False when they are 2^90 or more. */
bool kh_share_row_bytes(const uint16_t digit[static KH_SHARE_ROW_DIGITS],
    unsigned row, uint8_t p[static KH_SHARE_LEN]);

/* The check word's index. */
uint16_t kh_share_row_word(
    const uint16_t digit[static KH_SHARE_ROW_DIGITS], unsigned row);

#endif
