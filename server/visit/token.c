/*
 * Sealing and opening of form tokens. Separate, because it is the only place
 * that touches the form keys.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/visit/token.h"

#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN crypto_aead_xchacha20poly1305_ietf_ABYTES
#define VERSION 2
#define CODE_LEN (2 * (KH_CODE_WORDS - 1))
#define SEEN_LEN (2 * KH_OUTLETS_MAX)
#define PLAIN_LEN (1 + KH_UPLOAD_ID_LEN + CODE_LEN + SEEN_LEN)
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
	static const uint8_t what[] = "knothole form key";

	memcpy(k->previous, k->current, sizeof(k->previous));
	crypto_generichash(k->current, sizeof(k->current), what,
	    sizeof(what) - 1, k->previous, sizeof(k->previous));
}

void
kh_form_keys_keep(struct kh_form_keys *k, int64_t *at, int64_t now)
{
	while (now >= *at) {
		kh_form_keys_rotate(k);
		*at += KH_FORM_KEY_MS;
	}
}

void
kh_form_new(struct kh_form *out)
{
	memset(out, 0, sizeof(*out));
	randombytes_buf(out->upload, sizeof(out->upload));
	kh_code_generate(&out->code);
}

/* 16-bit numbers, most significant byte first. */
static uint8_t *
put16(uint8_t *p, const uint16_t *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		*p++ = (uint8_t)(v[i] >> 8);
		*p++ = (uint8_t)(v[i] & 0xff);
	}
	return p;
}

static const uint8_t *
get16(const uint8_t *p, uint16_t *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++, p += 2)
		v[i] = (uint16_t)(p[0] << 8 | p[1]);
	return p;
}

void
kh_token_seal(const struct kh_form_keys *k, enum kh_token_use use,
    const struct kh_form *f, char out[static KH_TOKEN_LEN + 1])
{
	uint8_t plain[PLAIN_LEN], sealed[SEALED_LEN], *p = plain;
	const uint8_t ad = (uint8_t)use;

	*p++ = VERSION;
	memcpy(p, f->upload, KH_UPLOAD_ID_LEN);
	p = put16(p + KH_UPLOAD_ID_LEN, f->code.digit, KH_CODE_WORDS - 1);
	p = put16(p, f->seen, KH_OUTLETS_MAX);
	PRECOND(p == plain + sizeof(plain));
	randombytes_buf(sealed, NONCE_LEN);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE_LEN, NULL,
	    plain, sizeof(plain), &ad, sizeof(ad), NULL, sealed, k->current);
	kh_wipe(plain, sizeof(plain));
	sodium_bin2base64(
	    out, KH_TOKEN_LEN + 1, sealed, sizeof(sealed), VARIANT);
}

static enum kh_err
open_with(const uint8_t *key, uint8_t use,
    const uint8_t sealed[static SEALED_LEN], uint8_t plain[static PLAIN_LEN])
{
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL,
		sealed + NONCE_LEN, SEALED_LEN - NONCE_LEN, &use, sizeof(use),
		sealed, key) != 0)
		return KH_EAUTH;
	return plain[0] == VERSION ? KH_OK : KH_EAUTH;
}

/* One text for each token: libsodium 1.0.18 reads every byte above 0x7f as
 * the last letter of its alphabet. */
static enum kh_err
decode(struct kh_slice text, uint8_t sealed[static SEALED_LEN])
{
	char again[KH_TOKEN_LEN + 1];
	const char *end;
	size_t len;

	if (text.n != KH_TOKEN_LEN ||
	    sodium_base642bin(sealed, SEALED_LEN, text.p, text.n, NULL, &len,
		&end, VARIANT) != 0 ||
	    len != SEALED_LEN || end != text.p + text.n)
		return KH_EAUTH;
	sodium_bin2base64(again, sizeof(again), sealed, SEALED_LEN, VARIANT);
	return memcmp(again, text.p, text.n) == 0 ? KH_OK : KH_EAUTH;
}

enum kh_err
kh_token_open(const struct kh_form_keys *k, enum kh_token_use use,
    struct kh_slice text, struct kh_form *out)
{
	uint8_t plain[PLAIN_LEN], sealed[SEALED_LEN];
	const uint8_t *p = plain + 1;
	enum kh_err e;

	memset(out, 0, sizeof(*out));
	e = decode(text, sealed);
	if (e != KH_OK)
		return e;
	e = open_with(k->current, (uint8_t)use, sealed, plain);
	if (e != KH_OK)
		e = open_with(k->previous, (uint8_t)use, sealed, plain);
	if (e != KH_OK)
		goto out;
	memcpy(out->upload, p, KH_UPLOAD_ID_LEN);
	p = get16(p + KH_UPLOAD_ID_LEN, out->code.digit, KH_CODE_WORDS - 1);
	(void)get16(p, out->seen, KH_OUTLETS_MAX);
out:
	kh_wipe(plain, sizeof(plain));
	return e;
}
