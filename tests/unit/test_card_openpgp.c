/*
 * A card's OpenPGP key: the one way to write it, what is refused, and that it
 * counts in the fingerprint. The packets are made here; no key is any good.
 */
#include "tests/unit/tap.h"

#include <sodium.h>

#include "tests/unit/card_fixed.h"

#define B64 sodium_base64_VARIANT_ORIGINAL

/* A packet of the old format with a length of two bytes. */
static size_t
packet(uint8_t *out, unsigned tag, const void *body, size_t n)
{
	out[0] = (uint8_t)(0x80 | tag << 2 | 1);
	out[1] = (uint8_t)(n >> 8);
	out[2] = (uint8_t)n;
	memcpy(out + 3, body, n);
	return n + 3;
}

static size_t
key_packets(uint8_t *out, const unsigned *tags, size_t n_tags)
{
	static const uint8_t body[] = {4, 0, 0, 0, 0, 22, 1, 2, 3};
	size_t i, n = 0;

	for (i = 0; i < n_tags; i++)
		n += packet(out + n, tags[i], body, sizeof(body));
	return n;
}

/* The fixed card's lines, this one behind them, and a signature. */
static enum kh_err
read_with(const char *line, struct kh_card *out)
{
	char sig[KH_SIGNATURE_TEXT_MAX], *text, *body, *end;
	struct kh_sign_secret sk;
	struct kh_card c;
	unsigned at;
	enum kh_err e;
	size_t n;

	fixed_key(&sk);
	fixed_card(&c);
	assert_int_equal(kh_card_write(&c, &sk, &text, &n), KH_OK);
	end = strstr(text, "untrusted comment: ");
	assert_non_null(end);
	*end = '\0';
	body = malloc(n + strlen(line) + sizeof(sig));
	assert_non_null(body);
	strcpy(body, text);
	strcat(body, line);
	assert_int_equal(
	    kh_sign(&sk, (const uint8_t *)body, strlen(body), "u", "t", sig),
	    KH_OK);
	strcat(body, sig);
	e = kh_card_read(body, strlen(body), out, &at);
	assert_int_equal(e == KH_OK, at == 0);
	free(body);
	free(text);
	return e;
}

static enum kh_err
read_key(const uint8_t *key, size_t n, struct kh_card *out)
{
	const size_t len = KH_OPENPGP_TEXT_LEN(n) + 64;
	char *b64 = malloc(len), *line = malloc(len + 64);
	enum kh_err e;

	assert_non_null(b64);
	assert_non_null(line);
	sodium_bin2base64(b64, len, key, n, B64);
	snprintf(line, len + 64, "openpgp = %s\n", b64);
	e = read_with(line, out);
	free(line);
	free(b64);
	return e;
}

static void
test_round_trip(void **state)
{
	static const unsigned tags[] = {6, 13, 2, 14, 2};
	uint8_t key[256];
	struct kh_sign_secret sk;
	struct kh_card c, back;
	char *text;
	unsigned line;
	size_t n, len;

	(void)state;
	n = key_packets(key, tags, 5);
	assert_int_equal(read_key(key, n, &c), KH_OK);
	assert_int_equal(c.openpgp_n, n);
	assert_memory_equal(c.openpgp, key, n);
	fixed_key(&sk);
	assert_int_equal(kh_card_write(&c, &sk, &text, &len), KH_OK);
	assert_int_equal(kh_card_read(text, len, &back, &line), KH_OK);
	assert_memory_equal(&back, &c, sizeof(c));
	free(text);
}

static void
test_fingerprint(void **state)
{
	static const unsigned tags[] = {6, 13, 2};
	char without[KH_CODE_WORDS_TEXT_LEN], with[KH_CODE_WORDS_TEXT_LEN];
	char other[KH_CODE_WORDS_TEXT_LEN];
	struct kh_card c;

	(void)state;
	fixed_card(&c);
	kh_card_fingerprint(&c, without);
	c.openpgp_n = key_packets(c.openpgp, tags, 3);
	kh_card_fingerprint(&c, with);
	assert_string_not_equal(without, with);
	c.openpgp[c.openpgp_n - 1] ^= 1;
	kh_card_fingerprint(&c, other);
	assert_string_not_equal(with, other);
}

static void
test_refused(void **state)
{
	static const struct {
		unsigned tags[4];
		size_t n;
		enum kh_err want;
	} keys[] = {
	    {{6}, 1, KH_OK}, /* whether it is any good is for gpg to say */
	    {{6, 6}, 2, KH_EKEY}, /* two */
	    {{5, 13, 2}, 3, KH_EKEY}, /* secret */
	    {{6, 13, 7}, 3, KH_EKEY}, /* a secret subkey */
	    {{13, 6}, 2, KH_EKEY}, /* not a key first */
	    {{6, 13, 1}, 3, KH_EKEY}, /* a message in it */
	    {{6, 12}, 2, KH_EKEY}, /* of somebody's key ring */
	};
	static uint8_t large[KH_OPENPGP_KEY_MAX + 8];
	static const unsigned one[] = {6};
	uint8_t key[256];
	struct kh_card c;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		n = key_packets(key, keys[i].tags, keys[i].n);
		assert_int_equal(read_key(key, n, &c), keys[i].want);
	}
	n = key_packets(key, one, 1);
	key[3] = 6; /* version 6 */
	assert_int_equal(read_key(key, n, &c), KH_EKEY);
	key[3] = 4;
	assert_int_equal(read_key(key, n - 1, &c), KH_EKEY);
	key[0] = 0x80 | 6 << 2 | 3; /* of indeterminate length */
	assert_int_equal(read_key(key, n, &c), KH_EKEY);
	memset(large, 0x99, sizeof(large));
	assert_int_equal(read_key(large, sizeof(large), &c), KH_ELIMIT);
}

/* RFC 4648: one spelling. */
static void
test_spelling(void **state)
{
	static const unsigned tags[] = {6};
	uint8_t key[64];
	char b64[128], line[160];
	struct kh_card c;
	size_t n;

	(void)state;
	n = key_packets(key, tags, 1);
	key[2]++; /* 13 bytes: two are left over, and two bits */
	key[n++] = 0;
	sodium_bin2base64(b64, sizeof(b64), key, n, B64);
	assert_int_equal(b64[strlen(b64) - 1], '=');
	snprintf(line, sizeof(line), "openpgp = %s\n", b64);
	assert_int_equal(read_with(line, &c), KH_OK);
	snprintf(line, sizeof(line), "openpgp = %s\nopenpgp = %s\n", b64, b64);
	assert_int_not_equal(read_with(line, &c), KH_OK);
	b64[strlen(b64) - 1] = '\0';
	snprintf(line, sizeof(line), "openpgp = %s\n", b64);
	assert_int_equal(read_with(line, &c), KH_EFORMAT);
	assert_int_equal(read_with("openpgp = \n", &c), KH_EKEY);
	assert_int_equal(read_with("openpgp =\n", &c), KH_EFORMAT);
	snprintf(line, sizeof(line), "openpgp = %.8s \n", b64);
	assert_int_equal(read_with(line, &c), KH_EFORMAT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_fingerprint),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_spelling),
};

TAP_MAIN(tests)
