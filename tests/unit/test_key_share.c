/*
 * Shares of a key: any threshold of them give it back, fewer do not, and each
 * way in which people get them wrong is told from the others.
 */
#include "tests/unit/tap.h"

#include <ctype.h>
#include <sodium.h>

#include "knothole/share.h"
#include "lib/share/bytes.h"

#define TEXT_MAX 8192

struct set {
	struct kh_identity id;
	struct kh_share s[KH_SHARES_MAX];
};

static struct set *
make(unsigned threshold, unsigned count)
{
	struct set *set = kh_secret_alloc((sizeof(struct set) + 15) / 16 * 16);

	assert_non_null(set);
	kh_identity_generate(&set->id);
	assert_int_equal(
	    kh_share_split(&set->id, threshold, count, set->s), KH_OK);
	return set;
}

/* A share in words, a row on each line. */
static size_t
in_words(const struct kh_share *s, char *out)
{
	char row[KH_CODE_WORDS_TEXT_LEN];
	unsigned i;
	int n = 0;

	for (i = 0; i < KH_SHARE_ROWS; i++) {
		kh_share_row(s, i, row);
		n += snprintf(out + n, TEXT_MAX - (size_t)n, "%s\n", row);
	}
	return (size_t)n;
}

static void
reads_as(const char *text, size_t n, const struct kh_share *want)
{
	struct kh_share got[KH_SHARES_MAX];
	struct kh_share_fault fault;
	size_t count;

	assert_int_equal(kh_share_read(text, n, got, &count, &fault), KH_OK);
	assert_int_equal(count, 1);
	assert_memory_equal(&got[0], want, sizeof(*want));
}

/* Each choice of `threshold` of 5, by a bit mask. */
static void
test_any_threshold(void **state)
{
	struct kh_share some[5];
	unsigned t, mask, i;
	struct kh_identity id;
	struct set *set;
	enum kh_err e;
	size_t n;

	(void)state;
	for (t = 2; t <= 5; t++) {
		set = make(t, 5);
		for (mask = 0; mask < 32; mask++) {
			for (n = 0, i = 0; i < 5; i++)
				if (mask >> i & 1)
					some[n++] = set->s[i];
			e = kh_share_join(some, n, &id);
			assert_int_equal(e, n < t ? KH_ENOENT : KH_OK);
			if (e == KH_OK)
				assert_memory_equal(&id, &set->id, sizeof(id));
			else
				assert_true(sodium_is_zero(id.sk, 32));
		}
		kh_secret_free(set);
	}
}

/* Shares of one key, split twice, differ: the random bytes are used. */
static void
test_random(void **state)
{
	struct set *set = make(3, 5);
	struct kh_share again[5];
	unsigned i, same = 0;

	(void)state;
	assert_int_equal(kh_share_split(&set->id, 3, 5, again), KH_OK);
	for (i = 0; i < 5; i++) {
		assert_memory_equal(
		    again[i].set, set->s[i].set, KH_SHARE_SET_LEN);
		same += memcmp(again[i].value, set->s[i].value, 32) == 0;
		assert_memory_not_equal(again[i].value, set->id.sk, 32);
	}
	assert_int_equal(same, 0);
	kh_secret_free(set);
}

static void
test_largest(void **state)
{
	struct set *set = make(KH_SHARES_MAX, KH_SHARES_MAX);
	struct kh_identity id;

	(void)state;
	assert_int_equal(kh_share_join(set->s, KH_SHARES_MAX, &id), KH_OK);
	assert_memory_equal(&id, &set->id, sizeof(id));
	assert_int_equal(
	    kh_share_join(set->s, KH_SHARES_MAX - 1, &id), KH_ENOENT);
	assert_int_equal(
	    kh_share_join(set->s, KH_SHARES_MAX + 1, &id), KH_EEXIST);
	kh_secret_free(set);
}

static void
test_wrong_company(void **state)
{
	struct set *a = make(3, 5), *b = make(3, 5);
	struct kh_share some[3] = {a->s[0], a->s[1], b->s[2]};
	struct kh_identity id;

	(void)state;
	assert_int_equal(kh_share_join(some, 3, &id), KH_EKEY);
	some[2] = a->s[1];
	assert_int_equal(kh_share_join(some, 3, &id), KH_EEXIST);
	some[2] = a->s[4];
	some[2].threshold = 2;
	assert_int_equal(kh_share_join(some, 3, &id), KH_EKEY);
	/* False, though its digest fits: the key is another one. */
	some[2] = a->s[4];
	some[2].value[7] ^= 1;
	assert_int_equal(kh_share_join(some, 3, &id), KH_EAUTH);
	assert_true(sodium_is_zero(id.sk, sizeof(id.sk)));
	some[2].number = 4;
	some[2].value[7] ^= 1;
	assert_int_equal(kh_share_join(some, 3, &id), KH_EAUTH);
	assert_int_equal(kh_share_join(some, 0, &id), KH_ENOENT);
	kh_secret_free(a);
	kh_secret_free(b);
}

static void
test_words_and_line(void **state)
{
	char text[TEXT_MAX], line[KH_SHARE_LINE_LEN];
	struct set *set;
	size_t i, k, n;

	(void)state;
	for (k = 0; k < 50; k++) {
		set = make(3, 5);
		for (i = 0; i < 5; i++) {
			n = in_words(&set->s[i], text);
			reads_as(text, n, &set->s[i]);
			kh_share_line(&set->s[i], line);
			assert_int_equal(
			    strlen(line), sizeof(KH_SHARE_MARK) - 1 + 90);
			reads_as(line, strlen(line), &set->s[i]);
		}
		kh_secret_free(set);
	}
}

/* FORMAT.md, "Key shares": the vector that stands there. */
static void
test_known(void **state)
{
	static const char *const rows[KH_SHARE_ROWS] = {
	    "abstract chive bountiful eskimo recent prototype danger crewman",
	    "agile crinkly yapping yoga rupture distrust scribing pacifier",
	    "octane placard aching panda dreadlock uncrown landside appear",
	    ("overall nautical spellbind semisweet greasily dinghy fidgeting "
	     "unreached")};
	static const char line[] =
	    "KNOTHOLE-SHARE:"
	    "0103050222779D0631C2000102030405060708090A0B0"
	    "C0D0E0F101112131415161718191A1B1C1D1E1F036B3C";
	struct kh_share s = {.threshold = 3, .count = 5, .number = 2};
	char got[KH_SHARE_LINE_LEN], row[KH_CODE_WORDS_TEXT_LEN];
	char words[KH_SHARE_SET_TEXT_LEN];
	struct kh_recipient to;
	struct kh_identity id;
	unsigned i;

	(void)state;
	memset(id.sk, 0x42, sizeof(id.sk));
	kh_identity_recipient(&id, &to);
	kh_share_set(&to, s.set);
	for (i = 0; i < sizeof(s.value); i++)
		s.value[i] = (uint8_t)i;
	kh_share_line(&s, got);
	assert_string_equal(got, line);
	for (i = 0; i < KH_SHARE_ROWS; i++) {
		kh_share_row(&s, i, row);
		assert_string_equal(row, rows[i]);
	}
	kh_share_set_text(s.set, words);
	assert_string_equal(words, "headcount drivable");
}

/* L17: as people type them. */
static void
test_l17_share_spellings(void **state)
{
	char text[TEXT_MAX], typed[TEXT_MAX];
	struct set *set = make(2, 3);
	char row[KH_CODE_WORDS_TEXT_LEN];
	size_t i, n, len;
	unsigned r;

	(void)state;
	n = in_words(&set->s[1], text);
	/* Capitals, dashes, all in one line. */
	for (i = 0; i < n; i++) {
		typed[i] = (char)toupper((unsigned char)text[i]);
		if (typed[i] == ' ' || typed[i] == '\n')
			typed[i] = i % 2 ? '-' : ' ';
	}
	reads_as(typed, n, &set->s[1]);
	/* Numbered rows, a comment, other line ends. */
	len = (size_t)snprintf(typed, sizeof(typed), "# Share 2 of 3\r\n\r\n");
	for (r = 0; r < KH_SHARE_ROWS; r++) {
		kh_share_row(&set->s[1], r, row);
		len += (size_t)snprintf(typed + len, sizeof(typed) - len,
		    "%u.  %s\r\n", r + 1, row);
	}
	reads_as(typed, len, &set->s[1]);
	/* Without any blank. */
	for (i = 0, len = 0; i < n; i++)
		if (isalpha((unsigned char)text[i]))
			typed[len++] = text[i];
	reads_as(typed, len, &set->s[1]);
	kh_secret_free(set);
}

/* The `i`-th word of a text in place of another; the text's new length. */
static size_t
put_word(char *text, unsigned i, const char *with)
{
	char copy[TEXT_MAX];
	const char *p = text;
	size_t before;

	while (i-- > 0)
		p += strcspn(p, " \n") + 1;
	before = (size_t)(p - text);
	p += strcspn(p, " \n");
	(void)snprintf(
	    copy, sizeof(copy), "%.*s%s%s", (int)before, text, with, p);
	memcpy(text, copy, strlen(copy) + 1);
	return strlen(text);
}

static enum kh_err
read_fault(const char *text, size_t n, struct kh_share_fault *fault)
{
	struct kh_share got[KH_SHARES_MAX];
	size_t count;
	enum kh_err e;

	e = kh_share_read(text, n, got, &count, fault);
	assert_int_equal(count, 0);
	return e;
}

/* L17: which word it is that is not in the list, and which row does not fit. */
static void
test_l17_share_fault_is_named(void **state)
{
	struct set *set = make(3, 5);
	struct kh_share_fault f;
	char text[TEXT_MAX];
	unsigned i;
	size_t n;

	(void)state;
	for (i = 0; i < KH_SHARE_WORDS; i++) {
		(void)in_words(&set->s[0], text);
		n = put_word(text, i, "qwzx");
		assert_int_equal(read_fault(text, n, &f), KH_EWORD);
		assert_int_equal(f.share, 1);
		assert_int_equal(f.row, i / 8 + 1);
		assert_int_equal(f.word, i % 8 + 1);
		assert_string_equal(f.text, "qwzx");
		(void)in_words(&set->s[0], text);
		n = put_word(text, i, "zoom");
		assert_int_equal(read_fault(text, n, &f), KH_ECHECK);
		assert_int_equal(f.share, 1);
		assert_int_equal(f.row, i / 8 + 1);
	}
	/* In the second of two. */
	n = in_words(&set->s[0], text);
	(void)in_words(&set->s[1], text + n);
	n = put_word(text, 32 + 9, "qwzx");
	assert_int_equal(read_fault(text, n, &f), KH_EWORD);
	assert_int_equal(f.share, 2);
	assert_int_equal(f.row, 2);
	assert_int_equal(f.word, 2);
	kh_secret_free(set);
}

/* Rows of different shares fit each by itself, and not together; rows in
 * another order do not fit. */
static void
test_rows_mixed(void **state)
{
	char text[TEXT_MAX], row[KH_CODE_WORDS_TEXT_LEN];
	struct set *set = make(3, 5);
	struct kh_share_fault f;
	unsigned i;
	int n = 0;

	(void)state;
	for (i = 0; i < KH_SHARE_ROWS; i++) {
		kh_share_row(&set->s[i % 2], i, row);
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s\n", row);
	}
	assert_int_equal(read_fault(text, (size_t)n, &f), KH_ECHECK);
	assert_int_equal(f.row, 0);
	for (n = 0, i = 0; i < KH_SHARE_ROWS; i++) {
		kh_share_row(&set->s[0], i ^ 1, row);
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s\n", row);
	}
	assert_int_equal(read_fault(text, (size_t)n, &f), KH_ECHECK);
	assert_int_equal(f.row, 1);
	kh_secret_free(set);
}

static void
test_not_all_there(void **state)
{
	struct set *set = make(3, 5);
	struct kh_share_fault f;
	char text[TEXT_MAX], line[KH_SHARE_LINE_LEN];
	size_t n;

	(void)state;
	n = in_words(&set->s[0], text);
	n = (size_t)(strrchr(text, ' ') - text);
	assert_int_equal(read_fault(text, n, &f), KH_ETRUNC);
	assert_int_equal(f.words, 31);
	assert_int_equal(read_fault("", 0, &f), KH_EFORMAT);
	assert_int_equal(read_fault("12 34", 5, &f), KH_EFORMAT);
	assert_int_equal(read_fault("a\0b", 3, &f), KH_EFORMAT);
	kh_share_line(&set->s[0], line);
	for (n = 0; n < strlen(line); n++)
		assert_int_not_equal(read_fault(line, n, &f), KH_OK);
	assert_int_equal(read_fault(line, strlen(line) - 1, &f), KH_ETRUNC);
	kh_secret_free(set);
}

/* Several in one text, as a QR reader prints them; too many. */
static void
test_several(void **state)
{
	char text[2 * TEXT_MAX], line[KH_SHARE_LINE_LEN];
	struct kh_share got[KH_SHARES_MAX];
	struct set *set = make(3, 5);
	struct kh_share_fault f;
	size_t count, i;
	int n = 0;

	(void)state;
	for (i = 0; i < 5; i++) {
		kh_share_line(&set->s[i], line);
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    "QR-Code:%s\nnoise (%zu) Tj\n", line, i);
	}
	assert_int_equal(
	    kh_share_read(text, (size_t)n, got, &count, &f), KH_OK);
	assert_int_equal(count, 5);
	assert_memory_equal(got, set->s, 5 * sizeof(got[0]));
	for (n = 0, i = 0; i <= KH_SHARES_MAX; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s\n", line);
	assert_int_equal(read_fault(text, (size_t)n, &f), KH_ELIMIT);
	kh_secret_free(set);
}

/* Every bit of the line counts. */
static void
test_each_bit(void **state)
{
	struct set *set = make(3, 5);
	uint8_t good[KH_SHARE_LEN], bad[KH_SHARE_LEN];
	struct kh_share out;
	size_t i;

	(void)state;
	kh_share_bytes(&set->s[3], good);
	assert_int_equal(kh_share_from_bytes(good, &out), KH_OK);
	for (i = 0; i < 8 * sizeof(good); i++) {
		memcpy(bad, good, sizeof(bad));
		bad[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(kh_share_from_bytes(bad, &out), KH_ECHECK);
	}
	kh_secret_free(set);
}

/* Bytes whose digest fits, and that no encoder makes. */
static void
test_numbers_that_cannot_be(void **state)
{
	static const struct {
		uint8_t threshold, count, number;
	} bad[] = {{1, 5, 1}, {0, 5, 1}, {6, 5, 1}, {3, 5, 0}, {3, 5, 6},
	    {3, KH_SHARES_MAX + 1, 1}, {2, 0, 0}};
	struct set *set = make(3, 5);
	uint8_t bytes[KH_SHARE_LEN], h[32];
	struct kh_share s, out;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s = set->s[0];
		s.threshold = bad[i].threshold;
		s.count = bad[i].count;
		s.number = bad[i].number;
		kh_share_bytes(&s, bytes);
		assert_int_equal(kh_share_from_bytes(bytes, &out), KH_EFORMAT);
	}
	kh_share_bytes(&set->s[0], bytes);
	bytes[0] = 2;
	crypto_generichash(
	    h, sizeof(h), bytes, 42, (const uint8_t *)"knothole share v1", 17);
	memcpy(bytes + 42, h, 3);
	assert_int_equal(kh_share_from_bytes(bytes, &out), KH_EUNSUP);
	kh_secret_free(set);
}

/* A row whose number is 2^90 or more is no row of ours. */
static void
test_row_too_large(void **state)
{
	uint16_t digit[KH_SHARE_ROW_DIGITS];
	uint8_t bytes[KH_SHARE_LEN] = {0};
	size_t i;

	(void)state;
	for (i = 0; i < KH_SHARE_ROW_DIGITS; i++)
		digit[i] = KH_WORDLIST_N - 1;
	assert_false(kh_share_row_bytes(digit, 0, bytes));
}

static void
test_row_check(void **state)
{
	struct set *set = make(3, 5);
	char row[KH_CODE_WORDS_TEXT_LEN];
	struct kh_share_fault f;
	unsigned r;

	(void)state;
	for (r = 0; r < KH_SHARE_ROWS; r++) {
		kh_share_row(&set->s[0], r, row);
		assert_int_equal(
		    kh_share_row_check(row, strlen(row), r, &f), KH_OK);
		assert_int_equal(kh_share_row_check(row, strlen(row),
				     (r + 1) % KH_SHARE_ROWS, &f),
		    KH_ECHECK);
	}
	assert_int_equal(kh_share_row_check("zoom", 4, 2, &f), KH_ETRUNC);
	assert_int_equal(f.words, 1);
	assert_int_equal(
	    kh_share_row_check("zoom zoo9qq", 11, 2, &f), KH_EWORD);
	assert_int_equal(f.word, 2);
	assert_int_equal(f.row, 3);
	kh_secret_free(set);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_any_threshold),
    cmocka_unit_test(test_random),
    cmocka_unit_test(test_largest),
    cmocka_unit_test(test_wrong_company),
    cmocka_unit_test(test_words_and_line),
    cmocka_unit_test(test_known),
    cmocka_unit_test(test_l17_share_spellings),
    cmocka_unit_test(test_l17_share_fault_is_named),
    cmocka_unit_test(test_rows_mixed),
    cmocka_unit_test(test_not_all_there),
    cmocka_unit_test(test_several),
    cmocka_unit_test(test_each_bit),
    cmocka_unit_test(test_numbers_that_cannot_be),
    cmocka_unit_test(test_row_too_large),
    cmocka_unit_test(test_row_check),
};

TAP_MAIN(tests)
