/*
 * The key derivations of age: HKDF-SHA-256 (RFC 5869) with 32 bytes out, the
 * header MAC, and the AEAD that wraps a file key.
 */
#ifndef KNOTHOLE_AGE_KDF_H
#define KNOTHOLE_AGE_KDF_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

#define KH_AGE_KEY_LEN 32
#define KH_AGE_MAC_LEN 32
#define KH_WRAPPED_LEN (KH_FILE_KEY_LEN + KH_TAG_LEN)

struct kh_hkdf_in {
	const uint8_t *ikm;
	size_t ikm_len;
	const uint8_t *salt; /* NULL for none */
	size_t salt_len;
	const char *info;
};

void kh_hkdf(const struct kh_hkdf_in *in, uint8_t out[static KH_AGE_KEY_LEN]);

/* C2SP age, "Header MAC": over the `n` header bytes up to and with "---". */
void kh_age_mac(const uint8_t fk[static KH_FILE_KEY_LEN], const uint8_t *header,
    size_t n, uint8_t mac[static KH_AGE_MAC_LEN]);

/* C2SP age, "Payload". */
void kh_age_payload_key(const uint8_t fk[static KH_FILE_KEY_LEN],
    const uint8_t nonce[static KH_AGE_NONCE_LEN],
    uint8_t key[static KH_AGE_KEY_LEN]);

/* ChaCha20-Poly1305 under a key that is used once, nonce of zeros. */
void kh_age_wrap(const uint8_t key[static KH_AGE_KEY_LEN],
    const uint8_t fk[static KH_FILE_KEY_LEN],
    uint8_t body[static KH_WRAPPED_LEN]);

/* KH_ENOKEY when it does not authenticate; `fk` is then zeroed. */
KH_CHECKED enum kh_err kh_age_unwrap(const uint8_t key[static KH_AGE_KEY_LEN],
    const uint8_t body[static KH_WRAPPED_LEN],
    uint8_t fk[static KH_FILE_KEY_LEN]);

#endif
