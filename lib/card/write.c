/*
 * Newsroom cards, written and signed. Separate from their reading because only
 * a newsroom does it, offline.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/card.h"
#include "lib/base/precond.h"
#include "lib/card/fields.h"

#define CAP (KH_CARD_MAX + 1)

_Static_assert(KH_CARD_NAME_MAX + KH_CARD_LANGUAGES_MAX * 32 +
	    KH_CARD_RECIPIENTS_MAX * 128 + KH_SIGNATURE_TEXT_MAX +
	    KH_OPENPGP_TEXT_LEN(KH_OPENPGP_KEY_MAX) + 512 <
	KH_CARD_MAX,
    "the largest card");

struct writer {
	char *p; /* CAP bytes */
	size_t n;
};

static void
put(struct writer *w, const char *s)
{
	size_t n = strlen(s);

	PRECOND(n < CAP - w->n);
	memcpy(w->p + w->n, s, n + 1);
	w->n += n;
}

static void
put_field(struct writer *w, const char *key, const char *value)
{
	put(w, key);
	put(w, " = ");
	put(w, value);
	put(w, "\n");
}

/* Are these strings, and such as a reader would take? What strings cannot
 * show (counts, repetitions, order of days) is left to the reader. */
static enum kh_err
check(const struct kh_card *c)
{
	const char *s;
	size_t i;

	if (!kh_card_name_ok(c->name, strnlen(c->name, sizeof(c->name))))
		return KH_ENAME;
	for (i = 0; i < c->n_languages; i++) {
		s = c->languages[i];
		if (!kh_card_language_ok(s, strnlen(s, KH_LANGUAGE_MAX + 1)))
			return KH_EFORMAT;
	}
	for (i = 0; i < c->n_recipients; i++) {
		if (!kh_day_valid(c->recipients[i].first) ||
		    !kh_day_valid(c->recipients[i].last))
			return KH_EFORMAT;
	}
	return KH_OK;
}

static void
put_openpgp(struct writer *w, const struct kh_card *c)
{
	char text[KH_OPENPGP_TEXT_LEN(KH_OPENPGP_KEY_MAX) + 1];

	sodium_bin2base64(text, sizeof(text), c->openpgp, c->openpgp_n,
	    sodium_base64_VARIANT_ORIGINAL);
	put_field(w, "openpgp", text);
}

static void
put_body(
    struct writer *w, const struct kh_card *c, const struct kh_sign_public *pk)
{
	char key[KH_SIGN_PUBLIC_TEXT_LEN + 1], to[KH_RECIPIENT_TEXT_LEN + 1];
	char hash[2 * KH_COURIER_HASH_LEN + 1];
	size_t i;

	put_field(w, "knothole-card", "1");
	put_field(w, "name", c->name);
	for (i = 0; i < c->n_languages; i++)
		put_field(w, "language", c->languages[i]);
	kh_sign_public_format(pk, key);
	put_field(w, "signing_key", key);
	for (i = 0; i < c->n_recipients; i++) {
		kh_recipient_format(&c->recipients[i].to, to);
		put(w, "recipient = ");
		put(w, to);
		put(w, " ");
		put(w, c->recipients[i].first);
		put(w, " ");
		put(w, c->recipients[i].last);
		put(w, "\n");
	}
	if (c->has_courier) {
		sodium_bin2hex(hash, sizeof(hash), c->courier_hash,
		    sizeof(c->courier_hash));
		put_field(w, "courier_token_hash", hash);
	}
	if (c->openpgp_n > 0)
		put_openpgp(w, c);
}

enum kh_err
kh_card_write(const struct kh_card *c, const struct kh_sign_secret *sk,
    char **text, size_t *n)
{
	char signature[KH_SIGNATURE_TEXT_MAX];
	struct kh_sign_public pk;
	struct kh_card *back = NULL;
	struct writer w = {0};
	unsigned line;
	enum kh_err e;

	PRECOND(c != NULL && sk != NULL && text != NULL && n != NULL);
	PRECOND(c->n_languages <= KH_CARD_LANGUAGES_MAX);
	PRECOND(c->n_recipients <= KH_CARD_RECIPIENTS_MAX);
	PRECOND(c->openpgp_n <= KH_OPENPGP_KEY_MAX);
	*text = NULL;
	*n = 0;
	e = check(c);
	if (e != KH_OK)
		return e;
	e = KH_ENOMEM;
	w.p = malloc(CAP);
	back = malloc(sizeof(*back));
	if (w.p == NULL || back == NULL)
		goto out;
	kh_sign_public(sk, &pk);
	put_body(&w, c, &pk);
	e = kh_sign(sk, (const uint8_t *)w.p, w.n, "knothole newsroom card",
	    c->name, signature);
	if (e != KH_OK)
		goto out;
	put(&w, signature);
	/* What a reader would refuse must not leave here. */
	e = kh_card_read(w.p, w.n, back, &line);
	if (e != KH_OK)
		goto out;
	*text = w.p;
	*n = w.n;
	w.p = NULL;
out:
	free(w.p);
	free(back);
	return e;
}
