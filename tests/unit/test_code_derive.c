/*
 * What a code opens, and the word list under it: known answers that may never
 * change, and no memory.
 */
#include "tests/unit/tap.h"

#include <sodium.h>
#include <stdbool.h>

#include "knothole/code.h"

static bool pwhash_fails, alloc_fails;

static int
test_pwhash(unsigned char *out, unsigned long long out_len, const char *pw,
    unsigned long long pw_len, const unsigned char *salt,
    unsigned long long ops, size_t mem, int alg)
{
	/* L18: whatever was typed, this is all that the KDF is given. */
	assert_int_equal(pw_len, 14);
	assert_int_equal(ops, 3);
	assert_int_equal(mem, 67108864);
	if (pwhash_fails)
		return -1;
	return crypto_pwhash(out, out_len, pw, pw_len, salt, ops, mem, alg);
}

static void *
test_alloc(size_t n)
{
	return alloc_fails ? NULL : kh_secret_alloc(n);
}

#define crypto_pwhash test_pwhash
#define kh_secret_alloc test_alloc
#include "lib/code/derive.c"
#undef crypto_pwhash
#undef kh_secret_alloc

static const struct kh_code sample = {{0, 1, 7775, 1234, 4321, 2008, 6639}};

static void
test_word_list(void **state)
{
	char bare[2][KH_WORD_MAX + 1];
	unsigned i, j;
	size_t n;

	for (i = 0; i < KH_WORDLIST_N; i++) {
		assert_int_equal(
		    kh_word_index(kh_word(i), strlen(kh_word(i))), i);
		assert_in_range(strlen(kh_word(i)), 3, KH_WORD_MAX);
	}
	assert_int_equal(kh_word_index("", 0), -1);
	assert_int_equal(kh_word_index("abacu", 5), -1);
	assert_int_equal(kh_word_index("abacuss", 7), -1);
	assert_int_equal(kh_word_index("zzzzzzzzz", 9), -1);
	assert_int_equal(kh_word_index("aaaaaaaaaaaaaaaa", 16), -1);
	assert_int_equal(kh_word_index("ABACUS", 6), -1);
	assert_int_equal(kh_word_index("aim\0", 4), -1);
	/* What reading words that run together rests on: no word is the
	 * beginning of another, hyphens left out, but for yo-yo and yoyo. */
	for (i = 0; i < KH_WORDLIST_N; i++) {
		for (j = 0; j < 2; j++)
			memset(bare[j], 0, sizeof(bare[j]));
		for (n = 0, j = 0; kh_word(i)[j] != '\0'; j++) {
			if (kh_word(i)[j] != '-')
				bare[0][n++] = kh_word(i)[j];
		}
		for (j = 1; j < n; j++) {
			if (kh_word_index(bare[0], j) >= 0)
				fail_msg("%s begins with a word", bare[0]);
		}
	}
}

static void
test_fingerprint(void **state)
{
	char text[KH_CODE_WORDS_TEXT_LEN], other[KH_CODE_WORDS_TEXT_LEN];
	uint8_t key[32];
	size_t i;

	/* computed with Python's hashlib */
	kh_fingerprint_words(NULL, 0, text);
	assert_string_equal(text,
	    "asleep librarian caravan taking colony empty banana absentee");
	for (i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	kh_fingerprint_words(key, sizeof(key), text);
	assert_string_equal(text,
	    "pliable corporal sharply bullhorn oppressed "
	    "blitz resonant germinate");
	for (i = 0; i < 8 * sizeof(key); i++) {
		key[i / 8] ^= (uint8_t)(1U << (i % 8));
		kh_fingerprint_words(key, sizeof(key), other);
		assert_string_not_equal(text, other);
		key[i / 8] ^= (uint8_t)(1U << (i % 8));
	}
}

static void
expect_hex(const uint8_t *p, size_t n, const char *want)
{
	char hex[129];

	assert_true(n <= 64);
	sodium_bin2hex(hex, sizeof(hex), p, n);
	assert_string_equal(hex, want);
}

/* These may never change: they are in what sources have written down. */
static void
test_derive_known_answer(void **state)
{
	uint8_t salt[KH_SALT_LEN];
	struct kh_code_keys k;
	size_t i;

	for (i = 0; i < sizeof(salt); i++)
		salt[i] = (uint8_t)i;
	assert_int_equal(kh_code_derive(&sample, salt, &k), KH_OK);
	expect_hex(
	    k.mailbox, sizeof(k.mailbox), "b9dd14be79d1f1094f1172494b0d1368");
	expect_hex(k.reply.sk, sizeof(k.reply.sk),
	    "e002c4e156a498397bae33509fd9805b"
	    "30337affdada7bf7a4018ef5d9b59113");
	expect_hex(k.reply_to.pk, sizeof(k.reply_to.pk),
	    "66077a619a530ac146b1364bd7db12c1"
	    "1b71914c702b20e4d50f21881345486a");
	expect_hex(k.slot_key, sizeof(k.slot_key),
	    "201975cc755087d42e266266910d8845"
	    "b7e3ce150880ec8a339bc333c9289969");
}

/* Another salt, another code: nothing in common (L15: one salt for all). */
static void
test_l15_derive_separates(void **state)
{
	uint8_t salt[KH_SALT_LEN] = {0};
	struct kh_code_keys a, b, c;
	struct kh_code other = sample;

	assert_int_equal(kh_code_derive(&sample, salt, &a), KH_OK);
	salt[KH_SALT_LEN - 1] = 1;
	assert_int_equal(kh_code_derive(&sample, salt, &b), KH_OK);
	other.digit[6]++;
	assert_int_equal(kh_code_derive(&other, salt, &c), KH_OK);
	assert_memory_not_equal(a.mailbox, b.mailbox, KH_MAILBOX_LEN);
	assert_memory_not_equal(b.mailbox, c.mailbox, KH_MAILBOX_LEN);
	assert_memory_not_equal(&a.reply, &b.reply, sizeof(a.reply));
	assert_memory_not_equal(&b.reply, &c.reply, sizeof(a.reply));
	assert_memory_not_equal(a.slot_key, b.slot_key, KH_SLOT_KEY_LEN);
	assert_memory_not_equal(a.slot_key, a.reply.sk, KH_SLOT_KEY_LEN);
}

static void
test_derive_no_memory(void **state)
{
	static const struct kh_code_keys zero;
	uint8_t salt[KH_SALT_LEN] = {0};
	struct kh_code_keys k;

	memset(&k, 0xa5, sizeof(k));
	pwhash_fails = true;
	assert_int_equal(kh_code_derive(&sample, salt, &k), KH_ENOMEM);
	pwhash_fails = false;
	assert_memory_equal(&k, &zero, sizeof(k));
	memset(&k, 0xa5, sizeof(k));
	alloc_fails = true;
	assert_int_equal(kh_code_derive(&sample, salt, &k), KH_ENOMEM);
	alloc_fails = false;
	assert_memory_equal(&k, &zero, sizeof(k));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_word_list),
    cmocka_unit_test(test_fingerprint),
    cmocka_unit_test(test_derive_known_answer),
    cmocka_unit_test(test_l15_derive_separates),
    cmocka_unit_test(test_derive_no_memory),
};

TAP_MAIN(tests)
