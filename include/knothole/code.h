/*
 * The return code: the only thing a source keeps (FORMAT.md, "Return code").
 * A number S, uniform below 7776^7 (90.5 bits), in two spellings:
 *
 *	8 words		7 digits of S in base 7776, most significant first, as
 *			words of the EFF large list, and one check word
 *	30 digits	S in 28 decimal digits and ISO 7064 MOD 97-10 check
 *			digits, in 6 groups of 5
 *
 * From S come, through Argon2id and BLAKE2b, the source's mailbox, reply key
 * and slot key. The server keeps none of it.
 */
#ifndef KNOTHOLE_CODE_H
#define KNOTHOLE_CODE_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/age.h"
#include "knothole/err.h"
#include "knothole/limits.h"

/* S as its 7 base-7776 digits. Secret: kh_secret_alloc, wipe. */
struct kh_code {
	uint16_t digit[KH_CODE_WORDS - 1]; /* each < 7776 */
};

/* "w1 w2 ... w8" and "ddddd ddddd ...", with NUL. */
#define KH_CODE_WORDS_TEXT_LEN (KH_CODE_WORDS * (KH_WORD_MAX + 1))
#define KH_CODE_DIGITS_TEXT_LEN (KH_CODE_DIGITS + 6)

/* A fresh code: S uniform below 7776^7. */
void kh_code_generate(struct kh_code *out);

/* As words, one blank between them, and as digits in groups; NUL-terminated. */
void kh_code_words(
    const struct kh_code *c, char out[static KH_CODE_WORDS_TEXT_LEN]);
void kh_code_digits(
    const struct kh_code *c, char out[static KH_CODE_DIGITS_TEXT_LEN]);

/*
 * Read a code as people type or paste it: words or digits, any case, any
 * blanks (no-break ones too), hyphens, dashes, commas, full stops, line
 * breaks, numbered words ("1. abacus 2) abdomen") and groups of digits
 * ("1. 01234 2) 56789"), bidi marks and zero-width characters, full-width
 * letters, Arabic-Indic, Persian and full-width digits.
 *	text, n		n bytes, at most KH_CODE_TEXT_MAX (else KH_ELIMIT)
 *	bad_word	on KH_EWORD receives the position (1 to 8) of the first
 *			word that is not in the list; else 0. Never NULL.
 * Errors: KH_EWORD; KH_ECHECK the check word or digits do not fit;
 * KH_EFORMAT wrong number of words or digits, or neither.
 */
KH_CHECKED enum kh_err kh_code_parse(
    const char *text, size_t n, struct kh_code *out, unsigned *bad_word);

/*
 * After KH_EWORD: the word itself, folded to a-z ('?' for what is no letter of
 * the list's), at most KH_BAD_WORD_MAX bytes of it, NUL-terminated, to be shown
 * to who typed it. Empty when no word is bad. Secret: wipe.
 */
#define KH_BAD_WORD_MAX 40
void kh_code_bad_word(
    const char *text, size_t n, char out[static KH_BAD_WORD_MAX + 1]);

/* What a code opens. Secret (but mailbox and reply_to): kh_secret_alloc. */
struct kh_code_keys {
	uint8_t mailbox[KH_MAILBOX_LEN];
	struct kh_identity reply; /* opens answers */
	struct kh_recipient reply_to; /* its public half */
	uint8_t slot_key[KH_SLOT_KEY_LEN];
};

/*
 * Argon2id (KH_CODE_KDF_OPS passes over KH_CODE_KDF_MEM bytes) and three
 * derivations from its output. Deterministic in code and salt.
 *	salt	the instance's, secret, KH_SALT_LEN bytes
 * Errors: KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_code_derive(const struct kh_code *c,
    const uint8_t salt[static KH_SALT_LEN], struct kh_code_keys *out);

/* Word `i` (< KH_WORDLIST_N) of the list, and the index of a lower-case word
 * of `n` bytes, or -1. */
const char *kh_word(unsigned i);
int kh_word_index(const char *word, size_t n);

/* 8 words that name a public key for people to compare: the first 103 bits of
 * BLAKE2b-256 over `n` bytes; blanks between, NUL-terminated. */
void kh_fingerprint_words(
    const uint8_t *p, size_t n, char out[static KH_CODE_WORDS_TEXT_LEN]);

#endif
