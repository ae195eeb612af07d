/*
 * The return code read back. Separate from its words (typed.c), which key
 * shares have too: here are the two spellings, and what guards them.
 */
#include <stdbool.h>
#include <string.h>

#include "knothole/code.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/code/canon.h"
#include "lib/code/typed.h"

#define GROUP 5 /* digits */
#define GROUPS (KH_CODE_DIGITS / GROUP)

/* A code's text, folded. */
struct folded {
	struct kh_typed typed;
	char text[KH_CODE_FOLDED_MAX];
};

static enum kh_err
fold(const char *text, size_t n, struct folded *f)
{
	f->typed = (struct kh_typed){.text = f->text, .cap = sizeof(f->text)};
	return kh_typed_fold(text, n, &f->typed);
}

static bool
is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool
fits(void *ctx, const uint16_t *w)
{
	struct kh_code *out = ctx;

	memcpy(out->digit, w, sizeof(out->digit));
	return kh_code_check(out) == w[KH_CODE_WORDS - 1];
}

/* Why were these not 8 words that fit? `*start` receives where the bad one
 * begins. */
static enum kh_err
diagnose(const struct kh_typed *f, unsigned *bad_word, size_t *start)
{
	size_t count;

	if (kh_typed_bad(f, KH_CODE_WORDS, &count, start)) {
		*bad_word = (unsigned)count + 1;
		return KH_EWORD;
	}
	return count == KH_CODE_WORDS ? KH_ECHECK : KH_EFORMAT;
}

static enum kh_err
parse_words(const struct folded *f, struct kh_code *out, unsigned *bad_word)
{
	const struct kh_typed_check check = {fits, out};
	uint16_t w[KH_CODE_WORDS] = {0};
	enum kh_err e = KH_OK;
	size_t start;

	if (kh_typed_words(f->text, f->typed.n, w, KH_CODE_WORDS) !=
		KH_CODE_WORDS ||
	    !kh_typed_fits(w, KH_CODE_WORDS, &check))
		e = diagnose(&f->typed, bad_word, &start);
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

/* "1 ddddd 2 ddddd ... 6 ddddd": a number stands before each group, a blank
 * behind each number. */
static bool
numbered(const struct folded *f)
{
	size_t i, at = 0, group = 0;

	for (; group < GROUPS && f->typed.n - at >= GROUP + 2; group++) {
		if (f->text[at] != (char)('1' + group) ||
		    f->text[at + 1] != ' ')
			return false;
		at += 2;
		for (i = 0; i < GROUP; i++) {
			if (!is_digit(f->text[at++]))
				return false;
		}
		at += at < f->typed.n && f->text[at] == ' ';
	}
	return group == GROUPS && at == f->typed.n;
}

static enum kh_err
parse_digits(const struct folded *f, struct kh_code *out)
{
	uint8_t dec[KH_CODE_DIGITS];
	enum kh_err e = KH_EFORMAT;
	const bool list = numbered(f);
	size_t i, n = 0;

	for (i = 0; i < f->typed.n; i++) {
		if (!is_digit(f->text[i]))
			continue;
		if (list && i + 1 < f->typed.n && f->text[i + 1] == ' ' &&
		    (i == 0 || f->text[i - 1] == ' '))
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
		e = f.typed.letters > 0 ? parse_words(&f, out, bad_word)
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
	size_t start = 0;
	struct folded f;
	unsigned at;

	PRECOND(text != NULL || n == 0);
	kh_wipe(out, KH_BAD_WORD_MAX + 1);
	if (n <= KH_CODE_TEXT_MAX && fold(text, n, &f) == KH_OK &&
	    diagnose(&f.typed, &at, &start) == KH_EWORD)
		kh_typed_token(&f.typed, start, out);
	kh_wipe(&f, sizeof(f));
}
