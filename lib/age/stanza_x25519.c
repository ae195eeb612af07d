/*
 * The X25519 recipient stanza. Separate, like every stanza type, so that it
 * can be read beside its section of the spec.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/age/stanza.h"
#include "lib/base/precond.h"

#define N_ARGS 2

/*
 * salt = share || recipient, ikm = the shared secret. KH_EFORMAT when that is
 * zero; the caller knows whose point it was.
 */
static enum kh_err
wrap_key(const uint8_t *scalar, const uint8_t *point, const uint8_t *salt,
    uint8_t key[static KH_AGE_KEY_LEN])
{
	uint8_t shared[KH_X25519_LEN];
	const struct kh_hkdf_in in = {.ikm = shared,
	    .ikm_len = sizeof(shared),
	    .salt = salt,
	    .salt_len = 2 * KH_X25519_LEN,
	    .info = "age-encryption.org/v1/X25519"};
	enum kh_err e = KH_EFORMAT;

	if (crypto_scalarmult(shared, scalar, point) == 0) {
		kh_hkdf(&in, key);
		e = KH_OK;
	}
	kh_wipe(shared, sizeof(shared));
	return e;
}

enum kh_err
kh_stanza_x25519_make(const uint8_t fk[static KH_FILE_KEY_LEN],
    const struct kh_recipient *to, uint8_t out[static KH_STANZA_X25519_LEN])
{
	static const char lead[] = "-> " KH_STANZA_X25519 " ";
	uint8_t scalar[KH_X25519_LEN], key[KH_AGE_KEY_LEN];
	uint8_t salt[2 * KH_X25519_LEN], body[KH_WRAPPED_LEN];
	enum kh_err e = KH_EKEY;
	uint8_t *p = out;

	randombytes_buf(scalar, sizeof(scalar));
	PRECOND(crypto_scalarmult_base(salt, scalar) == 0);
	memcpy(salt + KH_X25519_LEN, to->pk, KH_X25519_LEN);
	if (wrap_key(scalar, to->pk, salt, key) != KH_OK)
		goto out;
	kh_age_wrap(key, fk, body);

	memcpy(p, lead, sizeof(lead) - 1);
	p += sizeof(lead) - 1;
	kh_b64_encode(salt, KH_X25519_LEN, (char *)p);
	p += KH_B64_LEN(KH_X25519_LEN);
	*p++ = '\n';
	kh_b64_encode(body, sizeof(body), (char *)p);
	p += KH_B64_LEN(sizeof(body));
	*p++ = '\n';
	PRECOND((size_t)(p - out) == KH_STANZA_X25519_LEN);
	e = KH_OK;
out:
	kh_wipe(scalar, sizeof(scalar));
	kh_wipe(key, sizeof(key));
	return e;
}

static enum kh_err
share_of(const struct kh_age_header *h, const struct kh_stanza *s,
    uint8_t share[static KH_X25519_LEN])
{
	const uint8_t *p;
	size_t n;

	if (s->n_args != N_ARGS)
		return KH_EFORMAT;
	p = kh_stanza_arg(h, s, 1, &n);
	return kh_b64_decode(p, n, share, KH_X25519_LEN);
}

enum kh_err
kh_stanza_x25519_validate(
    const struct kh_age_header *h, const struct kh_stanza *s)
{
	uint8_t share[KH_X25519_LEN], body[KH_WRAPPED_LEN];

	if (share_of(h, s, share) != KH_OK)
		return KH_EFORMAT;
	return kh_stanza_wrapped(h, s, body);
}

enum kh_err
kh_stanza_x25519_open(const struct kh_age_header *h, const struct kh_stanza *s,
    const struct kh_keyring *kr, uint8_t fk[static KH_FILE_KEY_LEN])
{
	uint8_t salt[2 * KH_X25519_LEN], body[KH_WRAPPED_LEN];
	uint8_t key[KH_AGE_KEY_LEN];
	const struct kh_key_pair *pair;
	enum kh_err e;
	size_t i;

	e = share_of(h, s, salt);
	if (e == KH_OK)
		e = kh_stanza_wrapped(h, s, body);
	if (e != KH_OK)
		return e;
	e = KH_ENOKEY;
	for (i = 0; i < kr->n && e == KH_ENOKEY; i++) {
		pair = &kr->pairs[i];
		memcpy(salt + KH_X25519_LEN, pair->pub.pk, KH_X25519_LEN);
		e = wrap_key(pair->id.sk, salt, salt, key);
		if (e == KH_OK)
			e = kh_age_unwrap(key, body, fk);
	}
	kh_wipe(key, sizeof(key));
	return e;
}
