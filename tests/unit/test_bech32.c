/*
 * Bech32 and the text of keys. Vectors: C2SP age's example keys, and BIP 173's
 * rules turned against a well-formed key.
 */
#include "tests/unit/tap.h"

#include "knothole/age.h"
#include "lib/age/b64.h"
#include "lib/age/bech32.h"

/* C2SP age, "The X25519 recipient type": the identity is 32 times 0x42. */
static const char identity_text[] = "AGE-SECRET-KEY-"
				    "1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZG"
				    "FPYYSJZGFPQ4EGAEX";
static const char recipient_text[] =
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

static void
to_case(const char *in, char *out, int upper)
{
	size_t i;

	for (i = 0; in[i] != '\0'; i++) {
		out[i] = in[i];
		if (upper && in[i] >= 'a' && in[i] <= 'z')
			out[i] = (char)(in[i] - 32);
		if (!upper && in[i] >= 'A' && in[i] <= 'Z')
			out[i] = (char)(in[i] + 32);
	}
	out[i] = '\0';
}

static void
test_spec_keys(void **state)
{
	char text[KH_IDENTITY_TEXT_LEN + 1], rtext[KH_RECIPIENT_TEXT_LEN + 1];
	struct kh_identity id;
	struct kh_recipient r, parsed;
	size_t i;

	(void)state;
	assert_int_equal(strlen(identity_text), KH_IDENTITY_TEXT_LEN);
	assert_int_equal(strlen(recipient_text), KH_RECIPIENT_TEXT_LEN);
	assert_int_equal(
	    kh_identity_parse(identity_text, KH_IDENTITY_TEXT_LEN, &id), KH_OK);
	for (i = 0; i < sizeof(id.sk); i++)
		assert_int_equal(id.sk[i], 0x42);
	kh_identity_recipient(&id, &r);
	kh_recipient_format(&r, rtext);
	assert_string_equal(rtext, recipient_text);
	kh_identity_format(&id, text);
	assert_string_equal(text, identity_text);
	assert_int_equal(
	    kh_recipient_parse(rtext, strlen(rtext), &parsed), KH_OK);
	assert_memory_equal(&parsed, &r, sizeof(r));
}

static void
test_either_case_but_not_both(void **state)
{
	char text[KH_IDENTITY_TEXT_LEN + 1];
	struct kh_identity id;
	struct kh_recipient r;
	size_t i, n = KH_RECIPIENT_TEXT_LEN;
	int letters = 0;

	(void)state;
	to_case(identity_text, text, 0);
	assert_int_equal(
	    kh_identity_parse(text, KH_IDENTITY_TEXT_LEN, &id), KH_OK);
	assert_int_equal(id.sk[31], 0x42);
	to_case(recipient_text, text, 1);
	assert_int_equal(kh_recipient_parse(text, n, &r), KH_OK);
	for (i = 0; i < n; i++) {
		to_case(recipient_text, text, 0);
		if (text[i] < 'a' || text[i] > 'z')
			continue;
		text[i] = (char)(text[i] - 32);
		letters++;
		assert_int_equal(kh_recipient_parse(text, n, &r), KH_EKEY);
		to_case(recipient_text, text, 1);
		text[i] = (char)(text[i] + 32);
		assert_int_equal(kh_recipient_parse(text, n, &r), KH_EKEY);
	}
	assert_true(letters > 20);
}

/* The checksum catches every single wrong character; every byte value. */
static void
test_one_wrong_character(void **state)
{
	static const uint8_t zero[KH_X25519_LEN];
	char text[KH_RECIPIENT_TEXT_LEN + 1];
	struct kh_recipient r;
	size_t i;
	int c;

	(void)state;
	memcpy(text, recipient_text, sizeof(text));
	for (i = 0; i < KH_RECIPIENT_TEXT_LEN; i++) {
		for (c = 0; c < 256; c++) {
			if ((char)c == recipient_text[i])
				continue;
			text[i] = (char)c;
			assert_int_equal(
			    kh_recipient_parse(text, KH_RECIPIENT_TEXT_LEN, &r),
			    KH_EKEY);
			assert_memory_equal(r.pk, zero, sizeof(zero));
		}
		text[i] = recipient_text[i];
	}
}

static void
test_lengths_and_kinds(void **state)
{
	char longer[KH_IDENTITY_TEXT_LEN + 8];
	struct kh_identity id;
	struct kh_recipient r;
	size_t n;

	(void)state;
	for (n = 0; n < KH_RECIPIENT_TEXT_LEN; n++)
		assert_int_equal(
		    kh_recipient_parse(recipient_text, n, &r), KH_EKEY);
	memset(longer, 'q', sizeof(longer));
	memcpy(longer, recipient_text, KH_RECIPIENT_TEXT_LEN);
	for (n = KH_RECIPIENT_TEXT_LEN + 1; n < sizeof(longer); n++)
		assert_int_equal(kh_recipient_parse(longer, n, &r), KH_EKEY);
	/* A line end is not part of a key. */
	longer[KH_RECIPIENT_TEXT_LEN] = '\n';
	assert_int_equal(
	    kh_recipient_parse(longer, KH_RECIPIENT_TEXT_LEN + 1, &r), KH_EKEY);
	/* One kind of key is never taken for the other. */
	assert_int_equal(
	    kh_recipient_parse(identity_text, KH_IDENTITY_TEXT_LEN, &r),
	    KH_EKEY);
	assert_int_equal(
	    kh_identity_parse(recipient_text, KH_RECIPIENT_TEXT_LEN, &id),
	    KH_EKEY);
}

/* A right checksum over the four spare bits not being zero. */
static void
test_spare_bits(void **state)
{
	static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
	uint8_t key[KH_X25519_LEN] = {1};
	char text[KH_RECIPIENT_TEXT_LEN + 1], good[sizeof(text)];
	uint8_t out[KH_X25519_LEN];
	int a, b, c, d, hits = 0;
	size_t at = 4 + 51; /* the last character of data */

	(void)state;
	kh_bech32_encode("age", false, key, good);
	assert_int_equal(
	    kh_bech32_decode("age", good, KH_RECIPIENT_TEXT_LEN, out), KH_OK);
	assert_memory_equal(out, key, sizeof(key));
	/*
	 * Bech32 is linear: changing the last data character by x changes the
	 * six check characters by a fixed amount. 'q' is value 0; for x = 1
	 * the change is the code's own column, found here by searching the
	 * checksum with an encoder of the test's own.
	 */
	memcpy(text, good, sizeof(text));
	for (a = 1; a < 16; a++) {
		uint32_t chk = 1,
			 gen[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
			     0x3d4233dd, 0x2a1462b3};
		uint8_t v[7 + 52 + 6] = {3, 3, 3, 0, 1, 7, 5};

		for (b = 0; b < 52; b++)
			v[7 + b] =
			    (uint8_t)(strchr(charset, good[4 + b]) - charset);
		v[7 + 51] = (uint8_t)(v[7 + 51] | a);
		for (b = 0; b < 65; b++) {
			uint32_t top = chk >> 25;

			chk = (chk & 0x1ffffff) << 5 ^ v[b];
			for (c = 0; c < 5; c++)
				chk ^= top >> c & 1 ? gen[c] : 0;
		}
		chk ^= 1;
		text[at] = charset[v[7 + 51]];
		for (d = 0; d < 6; d++)
			text[at + 1 + (size_t)d] =
			    charset[chk >> 5 * (5 - d) & 31];
		hits += kh_bech32_decode(
			    "age", text, KH_RECIPIENT_TEXT_LEN, out) == KH_EKEY;
	}
	assert_int_equal(hits, 15);
}

/* Nobody could open what is sealed to one of these. */
static void
test_unusable_recipients(void **state)
{
	/* Order 1, 2, 4 and 8, and their unreduced forms (RFC 7748, 6.1). */
	static const uint8_t low[][KH_X25519_LEN] = {{0}, {1},
	    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
		0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c,
		0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8,
		0x00},
	    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
		0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58,
		0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11,
		0x57}};
	char text[KH_RECIPIENT_TEXT_LEN + 1];
	uint8_t key[KH_X25519_LEN];
	struct kh_recipient r;
	size_t i;
	int b;

	(void)state;
	for (i = 0; i < sizeof(low) / sizeof(low[0]); i++) {
		kh_bech32_encode("age", false, low[i], text);
		assert_int_equal(
		    kh_recipient_parse(text, strlen(text), &r), KH_EKEY);
	}
	/* p - 1 is of order 2; p and above are not reduced; p - 2 is fine. */
	memset(key, 0xff, sizeof(key));
	key[31] = 0x7f;
	for (b = 0xeb; b < 256; b++) {
		key[0] = (uint8_t)b;
		kh_bech32_encode("age", false, key, text);
		assert_int_equal(kh_recipient_parse(text, strlen(text), &r),
		    b == 0xeb ? KH_OK : KH_EKEY);
	}
	memset(key, 9, sizeof(key));
	key[31] = 0x89;
	kh_bech32_encode("age", false, key, text);
	assert_int_equal(kh_recipient_parse(text, strlen(text), &r), KH_EKEY);
	key[31] = 0x09;
	kh_bech32_encode("age", false, key, text);
	assert_int_equal(kh_recipient_parse(text, strlen(text), &r), KH_OK);
}

static void
test_generated_round_trip(void **state)
{
	char text[KH_IDENTITY_TEXT_LEN + 1], last[sizeof(text)] = "";
	struct kh_identity a, b;
	struct kh_recipient r, s;
	int i;

	(void)state;
	for (i = 0; i < 100; i++) {
		kh_identity_generate(&a);
		kh_identity_format(&a, text);
		assert_string_not_equal(text, last);
		memcpy(last, text, sizeof(text));
		assert_int_equal(
		    kh_identity_parse(text, strlen(text), &b), KH_OK);
		assert_memory_equal(&a, &b, sizeof(a));
		kh_identity_recipient(&a, &r);
		kh_recipient_format(&r, text);
		assert_int_equal(
		    kh_recipient_parse(text, strlen(text), &s), KH_OK);
		assert_memory_equal(&r, &s, sizeof(r));
	}
}

/* The base64 of headers: one text for each value, no other. */
static void
test_base64_strict(void **state)
{
	static const char *const bad[] = {"", "A", "AA=", "AA==", "AB", "A ",
	    " A", "A\n", "A-", "A_", "AAA", "AAAA"};
	uint8_t out[KH_B64_LINE_BYTES], one;
	char text[8];
	size_t i;
	int v, c, n_good = 0;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(kh_b64_decode((const uint8_t *)bad[i],
				     strlen(bad[i]), out, 1),
		    KH_EFORMAT);
	for (v = 0; v < 256; v++) {
		one = (uint8_t)v;
		kh_b64_encode(&one, 1, text);
		assert_int_equal(
		    kh_b64_decode((const uint8_t *)text, 2, out, 1), KH_OK);
		assert_int_equal(out[0], v);
		/* No other second character gives a byte with this first. */
		for (c = 0; c < 256; c++) {
			text[1] = (char)c;
			n_good += kh_b64_decode((const uint8_t *)text, 2, out,
				      1) == KH_OK;
		}
	}
	/* 4 canonical endings for each of 256 values. */
	assert_int_equal(n_good, 256 * 4);
	/* libsodium 1.0.18 takes each byte above 0x7f for a '/'. */
	for (i = 0; i < 4; i++) {
		n_good = 0;
		memcpy(text, "AAAA", 4);
		for (c = 0; c < 256; c++) {
			text[i] = (char)c;
			n_good += kh_b64_decode((const uint8_t *)text, 4, out,
				      3) == KH_OK;
		}
		assert_int_equal(n_good, 64);
	}
	assert_int_equal(kh_b64_decode((const uint8_t *)"", 0, out, 0), KH_OK);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_spec_keys),
    cmocka_unit_test(test_either_case_but_not_both),
    cmocka_unit_test(test_one_wrong_character),
    cmocka_unit_test(test_lengths_and_kinds),
    cmocka_unit_test(test_spare_bits),
    cmocka_unit_test(test_unusable_recipients),
    cmocka_unit_test(test_generated_round_trip),
    cmocka_unit_test(test_base64_strict),
};

TAP_MAIN(tests)
