/*
 * The return code's reader: anything a source may paste. What it accepts must
 * come back the same from both spellings; what it refuses must say why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/code.h"
#include "knothole/secret.h"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same_again(const struct kh_code *c, const char *text, size_t n)
{
	struct kh_code again;
	unsigned bad;

	REQUIRE(kh_code_parse(text, n, &again, &bad) == KH_OK && bad == 0);
	REQUIRE(memcmp(c, &again, sizeof(again)) == 0);
}

static void
check_accepted(const struct kh_code *c)
{
	char words[KH_CODE_WORDS_TEXT_LEN], digits[KH_CODE_DIGITS_TEXT_LEN];
	size_t i;

	for (i = 0; i < KH_CODE_WORDS - 1; i++)
		REQUIRE(c->digit[i] < KH_WORDLIST_N);
	kh_code_words(c, words);
	same_again(c, words, strlen(words));
	kh_code_digits(c, digits);
	REQUIRE(strlen(digits) == KH_CODE_DIGITS_TEXT_LEN - 1);
	same_again(c, digits, strlen(digits));
}

/* Blanks and bidi marks around a text change nothing. */
static void
check_padding(
    const uint8_t *data, size_t size, enum kh_err want, unsigned want_bad)
{
	static const char around[] = "\xe2\x80\x8f \n";
	const size_t n = sizeof(around) - 1;
	char padded[KH_CODE_TEXT_MAX];
	struct kh_code c;
	unsigned bad;

	if (size + 2 * n > sizeof(padded))
		return;
	memcpy(padded, around, n);
	if (size > 0)
		memcpy(padded + n, data, size);
	memcpy(padded + n + size, around, n);
	REQUIRE(kh_code_parse(padded, size + 2 * n, &c, &bad) == want);
	REQUIRE(bad == want_bad);
}

/* The bad word is one when there is one, and safe to show. */
static void
check_bad_word(const uint8_t *data, size_t size, enum kh_err e)
{
	char word[KH_BAD_WORD_MAX + 1];

	memset(word, 'X', sizeof(word));
	kh_code_bad_word((const char *)data, size, word);
	REQUIRE(memchr(word, '\0', sizeof(word)) != NULL);
	REQUIRE(strspn(word, "abcdefghijklmnopqrstuvwxyz?") == strlen(word));
	if (e == KH_EWORD)
		REQUIRE(strlen(word) > 0);
	if (e == KH_EWORD && strlen(word) < KH_BAD_WORD_MAX)
		REQUIRE(kh_word_index(word, strlen(word)) < 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct kh_code zero;
	struct kh_code c;
	unsigned bad = 99;
	enum kh_err e;

	REQUIRE(kh_init() == KH_OK);
	e = kh_code_parse((const char *)data, size, &c, &bad);
	REQUIRE((e == KH_EWORD) == (bad >= 1));
	REQUIRE(bad <= KH_CODE_WORDS);
	REQUIRE((e == KH_ELIMIT) == (size > KH_CODE_TEXT_MAX));
	if (e == KH_OK) {
		check_accepted(&c);
	} else {
		REQUIRE(e == KH_EWORD || e == KH_ECHECK || e == KH_EFORMAT ||
		    e == KH_ELIMIT);
		REQUIRE(memcmp(&c, &zero, sizeof(c)) == 0);
	}
	check_padding(data, size, e, bad);
	check_bad_word(data, size, e);
	return 0;
}
