/*
 * The return code written and read: known answers, everything people do to it
 * when they type or paste it, and every mistake recognised.
 */
#include "tests/unit/tap.h"

#include <sodium.h>
#include <stdbool.h>

#include "knothole/code.h"
#include "tests/unit/code_spellings.h"

/* Computed with Python's hashlib and libsodium's Argon2id. */
static const struct {
	struct kh_code code;
	const char *words;
	const char *digits;
} known[] = {
    {{{0, 0, 0, 0, 0, 0, 0}},
	"abacus abacus abacus abacus abacus abacus abacus variably",
	"00000 00000 00000 00000 00000 00098"},
    {{{7775, 7775, 7775, 7775, 7775, 7775, 7775}},
	"zoom zoom zoom zoom zoom zoom zoom hamstring",
	"17190 70799 74842 25910 28658 17552"},
    {{{0, 1, 7775, 1234, 4321, 2008, 6639}},
	"abacus abdomen zoom cone outspoken drop-down t-shirt affix",
	"00000 00056 85750 03709 80273 90328"},
    {{{7747, 7752, 2008, 2527, 6639, 7747, 4000}},
	"yo-yo yoyo drop-down felt-tip t-shirt yo-yo motivate drapery",
	"17128 80055 01208 40452 92297 92065"},
    {{{6781, 0, 7, 8, 9, 10, 11}},
	"till abacus able abnormal abrasion abrasive abreast yo-yo",
	"14991 02249 65188 97710 22971 85152"},
};

#define KNOWN_N (sizeof(known) / sizeof(known[0]))
#define SAMPLE 2 /* of the known ones, with hyphens */

static bool
same(const struct kh_code *a, const struct kh_code *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static enum kh_err
parse(const char *text, struct kh_code *out, unsigned *bad)
{
	/* On the heap in its exact length: a sanitizer sees any overread. */
	size_t n = strlen(text);
	char *p = malloc(n > 0 ? n : 1);
	enum kh_err e;

	assert_non_null(p);
	memcpy(p, text, n);
	memset(out, 0xa5, sizeof(*out));
	*bad = 99;
	e = kh_code_parse(p, n, out, bad);
	free(p);
	return e;
}

static void
refused(const char *text, enum kh_err want, unsigned want_bad)
{
	static const struct kh_code zero;
	struct kh_code c;
	unsigned bad;
	enum kh_err e;

	e = parse(text, &c, &bad);
	if (e != want || bad != want_bad)
		fail_msg("\"%s\": error %d, word %u", text, e, bad);
	assert_true(same(&c, &zero));
}

static void
accepted(const char *text, const struct kh_code *want)
{
	struct kh_code c;
	unsigned bad;
	enum kh_err e;

	e = parse(text, &c, &bad);
	if (e != KH_OK || bad != 0 || !same(&c, want))
		fail_msg("\"%s\": error %d, word %u", text, e, bad);
}

static void
test_known_answers(void **state)
{
	char words[KH_CODE_WORDS_TEXT_LEN], digits[KH_CODE_DIGITS_TEXT_LEN];
	size_t i;

	for (i = 0; i < KNOWN_N; i++) {
		kh_code_words(&known[i].code, words);
		assert_string_equal(words, known[i].words);
		kh_code_digits(&known[i].code, digits);
		assert_string_equal(digits, known[i].digits);
		accepted(known[i].words, &known[i].code);
		accepted(known[i].digits, &known[i].code);
	}
}

static void
test_round_trip(void **state)
{
	char words[KH_CODE_WORDS_TEXT_LEN], digits[KH_CODE_DIGITS_TEXT_LEN];
	struct kh_code c;
	int i;

	for (i = 0; i < 3000; i++) {
		kh_code_generate(&c);
		kh_code_words(&c, words);
		assert_true(strlen(words) < sizeof(words));
		accepted(words, &c);
		kh_code_digits(&c, digits);
		assert_int_equal(strlen(digits), KH_CODE_DIGITS_TEXT_LEN - 1);
		accepted(digits, &c);
	}
}

/* 7 words of 7776 are more than 90 bits, and every one of them is drawn from
 * the whole list. */
static void
test_l15_entropy(void **state)
{
	enum {
		DRAWS = 20000,
		CELLS = 16
	};
	unsigned cell[KH_CODE_WORDS - 1][CELLS] = {{0}};
	double chi2, expected = (double)DRAWS / CELLS, d;
	uint64_t power = 1;
	struct kh_code c;
	size_t i, j;

	/* 7776 is 2^5 3^5, so 7776^7 >= 2^90 if 3^35 >= 2^55. */
	assert_int_equal(KH_WORDLIST_N, 32 * 243);
	for (i = 0; i < 5 * (KH_CODE_WORDS - 1); i++)
		power *= 3;
	assert_true(power >= UINT64_C(1) << 55);
	for (i = 0; i < DRAWS; i++) {
		kh_code_generate(&c);
		for (j = 0; j < KH_CODE_WORDS - 1; j++) {
			assert_true(c.digit[j] < KH_WORDLIST_N);
			cell[j][c.digit[j] / (KH_WORDLIST_N / CELLS)]++;
		}
	}
	for (j = 0; j < KH_CODE_WORDS - 1; j++) {
		chi2 = 0;
		for (i = 0; i < CELLS; i++) {
			d = cell[j][i] - expected;
			chi2 += d * d / expected;
		}
		/* 15 degrees of freedom: beyond 60 once in 10^6 runs. */
		assert_true(chi2 < 60);
	}
}

static void
test_l17_spellings(void **state)
{
	const size_t words = sizeof(word_spellings) / sizeof(word_spellings[0]);
	const size_t digits =
	    sizeof(digit_spellings) / sizeof(digit_spellings[0]);
	size_t i;

	assert_true(words >= 30 && digits >= 10);
	for (i = 0; i < words; i++)
		accepted(word_spellings[i], &known[SAMPLE].code);
	for (i = 0; i < digits; i++)
		accepted(digit_spellings[i], &known[SAMPLE].code);
}

/* Two words of the list that differ in a hyphen only. */
static void
test_l17_yoyo(void **state)
{
	const struct kh_code *c = &known[3].code;

	accepted(
	    "yoyo yoyo drop-down felt-tip t-shirt yoyo motivate drapery", c);
	accepted(
	    "yo-yo yo-yo dropdown felttip tshirt yo-yo motivate drapery", c);
	accepted(
	    "yoyo yo yo drop down felt tip t shirt yoyo motivate drapery", c);
	accepted("yoyoyoyodropdownfelttiptshirtyoyomotivatedrapery", c);
	accepted("till abacus able abnormal abrasion abrasive abreast yoyo",
	    &known[4].code);
	refused("yoyo yoyo drop-down felt-tip t-shirt yoyo motivate drastic",
	    KH_ECHECK, 0);
}

static void
test_unknown_words(void **state)
{
	char text[256];
	const char *w[KH_CODE_WORDS] = {"abacus", "abdomen", "zoom", "cone",
	    "outspoken", "drop-down", "t-shirt", "affix"};
	size_t i, j;

	/* A typo in each place is named by its place, hyphens or not. */
	for (i = 0; i < KH_CODE_WORDS; i++) {
		text[0] = '\0';
		for (j = 0; j < KH_CODE_WORDS; j++) {
			size_t at = strlen(text);
			snprintf(text + at, sizeof(text) - at, "%zu. %s ",
			    j + 1, i == j ? "qabacsu" : w[j]);
		}
		refused(text, KH_EWORD, (unsigned)i + 1);
	}
	refused("abacus abdomen zoom cone outspoken drop-up t-shirt affix",
	    KH_EWORD, 6);
	/* Two beginnings of words that meet do not pass for words. */
	refused(
	    "aba cus2 abd omenx zoom cone outspoken drop-down t-shirt affix",
	    KH_EWORD, 2);
	refused("hello", KH_EWORD, 1);
	refused("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", KH_EWORD, 1);
	refused("abacus \xd0\xb0"
		"bdomen zoom cone outspoken drop-down t-shirt "
		"affix",
	    KH_EWORD, 2);
	/* A digit of a script that we do not read is no blank. */
	refused("0000\xe0\xa5\xa6 00056 85750 03709 80273 90328", KH_EWORD, 1);
}

static void
test_wrong_number(void **state)
{
	refused("", KH_EFORMAT, 0);
	refused("  \n", KH_EFORMAT, 0);
	refused("---", KH_EFORMAT, 0);
	refused(RLM LRM, KH_EFORMAT, 0);
	refused("abacus abdomen zoom cone outspoken drop-down t-shirt",
	    KH_EFORMAT, 0);
	refused("abacus abdomen zoom cone outspoken drop-down t-shirt affix "
		"affix",
	    KH_EFORMAT, 0);
	refused("abacus abdomen zoom cone outspoken drop-down t-shirt affix "
		"qqq",
	    KH_EFORMAT, 0);
	refused(
	    "abacus abdomen zoom cone outspoken drop-down t-shirtaffixaffix",
	    KH_EFORMAT, 0);
	refused("00000 00056 85750 03709 80273 9032", KH_EFORMAT, 0);
	refused("00000 00056 85750 03709 80273 903281", KH_EFORMAT, 0);
	refused("7", KH_EFORMAT, 0);
	/* Numbers of groups that are not theirs. */
	refused(
	    "1 00000 2 00056 3 85750 4 03709 6 80273 5 90328", KH_EFORMAT, 0);
	refused(
	    "0 00000 1 00056 2 85750 3 03709 4 80273 5 90328", KH_EFORMAT, 0);
	refused(
	    "1 00000 2 00056 3 85750 4 03709 5 80273 6 9032", KH_EFORMAT, 0);
	refused(
	    "1 00000 2 00056 3 85750 4 03709 5 80273 6 90328 7", KH_EFORMAT, 0);
	refused("1 00000 2 00056 3 85750 4 03709 5 80273 6", KH_EFORMAT, 0);
}

static void
test_not_text(void **state)
{
	struct kh_code c;
	unsigned bad;

	refused("abacus\xff", KH_EFORMAT, 0);
	refused("abacus\xc2", KH_EFORMAT, 0);
	refused("\xc0\x80", KH_EFORMAT, 0);
	refused("\xed\xa0\x80", KH_EFORMAT, 0);
	assert_int_equal(kh_code_parse("abacus\0", 7, &c, &bad), KH_EFORMAT);
	assert_int_equal(kh_code_parse(NULL, 0, &c, &bad), KH_EFORMAT);
}

static void
test_check_word(void **state)
{
	char text[KH_CODE_WORDS_TEXT_LEN];
	struct kh_code c = known[SAMPLE].code, got;
	unsigned i, bad, wrong = 0;

	/* Another word in any place: 1 of 7776 may pass. */
	for (i = 0; i < 500; i++) {
		struct kh_code other = c;

		kh_code_words(&c, text);
		other.digit[i % 7] = (uint16_t)(i * 15 + 3);
		if (same(&other, &c))
			continue;
		char words[KH_CODE_WORDS_TEXT_LEN];
		kh_code_words(&other, words);
		/* the other's words, this one's check word */
		*strrchr(words, ' ') = '\0';
		char mixed[2 * KH_CODE_WORDS_TEXT_LEN];
		snprintf(
		    mixed, sizeof(mixed), "%s%s", words, strrchr(text, ' '));
		wrong += parse(mixed, &got, &bad) != KH_ECHECK;
	}
	assert_true(wrong <= 2);
	/* two words exchanged */
	refused("abdomen abacus zoom cone outspoken drop-down t-shirt affix",
	    KH_ECHECK, 0);
	refused("abacus abdomen zoom cone outspoken drop-down affix t-shirt",
	    KH_ECHECK, 0);
}

/* ISO 7064 MOD 97-10 finds every single wrong digit and every exchange of two
 * neighbours. */
static void
test_check_digits(void **state)
{
	char digits[KH_CODE_DIGITS_TEXT_LEN], text[KH_CODE_DIGITS_TEXT_LEN];
	size_t i, k;
	char d;

	for (k = 0; k < KNOWN_N; k++) {
		kh_code_digits(&known[k].code, digits);
		for (i = 0; i < strlen(digits); i++) {
			memcpy(text, digits, sizeof(text));
			for (d = '0'; digits[i] != ' ' && d <= '9'; d++) {
				text[i] = d;
				if (d != digits[i])
					refused(text, KH_ECHECK, 0);
			}
			memcpy(text, digits, sizeof(text));
			if (i == 0 || digits[i] == ' ' ||
			    digits[i - 1] == ' ' || digits[i] == digits[i - 1])
				continue;
			text[i] = digits[i - 1];
			text[i - 1] = digits[i];
			refused(text, KH_ECHECK, 0);
		}
	}
	/* 01 for 98, and 99 for 02: congruent, but not canonical */
	refused("00000 00000 00000 00000 00000 00001", KH_ECHECK, 0);
}

static void
test_digits_out_of_range(void **state)
{
	uint8_t dec[28] = {1, 7, 1, 9, 0, 7, 0, 7, 9, 9, 7, 4, 8, 4, 2, 2, 5, 9,
	    1, 0, 2, 8, 6, 5, 8, 1, 7, 6};
	char text[32];
	unsigned r = 0, i, nines;

	/* 7776^7 itself, and 28 nines, with right check digits */
	for (nines = 0; nines < 2; nines++) {
		for (i = 0, r = 0; i < 28; i++) {
			dec[i] = nines ? 9 : dec[i];
			text[i] = (char)('0' + dec[i]);
			r = (r * 10 + dec[i]) % 97;
		}
		r = 98 - r * 100 % 97;
		text[28] = (char)('0' + r / 10);
		text[29] = (char)('0' + r % 10);
		text[30] = '\0';
		refused(text, KH_ECHECK, 0);
	}
}

static void
test_l18_length(void **state)
{
	char *text = malloc(KH_CODE_TEXT_MAX + 1);
	struct kh_code c;
	unsigned bad;
	size_t n = strlen(known[SAMPLE].words);

	assert_non_null(text);
	memset(text, ' ', KH_CODE_TEXT_MAX + 1);
	memcpy(text, known[SAMPLE].words, n);
	assert_int_equal(
	    kh_code_parse(text, KH_CODE_TEXT_MAX, &c, &bad), KH_OK);
	assert_int_equal(
	    kh_code_parse(text, KH_CODE_TEXT_MAX + 1, &c, &bad), KH_ELIMIT);
	/* the cap alone decides; what lies behind it is not read */
	assert_int_equal(
	    kh_code_parse(text, (size_t)1 << 40, &c, &bad), KH_ELIMIT);
	/* text that grows when it is taken apart */
	memset(text, 'x', KH_CODE_TEXT_MAX);
	for (n = 0; n + 3 <= KH_CODE_TEXT_MAX; n += 3)
		memcpy(text + n, "\xef\xb7\xba", 3);
	assert_int_equal(
	    kh_code_parse(text, KH_CODE_TEXT_MAX, &c, &bad), KH_EWORD);
	assert_int_equal(bad, 1);
	assert_int_equal(
	    kh_code_parse(text, KH_CODE_TEXT_MAX - 1, &c, &bad), KH_EWORD);
	free(text);
}

/* The word itself, to be shown to who typed it: nothing else of the code, at
 * most so many bytes, and none that HTML would have to escape. */
static void
assert_bad_word(const char *text, const char *want)
{
	char word[KH_BAD_WORD_MAX + 1];

	memset(word, 0x77, sizeof(word));
	kh_code_bad_word(text, strlen(text), word);
	assert_string_equal(word, want);
}

static void
test_bad_word(void **state)
{
	static const char rest[] =
	    " zoom cone outspoken drop-down t-shirt affix";
	char text[KH_CODE_TEXT_MAX + 2], want[KH_BAD_WORD_MAX + 1];

	(void)state;
	snprintf(text, sizeof(text), "abacus Qabacsu%s", rest);
	assert_bad_word(text, "qabacsu");
	snprintf(text, sizeof(text), "1. abacus\n2. \xe2\x80\x8fqaba%s", rest);
	assert_bad_word(text, "qaba");
	assert_bad_word("<b>&\"'", "b"); /* marks are blanks */
	assert_bad_word("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d x", "????");
	assert_bad_word("q\xd0\xb0z abacus", "q?z");
	/* None is bad, or it is no text at all. */
	snprintf(text, sizeof(text), "abacus abdomen%s", rest);
	assert_bad_word(text, "");
	assert_bad_word("abacus abdomen", "");
	assert_bad_word("12345 12345", "");
	assert_bad_word("", "");
	assert_bad_word("abacus \xff", "");
	/* As long as it may be, and longer. */
	memset(text, 'q', sizeof(text));
	memset(want, 'q', KH_BAD_WORD_MAX);
	want[KH_BAD_WORD_MAX] = '\0';
	text[KH_CODE_TEXT_MAX] = '\0';
	assert_bad_word(text, want);
	text[KH_BAD_WORD_MAX] = '\0';
	assert_bad_word(text, want);
	text[KH_BAD_WORD_MAX] = 'q';
	text[KH_CODE_TEXT_MAX] = 'q';
	text[KH_CODE_TEXT_MAX + 1] = '\0';
	assert_bad_word(text, "");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_known_answers),
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_l15_entropy),
    cmocka_unit_test(test_l17_spellings),
    cmocka_unit_test(test_l17_yoyo),
    cmocka_unit_test(test_unknown_words),
    cmocka_unit_test(test_bad_word),
    cmocka_unit_test(test_wrong_number),
    cmocka_unit_test(test_not_text),
    cmocka_unit_test(test_check_word),
    cmocka_unit_test(test_check_digits),
    cmocka_unit_test(test_digits_out_of_range),
    cmocka_unit_test(test_l18_length),
};

TAP_MAIN(tests)
