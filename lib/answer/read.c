/*
 * Answers, opened and read. Separate from their writing because this is what
 * the server runs: nothing here is given out before its signature and its place
 * have been verified.
 *
 * The grammar is one fixed order of lines and one number of bytes for each
 * part, so that an answer has one form only (FORMAT.md, "Answers").
 */
#include <sodium.h>
#include <string.h>

#include "knothole/answer.h"
#include "knothole/day.h"
#include "knothole/name.h"
#include "knothole/secret.h"
#include "lib/answer/form.h"
#include "lib/base/precond.h"

#define DIGITS_MAX 9 /* of any number that is looked at: fits 32 bits */

struct reader {
	const uint8_t *p;
	size_t n;
	size_t at;
};

/* What follows "key = " in a line. */
struct value {
	const char *p;
	size_t n;
};

/* In kh_secret_alloc memory. */
struct kh_answer_opened {
	struct kh_answer a;
	uint8_t plain[]; /* what a.text points into */
};

static size_t
rest(const struct reader *r)
{
	return r->n - r->at;
}

/* Pass over exactly these bytes. */
static bool
take(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	if (rest(r) < n || memcmp(r->p + r->at, text, n) != 0)
		return false;
	r->at += n;
	return true;
}

/* The rest of the line. */
static bool
take_value(struct reader *r, const char *key, struct value *v)
{
	const uint8_t *lf;

	if (!take(r, key) || !take(r, " = "))
		return false;
	lf = memchr(r->p + r->at, '\n', rest(r));
	if (lf == NULL)
		return false;
	v->p = (const char *)r->p + r->at;
	v->n = (size_t)(lf - r->p) - r->at;
	r->at += v->n + 1;
	return true;
}

static bool
is(const struct value *v, const char *text)
{
	return v->n == strlen(text) && memcmp(v->p, text, v->n) == 0;
}

/* Decimal without a zero in front, at most `max`. */
static enum kh_err
decimal(const struct value *v, uint32_t max, uint32_t *out)
{
	uint32_t x = 0;
	size_t i;

	if (v->n == 0 || (v->p[0] == '0' && v->n > 1))
		return KH_EFORMAT;
	for (i = 0; i < v->n; i++) {
		if (v->p[i] < '0' || v->p[i] > '9')
			return KH_EFORMAT;
		if (i < DIGITS_MAX)
			x = x * 10 + (uint32_t)(v->p[i] - '0');
	}
	if (v->n > DIGITS_MAX || x > max)
		return KH_ELIMIT;
	*out = x;
	return KH_OK;
}

static enum kh_err
read_version(struct reader *r)
{
	struct value v;
	uint32_t x;

	if (!take_value(r, "knothole-answer", &v))
		return KH_EFORMAT;
	if (decimal(&v, UINT32_MAX, &x) == KH_EFORMAT || is(&v, "0"))
		return KH_EFORMAT;
	return is(&v, "1") ? KH_OK : KH_EUNSUP;
}

static enum kh_err
read_mailbox(struct reader *r, struct kh_answer *a)
{
	char again[2 * KH_MAILBOX_LEN + 1];
	struct value v;
	size_t len = 0;
	bool same;

	if (!take_value(r, "mailbox", &v) || v.n != sizeof(again) - 1)
		return KH_EFORMAT;
	if (sodium_hex2bin(a->mailbox, sizeof(a->mailbox), v.p, v.n, NULL, &len,
		NULL) != 0 ||
	    len != sizeof(a->mailbox))
		return KH_EFORMAT;
	sodium_bin2hex(again, sizeof(again), a->mailbox, sizeof(a->mailbox));
	same = kh_equal(again, v.p, v.n); /* capitals */
	kh_wipe(again, sizeof(again));
	return same ? KH_OK : KH_EFORMAT;
}

static enum kh_err
read_number(struct reader *r, struct kh_answer *a)
{
	struct value v;

	if (!take_value(r, "number", &v))
		return KH_EFORMAT;
	return decimal(&v, KH_SLOTS_MAX - 1, &a->number);
}

static enum kh_err
read_kind_and_day(struct reader *r, struct kh_answer *a)
{
	struct value v;

	if (!take_value(r, "kind", &v))
		return KH_EFORMAT;
	if (is(&v, "received"))
		a->kind = KH_KIND_RECEIVED;
	else if (is(&v, "answer"))
		a->kind = KH_KIND_ANSWER;
	else
		return KH_EFORMAT;
	if (!take_value(r, "day", &v) || v.n != KH_DAY_LEN)
		return KH_EFORMAT;
	memcpy(a->day, v.p, KH_DAY_LEN);
	a->day[KH_DAY_LEN] = '\0';
	return kh_day_valid(a->day) ? KH_OK : KH_EFORMAT;
}

static enum kh_err
read_text(struct reader *r, struct kh_answer *a)
{
	struct value v;
	enum kh_err e;
	uint32_t n;

	if (!take_value(r, "length", &v))
		return KH_EFORMAT;
	e = decimal(&v, KH_ANSWER_TEXT_MAX, &n);
	if (e != KH_OK)
		return e;
	if ((a->kind == KH_KIND_ANSWER) != (n > 0))
		return KH_EFORMAT;
	if (!take(r, "\n") || rest(r) < n)
		return KH_EFORMAT;
	a->text = r->p + r->at;
	a->text_len = n;
	r->at += n;
	if (!kh_utf8_valid(a->text, n) || !take(r, "\n"))
		return KH_EFORMAT;
	return KH_OK;
}

/* Over all bytes so far; then only zero bytes may follow. */
static enum kh_err
read_signature(struct reader *r, const struct kh_sign_public *outlet)
{
	const size_t signed_len = r->at;
	struct reader look = *r;

	if (rest(r) < KH_ANSWER_SIGNATURE_LEN)
		return KH_EFORMAT;
	if (!take(&look, KH_ANSWER_UNTRUSTED))
		return KH_EFORMAT;
	look.at += KH_ANSWER_SIG_LINE_LEN;
	if (!take(&look, KH_ANSWER_TRUSTED))
		return KH_EFORMAT;
	r->at += KH_ANSWER_SIGNATURE_LEN;
	if (!sodium_is_zero(r->p + r->at, rest(r)))
		return KH_EFORMAT;
	return kh_sign_verify(outlet, r->p, signed_len,
	    (const char *)r->p + signed_len, KH_ANSWER_SIGNATURE_LEN);
}

enum kh_err
kh_answer_read(const uint8_t *plain, size_t n,
    const struct kh_sign_public *outlet, struct kh_answer *a)
{
	struct reader r = {.p = plain, .n = n};
	enum kh_err e;

	PRECOND((plain != NULL || n == 0) && outlet != NULL && a != NULL);
	kh_wipe(a, sizeof(*a));
	e = read_version(&r);
	if (e == KH_OK)
		e = read_mailbox(&r, a);
	if (e == KH_OK)
		e = read_number(&r, a);
	if (e == KH_OK)
		e = read_kind_and_day(&r, a);
	if (e == KH_OK)
		e = read_text(&r, a);
	if (e == KH_OK)
		e = read_signature(&r, outlet);
	if (e != KH_OK)
		kh_wipe(a, sizeof(*a));
	return e;
}

/* What kh_secret_alloc gives is aligned only at its end. */
static size_t
room_for(size_t plain_len)
{
	const size_t a = _Alignof(struct kh_answer_opened);

	return (sizeof(struct kh_answer_opened) + plain_len + a - 1) / a * a;
}

/* The plaintext, all of it authenticated, into locked memory. */
static enum kh_err
unseal(const uint8_t *sealed, size_t n, const struct kh_identity *reply,
    struct kh_answer_opened **out, size_t *plain_len)
{
	struct kh_memory memory = {.p = sealed, .n = n};
	struct kh_answer_opened *o = NULL;
	struct kh_age_reader *age = NULL;
	struct kh_keyring *kr = NULL;
	enum kh_err e;

	e = kh_keyring_new(&kr);
	if (e == KH_OK)
		e = kh_keyring_add(kr, reply);
	if (e == KH_OK)
		e = kh_age_reader_new(&age, kr, kh_source_memory(&memory));
	if (e != KH_OK)
		goto out;
	e = KH_ENOMEM;
	*plain_len = (size_t)kh_age_reader_size(age); /* < n */
	o = kh_secret_alloc(room_for(*plain_len));
	if (o == NULL)
		goto out;
	e = kh_age_reader_read(age, 0, o->plain, *plain_len);
	if (e == KH_OK) {
		*out = o;
		o = NULL;
	}
out:
	kh_secret_free(o);
	kh_age_reader_free(age);
	kh_keyring_free(kr);
	return e;
}

enum kh_err
kh_answer_open(const uint8_t *sealed, size_t n, const struct kh_identity *reply,
    const uint8_t mailbox[static KH_MAILBOX_LEN],
    const struct kh_sign_public *outlet, uint32_t number,
    struct kh_answer_opened **out)
{
	struct kh_answer_opened *o = NULL;
	enum kh_err e;
	size_t len;

	PRECOND((sealed != NULL || n == 0) && reply != NULL && outlet != NULL);
	PRECOND(number < KH_SLOTS_MAX && out != NULL);
	*out = NULL;
	if (!kh_answer_len_valid(n))
		return KH_EFORMAT;
	e = unseal(sealed, n, reply, &o, &len);
	if (e == KH_OK)
		e = kh_answer_read(o->plain, len, outlet, &o->a);
	if (e != KH_OK)
		goto out;
	/* Signed, but for another source or another slot. */
	e = KH_EAUTH;
	if (!kh_equal(o->a.mailbox, mailbox, KH_MAILBOX_LEN) ||
	    o->a.number != number)
		goto out;
	*out = o;
	o = NULL;
	e = KH_OK;
out:
	kh_answer_free(o);
	return e;
}

const struct kh_answer *
kh_answer_get(const struct kh_answer_opened *o)
{
	PRECOND(o != NULL);
	return &o->a;
}

void
kh_answer_free(struct kh_answer_opened *o)
{
	kh_secret_free(o);
}
