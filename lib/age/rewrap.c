/*
 * A new header before an old payload. Separate from sealing and opening: it
 * holds a file key, and touches nothing that this key encrypts.
 */
#include <stdlib.h>
#include <string.h>

#include "knothole/rewrap.h"
#include "knothole/secret.h"
#include "lib/age/b64.h"
#include "lib/age/header.h"
#include "lib/age/stanza.h"
#include "lib/base/precond.h"

#define PIECE_LEN 262144 /* of a payload, copied at once */
#define MAC_LINE_LEN (4 + KH_B64_LEN(KH_AGE_MAC_LEN) + 1)

struct rewrap {
	struct kh_source src;
	struct kh_sink sink;
	struct kh_age_header *old;
	uint8_t *fk; /* kh_secret_alloc memory */
	uint8_t *buf; /* PIECE_LEN, or a header */
	size_t n; /* of the new header */
};

/* The header as it is. What was read behind it is read again. */
static enum kh_err
read_header(struct rewrap *r)
{
	uint64_t off = 0;
	size_t n, used;
	enum kh_err e;

	do {
		n = r->src.size - off < PIECE_LEN ? (size_t)(r->src.size - off)
						  : PIECE_LEN;
		if (n == 0)
			return KH_ETRUNC;
		e = r->src.read_at(r->src.ctx, off, r->buf, n);
		if (e != KH_OK)
			return e;
		off += n;
		e = kh_age_header_feed(r->old, r->buf, n, &used);
	} while (e == KH_EAGAIN);
	return e;
}

/* May something be added to it? */
static enum kh_err
check_old(const struct rewrap *r, const struct kh_seal_to *to)
{
	size_t i, have = kh_age_header_stanzas(r->old), len, add, n;
	const struct kh_stanza *s;

	for (i = 0; i < have; i++) {
		s = kh_age_header_stanza(r->old, i);
		if (kh_stanza_is(r->old, s, KH_STANZA_SCRYPT))
			return KH_EUNSUP;
	}
	if (to->n > KH_RECIPIENTS_MAX || to->n_bridges > KH_BRIDGES_MAX ||
	    to->n_bridges > KH_RECIPIENTS_MAX - to->n)
		return KH_ELIMIT;
	n = to->n + to->n_bridges; /* those that an X25519 stanza is for */
	if (have + n + to->n_bridges + 1 > KH_AGE_STANZAS_MAX)
		return KH_ELIMIT;
	len = kh_age_header_len(r->old);
	add = n * KH_STANZA_X25519_LEN + to->n_bridges * KH_STANZA_OPENPGP_MAX +
	    KH_STANZA_CHECK_LEN;
	if (len + add > KH_AGE_HEADER_MAX ||
	    add > KH_OBJECT_LEN_MAX - r->src.size)
		return KH_ELIMIT;
	return KH_OK;
}

static void
append(struct rewrap *r, const void *p, size_t n)
{
	memcpy(r->buf + r->n, p, n);
	r->n += n;
}

/* All stanzas but a check stanza, which belongs at the end. */
static void
copy_stanzas(struct rewrap *r)
{
	const uint8_t *p = kh_age_header_bytes(r->old);
	size_t i, have = kh_age_header_stanzas(r->old), end;
	const struct kh_stanza *s;

	append(r, KH_AGE_VERSION_LINE, KH_AGE_VERSION_LEN);
	for (i = 0; i < have; i++) {
		s = kh_age_header_stanza(r->old, i);
		end = i + 1 < have ? kh_age_header_stanza(r->old, i + 1)->start
				   : kh_age_header_len(r->old) - MAC_LINE_LEN;
		if (!kh_stanza_is(r->old, s, KH_STANZA_CHECK))
			append(r, p + s->start, end - s->start);
	}
}

static enum kh_err
wrap_to(struct rewrap *r, const struct kh_recipient *to)
{
	uint8_t stanza[KH_STANZA_X25519_LEN];
	enum kh_err e = kh_stanza_x25519_make(r->fk, to, stanza);

	if (e == KH_OK)
		append(r, stanza, sizeof(stanza));
	return e;
}

static enum kh_err
make_header(struct rewrap *r, const struct kh_seal_to *add)
{
	uint8_t check[KH_STANZA_CHECK_LEN], mac[KH_AGE_MAC_LEN];
	enum kh_err e = KH_OK;
	size_t i;

	copy_stanzas(r);
	for (i = 0; i < add->n && e == KH_OK; i++)
		e = wrap_to(r, &add->recipients[i]);
	for (i = 0; i < add->n_bridges && e == KH_OK; i++) {
		e = wrap_to(r, &add->bridges[i].to);
		r->n += kh_stanza_openpgp_make(&add->bridges[i], r->buf + r->n);
	}
	if (e != KH_OK)
		return e;
	kh_stanza_check_make(r->buf, r->n, check);
	append(r, check, sizeof(check));
	append(r, "--- ", 4);
	kh_age_mac(r->fk, r->buf, r->n - 1, mac);
	kh_b64_encode(mac, sizeof(mac), (char *)r->buf + r->n);
	r->n += KH_B64_LEN(sizeof(mac));
	r->buf[r->n++] = '\n';
	return KH_OK;
}

static enum kh_err
copy_payload(struct rewrap *r)
{
	uint64_t off = kh_age_header_len(r->old);
	enum kh_err e = KH_OK;
	size_t n;

	if (r->src.size - off < KH_AGE_NONCE_LEN + KH_TAG_LEN)
		return KH_ETRUNC;
	while (off < r->src.size && e == KH_OK) {
		n = r->src.size - off < PIECE_LEN ? (size_t)(r->src.size - off)
						  : PIECE_LEN;
		e = r->src.read_at(r->src.ctx, off, r->buf, n);
		if (e == KH_OK)
			e = r->sink.write(r->sink.ctx, r->buf, n);
		off += n;
	}
	return e;
}

static enum kh_err
rewrap(
    struct rewrap *r, const struct kh_keyring *kr, const struct kh_seal_to *add)
{
	enum kh_err e;

	e = read_header(r);
	if (e == KH_OK)
		e = check_old(r, add);
	if (e == KH_OK)
		e = kh_age_header_open(r->old, kr, r->fk);
	if (e != KH_OK)
		return e;
	e = make_header(r, add);
	kh_wipe(r->fk, KH_FILE_KEY_LEN);
	if (e == KH_OK)
		e = r->sink.write(r->sink.ctx, r->buf, r->n);
	if (e == KH_OK)
		e = copy_payload(r);
	return e;
}

_Static_assert(PIECE_LEN <= KH_AGE_HEADER_MAX, "one buffer for both");

enum kh_err
kh_age_rewrap_to(const struct kh_keyring *kr, struct kh_source src,
    const struct kh_seal_to *add, struct kh_sink sink)
{
	struct rewrap r = {.src = src, .sink = sink};
	enum kh_err e;

	PRECOND(kr != NULL && src.read_at != NULL && sink.write != NULL);
	PRECOND(add != NULL && add->n > 0 && add->recipients != NULL);
	PRECOND(add->n_bridges == 0 || add->bridges != NULL);
	PRECOND(add->passphrase == NULL && !add->armor);
	if (src.size > KH_OBJECT_LEN_MAX)
		return KH_ELIMIT;
	e = kh_age_header_new(&r.old);
	r.fk = kh_secret_alloc(KH_FILE_KEY_LEN);
	r.buf = malloc(KH_AGE_HEADER_MAX);
	if (e == KH_OK && (r.fk == NULL || r.buf == NULL))
		e = KH_ENOMEM;
	if (e == KH_OK)
		e = rewrap(&r, kr, add);
	free(r.buf);
	kh_secret_free(r.fk);
	kh_age_header_free(r.old);
	return e;
}

enum kh_err
kh_age_rewrap(const struct kh_keyring *kr, struct kh_source src,
    const struct kh_recipient *add, size_t n, struct kh_sink sink)
{
	const struct kh_seal_to to = {.recipients = add, .n = n};

	return kh_age_rewrap_to(kr, src, &to, sink);
}
