/*
 * The word list as a number system: word to index, index to word, and keys as
 * words to compare. Separate from the codes because the latter is public.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/code.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/code/wordlist.h"

#define FINGERPRINT_BYTES 13 /* 104 bits, of which the last is dropped */

const char *
kh_word(unsigned i)
{
	PRECOND(i < KH_WORDLIST_N);
	return kh_wordlist[i];
}

int
kh_word_index(const char *word, size_t n)
{
	char key[KH_WORD_MAX + 1] = {0};
	int lo = 0, hi = KH_WORDLIST_N - 1, mid, d, found = -1;

	PRECOND(word != NULL || n == 0);
	if (n == 0 || n > KH_WORD_MAX || memchr(word, '\0', n) != NULL)
		return -1;
	memcpy(key, word, n);
	while (lo <= hi && found < 0) {
		mid = lo + (hi - lo) / 2;
		d = memcmp(key, kh_wordlist[mid], sizeof(key));
		if (d == 0)
			found = mid;
		else if (d < 0)
			hi = mid - 1;
		else
			lo = mid + 1;
	}
	kh_wipe(key, sizeof(key));
	return found;
}

/*
 * The first 103 bits of the hash, most significant first, are a number below
 * 2^103 < 7776^8; its 8 base-7776 digits, most significant first, are the
 * words. So the words are as hard to make collide as those bits.
 */
void
kh_fingerprint_words(
    const uint8_t *p, size_t n, char out[static KH_CODE_WORDS_TEXT_LEN])
{
	uint8_t h[crypto_generichash_BYTES];
	unsigned digit[KH_CODE_WORDS], rest;
	size_t i, j, at = 0, len;

	PRECOND(p != NULL || n == 0);
	crypto_generichash(h, sizeof(h), p, n, NULL, 0);
	for (i = FINGERPRINT_BYTES - 1; i > 0; i--)
		h[i] = (uint8_t)((h[i] >> 1) | (h[i - 1] << 7));
	h[0] >>= 1;
	for (i = KH_CODE_WORDS; i-- > 0;) {
		rest = 0;
		for (j = 0; j < FINGERPRINT_BYTES; j++) {
			rest = (rest << 8) | h[j];
			h[j] = (uint8_t)(rest / KH_WORDLIST_N);
			rest %= KH_WORDLIST_N;
		}
		digit[i] = rest;
	}
	for (i = 0; i < KH_CODE_WORDS; i++) {
		len = strlen(kh_wordlist[digit[i]]);
		memcpy(out + at, kh_wordlist[digit[i]], len);
		at += len;
		out[at++] = i + 1 < KH_CODE_WORDS ? ' ' : '\0';
	}
}
