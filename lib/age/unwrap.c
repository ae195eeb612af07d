/*
 * From a parsed header and a keyring to a file key that is known to be right.
 * Separate because the streaming opener and the seekable reader share it.
 */
#include "knothole/secret.h"
#include "lib/age/stanza.h"
#include "lib/base/precond.h"

/* Every stanza of a known type is well-formed, whether or not a key of ours is
 * tried on it: what a file is does not depend on who reads it. */
static enum kh_err
validate(const struct kh_age_header *h)
{
	const struct kh_stanza *s;
	enum kh_err e = KH_OK;
	size_t i;

	for (i = 0; i < kh_age_header_stanzas(h) && e == KH_OK; i++) {
		s = kh_age_header_stanza(h, i);
		if (kh_stanza_is(h, s, KH_STANZA_X25519))
			e = kh_stanza_x25519_validate(h, s);
		else if (kh_stanza_is(h, s, KH_STANZA_SCRYPT))
			e = kh_stanza_scrypt_validate(h, s);
	}
	return e;
}

static enum kh_err
find(const struct kh_age_header *h, const struct kh_keyring *kr,
    uint8_t fk[static KH_FILE_KEY_LEN])
{
	const struct kh_stanza *s;
	enum kh_err e = KH_ENOKEY;
	size_t i;

	for (i = 0; i < kh_age_header_stanzas(h) && e == KH_ENOKEY; i++) {
		s = kh_age_header_stanza(h, i);
		if (kh_stanza_is(h, s, KH_STANZA_X25519))
			e = kh_stanza_x25519_open(h, s, kr, fk);
		else if (kh_stanza_is(h, s, KH_STANZA_SCRYPT))
			e = kh_stanza_scrypt_open(h, s, kr, fk);
	}
	/* Last: it may ask somebody for a card and a PIN. */
	return e == KH_ENOKEY ? kh_stanza_openpgp_open(h, kr, fk) : e;
}

enum kh_err
kh_age_header_open(const struct kh_age_header *h, const struct kh_keyring *kr,
    uint8_t fk[static KH_FILE_KEY_LEN])
{
	enum kh_err e;

	PRECOND(h != NULL && kr != NULL);
	e = validate(h);
	if (e == KH_OK)
		e = find(h, kr, fk);
	if (e == KH_OK)
		e = kh_age_header_verify(h, fk);
	else if (e == KH_ENOKEY && kh_age_header_damaged(h))
		e = KH_EAUTH;
	if (e != KH_OK)
		kh_wipe(fk, KH_FILE_KEY_LEN);
	return e;
}
