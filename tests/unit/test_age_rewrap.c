/*
 * A file key wrapped once more: what stays, what is new, who can open it, and
 * every way in which it is refused.
 */
#include "tests/unit/age_run.h"

#include "knothole/rewrap.h"
#include "lib/age/header.h"
#include "lib/age/stanza.h"

#define MAC_LINE 48

static struct people people;
static const char secret[] = "what the source sent";

/* Seal to the first `n` people. */
static struct bytes
sealed_to(size_t n, size_t len)
{
	struct kh_seal_to to = {.recipients = people.to, .n = n};
	uint8_t *p = pattern(len);
	struct bytes out = {0};

	assert_int_equal(seal_cut(&to, p, len, CUT_WHOLE, &out), KH_OK);
	free(p);
	return out;
}

static enum kh_err
rewrap(size_t with, const struct bytes *in, const struct kh_recipient *add,
    size_t n, struct bytes *out)
{
	struct kh_memory m = {.p = in->p, .n = in->n};

	return kh_age_rewrap(
	    people.kr[with], kh_source_memory(&m), add, n, bytes_sink(out));
}

static void
opens(const struct bytes *b, size_t who, size_t len)
{
	uint8_t *p = pattern(len);
	struct bytes plain = {0};

	assert_int_equal(
	    open_cut(people.kr[who], b->p, b->n, CUT_RANDOM, &plain), KH_OK);
	assert_int_equal(plain.n, len);
	assert_memory_equal(plain.p, p, len);
	bytes_free(&plain);
	free(p);
}

/* The payload is the same to the byte, the header is longer by one stanza, and
 * the stanzas before it stay. */
static void
test_payload_stays(void **state)
{
	static const size_t sizes[] = {
	    1, KH_CHUNK_LEN - 1, KH_CHUNK_LEN, KH_CHUNK_LEN + 1, 700000};
	struct bytes in, out;
	size_t i, header, stanzas;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		in = sealed_to(2, sizes[i]);
		memset(&out, 0, sizeof(out));
		assert_int_equal(rewrap(1, &in, &people.to[2], 1, &out), KH_OK);
		assert_int_equal(out.n, in.n + KH_STANZA_X25519_LEN);
		stanzas = KH_AGE_VERSION_LEN + 2 * KH_STANZA_X25519_LEN;
		header = stanzas + KH_STANZA_CHECK_LEN + MAC_LINE;
		assert_memory_equal(out.p, in.p, stanzas);
		assert_memory_equal(out.p + header + KH_STANZA_X25519_LEN,
		    in.p + header, in.n - header);
		opens(&out, 0, sizes[i]);
		opens(&out, 1, sizes[i]);
		opens(&out, 2, sizes[i]);
		bytes_free(&in);
		bytes_free(&out);
	}
}

/* Somebody else still has no key, and is told so, not that it is damaged:
 * the check stanza is made anew. */
static void
test_others_stay_out(void **state)
{
	struct bytes in = sealed_to(1, 100), out = {0}, plain = {0};

	(void)state;
	assert_int_equal(rewrap(0, &in, &people.to[1], 2, &out), KH_OK);
	assert_int_equal(
	    open_cut(people.kr[3], out.p, out.n, CUT_WHOLE, &plain), KH_ENOKEY);
	opens(&out, 2, 100);
	out.p[30] ^= 1;
	assert_int_equal(
	    open_cut(people.kr[3], out.p, out.n, CUT_WHOLE, &plain), KH_EAUTH);
	bytes_free(&in);
	bytes_free(&out);
	bytes_free(&plain);
}

/* Again and again: there is one check stanza, at the end. */
static void
test_repeated(void **state)
{
	struct bytes in = sealed_to(1, 100), out = {0};
	size_t i;

	(void)state;
	for (i = 1; i < PEOPLE_MAX; i++) {
		memset(&out, 0, sizeof(out));
		assert_int_equal(
		    rewrap(i - 1, &in, &people.to[i], 1, &out), KH_OK);
		bytes_free(&in);
		in = out;
	}
	for (i = 0; i < PEOPLE_MAX; i++)
		opens(&in, i, 100);
	assert_int_equal(in.n,
	    KH_AGE_VERSION_LEN + PEOPLE_MAX * KH_STANZA_X25519_LEN +
		KH_STANZA_CHECK_LEN + MAC_LINE + KH_AGE_NONCE_LEN + 100 +
		KH_TAG_LEN);
	bytes_free(&in);
}

/* Nothing is written when nothing may be. */
static void
refused(enum kh_err want, size_t with, const struct bytes *in)
{
	struct bytes out = {0};

	assert_int_equal(rewrap(with, in, &people.to[4], 1, &out), want);
	assert_int_equal(out.n, 0);
}

static void
test_refused(void **state)
{
	const struct kh_seal_to pass = {
	    .passphrase = "p", .passphrase_len = 1, .logn = 4};
	const struct kh_recipient low = {{0}};
	struct bytes in = sealed_to(1, 100), out = {0}, scrypt = {0};
	size_t i;

	(void)state;
	refused(KH_ENOKEY, 1, &in);
	assert_int_equal(rewrap(0, &in, &low, 1, &out), KH_EKEY);
	assert_int_equal(out.n, 0);
	assert_int_equal(seal_cut(&pass, (const uint8_t *)secret,
			     sizeof(secret), CUT_WHOLE, &scrypt),
	    KH_OK);
	refused(KH_EUNSUP, 0, &scrypt);
	/* Cut anywhere in the header. */
	for (i = 0; i < 200; i++) {
		struct bytes cut = {.p = in.p, .n = i};

		refused(KH_ETRUNC, 0, &cut);
	}
	/* The stanza: it no longer opens, and the check says why. */
	in.p[60] = in.p[60] == 'A' ? 'B' : 'A';
	refused(KH_EAUTH, 0, &in);
	in.p[0] = 'A';
	refused(KH_EFORMAT, 0, &in);
	bytes_free(&in);
	bytes_free(&scrypt);
}

/* A header that is full. */
static void
test_limit(void **state)
{
	struct kh_recipient many[KH_RECIPIENTS_MAX + 1];
	struct bytes in = sealed_to(1, 100), out = {0};
	size_t i;

	(void)state;
	for (i = 0; i <= KH_RECIPIENTS_MAX; i++)
		many[i] = people.to[1];
	assert_int_equal(
	    rewrap(0, &in, many, KH_RECIPIENTS_MAX + 1, &out), KH_ELIMIT);
	/* 1, 65, 129, 193 recipients; another 64 are more than 256 stanzas. */
	for (i = 0; i < 3; i++) {
		memset(&out, 0, sizeof(out));
		assert_int_equal(
		    rewrap(0, &in, many, KH_RECIPIENTS_MAX, &out), KH_OK);
		bytes_free(&in);
		in = out;
	}
	memset(&out, 0, sizeof(out));
	assert_int_equal(
	    rewrap(0, &in, many, KH_RECIPIENTS_MAX, &out), KH_ELIMIT);
	assert_int_equal(out.n, 0);
	opens(&in, 0, 100);
	bytes_free(&in);
}

/* What the sink says goes to the caller. */
static void
test_sink_fails(void **state)
{
	struct bytes in = sealed_to(1, 700000), out;
	size_t call;

	(void)state;
	for (call = 1; call <= 3; call++) {
		out = (struct bytes){.fail_at = call, .failure = KH_EFULL};
		assert_int_equal(
		    rewrap(0, &in, &people.to[1], 1, &out), KH_EFULL);
		bytes_free(&out);
	}
	bytes_free(&in);
}

static int
setup(void **state)
{
	(void)state;
	people_make(&people);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	people_free(&people);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_payload_stays),
	    cmocka_unit_test(test_others_stay_out),
	    cmocka_unit_test(test_repeated),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_sink_fails),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (kh_init() != KH_OK)
		return 99;
	return cmocka_run_group_tests(tests, setup, teardown);
}
