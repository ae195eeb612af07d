/*
 * Newsroom cards, read. Separate from their writing because the server only
 * reads: what decides who can open a source's files is short and all here.
 *
 * The grammar is one fixed order of lines, "key = value" and LF each, so that
 * a card has one spelling only (FORMAT.md, "Newsroom card").
 */
#include <sodium.h>
#include <string.h>

#include "knothole/card.h"
#include "knothole/openpgp.h"
#include "lib/base/precond.h"
#include "lib/card/fields.h"

#define SEPARATOR " = "

_Static_assert(KH_CODE_WORDS_TEXT_LEN == 80, "callers' fingerprint buffers");

struct reader {
	const char *text;
	size_t n;
	size_t at; /* begin of the line looked at */
	unsigned line; /* its number */
};

/* What follows "key = " in a line. */
struct value {
	const char *p;
	size_t n;
};

/* Has the line looked at this key? */
static int
field(const struct reader *r, const char *key, struct value *v)
{
	const char *line = r->text + r->at, *lf;
	size_t len, key_len = strlen(key), sep_len = strlen(SEPARATOR);

	lf = memchr(line, '\n', r->n - r->at);
	if (lf == NULL)
		return 0;
	len = (size_t)(lf - line);
	if (len < key_len + sep_len || memcmp(line, key, key_len) != 0 ||
	    memcmp(line + key_len, SEPARATOR, sep_len) != 0)
		return 0;
	v->p = line + key_len + sep_len;
	v->n = len - key_len - sep_len;
	return 1;
}

/* The line looked at, whose value this is, was right. */
static void
pass(struct reader *r, const struct value *v)
{
	r->at = (size_t)(v->p + v->n - r->text) + 1;
	r->line++;
}

static enum kh_err
read_version(struct reader *r)
{
	struct value v;
	size_t i;

	if (!field(r, "knothole-card", &v))
		return KH_EFORMAT;
	if (v.n == 1 && v.p[0] == '1') {
		pass(r, &v);
		return KH_OK;
	}
	if (v.n == 0 || v.n > 9 || v.p[0] == '0')
		return KH_EFORMAT;
	for (i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return KH_EFORMAT;
	}
	return KH_EUNSUP;
}

static enum kh_err
read_name(struct reader *r, struct kh_card *c)
{
	struct value v;

	if (!field(r, "name", &v))
		return KH_EFORMAT;
	if (v.n > KH_CARD_NAME_MAX)
		return KH_ELIMIT;
	if (!kh_card_name_ok(v.p, v.n))
		return KH_EFORMAT;
	memcpy(c->name, v.p, v.n);
	pass(r, &v);
	return KH_OK;
}

static enum kh_err
add_language(struct kh_card *c, const struct value *v)
{
	char *to;
	size_t i;

	if (c->n_languages == KH_CARD_LANGUAGES_MAX)
		return KH_ELIMIT;
	if (!kh_card_language_ok(v->p, v->n))
		return KH_EFORMAT;
	to = c->languages[c->n_languages];
	memcpy(to, v->p, v->n);
	for (i = 0; i < c->n_languages; i++) {
		if (strcmp(to, c->languages[i]) == 0)
			return KH_EFORMAT;
	}
	c->n_languages++;
	return KH_OK;
}

/* "age1... YYYY-MM-DD YYYY-MM-DD" */
static enum kh_err
add_recipient(struct kh_card *c, const struct value *v)
{
	const size_t first = KH_RECIPIENT_TEXT_LEN + 1;
	const size_t last = first + KH_DAY_LEN + 1;
	char text[KH_RECIPIENT_TEXT_LEN + 1];
	struct kh_card_recipient *to;
	size_t i;

	if (c->n_recipients == KH_CARD_RECIPIENTS_MAX)
		return KH_ELIMIT;
	if (v->n != last + KH_DAY_LEN || v->p[first - 1] != ' ' ||
	    v->p[last - 1] != ' ')
		return KH_EFORMAT;
	to = &c->recipients[c->n_recipients];
	memcpy(to->first, v->p + first, KH_DAY_LEN);
	memcpy(to->last, v->p + last, KH_DAY_LEN);
	if (!kh_day_valid(to->first) || !kh_day_valid(to->last) ||
	    strcmp(to->first, to->last) > 0)
		return KH_EFORMAT;
	if (kh_recipient_parse(v->p, KH_RECIPIENT_TEXT_LEN, &to->to) != KH_OK)
		return KH_EKEY;
	kh_recipient_format(&to->to, text);
	if (memcmp(text, v->p, KH_RECIPIENT_TEXT_LEN) != 0)
		return KH_EKEY; /* capitals */
	for (i = 0; i < c->n_recipients; i++) {
		if (memcmp(&c->recipients[i].to, &to->to, sizeof(to->to)) == 0)
			return KH_EFORMAT;
	}
	c->n_recipients++;
	return KH_OK;
}

/* Every line with this key, at least one. */
static enum kh_err
read_list(struct reader *r, const char *key, struct kh_card *c,
    enum kh_err (*add)(struct kh_card *, const struct value *))
{
	struct value v;
	unsigned first = r->line;
	enum kh_err e;

	while (field(r, key, &v)) {
		e = add(c, &v);
		if (e != KH_OK)
			return e;
		pass(r, &v);
	}
	return r->line > first ? KH_OK : KH_EFORMAT;
}

static enum kh_err
read_signing_key(struct reader *r, struct kh_card *c)
{
	struct value v;
	enum kh_err e;

	if (!field(r, "signing_key", &v))
		return KH_EFORMAT;
	e = kh_sign_public_parse(v.p, v.n, &c->signing_key);
	if (e == KH_OK)
		pass(r, &v);
	return e;
}

/* A card without it gives no access to couriers. */
static enum kh_err
read_courier(struct reader *r, struct kh_card *c)
{
	static const char hex[] = "0123456789abcdef";
	struct value v;
	size_t i;

	if (!field(r, "courier_token_hash", &v))
		return KH_OK;
	if (v.n != sizeof(c->courier_hash) * 2)
		return KH_EFORMAT;
	for (i = 0; i < v.n; i++) {
		const char *digit = memchr(hex, v.p[i], sizeof(hex) - 1);

		if (digit == NULL)
			return KH_EFORMAT;
		c->courier_hash[i / 2] =
		    (uint8_t)(c->courier_hash[i / 2] << 4 | (digit - hex));
	}
	c->has_courier = true;
	pass(r, &v);
	return KH_OK;
}

/* Padded base64 in its one spelling, of one public key. */
static enum kh_err
read_openpgp(struct reader *r, struct kh_card *c)
{
	char again[KH_OPENPGP_TEXT_LEN(KH_OPENPGP_KEY_MAX) + 1];
	struct value v;

	if (!field(r, "openpgp", &v))
		return KH_OK;
	if (v.n > KH_OPENPGP_TEXT_LEN(KH_OPENPGP_KEY_MAX))
		return KH_ELIMIT;
	if (sodium_base642bin(c->openpgp, sizeof(c->openpgp), v.p, v.n, NULL,
		&c->openpgp_n, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return KH_EFORMAT;
	/* libsodium 1.0.18 takes more than one text for a value. */
	sodium_bin2base64(again, sizeof(again), c->openpgp, c->openpgp_n,
	    sodium_base64_VARIANT_ORIGINAL);
	if (strlen(again) != v.n || memcmp(again, v.p, v.n) != 0)
		return KH_EFORMAT;
	if (kh_openpgp_packets(c->openpgp, c->openpgp_n) != KH_OK)
		return KH_EKEY;
	pass(r, &v);
	return KH_OK;
}

static enum kh_err
read_all(struct reader *r, struct kh_card *c)
{
	enum kh_err e;

	e = read_version(r);
	if (e == KH_OK)
		e = read_name(r, c);
	if (e == KH_OK)
		e = read_list(r, "language", c, add_language);
	if (e == KH_OK)
		e = read_signing_key(r, c);
	if (e == KH_OK)
		e = read_list(r, "recipient", c, add_recipient);
	if (e == KH_OK)
		e = read_courier(r, c);
	if (e == KH_OK)
		e = read_openpgp(r, c);
	if (e == KH_OK)
		e = kh_sign_verify(&c->signing_key, (const uint8_t *)r->text,
		    r->at, r->text + r->at, r->n - r->at);
	return e;
}

enum kh_err
kh_card_read(const char *text, size_t n, struct kh_card *out, unsigned *line)
{
	struct reader r = {.text = text, .n = n, .line = 1};
	enum kh_err e;

	PRECOND((text != NULL || n == 0) && out != NULL && line != NULL);
	*line = 0;
	memset(out, 0, sizeof(*out));
	if (n > KH_CARD_MAX)
		return KH_ELIMIT;
	if (n == 0)
		return KH_EFORMAT;
	e = read_all(&r, out);
	if (e != KH_OK) {
		*line = r.line;
		memset(out, 0, sizeof(*out));
	}
	return e;
}

enum kh_err
kh_card_recipient_on(
    const struct kh_card *c, const char *day, struct kh_recipient *out)
{
	const struct kh_card_recipient *r, *best = NULL;
	size_t i;

	PRECOND(c != NULL && c->n_recipients <= KH_CARD_RECIPIENTS_MAX);
	PRECOND(day != NULL && kh_day_valid(day) && out != NULL);
	memset(out, 0, sizeof(*out));
	for (i = 0; i < c->n_recipients; i++) {
		r = &c->recipients[i];
		if (strcmp(r->first, day) > 0 || strcmp(r->last, day) < 0)
			continue;
		if (best == NULL || strcmp(r->last, best->last) < 0)
			best = r;
	}
	if (best == NULL)
		return KH_EEXPIRED;
	*out = best->to;
	return KH_OK;
}

/* Bytes that a fingerprint is over. */
struct covered {
	uint8_t p[28 + KH_SIGN_PUBLIC_LEN + 1 +
	    KH_CARD_RECIPIENTS_MAX * KH_X25519_LEN + KH_OPENPGP_KEY_MAX];
	size_t n;
};

static void
cover(struct covered *b, const void *p, size_t n)
{
	PRECOND(n <= sizeof(b->p) - b->n);
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

/*
 * kh_fingerprint_words over: the label "knothole card fingerprint v1" (28 ASCII
 * bytes), the signing key (32 bytes), every recipient's key in the card's order
 * (32 bytes each). With an OpenPGP key the label ends in v2, a byte with the
 * number of recipients stands before these, and the OpenPGP key behind them.
 */
void
kh_card_fingerprint(
    const struct kh_card *c, char out[static KH_CODE_WORDS_TEXT_LEN])
{
	const uint8_t count = (uint8_t)c->n_recipients;
	const bool v2 = c->openpgp_n > 0;
	struct covered b = {.n = 0};
	size_t i;

	PRECOND(c->n_recipients <= KH_CARD_RECIPIENTS_MAX);
	PRECOND(c->openpgp_n <= KH_OPENPGP_KEY_MAX);
	cover(&b,
	    v2 ? "knothole card fingerprint v2"
	       : "knothole card fingerprint v1",
	    28);
	cover(&b, c->signing_key.pk, KH_SIGN_PUBLIC_LEN);
	if (v2)
		cover(&b, &count, 1);
	for (i = 0; i < c->n_recipients; i++)
		cover(&b, c->recipients[i].to.pk, KH_X25519_LEN);
	cover(&b, c->openpgp, c->openpgp_n);
	kh_fingerprint_words(b.p, b.n, out);
}
