/*
 * The return code: known answers, everything people do to it when they type or
 * paste it, every mistake recognised, and the derivation.
 */
#include "tests/unit/tap.h"

#include <sodium.h>
#include <stdbool.h>

#include "knothole/code.h"

static bool pwhash_fails, alloc_fails;
static unsigned pwhash_calls;

static int
test_pwhash(unsigned char *out, unsigned long long out_len, const char *pw,
    unsigned long long pw_len, const unsigned char *salt,
    unsigned long long ops, size_t mem, int alg)
{
	pwhash_calls++;
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

#define RLM "\xe2\x80\x8f"
#define LRM "\xe2\x80\x8e"
#define RLE "\xe2\x80\xab"
#define PDF "\xe2\x80\xac"
#define RLI "\xe2\x81\xa7"
#define FSI "\xe2\x81\xa8"
#define PDI "\xe2\x81\xa9"
#define ALM "\xd8\x9c"
#define ZWSP "\xe2\x80\x8b"
#define ZWNJ "\xe2\x80\x8c"
#define BOM "\xef\xbb\xbf"
#define NBSP "\xc2\xa0"
#define IDEO "\xe3\x80\x80"
#define SHY "\xc2\xad"

static const char *const word_spellings[] = {
    "ABACUS ABDOMEN ZOOM CONE OUTSPOKEN DROP-DOWN T-SHIRT AFFIX",
    "Abacus Abdomen Zoom Cone Outspoken Drop-Down T-Shirt Affix",
    "  abacus  abdomen\tzoom   cone outspoken drop-down t-shirt affix  ",
    "abacus\nabdomen\nzoom\ncone\noutspoken\ndrop-down\nt-shirt\naffix\n",
    "abacus\r\nabdomen\r\nzoom\r\ncone\r\noutspoken\r\ndrop-down\r\nt-shirt"
    "\r\naffix\r\n",
    "abacus-abdomen-zoom-cone-outspoken-drop-down-t-shirt-affix",
    "abacus\xe2\x80\x90"
    "abdomen\xe2\x80\x91zoom\xe2\x80\x92"
    "cone"
    "\xe2\x80\x93outspoken\xe2\x80\x94"
    "drop\xe2\x80\x94"
    "down\xe2\x88\x92"
    "t\xe2\x80\x91shirt\xe2\x80\x95"
    "affix",
    "abacus, abdomen, zoom, cone, outspoken, drop-down, t-shirt, affix",
    "abacus,abdomen,zoom,cone,outspoken,drop-down,t-shirt,affix.",
    "abacus; abdomen; zoom; cone; outspoken; drop-down; t-shirt; affix",
    "abacus/abdomen/zoom/cone/outspoken/drop-down/t-shirt/affix",
    "abacus.abdomen.zoom.cone.outspoken.drop-down.t-shirt.affix",
    "abacus_abdomen_zoom_cone_outspoken_drop_down_t_shirt_affix",
    "abacus | abdomen | zoom | cone | outspoken | drop-down | t-shirt | affix",
    "1. abacus 2. abdomen 3. zoom 4. cone 5. outspoken 6. drop-down "
    "7. t-shirt 8. affix",
    "1) abacus\n2) abdomen\n3) zoom\n4) cone\n5) outspoken\n6) drop-down\n"
    "7) t-shirt\n8) affix",
    "1: abacus, 2: abdomen, 3: zoom, 4: cone, 5: outspoken, 6: drop-down, "
    "7: t-shirt, 8: affix",
    "(1) abacus (2) abdomen (3) zoom (4) cone (5) outspoken (6) drop-down "
    "(7) t-shirt (8) affix",
    "1abacus2abdomen3zoom4cone5outspoken6drop-down7t-shirt8affix",
    "\xe2\x91\xa0 abacus \xe2\x91\xa1 abdomen \xe2\x91\xa2 zoom \xe2\x91\xa3 "
    "cone \xe2\x91\xa4 outspoken \xe2\x91\xa5 drop-down \xe2\x91\xa6 t-shirt "
    "\xe2\x91\xa7 affix",
    "- abacus\n- abdomen\n* zoom\n* cone\n\xe2\x80\xa2 outspoken\n"
    "\xe2\x80\xa2 drop-down\n> t-shirt\n> affix",
    "\"abacus abdomen zoom cone outspoken drop-down t-shirt affix\"",
    "\xe2\x80\x9c"
    "abacus abdomen zoom cone outspoken drop-down t-shirt "
    "affix\xe2\x80\x9d",
    /* hyphens lost, and words run together or torn */
    "abacus abdomen zoom cone outspoken dropdown tshirt affix",
    "abacus abdomen zoom cone outspoken drop down t shirt affix",
    "abacusabdomenzoomconeoutspokendrop-downt-shirtaffix",
    "AbacusAbdomenZoomConeOutspokenDropdownTshirtAffix",
    "abacus abdo-\nmen zoom cone out-\nspoken drop-\ndown t-shirt affix",
    "abacus abdomenzoom cone outspoken drop-down t-shirtaffix",
    /* blanks of all kinds */
    "abacus" NBSP "abdomen" NBSP "zoom" NBSP "cone" NBSP "outspoken" NBSP
    "drop-down" NBSP "t-shirt" NBSP "affix",
    "abacus" IDEO "abdomen" IDEO "zoom" IDEO "cone\xe2\x80\xaf"
    "outspoken"
    "\xe2\x80\x89"
    "drop-down\xe2\x80\x83t-shirt\xe2\x80\xa8"
    "affix"
    "\xe2\x80\xa9",
    /* invisible things */
    BOM "abacus abdomen zoom cone outspoken drop-down t-shirt affix",
    "aba" SHY "cus abdo" SHY "men zoom cone out" SHY "spoken drop-down "
    "t-shirt affix",
    "abacus" ZWSP "abdomen" ZWSP "zoom" ZWSP "cone" ZWSP "outspoken" ZWSP
    "drop-down" ZWSP "t-shirt" ZWSP "affix",
    "a" ZWNJ "bacus abdomen zo" ZWSP "om cone outspoken drop-down t-shirt "
    "affix",
    "aba\xcd\x8f"
    "cus abdomen zoom cone outspoken drop-down t-shirt affix",
    /* pasted out of a right-to-left text */
    RLM "abacus" RLM " " RLM "abdomen" RLM " " LRM "zoom" LRM " cone "
	"outspoken drop" LRM "-down t-shirt affix" RLM,
    RLE "abacus abdomen zoom cone outspoken drop-down t-shirt affix" PDF,
    RLI FSI "abacus" PDI " " FSI "abdomen" PDI " " FSI "zoom" PDI " " FSI
	    "cone" PDI " " FSI "outspoken" PDI " " FSI "drop-down" PDI " " FSI
	    "t-shirt" PDI " " FSI "affix" PDI PDI,
    ALM "abacus\xd8\x8c abdomen\xd8\x8c zoom\xd8\x8c cone\xd8\x8c outspoken"
	"\xd8\x8c drop-down\xd8\x8c t-shirt\xd8\x8c affix",
    "\xd9\xa1. abacus \xd9\xa2. abdomen \xd9\xa3. zoom \xd9\xa4. cone "
    "\xd9\xa5. outspoken \xd9\xa6. drop-down \xd9\xa7. t-shirt \xd9\xa8. "
    "affix",
    RLM "\xdb\xb1) abacus\n" RLM "\xdb\xb2) abdomen\n" RLM
	"\xdb\xb3) zoom\n" RLM "\xdb\xb4) cone\n" RLM
	"\xdb\xb5) outspoken\n" RLM "\xdb\xb6) "
	"drop-down\n" RLM "\xdb\xb7) t-shirt\n" RLM "\xdb\xb8) affix\n",
    "abacus abdomen zoom cone outspoken drop\xd6\xbe"
    "down t\xd6\xbeshirt "
    "affix",
    /* keyboards and fonts */
    "\xef\xbd\x81\xef\xbd\x82\xef\xbd\x81\xef\xbd\x83\xef\xbd\x95\xef\xbd\x93"
    " abdomen \xef\xbc\xba\xef\xbc\xaf\xef\xbc\xaf\xef\xbc\xad cone outspoken "
    "drop\xef\xbc\x8d"
    "down t-shirt\xef\xbc\x8c"
    "affix",
    "abacus abdomen zoom cone outspoken drop-down t-sh\xc4\xb1rt "
    "a\xef\xac\x83x",
    "ABACUS ABDOMEN ZOOM CONE OUTSPOKEN DROP-DOWN T-SH\xc4\xb0RT AFF\xc4\xb0X",
    "ab\xc3\xa1"
    "cus abdomen zoom cone outspoken drop-down t-shirt affix",
    /* the whole receipt, digits after the words */
    "abacus abdomen zoom cone outspoken drop-down t-shirt affix\n\n"
    "00000 00056 85750 03709 80273 90328\n",
};

static const char *const digit_spellings[] = {
    "000000005685750037098027390328",
    "00000-00056-85750-03709-80273-90328",
    "00000 00056\n85750 03709\n80273 90328\n",
    "00000" NBSP "00056" NBSP "85750" NBSP "03709" NBSP "80273" NBSP "90328",
    "00000, 00056, 85750, 03709, 80273, 90328.",
    "0 0 0 0 0 0 0 0 5 6 8 5 7 5 0 0 3 7 0 9 8 0 2 7 3 9 0 3 2 8",
    RLM "00000" LRM " 00056 85750 03709 80273 90328" RLM,
    "\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0 \xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa5"
    "\xd9\xa6 \xd9\xa8\xd9\xa5\xd9\xa7\xd9\xa5\xd9\xa0 \xd9\xa0\xd9\xa3\xd9\xa7"
    "\xd9\xa0\xd9\xa9 \xd9\xa8\xd9\xa0\xd9\xa2\xd9\xa7\xd9\xa3 \xd9\xa9\xd9\xa0"
    "\xd9\xa3\xd9\xa2\xd9\xa8",
    ALM "\xdb\xb0\xdb\xb0\xdb\xb0\xdb\xb0\xdb\xb0 \xdb\xb0\xdb\xb0\xdb\xb0"
	"\xdb\xb5\xdb\xb6 \xdb\xb8\xdb\xb5\xdb\xb7\xdb\xb5\xdb\xb0 03709 80273 "
	"90328",
    "\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90\xef\xbc\x90" IDEO
    "00056" IDEO "85750" IDEO "03709" IDEO "80273" IDEO "90328",
    "(00000) [00056] 85750/03709/80273/90328",
    "00000\xe2\x80\x93"
    "00056\xe2\x80\x94"
    "85750\xe2\x88\x92"
    "03709" ZWSP "80273" BOM "90328",
};

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
	pwhash_calls = 0;
	assert_int_equal(
	    kh_code_parse(text, KH_CODE_TEXT_MAX, &c, &bad), KH_OK);
	assert_int_equal(
	    kh_code_parse(text, KH_CODE_TEXT_MAX + 1, &c, &bad), KH_ELIMIT);
	/* the cap alone decides; what lies behind it is not read */
	assert_int_equal(
	    kh_code_parse(text, (size_t)1 << 40, &c, &bad), KH_ELIMIT);
	assert_int_equal(pwhash_calls, 0);
	/* text that grows when it is taken apart */
	memset(text, 'x', KH_CODE_TEXT_MAX);
	for (n = 0; n + 3 <= KH_CODE_TEXT_MAX; n += 3)
		memcpy(text + n, "\xef\xb7\xba", 3);
	assert_int_not_equal(
	    kh_code_parse(text, KH_CODE_TEXT_MAX, &c, &bad), KH_OK);
	free(text);
}

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
	assert_int_equal(kh_code_derive(&known[SAMPLE].code, salt, &k), KH_OK);
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
	struct kh_code other = known[SAMPLE].code;

	assert_int_equal(kh_code_derive(&known[SAMPLE].code, salt, &a), KH_OK);
	salt[KH_SALT_LEN - 1] = 1;
	assert_int_equal(kh_code_derive(&known[SAMPLE].code, salt, &b), KH_OK);
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
	assert_int_equal(kh_code_derive(&known[0].code, salt, &k), KH_ENOMEM);
	pwhash_fails = false;
	assert_memory_equal(&k, &zero, sizeof(k));
	memset(&k, 0xa5, sizeof(k));
	alloc_fails = true;
	assert_int_equal(kh_code_derive(&known[0].code, salt, &k), KH_ENOMEM);
	alloc_fails = false;
	assert_memory_equal(&k, &zero, sizeof(k));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_known_answers),
    cmocka_unit_test(test_round_trip),
    cmocka_unit_test(test_l15_entropy),
    cmocka_unit_test(test_l17_spellings),
    cmocka_unit_test(test_l17_yoyo),
    cmocka_unit_test(test_unknown_words),
    cmocka_unit_test(test_wrong_number),
    cmocka_unit_test(test_not_text),
    cmocka_unit_test(test_check_word),
    cmocka_unit_test(test_check_digits),
    cmocka_unit_test(test_digits_out_of_range),
    cmocka_unit_test(test_l18_length),
    cmocka_unit_test(test_word_list),
    cmocka_unit_test(test_fingerprint),
    cmocka_unit_test(test_derive_known_answer),
    cmocka_unit_test(test_l15_derive_separates),
    cmocka_unit_test(test_derive_no_memory),
};

TAP_MAIN(tests)
