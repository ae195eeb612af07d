/*
 * A source and a newsroom that are always the same, for the tests of answers.
 */
#ifndef KH_TESTS_ANSWER_H
#define KH_TESTS_ANSWER_H

#include "tests/unit/tap.h"

#include "knothole/answer.h"
#include "knothole/limits.h"

#define KEY_TEXT "RWRCQkJCQkJCQjHevlXTfHInaLE3ExyqYIcICy4LYLlL14XRRXXPpJi8"

static const uint8_t the_mailbox[KH_MAILBOX_LEN] = {0xea, 0xab, 0x20, 0xbf,
    0x5b, 0x31, 0x40, 0xe6, 0xf8, 0xee, 0x91, 0x8d, 0x9c, 0x4a, 0xec, 0x50};

/* The seed of KEY_TEXT. */
static struct kh_sign_secret
newsroom_key(void)
{
	struct kh_sign_secret sk;

	memset(sk.key_id, 0x42, sizeof(sk.key_id));
	memset(sk.seed, 0x17, sizeof(sk.seed));
	return sk;
}

static struct kh_sign_public
newsroom(void)
{
	struct kh_sign_public pk;

	assert_int_equal(
	    kh_sign_public_parse(KEY_TEXT, strlen(KEY_TEXT), &pk), KH_OK);
	return pk;
}

static struct kh_identity
source_key(uint8_t fill)
{
	struct kh_identity id;

	memset(id.sk, fill, sizeof(id.sk));
	return id;
}

static struct kh_recipient
source(void)
{
	struct kh_identity id = source_key(3);
	struct kh_recipient to;

	kh_identity_recipient(&id, &to);
	return to;
}

static struct kh_answer
answer(uint32_t number, const char *text)
{
	struct kh_answer a = {.number = number, .day = "2026-11-23"};

	memcpy(a.mailbox, the_mailbox, sizeof(a.mailbox));
	a.kind = text[0] != '\0' ? KH_KIND_ANSWER : KH_KIND_RECEIVED;
	a.text = (const uint8_t *)text;
	a.text_len = strlen(text);
	return a;
}

/* What was sealed. */
struct sealed {
	size_t n;
	uint8_t bytes[KH_ANSWER_LEN_MAX];
};

static enum kh_err
sealed_write(void *ctx, const uint8_t *p, size_t n)
{
	struct sealed *s = ctx;

	assert_true(n <= sizeof(s->bytes) - s->n);
	memcpy(s->bytes + s->n, p, n);
	s->n += n;
	return KH_OK;
}

static enum kh_err
open_as(const struct sealed *s, uint32_t number, struct kh_answer_opened **o)
{
	const struct kh_identity reply = source_key(3);
	const struct kh_sign_public outlet = newsroom();
	enum kh_err e;

	*o = (struct kh_answer_opened *)(uintptr_t)8;
	e = kh_answer_open(
	    s->bytes, s->n, &reply, the_mailbox, &outlet, number, o);
	assert_true((e == KH_OK) == (*o != NULL));
	return e;
}

#endif
