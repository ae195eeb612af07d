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

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_write_refuses),
    cmocka_unit_test(test_l12_expiry),
    cmocka_unit_test(test_fingerprint),
};

TAP_MAIN(tests)
