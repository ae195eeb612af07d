/*
 * Words as people type them (L17). Separate because forgiveness is a different
 * trade from strict parsing: here many spellings mean one word, and whoever
 * reads them guards them with a check.
 */
#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

#include "knothole/code.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/code/typed.h"

#define BLANK ' ' /* anything that stands between words or digits */
#define UNKNOWN '?' /* anything that belongs to a word but to none of ours */

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
append(struct kh_typed *f, char ch)
{
	if (ch == BLANK && (f->n == 0 || f->text[f->n - 1] == BLANK))
		return KH_OK;
	if (f->n == f->cap)
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
enum kh_err
kh_typed_fold(const char *text, size_t n, struct kh_typed *f)
{
	const utf8proc_option_t how = UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT |
	    UTF8PROC_CASEFOLD | UTF8PROC_IGNORE | UTF8PROC_STRIPMARK;
	utf8proc_int32_t cp = 0, part[32] = {0};
	utf8proc_ssize_t used, parts, i;
	enum kh_err e = KH_OK;
	int boundclass = 0;
	size_t at = 0;

	PRECOND((text != NULL || n == 0) && f != NULL && f->text != NULL);
	f->n = f->letters = 0;
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

size_t
kh_typed_words(const char *t, size_t n, uint16_t *w, size_t max)
{
	size_t at, count = 0;
	bool split;
	int index;

	for (at = skip_to_letter(t, n, 0); at < n;
	     at = skip_to_letter(t, n, at)) {
		index = next_word(t, n, &at, &split);
		if (index < 0 || count == max)
			return 0;
		if (split && index == kh_word_index("yoyo", 4))
			index = kh_word_index("yo-yo", 5);
		w[count++] = (uint16_t)index;
	}
	return count;
}

static size_t
token_end(const struct kh_typed *f, size_t at)
{
	while (at < f->n && is_letter(f->text[at]))
		at++;
	return at;
}

/* How many words the token at `at` consists of, or it and the token after it
 * (a lost or a parted hyphen); 0 if none. `*at` moves behind what was used. */
static size_t
token_words(const struct kh_typed *f, size_t *at)
{
	uint16_t w[KH_CODE_WORDS];
	size_t start = *at, end, count;

	end = token_end(f, start);
	count = kh_typed_words(f->text + start, end - start, w, KH_CODE_WORDS);
	if (count == 0) {
		end = token_end(f, skip_to_letter(f->text, f->n, end));
		count = kh_typed_words(
		    f->text + start, end - start, w, KH_CODE_WORDS);
	}
	kh_wipe(w, sizeof(w));
	*at = end;
	return count;
}

bool
kh_typed_bad(const struct kh_typed *f, size_t max, size_t *count, size_t *start)
{
	size_t at, words;

	*count = 0;
	for (at = skip_to_letter(f->text, f->n, 0); at < f->n && *count < max;
	     at = skip_to_letter(f->text, f->n, at)) {
		*start = at;
		words = token_words(f, &at);
		if (words == 0)
			return true;
		*count += words;
	}
	if (at < f->n)
		*count = max + 1;
	return false;
}

void
kh_typed_token(const struct kh_typed *f, size_t start,
    char out[static KH_BAD_WORD_MAX + 1])
{
	size_t len = token_end(f, start) - start;

	if (len > KH_BAD_WORD_MAX)
		len = KH_BAD_WORD_MAX;
	memcpy(out, f->text + start, len);
	out[len] = '\0';
}

bool
kh_typed_fits(uint16_t *w, size_t n, const struct kh_typed_check *check)
{
	const uint16_t a = (uint16_t)kh_word_index("yoyo", 4);
	const uint16_t b = (uint16_t)kh_word_index("yo-yo", 5);
	size_t where[KH_CODE_WORDS], k = 0, i;
	unsigned way;

	PRECOND(w != NULL && n <= KH_CODE_WORDS && check != NULL);
	if (check->fits(check->ctx, w))
		return true;
	for (i = 0; i < n; i++) {
		if (w[i] == a || w[i] == b)
			where[k++] = i;
	}
	/* Count in Gray code: one word changes from each way to the next. */
	for (way = 1; way < 1U << k; way++) {
		for (i = 0; ((way >> i) & 1) == 0; i++)
			;
		w[where[i]] = w[where[i]] == a ? b : a;
		if (check->fits(check->ctx, w))
			return true;
	}
	return false;
}
