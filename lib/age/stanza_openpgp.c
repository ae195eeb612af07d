/*
 * The bridge stanza: a one-off age identity, encrypted to an OpenPGP key. What
 * the identity opens is the X25519 stanza before it. Separate because it is
 * ours and not the spec's; and no OpenPGP is done here.
 *
 *	"-> knothole.example/openpgp " FPR LF
 *	b64(OpenPGP message), in lines of 64 columns, the last one shorter
 *
 * FPR is the fingerprint of the primary key, 40 upper-case hex digits. The
 * message's plaintext is one line, "AGE-SECRET-KEY-1..." LF.
 */
#include <string.h>

#include "knothole/secret.h"
#include "lib/age/stanza.h"
#include "lib/base/precond.h"

#define N_ARGS 2

static bool
is_fingerprint(const uint8_t *p, size_t n)
{
	size_t i;

	if (n != KH_OPENPGP_FPR_LEN)
		return false;
	for (i = 0; i < n; i++) {
		if (!(p[i] >= '0' && p[i] <= '9') &&
		    !(p[i] >= 'A' && p[i] <= 'F'))
			return false;
	}
	return true;
}

bool
kh_bridge_valid(const struct kh_bridge *b)
{
	PRECOND(b != NULL);
	return b->n > 0 && b->n <= sizeof(b->message) &&
	    is_fingerprint(
		(const uint8_t *)b->fpr, strnlen(b->fpr, sizeof(b->fpr)));
}

size_t
kh_stanza_openpgp_make(
    const struct kh_bridge *b, uint8_t out[static KH_STANZA_OPENPGP_MAX])
{
	static const char lead[] = "-> " KH_STANZA_OPENPGP " ";
	size_t at = sizeof(lead) - 1, done, k;

	PRECOND(kh_bridge_valid(b));
	memcpy(out, lead, at);
	memcpy(out + at, b->fpr, KH_OPENPGP_FPR_LEN);
	at += KH_OPENPGP_FPR_LEN;
	out[at++] = '\n';
	for (done = 0; done < b->n; done += k) {
		k = b->n - done;
		k = k < KH_B64_LINE_BYTES ? k : KH_B64_LINE_BYTES;
		kh_b64_encode(b->message + done, k, (char *)out + at);
		at += KH_B64_LEN(k);
		out[at++] = '\n';
	}
	/* The last line is never full, if need be it is empty. */
	if (b->n % KH_B64_LINE_BYTES == 0)
		out[at++] = '\n';
	PRECOND(at <= KH_STANZA_OPENPGP_MAX);
	return at;
}

/* The header's parser has checked each line: they are full but the last. */
static enum kh_err
body(const struct kh_age_header *h, const struct kh_stanza *s,
    uint8_t out[static KH_OPENPGP_MESSAGE_MAX])
{
	const uint8_t *line = kh_age_header_bytes(h) + s->body;
	enum kh_err e = KH_OK;
	size_t done, k;

	if (s->body_len == 0 || s->body_len > KH_OPENPGP_MESSAGE_MAX)
		return KH_EFORMAT;
	for (done = 0; done < s->body_len && e == KH_OK; done += k) {
		k = s->body_len - done;
		k = k < KH_B64_LINE_BYTES ? k : KH_B64_LINE_BYTES;
		e = kh_b64_decode(line, KH_B64_LEN(k), out + done, k);
		line += KH_B64_LEN(k) + 1;
	}
	return e;
}

/* One identity, in a ring of its own, on all that it may be for. */
static enum kh_err
try_identity(const struct kh_age_header *h, const struct kh_identity *id,
    uint8_t fk[static KH_FILE_KEY_LEN])
{
	struct kh_keyring *one = NULL;
	const struct kh_stanza *s;
	enum kh_err e;
	size_t i;

	e = kh_keyring_new(&one);
	if (e == KH_OK)
		e = kh_keyring_add(one, id);
	if (e == KH_OK)
		e = KH_ENOKEY;
	for (i = 0; i < kh_age_header_stanzas(h) && e == KH_ENOKEY; i++) {
		s = kh_age_header_stanza(h, i);
		if (kh_stanza_is(h, s, KH_STANZA_X25519))
			e = kh_stanza_x25519_open(h, s, one, fk);
	}
	kh_keyring_free(one);
	return e;
}

/* A stanza that is not as ours are is somebody else's: passed over. */
static enum kh_err
try_bridge(const struct kh_age_header *h, const struct kh_stanza *s,
    const struct kh_keyring *kr, uint8_t fk[static KH_FILE_KEY_LEN])
{
	char fpr[KH_OPENPGP_FPR_LEN + 1] = "";
	uint8_t message[KH_OPENPGP_MESSAGE_MAX];
	struct kh_identity *id;
	const uint8_t *p;
	enum kh_err e;
	size_t n;

	if (s->n_args != N_ARGS)
		return KH_ENOKEY;
	p = kh_stanza_arg(h, s, 1, &n);
	if (!is_fingerprint(p, n) || body(h, s, message) != KH_OK)
		return KH_ENOKEY;
	memcpy(fpr, p, n);
	id = kh_secret_alloc(sizeof(*id));
	if (id == NULL)
		return KH_ENOMEM;
	e = kr->bridge.open(kr->bridge.ctx, fpr, message, s->body_len, id);
	if (e == KH_OK)
		e = try_identity(h, id, fk);
	kh_secret_free(id);
	return e;
}

enum kh_err
kh_stanza_openpgp_open(const struct kh_age_header *h,
    const struct kh_keyring *kr, uint8_t fk[static KH_FILE_KEY_LEN])
{
	enum kh_err e = KH_ENOKEY, why = KH_ENOKEY;
	const struct kh_stanza *s;
	size_t i, tried = 0;

	if (kr->bridge.open == NULL)
		return KH_ENOKEY;
	for (i = 0; i < kh_age_header_stanzas(h) && e != KH_OK; i++) {
		s = kh_age_header_stanza(h, i);
		if (!kh_stanza_is(h, s, KH_STANZA_OPENPGP))
			continue;
		if (tried++ == KH_BRIDGES_MAX)
			return KH_ELIMIT;
		e = try_bridge(h, s, kr, fk);
		if (e != KH_OK && e != KH_ENOKEY)
			why = e;
	}
	return e == KH_OK ? e : why;
}
