/*
 * The return code written out: a fresh secret, its words, its digits and what
 * checks them. Separate from the reading, which has to forgive; this need not.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/code.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/code/canon.h"

#define GROUP 5 /* digits in a group */

_Static_assert(KH_CODE_WORDS_TEXT_LEN >= KH_CODE_WORDS * (KH_WORD_MAX + 1),
    "the longest words, a blank between them and a NUL");
_Static_assert(
    KH_CODE_DIGITS_TEXT_LEN == KH_CODE_DIGITS + KH_CODE_DIGITS / GROUP,
    "groups, a blank between them and a NUL");

static const char check_key[] = "knothole code check v1";

static int
in_range(const struct kh_code *c)
{
	size_t i;

	for (i = 0; i < KH_CODE_BASE_DIGITS; i++) {
		if (c->digit[i] >= KH_WORDLIST_N)
			return 0;
	}
	return 1;
}

void
kh_code_bytes(const struct kh_code *c, uint8_t out[static KH_CODE_BYTES_LEN])
{
	size_t i;

	PRECOND(c != NULL && in_range(c));
	for (i = 0; i < KH_CODE_BASE_DIGITS; i++) {
		out[2 * i] = (uint8_t)(c->digit[i] >> 8);
		out[2 * i + 1] = (uint8_t)(c->digit[i] & 0xff);
	}
}

uint16_t
kh_code_check(const struct kh_code *c)
{
	uint8_t bytes[KH_CODE_BYTES_LEN], h[crypto_generichash_BYTES];
	uint64_t v = 0;
	size_t i;

	kh_code_bytes(c, bytes);
	crypto_generichash(h, sizeof(h), bytes, sizeof(bytes),
	    (const uint8_t *)check_key, sizeof(check_key) - 1);
	for (i = 0; i < 8; i++)
		v = (v << 8) | h[i];
	kh_wipe(bytes, sizeof(bytes));
	kh_wipe(h, sizeof(h));
	return (uint16_t)(v % KH_WORDLIST_N);
}

unsigned
kh_code_mod97(const uint8_t dec[static KH_CODE_DECIMALS])
{
	unsigned r = 0;
	size_t i;

	for (i = 0; i < KH_CODE_DECIMALS; i++)
		r = (r * 10 + dec[i]) % 97;
	return 98 - r * 100 % 97;
}

void
kh_code_generate(struct kh_code *out)
{
	size_t i;

	PRECOND(out != NULL);
	for (i = 0; i < KH_CODE_BASE_DIGITS; i++)
		out->digit[i] = (uint16_t)randombytes_uniform(KH_WORDLIST_N);
}

void
kh_code_words(const struct kh_code *c, char out[static KH_CODE_WORDS_TEXT_LEN])
{
	const char *w;
	size_t i, at = 0, len;

	PRECOND(c != NULL && in_range(c));
	for (i = 0; i < KH_CODE_WORDS; i++) {
		w = kh_word(
		    i < KH_CODE_BASE_DIGITS ? c->digit[i] : kh_code_check(c));
		len = strlen(w);
		memcpy(out + at, w, len);
		at += len;
		out[at++] = i + 1 < KH_CODE_WORDS ? ' ' : '\0';
	}
}

/* dec = dec * 7776 + digit, over all digits; no carry can be left because
 * 7776^7 < 10^28. */
static void
to_decimal(const struct kh_code *c, uint8_t dec[static KH_CODE_DECIMALS])
{
	unsigned carry;
	size_t i, j;

	memset(dec, 0, KH_CODE_DECIMALS);
	for (i = 0; i < KH_CODE_BASE_DIGITS; i++) {
		carry = c->digit[i];
		for (j = KH_CODE_DECIMALS; j-- > 0;) {
			carry += dec[j] * (unsigned)KH_WORDLIST_N;
			dec[j] = (uint8_t)(carry % 10);
			carry /= 10;
		}
	}
}

void
kh_code_digits(
    const struct kh_code *c, char out[static KH_CODE_DIGITS_TEXT_LEN])
{
	uint8_t dec[KH_CODE_DIGITS];
	unsigned check;
	size_t i, at = 0;

	PRECOND(c != NULL && in_range(c));
	to_decimal(c, dec);
	check = kh_code_mod97(dec);
	dec[KH_CODE_DECIMALS] = (uint8_t)(check / 10);
	dec[KH_CODE_DECIMALS + 1] = (uint8_t)(check % 10);
	for (i = 0; i < KH_CODE_DIGITS; i++) {
		if (i > 0 && i % GROUP == 0)
			out[at++] = ' ';
		out[at++] = (char)('0' + dec[i]);
	}
	out[at] = '\0';
	kh_wipe(dec, sizeof(dec));
}
