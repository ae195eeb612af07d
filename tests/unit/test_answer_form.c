/*
 * What is inside an answer: one form only, to the byte, and never anything but
 * what was signed.
 */
#include "tests/unit/answer.h"

#include "lib/answer/form.h"

static uint8_t plain[KH_ANSWER_PLAIN_MAX];
static struct sealed out;

/* A golden one, that another signer made (FORMAT.md, "Answers"). */
static const char golden[] =
    "knothole-answer = 1\n"
    "mailbox = eaab20bf5b3140e6f8ee918d9c4aec50\n"
    "number = 1\n"
    "kind = answer\n"
    "day = 2026-11-23\n"
    "length = 22\n"
    "\n"
    "\xd7\xaa\xd7\x95\xd7\x93\xd7\x94.\nIs it yours?\n"
    "untrusted comment: knothole answer\n"
    "RURCQkJCQkJCQvr0WHtabP2sbytvYuXicVvbWeehF3bd2rC+da"
    "1WMyR7tt0re3CBztXEMffHGYeiAppfJa6ttpN7/GgBLZ0HDQc=\n"
    "trusted comment: knothole answer\n"
    "svhGpycgIwdCildC9Spkw/I3W0fKkM8TPFrIcaRVGwhO"
    "ZR2IUgq0Jv2c1wA3Z4+mSrnGLUNyWFzEp18fQ5XnAQ==\n";

static void
test_l36_golden(void **state)
{
	struct kh_sign_secret sk = newsroom_key();
	struct kh_sign_public pk = newsroom();
	struct kh_answer a =
	    answer(1, "\xd7\xaa\xd7\x95\xd7\x93\xd7\x94.\nIs it yours?");
	struct kh_answer got;
	size_t n;

	assert_int_equal(kh_answer_write(&a, &sk, plain, &n), KH_OK);
	assert_int_equal(n, strlen(golden));
	assert_memory_equal(plain, golden, n);
	assert_int_equal(
	    kh_answer_read((const uint8_t *)golden, n, &pk, &got), KH_OK);
	assert_int_equal(got.number, 1);
	assert_int_equal(got.kind, KH_KIND_ANSWER);
	assert_ptr_equal(got.text, golden + 118);
	assert_int_equal(got.text_len, 22);
}

/* Every byte counts, and each missing one is missed. */
static void
test_l8_answer_text(void **state)
{
	static const struct kh_answer zero;
	struct kh_sign_public pk = newsroom();
	size_t i, n = strlen(golden);
	struct kh_answer got;

	memset(plain, 0, sizeof(plain));
	memcpy(plain, golden, n);
	assert_int_equal(kh_answer_read(plain, 3846, &pk, &got), KH_OK);
	for (i = 0; i < 3846 * 8; i++) {
		plain[i / 8] ^= (uint8_t)(1 << i % 8);
		memset(&got, 1, sizeof(got));
		assert_int_not_equal(
		    kh_answer_read(plain, 3846, &pk, &got), KH_OK);
		assert_memory_equal(&got, &zero, sizeof(zero));
		plain[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < n; i++)
		assert_int_equal(
		    kh_answer_read(plain, i, &pk, &got), KH_EFORMAT);
	assert_int_equal(kh_answer_read(NULL, 0, &pk, &got), KH_EFORMAT);
	assert_int_equal(kh_answer_read(plain, n, &pk, &got), KH_OK);
}

#define HEAD_A "knothole-answer = 1\n"
#define HEAD_B "mailbox = eaab20bf5b3140e6f8ee918d9c4aec50\n"
#define HEAD_C "number = 1\n"
#define HEAD_D "kind = answer\n"
#define HEAD_E "day = 2026-11-23\n"
#define HEAD_F "length = 3\n"
#define HEAD HEAD_A HEAD_B HEAD_C HEAD_D HEAD_E HEAD_F "\n"
#define REST_C HEAD_D HEAD_E HEAD_F "\nabc\n"
#define REST_B HEAD_C REST_C
#define REST_A HEAD_B REST_B

/* Bodies that are well signed; what the reader says. */
static const struct {
	const char *body;
	enum kh_err want;
} bodies[] = {
    {HEAD "abc\n", KH_OK},
    {HEAD "\xd7\xaa.\n", KH_OK},
    {"", KH_EFORMAT},
    {"\n", KH_EFORMAT},
    {"knothole-answer = 2\n", KH_EUNSUP},
    {"knothole-answer = 10\n" REST_A, KH_EUNSUP},
    {"knothole-answer = 99999999999\n", KH_EUNSUP},
    {"knothole-answer = 0\n" REST_A, KH_EFORMAT},
    {"knothole-answer = 01\n" REST_A, KH_EFORMAT},
    {"knothole-answer = \n" REST_A, KH_EFORMAT},
    {"knothole-answer = x\n" REST_A, KH_EFORMAT},
    {"knothole-answer = 1 \n" REST_A, KH_EFORMAT},
    {"knothole-answer = 1\r\n" REST_A, KH_EFORMAT},
    {"knothole-answer  = 1\n" REST_A, KH_EFORMAT},
    {"knothole-answer=1\n" REST_A, KH_EFORMAT},
    {" knothole-answer = 1\n" REST_A, KH_EFORMAT},
    {"knothole-card = 1\n" REST_A, KH_EFORMAT},
    {HEAD_A REST_B, KH_EFORMAT},
    {HEAD_A HEAD_B REST_A, KH_EFORMAT},
    {HEAD_A "mailbox = EAAB20bf5b3140e6f8ee918d9c4aec50\n" REST_B, KH_EFORMAT},
    {HEAD_A "mailbox = eaab20bf5b3140e6f8ee918d9c4aec5\n" REST_B, KH_EFORMAT},
    {HEAD_A "mailbox = eaab20bf5b3140e6f8ee918d9c4aec500\n" REST_B, KH_EFORMAT},
    {HEAD_A "mailbox = eaab20bf5b3140e6f8ee918d9c4aec5x\n" REST_B, KH_EFORMAT},
    {HEAD_A "mailbox = xaab20bf5b3140e6f8ee918d9c4aec50\n" REST_B, KH_EFORMAT},
    {HEAD_A HEAD_C HEAD_B REST_C, KH_EFORMAT},
    {HEAD_A HEAD_B "number = 0\n" REST_C, KH_OK},
    {HEAD_A HEAD_B "number = 255\n" REST_C, KH_OK},
    {HEAD_A HEAD_B "number = 256\n" REST_C, KH_ELIMIT},
    {HEAD_A HEAD_B "number = 4294967297\n" REST_C, KH_ELIMIT},
    {HEAD_A HEAD_B "number = 18446744073709551617\n" REST_C, KH_ELIMIT},
    {HEAD_A HEAD_B "number = 01\n" REST_C, KH_EFORMAT},
    {HEAD_A HEAD_B "number = 00\n" REST_C, KH_EFORMAT},
    {HEAD_A HEAD_B "number = +1\n" REST_C, KH_EFORMAT},
    {HEAD_A HEAD_B "number = -1\n" REST_C, KH_EFORMAT},
    {HEAD_A HEAD_B "number = 1x\n" REST_C, KH_EFORMAT},
    {HEAD_A HEAD_B "number = 0x1\n" REST_C, KH_EFORMAT},
    {HEAD_A HEAD_B "number = 18446744073709551617x\n" REST_C, KH_EFORMAT},
    {HEAD_A HEAD_B "number =  1\n" REST_C, KH_EFORMAT},
    {HEAD_A HEAD_B "number = \n" REST_C, KH_EFORMAT},
    {HEAD_A HEAD_B "number = 1", KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C "kind = Answer\n" HEAD_E HEAD_F "\nabc\n",
	KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C "kind = answers\n" HEAD_E HEAD_F "\nabc\n",
	KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C "kind = \n" HEAD_E HEAD_F "\nabc\n", KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C "kind = received\n" HEAD_E HEAD_F "\nabc\n",
	KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C "kind = received\n" HEAD_E "length = 0\n\n\n", KH_OK},
    {HEAD_A HEAD_B HEAD_C "kind = received\n" HEAD_E "length = 0\n\n",
	KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C HEAD_D HEAD_E "length = 0\n\n\n", KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C HEAD_D "day = 2026-02-29\n" HEAD_F "\nabc\n",
	KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C HEAD_D "day = 2026-11-2\n" HEAD_F "\nabc\n",
	KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C HEAD_D "day = 2026-11-230\n" HEAD_F "\nabc\n",
	KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C HEAD_D "day = 2028-02-29\n" HEAD_F "\nabc\n", KH_OK},
    {HEAD_A HEAD_B HEAD_C HEAD_D HEAD_E "length = 2\n\nabc\n", KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C HEAD_D HEAD_E "length = 4\n\nabc\n", KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C HEAD_D HEAD_E "length = 64904\n\nabc\n", KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C HEAD_D HEAD_E "length = 64905\n\nabc\n", KH_ELIMIT},
    {HEAD_A HEAD_B HEAD_C HEAD_D HEAD_E "length = 03\n\nabc\n", KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C HEAD_D HEAD_E "length = 3\nabc\n", KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C HEAD_D HEAD_E "length = 3\n\r\nabc\n", KH_EFORMAT},
    {HEAD_A HEAD_B HEAD_C HEAD_D HEAD_E "later = 1\n" HEAD_F "\nabc\n",
	KH_EFORMAT},
    {HEAD "abc", KH_EFORMAT},
    {HEAD "abc\n\n", KH_EFORMAT},
    {HEAD "a\xff"
	  "c\n",
	KH_EFORMAT},
    {HEAD "\xed\xa0\x80\n", KH_EFORMAT},
    {HEAD "ab\xd7\n", KH_EFORMAT},
};

static enum kh_err
read_plain(size_t n)
{
	struct kh_sign_public pk = newsroom();
	struct kh_answer got;

	return kh_answer_read(plain, n, &pk, &got);
}

/* Body, signature and zero bytes, up to 3846. */
static void
sign_body(
    const char *body, size_t n, const char *untrusted, const char *trusted)
{
	char sig[KH_SIGNATURE_TEXT_MAX];
	struct kh_sign_secret sk = newsroom_key();

	memset(plain, 0, sizeof(plain));
	assert_int_equal(
	    kh_sign(&sk, (const uint8_t *)body, n, untrusted, trusted, sig),
	    KH_OK);
	memcpy(plain, body, n);
	memcpy(plain + n, sig, strlen(sig));
}

/* What is in `plain`, sealed to the source and opened. */
static enum kh_err
open_sealed(void)
{
	const struct kh_recipient to = source();
	const struct kh_seal_to seal_to = {.recipients = &to, .n = 1};
	struct kh_answer_opened *o;
	struct kh_sealer *s;
	enum kh_err e;

	out.n = 0;
	assert_int_equal(
	    kh_sealer_new(&s, &seal_to,
		(struct kh_sink){.write = sealed_write, .ctx = &out}),
	    KH_OK);
	assert_int_equal(kh_sealer_write(s, plain, 3846), KH_OK);
	assert_int_equal(kh_sealer_finish(s), KH_OK);
	kh_sealer_free(s);
	e = open_as(&out, 1, &o);
	kh_answer_free(o);
	return e;
}

static void
test_strict(void **state)
{
	enum kh_err e, sealed;
	size_t i, n;

	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		n = strlen(bodies[i].body);
		sign_body(
		    bodies[i].body, n, KH_ANSWER_COMMENT, KH_ANSWER_COMMENT);
		e = read_plain(3846);
		if (e != bodies[i].want)
			fail_msg("%s: %s", bodies[i].body, kh_err_text(e));
		sealed = open_sealed();
		if (sealed != e && !(e == KH_OK && sealed == KH_EAUTH))
			fail_msg("%s: %s", bodies[i].body, kh_err_text(sealed));
	}
	/* a NUL within the text */
	sign_body(HEAD "a\0c\n", strlen(HEAD) + 4, KH_ANSWER_COMMENT,
	    KH_ANSWER_COMMENT);
	assert_int_equal(read_plain(3846), KH_EFORMAT);
}

static void
test_signature_and_padding(void **state)
{
	static const char *const comments[][2] = {
	    {"knothole answer ", "knothole answer"},
	    {"knothole answer", "knothole answer "},
	    {"knothole answes", "knothole answer"},
	    {"knothole answer", "knothole answes"},
	    {"", ""},
	    {"knothole newsroom card", "knothole answer"},
	};
	const size_t n = strlen(HEAD "abc\n"),
		     end = n + KH_ANSWER_SIGNATURE_LEN;
	struct kh_sign_public pk = newsroom();
	struct kh_answer got;
	size_t i;

	for (i = 0; i < sizeof(comments) / sizeof(comments[0]); i++) {
		sign_body(HEAD "abc\n", n, comments[i][0], comments[i][1]);
		assert_int_equal(read_plain(3846), KH_EFORMAT);
	}
	sign_body(HEAD "abc\n", n, KH_ANSWER_COMMENT, KH_ANSWER_COMMENT);
	assert_int_equal(read_plain(3846), KH_OK);
	/* any number of zero bytes; nothing else */
	assert_int_equal(read_plain(end), KH_OK);
	assert_int_equal(read_plain(end + 1), KH_OK);
	assert_int_equal(read_plain(KH_ANSWER_PLAIN_MAX), KH_OK);
	plain[3845] = ' ';
	assert_int_equal(read_plain(3846), KH_EFORMAT);
	assert_int_equal(read_plain(3845), KH_OK);
	plain[end] = '\n';
	assert_int_equal(read_plain(3845), KH_EFORMAT);
	plain[end] = 0;
	/* not pre-hashed, as minisign made them once: "Ed" for "ED" */
	assert_memory_equal(plain + n + 35, "RU", 2);
	plain[n + 36] = 'W';
	assert_int_equal(read_plain(end), KH_EUNSUP);
	plain[n + 36] = 'U';
	pk.pk[3] ^= 1;
	assert_int_equal(kh_answer_read(plain, end, &pk, &got), KH_EAUTH);
	/* other fields under the same signature */
	plain[strlen(HEAD_A HEAD_B "number = ")] = '2';
	assert_int_equal(read_plain(end), KH_EAUTH);
	assert_int_equal(open_sealed(), KH_EFORMAT); /* plain[3845] */
	plain[3845] = 0;
	assert_int_equal(open_sealed(), KH_EAUTH);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_l36_golden),
    cmocka_unit_test(test_l8_answer_text),
    cmocka_unit_test(test_strict),
    cmocka_unit_test(test_signature_and_padding),
};

TAP_MAIN(tests)
