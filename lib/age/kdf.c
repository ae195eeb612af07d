/*
 * HKDF-SHA-256 and what age derives with it. Separate so that every derived
 * key and its label can be read, and compared with the spec, in one place.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/age/kdf.h"
#include "lib/base/precond.h"

_Static_assert(KH_AGE_KEY_LEN == crypto_auth_hmacsha256_BYTES,
    "one block of HKDF-Expand is one key");
_Static_assert(KH_AGE_KEY_LEN == crypto_aead_chacha20poly1305_ietf_KEYBYTES,
    "a derived key is an AEAD key");
_Static_assert(KH_TAG_LEN == crypto_aead_chacha20poly1305_ietf_ABYTES, "tag");

static const uint8_t zero_nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

void
kh_hkdf(const struct kh_hkdf_in *in, uint8_t out[static KH_AGE_KEY_LEN])
{
	static const uint8_t none[1], one = 1;
	crypto_auth_hmacsha256_state st;
	uint8_t prk[crypto_auth_hmacsha256_BYTES];

	PRECOND(in->salt != NULL || in->salt_len == 0);

	/* RFC 5869, 2.2: no salt is a salt of zeros, which HMAC pads anyway. */
	crypto_auth_hmacsha256_init(
	    &st, in->salt != NULL ? in->salt : none, in->salt_len);
	crypto_auth_hmacsha256_update(&st, in->ikm, in->ikm_len);
	crypto_auth_hmacsha256_final(&st, prk);

	/* RFC 5869, 2.3: T(1) alone. */
	crypto_auth_hmacsha256_init(&st, prk, sizeof(prk));
	crypto_auth_hmacsha256_update(
	    &st, (const uint8_t *)in->info, strlen(in->info));
	crypto_auth_hmacsha256_update(&st, &one, 1);
	crypto_auth_hmacsha256_final(&st, out);
	kh_wipe(&st, sizeof(st));
	kh_wipe(prk, sizeof(prk));
}

void
kh_age_mac(const uint8_t fk[static KH_FILE_KEY_LEN], const uint8_t *header,
    size_t n, uint8_t mac[static KH_AGE_MAC_LEN])
{
	const struct kh_hkdf_in in = {
	    .ikm = fk, .ikm_len = KH_FILE_KEY_LEN, .info = "header"};
	uint8_t key[KH_AGE_KEY_LEN];

	kh_hkdf(&in, key);
	crypto_auth_hmacsha256(mac, header, n, key);
	kh_wipe(key, sizeof(key));
}

void
kh_age_payload_key(const uint8_t fk[static KH_FILE_KEY_LEN],
    const uint8_t nonce[static KH_AGE_NONCE_LEN],
    uint8_t key[static KH_AGE_KEY_LEN])
{
	const struct kh_hkdf_in in = {.ikm = fk,
	    .ikm_len = KH_FILE_KEY_LEN,
	    .salt = nonce,
	    .salt_len = KH_AGE_NONCE_LEN,
	    .info = "payload"};

	kh_hkdf(&in, key);
}

void
kh_age_wrap(const uint8_t key[static KH_AGE_KEY_LEN],
    const uint8_t fk[static KH_FILE_KEY_LEN],
    uint8_t body[static KH_WRAPPED_LEN])
{
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(
	    body, NULL, fk, KH_FILE_KEY_LEN, NULL, 0, NULL, zero_nonce, key);
}

enum kh_err
kh_age_unwrap(const uint8_t key[static KH_AGE_KEY_LEN],
    const uint8_t body[static KH_WRAPPED_LEN],
    uint8_t fk[static KH_FILE_KEY_LEN])
{
	if (crypto_aead_chacha20poly1305_ietf_decrypt(fk, NULL, NULL, body,
		KH_WRAPPED_LEN, NULL, 0, zero_nonce, key) != 0) {
		kh_wipe(fk, KH_FILE_KEY_LEN);
		return KH_ENOKEY;
	}
	return KH_OK;
}
