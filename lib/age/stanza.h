/*
 * What the stanzas that we know contain: made when sealing, tried when
 * opening.
 */
#ifndef KNOTHOLE_AGE_STANZA_H
#define KNOTHOLE_AGE_STANZA_H

#include "lib/age/b64.h"
#include "lib/age/header.h"
#include "lib/age/keyring.h"

#define KH_STANZA_X25519 "X25519"
#define KH_STANZA_SCRYPT "scrypt"
#define KH_STANZA_CHECK "knothole.example/check"
#define KH_STANZA_OPENPGP "knothole.example/openpgp"

#define KH_SCRYPT_SALT_LEN 16
#define KH_CHECK_DIGEST_LEN 16

/* "-> " type " " argument LF body LF: bytes of each, without a NUL. */
#define KH_STANZA_X25519_LEN                                            \
	(3 + sizeof(KH_STANZA_X25519) + KH_B64_LEN(KH_X25519_LEN) + 1 + \
	    KH_B64_LEN(KH_WRAPPED_LEN) + 1)
#define KH_STANZA_SCRYPT_MAX                                                 \
	(3 + sizeof(KH_STANZA_SCRYPT) + KH_B64_LEN(KH_SCRYPT_SALT_LEN) + 3 + \
	    1 + KH_B64_LEN(KH_WRAPPED_LEN) + 1)
#define KH_STANZA_CHECK_LEN \
	(3 + sizeof(KH_STANZA_CHECK) + KH_B64_LEN(KH_CHECK_DIGEST_LEN) + 1 + 1)

#define KH_STANZA_OPENPGP_MAX                                     \
	(3 + sizeof(KH_STANZA_OPENPGP) + KH_OPENPGP_FPR_LEN + 1 + \
	    KH_B64_LEN(KH_OPENPGP_MESSAGE_MAX) +                  \
	    KH_OPENPGP_MESSAGE_MAX / KH_B64_LINE_BYTES + 1)

/*
 * Wrap a file key to one recipient (C2SP age, "X25519 recipient stanza").
 * KH_EKEY when it is of low order: an all-zero shared secret must abort.
 */
KH_CHECKED enum kh_err kh_stanza_x25519_make(
    const uint8_t fk[static KH_FILE_KEY_LEN], const struct kh_recipient *to,
    uint8_t out[static KH_STANZA_X25519_LEN]);

/* KH_EFORMAT unless an X25519 stanza is well-formed, whoever it is for. */
KH_CHECKED enum kh_err kh_stanza_x25519_validate(
    const struct kh_age_header *h, const struct kh_stanza *s);

/*
 * Try every identity on a valid stanza.
 * KH_ENOKEY when none fits; KH_EFORMAT when its share is of low order.
 */
KH_CHECKED enum kh_err kh_stanza_x25519_open(const struct kh_age_header *h,
    const struct kh_stanza *s, const struct kh_keyring *kr,
    uint8_t fk[static KH_FILE_KEY_LEN]);

/*
 * Wrap a file key under a passphrase (C2SP age, "scrypt recipient stanza").
 *	logn	1 to KH_SCRYPT_LOGN_MAX
 *	*n	receives the stanza's length
 * KH_ENOMEM when scrypt does not get 2^(logn + 10) bytes.
 */
struct kh_scrypt_with {
	const char *passphrase;
	size_t len;
	int logn;
};
KH_CHECKED enum kh_err kh_stanza_scrypt_make(
    const uint8_t fk[static KH_FILE_KEY_LEN], const struct kh_scrypt_with *with,
    uint8_t out[static KH_STANZA_SCRYPT_MAX], size_t *n);

/* KH_EFORMAT unless it is well-formed and alone; KH_ELIMIT when it asks for
 * more work than KH_SCRYPT_LOGN_MAX. */
KH_CHECKED enum kh_err kh_stanza_scrypt_validate(
    const struct kh_age_header *h, const struct kh_stanza *s);

/* Try the passphrase, if there is one. KH_ENOKEY, KH_ENOMEM. */
KH_CHECKED enum kh_err kh_stanza_scrypt_open(const struct kh_age_header *h,
    const struct kh_stanza *s, const struct kh_keyring *kr,
    uint8_t fk[static KH_FILE_KEY_LEN]);

/* Our own stanza (check.c) over the `n` header bytes before it. */
void kh_stanza_check_make(
    const uint8_t *header, size_t n, uint8_t out[static KH_STANZA_CHECK_LEN]);

/* Does a check stanza say that the header was damaged? false when there is
 * none. */
bool kh_age_header_damaged(const struct kh_age_header *h);

/* A bridge (stanza_openpgp.c); returns the stanza's length. The X25519 stanza
 * for b->to is made by itself. */
size_t kh_stanza_openpgp_make(
    const struct kh_bridge *b, uint8_t out[static KH_STANZA_OPENPGP_MAX]);

/*
 * Try the keyring's opener of bridges, if it has one, on all of them.
 * KH_ENOKEY when none fits; else what the opener said last.
 */
KH_CHECKED enum kh_err kh_stanza_openpgp_open(const struct kh_age_header *h,
    const struct kh_keyring *kr, uint8_t fk[static KH_FILE_KEY_LEN]);

/*
 * Find the file key with these keys, and verify the header with it.
 * Errors: KH_EFORMAT, KH_ELIMIT, KH_ENOKEY, KH_EAUTH, KH_ENOMEM, what an opener
 * of bridges says; `fk` is then zeroed.
 */
KH_CHECKED enum kh_err kh_age_header_open(const struct kh_age_header *h,
    const struct kh_keyring *kr, uint8_t fk[static KH_FILE_KEY_LEN]);

#endif
