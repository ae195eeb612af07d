/*
 * Sealing and opening of form tokens. Separate, because it is the only place
 * that touches the form keys.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/secret.h"
#include "server/visit/token.h"

#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES
#define VERSION 1
#define CODE_LEN (2 * (KH_CODE_WORDS - 1))
#define PLAIN_LEN (1 + KH_UPLOAD_ID_LEN + CODE_LEN)
#define SEALED_LEN (NONCE_LEN + PLAIN_LEN + TAG_LEN)
#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING

_Static_assert(
    KH_FORM_KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "form key");
_Static_assert(
    sodium_base64_ENCODED_LEN(SEALED_LEN, VARIANT) == KH_TOKEN_LEN + 1,
    "token length");

void
kh_form_keys_init(struct kh_form_keys *k)
{
	randombytes_buf(k, sizeof(*k));
}

void
kh_form_keys_rotate(struct kh_form_keys *k)
{
	memcpy(k->previous, k->current, sizeof(k->previous));
	randombytes_buf(k->current, sizeof(k->current));
}

void
kh_form_new(struct kh_form *out)
{
	randombytes_buf(out->upload, sizeof(out->upload));
	kh_code_generate(&out->code);
}

void
kh_token_seal(const struct kh_form_keys *k, const struct kh_form *f,
    char out[static KH_TOKEN_LEN + 1])
{
	uint8_t plain[PLAIN_LEN], sealed[SEALED_LEN];
	size_t i;

	plain[0] = VERSION;
	memcpy(plain + 1, f->upload, KH_UPLOAD_ID_LEN);
	for (i = 0; i < KH_CODE_WORDS - 1; i++) {
		plain[1 + KH_UPLOAD_ID_LEN + 2 * i] =
		    (uint8_t)(f->code.digit[i] >> 8);
		plain[2 + KH_UPLOAD_ID_LEN + 2 * i] =
		    (uint8_t)(f->code.digit[i] & 0xff);
	}
	randombytes_buf(sealed, NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_LEN, NULL,
	    plain, sizeof(plain), NULL, 0, NULL, sealed, k->current);
	kh_wipe(plain, sizeof(plain));
	sodium_bin2base64(
	    out, KH_TOKEN_LEN + 1, sealed, sizeof(sealed), VARIANT);
}

static enum kh_err
open_with(const uint8_t *key, const uint8_t sealed[static SEALED_LEN],
    uint8_t plain[static PLAIN_LEN])
{
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL,
		sealed + NONCE_LEN, SEALED_LEN - NONCE_LEN, NULL, 0, sealed,
		key) != 0)
		return KH_EAUTH;
	return plain[0] == VERSION ? KH_OK : KH_EAUTH;
}

/* One text for each token: libsodium 1.0.18 reads every byte above 0x7f as
 * the last letter of its alphabet. */
static enum kh_err
decode(const char *text, size_t n, uint8_t sealed[static SEALED_LEN])
{
	char again[KH_TOKEN_LEN + 1];
	const char *end;
	size_t len;

	if (n != KH_TOKEN_LEN ||
	    sodium_base642bin(
		sealed, SEALED_LEN, text, n, NULL, &len, &end, VARIANT) != 0 ||
	    len != SEALED_LEN || end != text + n)
		return KH_EAUTH;
	sodium_bin2base64(again, sizeof(again), sealed, SEALED_LEN, VARIANT);
	return memcmp(again, text, n) == 0 ? KH_OK : KH_EAUTH;
}

enum kh_err
kh_token_open(const struct kh_form_keys *k, const char *text, size_t n,
    struct kh_form *out)
{
	uint8_t plain[PLAIN_LEN], sealed[SEALED_LEN];
	enum kh_err e;
	size_t i;

	memset(out, 0, sizeof(*out));
	e = decode(text, n, sealed);
	if (e != KH_OK)
		return e;
	e = open_with(k->current, sealed, plain);
	if (e != KH_OK)
		e = open_with(k->previous, sealed, plain);
	if (e != KH_OK)
		goto out;
	memcpy(out->upload, plain + 1, KH_UPLOAD_ID_LEN);
	for (i = 0; i < KH_CODE_WORDS - 1; i++) {
		out->code.digit[i] =
		    (uint16_t)(plain[1 + KH_UPLOAD_ID_LEN + 2 * i] << 8 |
			plain[2 + KH_UPLOAD_ID_LEN + 2 * i]);
	}
out:
	kh_wipe(plain, sizeof(plain));
	return e;
}
