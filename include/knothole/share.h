/*
 * Shares of a key (FORMAT.md, "Key shares"): an X25519 identity split by
 * Shamir's scheme, so that any `threshold` of `count` shares give it back and
 * fewer tell nothing. A share is KH_SHARE_LEN bytes:
 *
 *	1 version  1 threshold  1 count  1 number  6 set  32 value  3 check
 *
 * set is the same for all shares of one key and follows from its public half;
 * check is a digest of what is before it. It is written in two ways:
 *
 *	32 words	4 rows of 7 words that are 90 bits each, and a check
 *			word for each row
 *	one line	"KNOTHOLE-SHARE:" and 90 hex digits, as in the QR code
 */
#ifndef KNOTHOLE_SHARE_H
#define KNOTHOLE_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/age.h"
#include "knothole/code.h"
#include "knothole/err.h"
#include "knothole/limits.h"

/* Secret, like the key itself from `threshold` of them on: kh_secret_alloc. */
struct kh_share {
	uint8_t threshold; /* 2 to count */
	uint8_t count; /* to KH_SHARES_MAX */
	uint8_t number; /* 1 to count */
	uint8_t set[KH_SHARE_SET_LEN];
	uint8_t value[KH_X25519_LEN];
};

/* What is wrong with a text, for who typed it. All of it counts from 1, and 0
 * means that it does not apply. */
struct kh_share_fault {
	unsigned share; /* of those in the text */
	unsigned row;
	unsigned word; /* of the row */
	unsigned words; /* how many there were in all */
	char text[KH_BAD_WORD_MAX + 1]; /* the word, secret */
};

/* The set that the shares of a key belong to. */
void kh_share_set(
    const struct kh_recipient *of, uint8_t set[static KH_SHARE_SET_LEN]);

/* Two words for a set, NUL-terminated, for people to compare. */
#define KH_SHARE_SET_TEXT_LEN (2 * (KH_WORD_MAX + 1))
void kh_share_set_text(const uint8_t set[static KH_SHARE_SET_LEN],
    char out[static KH_SHARE_SET_TEXT_LEN]);

/*
 * Split `id`.
 *	threshold	KH_SHARE_THRESHOLD_MIN to `count`
 *	count		at most KH_SHARES_MAX
 *	out		receives `count` shares, numbered from 1
 * Errors: KH_ENOMEM. Joining them again was tried then.
 */
KH_CHECKED enum kh_err kh_share_split(const struct kh_identity *id,
    unsigned threshold, unsigned count, struct kh_share *out);

/*
 * Join `n` shares.
 *	out	zeroed on error
 * Errors: KH_ENOENT fewer than the threshold; KH_EEXIST a number twice; KH_EKEY
 * of different sets, thresholds or counts; KH_EAUTH they give another key than
 * the set's, so one is false; KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_share_join(
    const struct kh_share *shares, size_t n, struct kh_identity *out);

/* Row `row` (from 0) in words, blanks between them, NUL-terminated. */
void kh_share_row(const struct kh_share *s, unsigned row,
    char out[static KH_CODE_WORDS_TEXT_LEN]);

/* The line, NUL-terminated. */
#define KH_SHARE_MARK "KNOTHOLE-SHARE:"
#define KH_SHARE_LINE_LEN (sizeof(KH_SHARE_MARK) + 2 * KH_SHARE_LEN)
void kh_share_line(
    const struct kh_share *s, char out[static KH_SHARE_LINE_LEN]);

/*
 * Read all shares of a text: every line KNOTHOLE-SHARE:... in it, wherever it
 * stands (a page of ours, what a QR reader prints); without any, words as
 * people type them, 32 for each share, any case, blanks, hyphens and numbers.
 * Lines of words that begin with '#' are passed over.
 *	text, n	at most KH_SHARE_TEXT_MAX bytes (else KH_ELIMIT)
 *	out	room for KH_SHARES_MAX
 *	*got	receives how many there are, 1 or more
 *	fault	receives what is wrong on KH_EWORD, KH_ECHECK, KH_ETRUNC
 * Errors: KH_EWORD a word is not in the list; KH_ECHECK a row's check word or
 * the share's digest does not fit; KH_ETRUNC the last share is not all there;
 * KH_EUNSUP a later version; KH_EFORMAT; KH_ELIMIT too long or too many;
 * KH_ENOMEM. Nothing is in `out` then.
 */
KH_CHECKED enum kh_err kh_share_read(const char *text, size_t n,
    struct kh_share out[static KH_SHARES_MAX], size_t *got,
    struct kh_share_fault *fault);

/*
 * Check one row of words as it was typed: 8 words that fit row `row` (from 0).
 *	fault	as above
 * Errors: KH_EWORD, KH_ECHECK, KH_ETRUNC, KH_EFORMAT, KH_ELIMIT, KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_share_row_check(
    const char *text, size_t n, unsigned row, struct kh_share_fault *fault);

#endif
