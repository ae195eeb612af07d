/*
 * Newsroom cards: what the writer refuses, the day that decides, and the
 * fingerprint.
 */
#include "tests/unit/tap.h"

#include "tests/unit/card_fixed.h"

static unsigned mallocs_until_failure;

static void *
failing_malloc(size_t n)
{
	if (mallocs_until_failure > 0 && --mallocs_until_failure == 0)
		return NULL;
	return malloc(n);
}

#define malloc failing_malloc
#include "lib/card/write.c"
#undef malloc

static void
write_refused(const struct kh_card *c, enum kh_err want)
{
	struct kh_sign_secret sk;
	char *text = (char *)(uintptr_t)1;
	size_t n = 1;

	fixed_key(&sk);
	assert_int_equal(kh_card_write(c, &sk, &text, &n), want);
	assert_null(text);
	assert_int_equal(n, 0);
}

static void
test_write_refuses(void **state)
{
	struct kh_card c;
	unsigned i;

	fixed_card(&c);
	memcpy(c.name, "A\nB", 4);
	write_refused(&c, KH_ENAME);
	memset(c.name, 'n', sizeof(c.name)); /* no NUL */
	write_refused(&c, KH_ENAME);
	c.name[0] = '\0';
	write_refused(&c, KH_ENAME);
	fixed_card(&c);
	memset(c.languages[1], 'x', sizeof(c.languages[1]));
	write_refused(&c, KH_EFORMAT);
	memcpy(c.languages[1], "en", 3);
	write_refused(&c, KH_EFORMAT);
	c.n_languages = 0;
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	c.n_recipients = 0;
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	c.recipients[1].first[9] = '9';
	c.recipients[1].first[8] = '9';
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	memset(c.recipients[1].last, '9', sizeof(c.recipients[1].last));
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	memcpy(c.recipients[1].first, "2029-01-01", 11);
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	c.recipients[1].to = c.recipients[0].to;
	write_refused(&c, KH_EFORMAT);
	fixed_card(&c);
	memset(&c.recipients[1].to, 0, sizeof(c.recipients[1].to));
	write_refused(&c, KH_EKEY);
	fixed_card(&c);
	for (i = 1; i <= 2; i++) {
		mallocs_until_failure = i;
		write_refused(&c, KH_ENOMEM);
	}
	mallocs_until_failure = 0;
}

static void
on(const struct kh_card *c, const char *day, enum kh_err want, size_t which)
{
	struct kh_recipient got;
	static const struct kh_recipient zero;

	memset(&got, 0xa5, sizeof(got));
	assert_int_equal(kh_card_recipient_on(c, day, &got), want);
	assert_memory_equal(&got,
	    want == KH_OK ? &c->recipients[which].to : &zero, sizeof(got));
}

/* L12: no key for the day is an error of its own, never another key. */
static void
test_l12_expiry(void **state)
{
	struct kh_card c;

	fixed_card(&c);
	on(&c, "2026-11-20", KH_EEXPIRED, 0);
	on(&c, "2026-11-21", KH_OK, 0);
	on(&c, "2027-10-31", KH_OK, 0);
	on(&c, "2027-11-01", KH_OK, 0); /* both: the one that ends first */
	on(&c, "2027-11-21", KH_OK, 0);
	on(&c, "2027-11-22", KH_OK, 1);
	on(&c, "2028-11-21", KH_OK, 1);
	on(&c, "2028-11-22", KH_EEXPIRED, 0);
	/* the same in the other order */
	struct kh_card_recipient first = c.recipients[0];
	c.recipients[0] = c.recipients[1];
	c.recipients[1] = first;
	on(&c, "2027-11-01", KH_OK, 1);
	on(&c, "2027-11-22", KH_OK, 0);
}

static void
test_fingerprint(void **state)
{
	char a[KH_CODE_WORDS_TEXT_LEN], b[KH_CODE_WORDS_TEXT_LEN];
	struct kh_card c;
	struct kh_sign_secret sk;
	unsigned i, words = 1;

	fixed_key(&sk);
	fixed_card(&c);
	kh_sign_public(&sk, &c.signing_key);
	kh_card_fingerprint(&c, a);
	assert_string_equal(
	    a, "science endeared chant thong rise unknowing popcorn pecan");
	for (i = 0; a[i] != '\0'; i++)
		words += a[i] == ' ';
	assert_int_equal(words, KH_CODE_WORDS);
	/* what it is called does not matter, who can open it does */
	memcpy(c.name, "Other", 6);
	kh_card_fingerprint(&c, b);
	assert_string_equal(a, b);
	c.recipients[1].to.pk[31] ^= 1;
	kh_card_fingerprint(&c, b);
	assert_string_not_equal(a, b);
	c.recipients[1].to.pk[31] ^= 1;
	c.n_recipients = 1;
	kh_card_fingerprint(&c, b);
	assert_string_not_equal(a, b);
	c.n_recipients = 2;
	c.signing_key.pk[0] ^= 1;
	kh_card_fingerprint(&c, b);
	assert_string_not_equal(a, b);
}

#define TOKEN "JcOuGy_N4VvspmdZ83OzzQ3YRCRS1s87Ye-izU35GmQ"
#define TOKEN_HASH \
	"319d9386e193b059f0d4ec79ea32715c192301279cfb95b5eb5ba5c57e19ae44"

/* The vector of FORMAT.md; the nearest things that are no token. */
static void
test_courier_token(void **state)
{
	static const uint8_t zero[KH_COURIER_HASH_LEN];
	static const char *const not [] = {"",
	    "JcOuGy_N4VvspmdZ83OzzQ3YRCRS1s87Ye-izU35Gm", TOKEN "Q",
	    "JcOuGy/N4VvspmdZ83OzzQ3YRCRS1s87Ye+izU35GmQ",
	    "JcOuGy_N4VvspmdZ83OzzQ3YRCRS1s87Ye-izU35GmR", /* bits left over */
	    "JcOuGy_N4VvspmdZ83OzzQ3YRCRS1s87Ye-izU35Gm=",
	    "JcOuGy_N4VvspmdZ83OzzQ3YRCRS1s87Ye-izU35Gm\n"};
	uint8_t hash[KH_COURIER_HASH_LEN];
	char hex[2 * KH_COURIER_HASH_LEN + 1];
	size_t i;

	assert_int_equal(
	    kh_courier_token_hash(TOKEN, strlen(TOKEN), hash), KH_OK);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	assert_string_equal(hex, TOKEN_HASH);
	for (i = 0; i < sizeof(not ) / sizeof(not [0]); i++) {
		memset(hash, 1, sizeof(hash));
		assert_int_equal(
		    kh_courier_token_hash(not [i], strlen(not [i]), hash),
		    KH_EFORMAT);
		assert_memory_equal(hash, zero, sizeof(hash));
	}
}

/* Read the golden card with this line before the signature. */
static enum kh_err
read_with_courier(const char *courier, struct kh_card *out, unsigned *line)
{
	char sig[KH_SIGNATURE_TEXT_MAX], body[4096], *text, *end;
	struct kh_sign_secret sk;
	struct kh_card c;
	enum kh_err e;
	size_t n;

	fixed_key(&sk);
	fixed_card(&c);
	assert_int_equal(kh_card_write(&c, &sk, &text, &n), KH_OK);
	end = strstr(text, "untrusted comment: ");
	assert_non_null(end);
	*end = '\0';
	n = (size_t)snprintf(body, sizeof(body), "%s%s", text, courier);
	free(text);
	assert_int_equal(
	    kh_sign(&sk, (const uint8_t *)body, n, "u", "t", sig), KH_OK);
	n += (size_t)snprintf(body + n, sizeof(body) - n, "%s", sig);
	assert_true(n < sizeof(body));
	e = kh_card_read(body, n, out, line);
	return e;
}

static void
test_courier_line(void **state)
{
	static const char good[] = "courier_token_hash = " TOKEN_HASH "\n";
	static const struct kh_card zero;
	static const char *const bad[] = {
	    "courier_token_hash = \n",
	    "courier_token_hash = " TOKEN_HASH "00\n",
	    "courier_token_hash = " TOKEN_HASH " \n",
	    "courier_token_hash = 319D9386E193B059F0D4EC79EA32715C"
	    "192301279CFB95B5EB5BA5C57E19AE44\n",
	    "courier_token_hash = x19d9386e193b059f0d4ec79ea32715c"
	    "192301279cfb95b5eb5ba5c57e19ae44\n",
	};
	char a[KH_CODE_WORDS_TEXT_LEN], b[KH_CODE_WORDS_TEXT_LEN], twice[256];
	struct kh_sign_secret sk;
	struct kh_card c, back;
	unsigned line;
	char *text;
	size_t n, i;

	assert_int_equal(read_with_courier("", &c, &line), KH_OK);
	assert_false(c.has_courier);
	kh_card_fingerprint(&c, a);
	assert_int_equal(read_with_courier(good, &c, &line), KH_OK);
	assert_true(c.has_courier);
	assert_int_equal(c.courier_hash[0], 0x31);
	assert_int_equal(c.courier_hash[31], 0x44);
	kh_card_fingerprint(&c, b);
	assert_string_equal(a, b);
	/* and written the same way */
	fixed_key(&sk);
	assert_int_equal(kh_card_write(&c, &sk, &text, &n), KH_OK);
	assert_non_null(strstr(text, good));
	assert_int_equal(kh_card_read(text, n, &back, &line), KH_OK);
	assert_memory_equal(&c, &back, sizeof(c));
	free(text);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
		    read_with_courier(bad[i], &c, &line), KH_EFORMAT);
		assert_int_equal(line, 8);
		assert_memory_equal(&c, &zero, sizeof(c));
	}
	snprintf(twice, sizeof(twice), "%s%s", good, good);
	assert_int_equal(read_with_courier(twice, &c, &line), KH_EFORMAT);
	assert_int_equal(line, 9);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_courier_token),
    cmocka_unit_test(test_courier_line),
    cmocka_unit_test(test_write_refuses),
    cmocka_unit_test(test_l12_expiry),
    cmocka_unit_test(test_fingerprint),
};

TAP_MAIN(tests)
