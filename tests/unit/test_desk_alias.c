/*
 * Aliases, finding threads by what is typed, and the table underneath.
 */
#include "tests/unit/tap.h"

#include <sodium.h>

#include "client/desk/alias.c"
#include "client/desk/index.c"
#include "client/desk/log.c"
#include "client/desk/table.c"

static struct kh_index *
index_of(const uint8_t (*mailboxes)[KH_MAILBOX_LEN], size_t n)
{
	struct kh_sign_public pk = {{0}, {0}};
	struct kh_thread t = {.has_slot_key = true};
	struct kh_index *ix;
	enum kh_err e;
	size_t i, k;

	e = kh_index_new(&pk, &ix);
	assert_int_equal(e, KH_OK);
	for (i = 0; i < n; i++) {
		memcpy(t.mailbox, mailboxes[i], KH_MAILBOX_LEN);
		e = kh_index_add_thread(ix, &t, &k);
		assert_int_equal(e, KH_OK);
		assert_int_equal(k, i);
	}
	return ix;
}

static void
test_alias_is_fixed(void **state)
{
	/* Worked out with Python's hashlib and the word list (FORMAT.md). */
	static const struct {
		uint8_t mailbox[KH_MAILBOX_LEN];
		const char *alias;
	} vectors[] = {
	    {{0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a, 0x5a,
		 0x5a, 0x5a, 0x5a, 0x5a, 0x5a},
		"postal pretense"},
	    {{0}, "unpaired lung"},
	    {{0xea, 0xab, 0x20, 0xbf, 0x5b, 0x31, 0x40, 0xe6, 0xf8, 0xee, 0x91,
		 0x8d, 0x9c, 0x4a, 0xec, 0x50},
		"grafting dynamite"},
	};
	char alias[KH_ALIAS_MAX + 1];
	size_t i;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		kh_alias(vectors[i].mailbox, alias);
		assert_string_equal(alias, vectors[i].alias);
	}
}

static void
test_alias_words(void **state)
{
	uint8_t mailbox[KH_MAILBOX_LEN];
	char alias[KH_ALIAS_MAX + 1];
	const char *blank;
	int i;

	for (i = 0; i < 20000; i++) {
		randombytes_buf(mailbox, sizeof(mailbox));
		kh_alias(mailbox, alias);
		blank = strchr(alias, ' ');
		assert_non_null(blank);
		assert_true(kh_word_index(alias, (size_t)(blank - alias)) >= 0);
		assert_true(kh_word_index(blank + 1, strlen(blank + 1)) >= 0);
	}
}

static void
test_find(void **state)
{
	static const uint8_t boxes[][KH_MAILBOX_LEN] = {
	    {0x12, 0x34, 0x56, 0x78, 0x9a}, {0x12, 0x34, 0x56, 0x78, 0x9b},
	    {0xab, 0xcd, 0xef, 0x01, 0x23}};
	static const struct {
		const char *name;
		enum kh_alias_match match;
		size_t i;
	} cases[] = {
	    {"12345678", KH_ALIAS_SEVERAL, 0},
	    {"123456789a", KH_ALIAS_ONE, 0},
	    {"123456789B", KH_ALIAS_ONE, 1},
	    {"abcdef01", KH_ALIAS_ONE, 2},
	    {"ABCDEF01", KH_ALIAS_ONE, 2},
	    {"abcdef0", KH_ALIAS_NONE, 0}, /* too short */
	    {"abcdef02", KH_ALIAS_NONE, 0},
	    {"abcdef012300000000000000000000000", KH_ALIAS_NONE, 0},
	    {"abcdef01230000000000000000000000", KH_ALIAS_ONE, 2},
	    {"abcdef01-", KH_ALIAS_NONE, 0},
	    {"", KH_ALIAS_NONE, 0},
	    {"-", KH_ALIAS_NONE, 0},
	    {" ", KH_ALIAS_NONE, 0},
	};
	struct kh_index *ix = index_of(boxes, 3);
	size_t c, i;

	for (c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		assert_int_equal(
		    kh_alias_find(ix, cases[c].name, &i), cases[c].match);
		if (cases[c].match != KH_ALIAS_NONE)
			assert_int_equal(i, cases[c].i);
	}
	kh_index_free(ix);
}

static void
test_find_by_words(void **state)
{
	static const uint8_t boxes[][KH_MAILBOX_LEN] = {{1}, {2}};
	struct kh_index *ix = index_of(boxes, 2);
	char alias[KH_ALIAS_MAX + 8];
	size_t i, k;

	for (k = 0; k < 2; k++) {
		kh_alias(boxes[k], alias);
		assert_int_equal(kh_alias_find(ix, alias, &i), KH_ALIAS_ONE);
		assert_int_equal(i, k);
		*strchr(alias, ' ') = '-';
		alias[0] = (char)(alias[0] - 'a' + 'A');
		assert_int_equal(kh_alias_find(ix, alias, &i), KH_ALIAS_ONE);
		assert_int_equal(i, k);
		memcpy(alias + strlen(alias), "s", 2);
		assert_int_equal(kh_alias_find(ix, alias, &i), KH_ALIAS_NONE);
		alias[strlen(alias) - 2] = '\0';
		assert_int_equal(kh_alias_find(ix, alias, &i), KH_ALIAS_NONE);
		assert_true(i == KH_NO_THREAD);
	}
	kh_index_free(ix);
}

static void
test_table(void **state)
{
	struct kh_table t = {0};
	uint8_t key[KH_TABLE_KEY_LEN] = {0};
	enum kh_err e;
	size_t i;

	assert_true(kh_table_get(&t, key) == KH_TABLE_NONE);
	for (i = 0; i < 5000; i++) {
		memcpy(key, &i, sizeof(i));
		e = kh_table_put(&t, key, i);
		assert_int_equal(e, KH_OK);
		e = kh_table_put(&t, key, i + 1);
		assert_int_equal(e, KH_EEXIST);
	}
	for (i = 0; i < 5000; i++) {
		memcpy(key, &i, sizeof(i));
		assert_true(kh_table_get(&t, key) == i);
	}
	memcpy(key, &i, sizeof(i));
	assert_true(kh_table_get(&t, key) == KH_TABLE_NONE);
	kh_table_clear(&t);
	assert_true(kh_table_get(&t, key) == KH_TABLE_NONE);
}

static void
test_log_chain(void **state)
{
	struct kh_sign_secret sk;
	struct kh_sign_public pk;
	struct kh_log l = {.n = 0};
	size_t bad, i;
	enum kh_err e;

	kh_sign_generate(&sk);
	kh_sign_public(&sk, &pk);
	for (i = 0; i < 20; i++) {
		if (i % KH_LOG_N == KH_LOG_SHARE)
			e = kh_log_share(&l, "2026-11-25",
			    &(struct kh_log_shared){"two words", i,
				"eight words of a card", "Ada"});
		else
			e = kh_log_add(&l, (enum kh_log_what)(i % KH_LOG_N),
			    "2026-11-25", i % 2 == 0 ? "" : "two words", i);
		assert_int_equal(e, KH_OK);
		e = kh_log_verify(&l, &pk, &bad);
		assert_int_equal(e, KH_OK);
	}
	e = kh_log_sign(&l, &sk);
	assert_int_equal(e, KH_OK);
	e = kh_log_add(&l, KH_LOG_IMPORT, "2026-11-26", "a b", 1);
	assert_int_equal(e, KH_OK);
	e = kh_log_verify(&l, &pk, &bad);
	assert_int_equal(e, KH_OK);
	/* To whom and by whom counts as much as how many. */
	l.entries[KH_LOG_SHARE].to[0] ^= 1;
	e = kh_log_verify(&l, &pk, &bad);
	assert_int_equal(e, KH_EAUTH);
	assert_int_equal(bad, KH_LOG_SHARE);
	l.entries[KH_LOG_SHARE].to[0] ^= 1;
	l.entries[KH_LOG_SHARE].by[0] ^= 1;
	e = kh_log_verify(&l, &pk, &bad);
	assert_int_equal(e, KH_EAUTH);
	l.entries[KH_LOG_SHARE].by[0] ^= 1;
	for (i = 0; i < l.n; i++) {
		l.entries[i].count ^= 1;
		e = kh_log_verify(&l, &pk, &bad);
		assert_int_equal(e, KH_EAUTH);
		assert_int_equal(bad, i);
		l.entries[i].count ^= 1;
	}
	/* Cut below what was signed, or signed by somebody else. */
	l.n = 19;
	e = kh_log_verify(&l, &pk, &bad);
	assert_int_equal(e, KH_EAUTH);
	l.n = 21;
	kh_sign_generate(&sk);
	kh_sign_public(&sk, &pk);
	e = kh_log_verify(&l, &pk, &bad);
	assert_int_equal(e, KH_EAUTH);
	assert_int_equal(bad, l.n);
	kh_secret_free(l.entries);
}

static void
test_log_words(void **state)
{
	int w;

	for (w = 0; w < KH_LOG_N; w++)
		assert_int_equal(
		    kh_log_what(kh_log_text((enum kh_log_what)w)), w);
	assert_int_equal(kh_log_what(""), KH_LOG_N);
	assert_int_equal(kh_log_what("Import"), KH_LOG_N);
	assert_null(kh_log_text(KH_LOG_N));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_alias_is_fixed),
    cmocka_unit_test(test_alias_words),
    cmocka_unit_test(test_find),
    cmocka_unit_test(test_find_by_words),
    cmocka_unit_test(test_table),
    cmocka_unit_test(test_log_chain),
    cmocka_unit_test(test_log_words),
};

TAP_MAIN(tests)
