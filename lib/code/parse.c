/*
 * The return code read back as people type, dictate and paste it (L17).
 * Separate because forgiveness is a different trade from strict parsing: here
 * many spellings mean one code, and the check word or digits guard it.
 */
#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

#include "knothole/code.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/code/canon.h"

#define BLANK ' ' /* anything that stands between words or digits */
#define UNKNOWN '?' /* anything that belongs to a word but to none of ours */

/* The text, folded: a-z, 0-9, BLANK (never two in a row), UNKNOWN. */
struct folded {
	char text[KH_CODE_TEXT_MAX];
	size_t n;
	size_t letters; /* a-z and UNKNOWN */
};

/* Words of the list that are found without their hyphen: no word is the
 * beginning of another even so. "yoyo" is a word itself. */
static const struct {
	const char *typed;
	const char *word;
} hyphenated[] = {
    {"dropdown", "drop-down"},
    {"felttip", "felt-tip"},
    {"tshirt", "t-shirt"},
};

/* Values of digits whose blocks begin at these code points; full-width and
 * the like have been decomposed to ASCII before. */
static const utf8proc_int32_t digit_zero[] = {'0', 0x0660, 0x06f0};

static char
classify(utf8proc_int32_t cp)
{
	utf8proc_category_t cat;
	size_t i;

	if ((cp >= 'a' && cp <= 'z') || cp == BLANK)
		return (char)cp;
	if (cp == 0x0131) /* dotless i: a Turkish keyboard */
		return 'i';
	for (i = 0; i < sizeof(digit_zero) / sizeof(digit_zero[0]); i++) {
		if (cp >= digit_zero[i] && cp <= digit_zero[i] + 9)
			return (char)('0' + (cp - digit_zero[i]));
	}
	/* Punctuation, symbols, separators and controls are one range. */
	cat = utf8proc_category(cp);
	if (cat >= UTF8PROC_CATEGORY_PC && cat <= UTF8PROC_CATEGORY_CC)
		return BLANK;
	return UNKNOWN;
}

static bool
is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool
is_letter(char ch)
{
	return ch != BLANK && !is_digit(ch);
}

static enum kh_err
append(struct folded *f, char ch)
{
	if (ch == BLANK && (f->n == 0 || f->text[f->n - 1] == BLANK))
		return KH_OK;
	if (f->n == sizeof(f->text))
		return KH_EFORMAT; /* compatibility forms that unfold */
	f->text[f->n++] = ch;
	f->letters += is_letter(ch);
	return KH_OK;
}

/*
 * Case folded, compatibility forms (full-width, ligatures) taken apart, marks
 * and everything invisible (bidi, zero-width, soft hyphen, BOM) left out:
 * UAX #15 NFKD and Default_Ignorable_Code_Point.
 */
static enum kh_err
fold(const char *text, size_t n, struct folded *f)
{
	const utf8proc_option_t how = UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
	    UTF8PROC_CASEFOLD | UTF8PROC_IGNORE | UTF8PROC_STRIPMARK;
	utf8proc_int32_t cp = 0, part[32] = {0};
	utf8proc_ssize_t used, parts, i;
	enum kh_err e = KH_OK;
	int boundclass = 0;
	size_t at = 0;

	memset(f, 0, sizeof(*f));
	while (at < n && e == KH_OK) {
		used = utf8proc_iterate((const utf8proc_uint8_t *)text + at,
		    (utf8proc_ssize_t)(n - at), &cp);
		if (used <= 0 || cp == 0) {
			e = KH_EFORMAT;
			break;
		}
		at += (size_t)used;
		parts = utf8proc_decompose_char(
		    cp, part, sizeof(part) / sizeof(part[0]), how, &boundclass);
		if (parts < 0 || (size_t)parts > sizeof(part) / sizeof(part[0]))
			e = KH_EFORMAT;
		for (i = 0; e == KH_OK && i < parts; i++)
			e = append(f, classify(part[i]));
	}
	kh_wipe(part, sizeof(part));
	kh_wipe(&cp, sizeof(cp));
	return e;
}

/* The index of a word that may have lost its hyphen, or -1. */
static int
word_index(const char *w, size_t n)
{
	size_t i;

	for (i = 0; i < sizeof(hyphenated) / sizeof(hyphenated[0]); i++) {
		if (strlen(hyphenated[i].typed) == n &&
		    memcmp(hyphenated[i].typed, w, n) == 0)
			return kh_word_index(
			    hyphenated[i].word, strlen(hyphenated[i].word));
	}
	return kh_word_index(w, n);
}

/*
 * The word that begins at `*at`, whatever stands between its letters: since no
 * word is the beginning of another there is at most one. `*at` moves behind
 * it. Returns its index or -1.
 *	split	a blank or the like was inside it
 */
static int
next_word(const char *t, size_t n, size_t *at, bool *split)
{
	char w[KH_WORD_MAX];
	size_t i, len = 0, last = 0;
	int index = -1;

	*split = false;
	for (i = *at; i < n && len < sizeof(w) && index < 0; i++) {
		if (!is_letter(t[i]))
			continue;
		*split |= len > 0 && i != last + 1;
		last = i;
		w[len++] = t[i];
		index = word_index(w, len);
	}
	*at = i;
	kh_wipe(w, sizeof(w));
	return index;
}

static size_t
skip_to_letter(const char *t, size_t n, size_t at)
{
	while (at < n && !is_letter(t[at]))
		at++;
	return at;
}

/*
 * Read words until the end of the text, whatever separates them or not.
 * Returns how many there are; 0 if there is something else, or more than
 * KH_CODE_WORDS.
 */
static size_t
read_words(const char *t, size_t n, uint16_t w[static KH_CODE_WORDS])
{
	size_t at, count = 0;
	bool split;
	int index;

	for (at = skip_to_letter(t, n, 0); at < n;
	     at = skip_to_letter(t, n, at)) {
		index = next_word(t, n, &at, &split);
		if (index < 0 || count == KH_CODE_WORDS)
			return 0;
		if (split && index == kh_word_index("yoyo", 4))
			index = kh_word_index("yo-yo", 5);
		w[count++] = (uint16_t)index;
	}
	return count;
}

static bool
fits(const uint16_t w[static KH_CODE_WORDS], struct kh_code *out)
{
	memcpy(out->digit, w, sizeof(out->digit));
	return kh_code_check(out) == w[KH_CODE_WORDS - 1];
}

/*
 * Does the check word fit? "yo-yo" and "yoyo" are two words of the list that
 * people will not tell apart: if it does not fit as they are spelled, every
 * other way to read them is tried.
 */
static bool
fits_somehow(uint16_t w[static KH_CODE_WORDS], struct kh_code *out)
{
	const uint16_t a = (uint16_t)kh_word_index("yoyo", 4);
	const uint16_t b = (uint16_t)kh_word_index("yo-yo", 5);
	size_t where[KH_CODE_WORDS], n = 0, i;
	unsigned way;

	if (fits(w, out))
		return true;
	for (i = 0; i < KH_CODE_WORDS; i++) {
		if (w[i] == a || w[i] == b)
			where[n++] = i;
	}
	/* Count in Gray code: one word changes from each way to the next. */
	for (way = 1; way < 1U << n; way++) {
		for (i = 0; ((way >> i) & 1) == 0; i++)
			;
		w[where[i]] = w[where[i]] == a ? b : a;
		if (fits(w, out))
			return true;
	}
	return false;
}

static size_t
token_end(const struct folded *f, size_t at)
{
	while (at < f->n && is_letter(f->text[at]))
		at++;
	return at;
}

/* How many words the token at `at` consists of, or it and the token after it
 * (a lost or a parted hyphen); 0 if none. `*at` moves behind what was used. */
static size_t
token_words(const struct folded *f, size_t *at)
{
	uint16_t w[KH_CODE_WORDS];
	size_t start = *at, end, count;

	end = token_end(f, start);
	count = read_words(f->text + start, end - start, w);
	if (count == 0) {
		end = token_end(f, skip_to_letter(f->text, f->n, end));
		count = read_words(f->text + start, end - start, w);
	}
	kh_wipe(w, sizeof(w));
	*at = end;
	return count;
}

/* Why were these not 8 words that fit? `*start` receives where the bad one
 * begins. */
static enum kh_err
diagnose(const struct folded *f, unsigned *bad_word, size_t *start)
{
	size_t at, words, count = 0;

	for (at = skip_to_letter(f->text, f->n, 0); at < f->n;
	     at = skip_to_letter(f->text, f->n, at)) {
		*start = at;
		words = token_words(f, &at);
		if (words == 0 && count < KH_CODE_WORDS) {
			*bad_word = (unsigned)count + 1;
			return KH_EWORD;
		}
		if (words == 0 || count + words > KH_CODE_WORDS)
			return KH_EFORMAT;
		count += words;
	}
	return count == KH_CODE_WORDS ? KH_ECHECK : KH_EFORMAT;
}

static enum kh_err
parse_words(const struct folded *f, struct kh_code *out, unsigned *bad_word)
{
	uint16_t w[KH_CODE_WORDS] = {0};
	enum kh_err e = KH_OK;
	size_t start;

	if (read_words(f->text, f->n, w) != KH_CODE_WORDS ||
	    !fits_somehow(w, out))
		e = diagnose(f, bad_word, &start);
	kh_wipe(w, sizeof(w));
	return e;
}

/* S = S * 10 + decimal digit, over all digits. KH_ECHECK when it leaves its
 * 7 base-7776 digits. */
static enum kh_err
from_decimal(const uint8_t dec[static KH_CODE_DECIMALS], struct kh_code *out)
{
	uint32_t carry;
	size_t i, j;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < KH_CODE_DECIMALS; i++) {
		carry = dec[i];
		for (j = KH_CODE_BASE_DIGITS; j-- > 0;) {
			carry += out->digit[j] * UINT32_C(10);
			out->digit[j] = (uint16_t)(carry % KH_WORDLIST_N);
			carry /= KH_WORDLIST_N;
		}
		if (carry != 0)
			return KH_ECHECK;
	}
	return KH_OK;
}

static enum kh_err
parse_digits(const struct folded *f, struct kh_code *out)
{
	uint8_t dec[KH_CODE_DIGITS];
	enum kh_err e = KH_EFORMAT;
	size_t i, n = 0;

	for (i = 0; i < f->n; i++) {
		if (!is_digit(f->text[i]))
			continue;
		if (n == sizeof(dec))
			goto out;
		dec[n++] = (uint8_t)(f->text[i] - '0');
	}
	if (n != sizeof(dec))
		goto out;
	e = KH_ECHECK;
	if (kh_code_mod97(dec) !=
	    dec[KH_CODE_DECIMALS] * 10U + dec[KH_CODE_DECIMALS + 1])
		goto out;
	e = from_decimal(dec, out);
out:
	kh_wipe(dec, sizeof(dec));
	return e;
}

enum kh_err
kh_code_parse(
    const char *text, size_t n, struct kh_code *out, unsigned *bad_word)
{
	struct folded f;
	enum kh_err e;

	PRECOND((text != NULL || n == 0) && out != NULL && bad_word != NULL);
	*bad_word = 0;
	kh_wipe(out, sizeof(*out));
	if (n > KH_CODE_TEXT_MAX)
		return KH_ELIMIT;
	e = fold(text, n, &f);
	/* Beside words, digits are numbering; without words they are the code. */
	if (e == KH_OK)
		e = f.letters > 0 ? parse_words(&f, out, bad_word)
				  : parse_digits(&f, out);
	kh_wipe(&f, sizeof(f));
	if (e != KH_OK)
		kh_wipe(out, sizeof(*out));
	return e;
}

void
kh_code_bad_word(
    const char *text, size_t n, char out[static KH_BAD_WORD_MAX + 1])
{
	size_t start = 0, len;
	struct folded f;
	unsigned at;

	PRECOND(text != NULL || n == 0);
	kh_wipe(out, KH_BAD_WORD_MAX + 1);
	if (n <= KH_CODE_TEXT_MAX && fold(text, n, &f) == KH_OK &&
	    diagnose(&f, &at, &start) == KH_EWORD) {
		len = token_end(&f, start) - start;
		if (len > KH_BAD_WORD_MAX)
			len = KH_BAD_WORD_MAX;
		memcpy(out, f.text + start, len);
	}
	kh_wipe(&f, sizeof(f));
}
