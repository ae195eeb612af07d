/*
 * The text inside an answer, for the writer and the reader of answers. Separate
 * so that tests get at it without the age file around it.
 */
#ifndef KNOTHOLE_LIB_ANSWER_FORM_H
#define KNOTHOLE_LIB_ANSWER_FORM_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/answer.h"
#include "knothole/err.h"

/* Both comments of the signature. With any others the same answer would have
 * more than one form, and room for what nobody signed. */
#define KH_ANSWER_COMMENT "knothole answer"
#define KH_ANSWER_UNTRUSTED "untrusted comment: " KH_ANSWER_COMMENT "\n"
#define KH_ANSWER_TRUSTED "trusted comment: " KH_ANSWER_COMMENT "\n"
#define KH_ANSWER_SIG_LINE_LEN 101 /* base64 of 74 bytes, and LF */
#define KH_ANSWER_GLOBAL_LINE_LEN 89 /* base64 of 64 bytes, and LF */
#define KH_ANSWER_SIGNATURE_LEN                                     \
	(sizeof(KH_ANSWER_UNTRUSTED) - 1 + KH_ANSWER_SIG_LINE_LEN + \
	    sizeof(KH_ANSWER_TRUSTED) - 1 + KH_ANSWER_GLOBAL_LINE_LEN)

/* What sealing to one recipient adds: header 234, tag 16 (FORMAT.md, "Sealed
 * object"). */
#define KH_ANSWER_AGE_LEN 250
#define KH_ANSWER_PLAIN_MAX (KH_ANSWER_LEN_MAX - KH_ANSWER_AGE_LEN)

/* The smallest length of an answer in which `n` bytes fit, sealed;
 * n <= KH_ANSWER_PLAIN_MAX. */
size_t kh_answer_len_for(size_t n);

/*
 * Fields, text and signature, without the zero bytes.
 *	out	room for KH_ANSWER_PLAIN_MAX bytes
 *	n	receives how many there are
 * Errors: KH_EFORMAT, KH_ELIMIT and KH_ENOMEM as kh_answer_seal.
 */
KH_CHECKED enum kh_err kh_answer_write(const struct kh_answer *a,
    const struct kh_sign_secret *sk, uint8_t out[static KH_ANSWER_PLAIN_MAX],
    size_t *n);

/*
 * The same back, zero bytes included, signature verified; mailbox and number
 * are whatever it says. `a->text` points into `plain`.
 * Errors: KH_EFORMAT, KH_EUNSUP, KH_ELIMIT and KH_EAUTH as kh_answer_open; *a
 * is zeroed then.
 */
KH_CHECKED enum kh_err kh_answer_read(const uint8_t *plain, size_t n,
    const struct kh_sign_public *outlet, struct kh_answer *a);

#endif
