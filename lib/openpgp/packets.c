/*
 * Framing of OpenPGP packets. Separate from GPGME because it decides what gpg
 * gets to see at all, and whether what gpg gives back can be right.
 */
#include <string.h>

#include "knothole/openpgp.h"
#include "lib/base/precond.h"
#include "lib/openpgp/packets.h"

#define DIGEST_MD5 1
#define DIGEST_SHA1 2

/* `bytes` bytes, big-endian, from the front. */
static enum kh_err
take_number(const uint8_t **p, size_t *n, size_t bytes, size_t *out)
{
	*out = 0;
	if (*n < bytes)
		return KH_EFORMAT;
	for (; bytes > 0; bytes--) {
		*out = *out << 8 | **p;
		(*p)++;
		(*n)--;
	}
	return KH_OK;
}

/* A length of the present format (section 4.2.1). */
static enum kh_err
take_length(const uint8_t **p, size_t *n, size_t *len, bool *partial)
{
	size_t first, second = 0;
	enum kh_err e;

	*partial = false;
	e = take_number(p, n, 1, &first);
	if (e != KH_OK)
		return e;
	*len = first;
	if (first < 192)
		return KH_OK;
	if (first == 255)
		return take_number(p, n, 4, len);
	if (first >= 224) {
		*partial = true;
		*len = (size_t)1 << (first & 31);
		return KH_OK;
	}
	e = take_number(p, n, 1, &second);
	*len = ((first - 192) << 8) + second + 192;
	return e;
}

/* The pieces behind the first. */
static enum kh_err
pass_pieces(const uint8_t **p, size_t *n)
{
	bool partial = true;
	enum kh_err e;
	size_t len;

	while (partial) {
		e = take_length(p, n, &len, &partial);
		if (e != KH_OK)
			return e;
		if (len > *n)
			return KH_EFORMAT;
		*p += len;
		*n -= len;
	}
	return KH_OK;
}

enum kh_err
kh_pgp_next(const uint8_t **p, size_t *n, struct kh_pgp_packet *out)
{
	size_t head, len;
	enum kh_err e;

	memset(out, 0, sizeof(*out));
	e = take_number(p, n, 1, &head);
	if (e != KH_OK)
		return e;
	if ((head & 0x80) == 0)
		return KH_EFORMAT;
	if ((head & 0x40) != 0) {
		out->tag = head & 0x3f;
		e = take_length(p, n, &len, &out->partial);
	} else {
		out->tag = head >> 2 & 0xf;
		if ((head & 3) == 3)
			return KH_EFORMAT;
		e = take_number(p, n, (size_t)1 << (head & 3), &len);
	}
	if (e != KH_OK)
		return e;
	if (len > *n)
		return KH_EFORMAT;
	out->body = *p;
	out->n = len;
	*p += len;
	*n -= len;
	return out->partial ? pass_pieces(p, n) : KH_OK;
}

/* Version 4: version, type, public-key algorithm, digest (section 5.2.3).
 * Version 3 had SHA-1 and MD5 only. */
static bool
weak_signature(const struct kh_pgp_packet *k)
{
	if (k->n < 4 || k->body[0] < 4)
		return true;
	return k->body[3] == DIGEST_SHA1 || k->body[3] == DIGEST_MD5;
}

static enum kh_err
scan_packet(struct kh_pgp_scan *s, const struct kh_pgp_packet *k)
{
	if (k->partial || k->n == 0)
		return KH_EFORMAT;
	switch (k->tag) {
	case KH_PGP_PUBLIC_KEY:
	case KH_PGP_SECRET_KEY:
		s->several = s->primary != NULL;
		s->secret |= k->tag == KH_PGP_SECRET_KEY;
		s->version &= k->body[0] == 4;
		if (!s->several) {
			s->primary = k->body;
			s->primary_n = k->n;
		}
		return KH_OK;
	case KH_PGP_PUBLIC_SUBKEY:
	case KH_PGP_SECRET_SUBKEY:
		s->secret |= k->tag == KH_PGP_SECRET_SUBKEY;
		s->version &= k->body[0] == 4;
		return s->primary != NULL ? KH_OK : KH_EFORMAT;
	case KH_PGP_SIGNATURE:
		s->weak_digest |= weak_signature(k);
		return s->primary != NULL ? KH_OK : KH_EFORMAT;
	case KH_PGP_USER_ID:
	case KH_PGP_USER_ATTRIBUTE:
		return s->primary != NULL ? KH_OK : KH_EFORMAT;
	default:
		return KH_EFORMAT;
	}
}

enum kh_err
kh_pgp_scan(const uint8_t *key, size_t n, struct kh_pgp_scan *out)
{
	struct kh_pgp_packet k;
	enum kh_err e = KH_OK;

	PRECOND((key != NULL || n == 0) && out != NULL);
	memset(out, 0, sizeof(*out));
	out->version = true;
	while (n > 0 && e == KH_OK && !out->several) {
		e = kh_pgp_next(&key, &n, &k);
		if (e == KH_OK)
			e = scan_packet(out, &k);
	}
	return e == KH_OK && out->primary == NULL ? KH_EFORMAT : e;
}

bool
kh_pgp_message_to(
    const uint8_t *p, size_t n, const uint8_t id[static KH_PGP_KEY_ID_LEN])
{
	struct kh_pgp_packet k;

	/* Section 5.1.1: version, key id, algorithm, session key. */
	if (kh_pgp_next(&p, &n, &k) != KH_OK || k.tag != KH_PGP_PKESK ||
	    k.partial || k.n < 2 + KH_PGP_KEY_ID_LEN || k.body[0] != 3 ||
	    memcmp(k.body + 1, id, KH_PGP_KEY_ID_LEN) != 0)
		return false;
	return kh_pgp_next(&p, &n, &k) == KH_OK &&
	    (k.tag == KH_PGP_SEIPD || k.tag == KH_PGP_AEAD) && k.n > 0 &&
	    n == 0;
}

enum kh_err
kh_openpgp_packets(const uint8_t *key, size_t n)
{
	struct kh_pgp_scan s;
	enum kh_err e;

	if (n > KH_OPENPGP_KEY_MAX)
		return KH_ELIMIT;
	e = kh_pgp_scan(key, n, &s);
	if (e != KH_OK)
		return e;
	if (s.secret || s.several)
		return KH_EKEY;
	return s.version ? KH_OK : KH_EUNSUP;
}
