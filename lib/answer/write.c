/*
 * Answers, written and sealed. Separate from their reading because only a
 * newsroom does it, offline; the server only reads.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "knothole/answer.h"
#include "knothole/day.h"
#include "knothole/name.h"
#include "knothole/secret.h"
#include "lib/answer/form.h"
#include "lib/base/precond.h"

#define MAILBOX_HEX_LEN ((size_t)2 * KH_MAILBOX_LEN)
/* The longest fields of an answer that has text: a number of three digits, a
 * length of five. */
#define FIELDS_MAX                                                            \
	(sizeof("knothole-answer = 1\nmailbox = \nnumber = \nkind = answer\n" \
		"day = \nlength = \n\n") -                                    \
	    1 + MAILBOX_HEX_LEN + 3 + KH_DAY_LEN + 5)

_Static_assert(KH_SLOTS_MAX <= 1000, "three digits");
_Static_assert(KH_ANSWER_TEXT_MAX ==
	KH_ANSWER_PLAIN_MAX - FIELDS_MAX - 1 - KH_ANSWER_SIGNATURE_LEN,
    "the longest text fits, whatever the fields are, and not a byte more");

static const char *
kind_name(enum kh_answer_kind kind)
{
	switch (kind) {
	case KH_KIND_RECEIVED:
		return "received";
	case KH_KIND_ANSWER:
		return "answer";
	}
	return NULL;
}

static enum kh_err
check(const struct kh_answer *a)
{
	if (a->number >= KH_SLOTS_MAX || a->text_len > KH_ANSWER_TEXT_MAX)
		return KH_ELIMIT;
	if (kind_name(a->kind) == NULL || !kh_day_valid(a->day))
		return KH_EFORMAT;
	if ((a->kind == KH_KIND_ANSWER) != (a->text_len > 0))
		return KH_EFORMAT;
	return kh_utf8_valid(a->text, a->text_len) ? KH_OK : KH_EFORMAT;
}

enum kh_err
kh_answer_write(const struct kh_answer *a, const struct kh_sign_secret *sk,
    uint8_t out[static KH_ANSWER_PLAIN_MAX], size_t *n)
{
	char mailbox[MAILBOX_HEX_LEN + 1], signature[KH_SIGNATURE_TEXT_MAX];
	enum kh_err e;
	int len;

	PRECOND(a != NULL && sk != NULL && n != NULL);
	PRECOND(a->text != NULL || a->text_len == 0);
	*n = 0;
	e = check(a);
	if (e != KH_OK)
		return e;
	sodium_bin2hex(mailbox, sizeof(mailbox), a->mailbox, KH_MAILBOX_LEN);
	len = snprintf((char *)out, KH_ANSWER_PLAIN_MAX,
	    "knothole-answer = 1\nmailbox = %s\nnumber = %u\nkind = %s\n"
	    "day = %s\nlength = %zu\n\n",
	    mailbox, (unsigned)a->number, kind_name(a->kind), a->day,
	    a->text_len);
	kh_wipe(mailbox, sizeof(mailbox));
	PRECOND(len > 0 && (size_t)len <= FIELDS_MAX + 2);
	*n = (size_t)len;
	if (a->text_len > 0)
		memcpy(out + *n, a->text, a->text_len);
	*n += a->text_len;
	out[(*n)++] = '\n';
	e = kh_sign(
	    sk, out, *n, KH_ANSWER_COMMENT, KH_ANSWER_COMMENT, signature);
	if (e != KH_OK) {
		*n = 0;
		return e;
	}
	PRECOND(strlen(signature) == KH_ANSWER_SIGNATURE_LEN);
	memcpy(out + *n, signature, KH_ANSWER_SIGNATURE_LEN);
	*n += KH_ANSWER_SIGNATURE_LEN;
	return KH_OK;
}

enum kh_err
kh_answer_seal(const struct kh_answer *a, const struct kh_recipient *to,
    const struct kh_sign_secret *sk, struct kh_sink sink)
{
	const struct kh_seal_to seal_to = {.recipients = to, .n = 1};
	struct kh_sealer *sealer = NULL;
	uint8_t *plain = NULL;
	enum kh_err e = KH_ENOMEM;
	size_t n, len;

	PRECOND(a != NULL && to != NULL && sk != NULL && sink.write != NULL);
	plain = kh_secret_alloc(KH_ANSWER_PLAIN_MAX);
	if (plain == NULL)
		goto out;
	e = kh_answer_write(a, sk, plain, &n);
	if (e != KH_OK)
		goto out;
	len = kh_answer_len_for(n);
	memset(plain + n, 0, len - KH_ANSWER_AGE_LEN - n);
	n = len - KH_ANSWER_AGE_LEN;
	e = kh_sealer_new(&sealer, &seal_to, sink);
	if (e != KH_OK)
		goto out;
	/* Before the last chunk: an answer that shows its size is none. */
	PRECOND(kh_sealer_header_len(sealer) + kh_age_payload_len(n) == len);
	e = kh_sealer_write(sealer, plain, n);
	if (e == KH_OK)
		e = kh_sealer_finish(sealer);
out:
	kh_sealer_free(sealer);
	kh_secret_free(plain);
	return e;
}
