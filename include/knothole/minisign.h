/*
 * minisign's formats (minisign(1), "Signature format"), so that the stock tool
 * verifies what we sign: pre-hashed Ed25519 ("ED": the message is BLAKE2b-512).
 *
 * A signature is four lines:
 *	untrusted comment: TEXT
 *	b64("ED" key_id[8] signature[64])
 *	trusted comment: TEXT
 *	b64(signature[64] over the first signature and the trusted comment)
 * A public key is b64("Ed" key_id[8] pk[32]), 56 characters.
 */
#ifndef KNOTHOLE_MINISIGN_H
#define KNOTHOLE_MINISIGN_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

#define KH_SIGN_SEED_LEN 32
#define KH_SIGN_PUBLIC_LEN 32
#define KH_SIGN_KEY_ID_LEN 8
#define KH_SIGN_PUBLIC_TEXT_LEN 56
/* Stock minisign 0.11 reads an untrusted comment's line into 1024 bytes, its
 * beginning, LF and NUL included. */
#define KH_UNTRUSTED_COMMENT_MAX 1000
/* Four lines with the longest comments that we accept, and a NUL. */
#define KH_SIGNATURE_TEXT_MAX (2 * KH_TRUSTED_COMMENT_MAX + 512)

struct kh_sign_public {
	uint8_t key_id[KH_SIGN_KEY_ID_LEN];
	uint8_t pk[KH_SIGN_PUBLIC_LEN];
};

/* Secret: kh_secret_alloc, wipe. */
struct kh_sign_secret {
	uint8_t key_id[KH_SIGN_KEY_ID_LEN];
	uint8_t seed[KH_SIGN_SEED_LEN];
};

/* A fresh key, and the public half of one. */
void kh_sign_generate(struct kh_sign_secret *out);
void kh_sign_public(
    const struct kh_sign_secret *sk, struct kh_sign_public *out);

/* Public key to text, NUL-terminated, and back. */
void kh_sign_public_format(const struct kh_sign_public *pk,
    char out[static KH_SIGN_PUBLIC_TEXT_LEN + 1]);
/* `n` bytes of text, without a line end. Errors: KH_EKEY when it is not exactly
 * one well-formed key, or not a point of the curve's main subgroup. */
KH_CHECKED enum kh_err kh_sign_public_parse(
    const char *text, size_t n, struct kh_sign_public *out);

/*
 * Sign `n` bytes. The comments are one line of UTF-8 without control characters
 * each, at most KH_UNTRUSTED_COMMENT_MAX and KH_TRUSTED_COMMENT_MAX bytes
 * (precondition); no clock is read.
 *	out	receives the four lines, each ended by LF, and a NUL
 * Errors: KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_sign(const struct kh_sign_secret *sk,
    const uint8_t *msg, size_t n, const char *untrusted, const char *trusted,
    char out[static KH_SIGNATURE_TEXT_MAX]);

/*
 * Verify both signatures of `sig` (`sig_len` bytes, exactly four lines, each
 * ended by LF). The comments are not interpreted.
 * Errors: KH_EFORMAT; KH_EUNSUP the old kind that is not pre-hashed; KH_EAUTH
 * when one does not verify or names another key.
 */
KH_CHECKED enum kh_err kh_sign_verify(const struct kh_sign_public *pk,
    const uint8_t *msg, size_t n, const char *sig, size_t sig_len);

#endif
