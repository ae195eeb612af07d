/*
 * The canonical bytes of a share, and its rows as numbers. Separate from the
 * splitting, which knows no representation, and from the reading, which
 * forgives.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/share/bytes.h"

#define HEAD_LEN (4 + KH_SHARE_SET_LEN)
#define CHECKED_LEN (KH_SHARE_LEN - KH_SHARE_CHECK_LEN)

_Static_assert(HEAD_LEN + KH_X25519_LEN == CHECKED_LEN, "nothing between");
_Static_assert(KH_SHARE_ROWS *KH_SHARE_ROW_BITS == KH_SHARE_LEN * 8,
    "the rows are all of it");

static const char check_key[] = "knothole share v1";
static const char row_key[] = "knothole share row v1";
static const char set_key[] = "knothole share set v1";

static void
digest(const uint8_t *p, uint8_t out[static KH_SHARE_CHECK_LEN])
{
	uint8_t h[crypto_generichash_BYTES];

	crypto_generichash(h, sizeof(h), p, CHECKED_LEN,
	    (const uint8_t *)check_key, sizeof(check_key) - 1);
	memcpy(out, h, KH_SHARE_CHECK_LEN);
	kh_wipe(h, sizeof(h));
}

void
kh_share_bytes(const struct kh_share *s, uint8_t out[static KH_SHARE_LEN])
{
	PRECOND(s != NULL);
	out[0] = KH_SHARE_VERSION;
	out[1] = s->threshold;
	out[2] = s->count;
	out[3] = s->number;
	memcpy(out + 4, s->set, KH_SHARE_SET_LEN);
	memcpy(out + HEAD_LEN, s->value, KH_X25519_LEN);
	digest(out, out + CHECKED_LEN);
}

enum kh_err
kh_share_from_bytes(const uint8_t p[static KH_SHARE_LEN], struct kh_share *out)
{
	uint8_t check[KH_SHARE_CHECK_LEN];

	PRECOND(out != NULL);
	memset(out, 0, sizeof(*out));
	digest(p, check);
	if (!kh_equal(check, p + CHECKED_LEN, sizeof(check)))
		return KH_ECHECK;
	if (p[0] != KH_SHARE_VERSION)
		return KH_EUNSUP;
	if (p[1] < KH_SHARE_THRESHOLD_MIN || p[1] > p[2] ||
	    p[2] > KH_SHARES_MAX || p[3] < 1 || p[3] > p[2])
		return KH_EFORMAT;
	out->threshold = p[1];
	out->count = p[2];
	out->number = p[3];
	memcpy(out->set, p + 4, KH_SHARE_SET_LEN);
	memcpy(out->value, p + HEAD_LEN, KH_X25519_LEN);
	return KH_OK;
}

/* Bit `i` of the share, the first byte's most significant one being 0. */
static unsigned
bit(const uint8_t *p, size_t i)
{
	return p[i / 8] >> (7 - i % 8) & 1;
}

void
kh_share_row_digits(const uint8_t p[static KH_SHARE_LEN], unsigned row,
    uint16_t digit[static KH_SHARE_ROW_DIGITS])
{
	size_t i, j, first = (size_t)row * KH_SHARE_ROW_BITS;
	unsigned carry;

	PRECOND(row < KH_SHARE_ROWS);
	memset(digit, 0, KH_SHARE_ROW_DIGITS * sizeof(digit[0]));
	for (i = 0; i < KH_SHARE_ROW_BITS; i++) {
		carry = bit(p, first + i);
		for (j = KH_SHARE_ROW_DIGITS; j-- > 0;) {
			carry += digit[j] * 2U;
			digit[j] = (uint16_t)(carry % KH_WORDLIST_N);
			carry /= KH_WORDLIST_N;
		}
	}
}

bool
kh_share_row_bytes(const uint16_t digit[static KH_SHARE_ROW_DIGITS],
    unsigned row, uint8_t p[static KH_SHARE_LEN])
{
	size_t i, j, at, first = (size_t)row * KH_SHARE_ROW_BITS;
	uint16_t left[KH_SHARE_ROW_DIGITS];
	bool fits = true;
	unsigned rest;

	PRECOND(row < KH_SHARE_ROWS);
	memcpy(left, digit, sizeof(left));
	for (i = KH_SHARE_ROW_BITS; i-- > 0;) {
		rest = 0;
		for (j = 0; j < KH_SHARE_ROW_DIGITS; j++) {
			rest = rest * KH_WORDLIST_N + left[j];
			left[j] = (uint16_t)(rest / 2);
			rest %= 2;
		}
		at = first + i;
		p[at / 8] = (uint8_t)((p[at / 8] & ~(1U << (7 - at % 8))) |
		    rest << (7 - at % 8));
	}
	for (j = 0; j < KH_SHARE_ROW_DIGITS; j++)
		fits = fits && left[j] == 0;
	kh_wipe(left, sizeof(left));
	return fits;
}

uint16_t
kh_share_row_word(
    const uint16_t digit[static KH_SHARE_ROW_DIGITS], unsigned row)
{
	uint8_t m[1 + 2 * KH_SHARE_ROW_DIGITS], h[crypto_generichash_BYTES];
	uint64_t v = 0;
	size_t i;

	m[0] = (uint8_t)row;
	for (i = 0; i < KH_SHARE_ROW_DIGITS; i++) {
		m[1 + 2 * i] = (uint8_t)(digit[i] >> 8);
		m[2 + 2 * i] = (uint8_t)(digit[i] & 0xff);
	}
	crypto_generichash(h, sizeof(h), m, sizeof(m), (const uint8_t *)row_key,
	    sizeof(row_key) - 1);
	for (i = 0; i < 8; i++)
		v = v << 8 | h[i];
	kh_wipe(m, sizeof(m));
	kh_wipe(h, sizeof(h));
	return (uint16_t)(v % KH_WORDLIST_N);
}

void
kh_share_row(const struct kh_share *s, unsigned row,
    char out[static KH_CODE_WORDS_TEXT_LEN])
{
	uint16_t digit[KH_SHARE_ROW_DIGITS];
	uint8_t bytes[KH_SHARE_LEN];
	const char *w;
	size_t i, at = 0, len;

	kh_share_bytes(s, bytes);
	kh_share_row_digits(bytes, row, digit);
	for (i = 0; i < KH_CODE_WORDS; i++) {
		w = kh_word(i < KH_SHARE_ROW_DIGITS
			? digit[i]
			: kh_share_row_word(digit, row));
		len = strlen(w);
		memcpy(out + at, w, len);
		at += len;
		out[at++] = i + 1 < KH_CODE_WORDS ? ' ' : '\0';
	}
	kh_wipe(bytes, sizeof(bytes));
	kh_wipe(digit, sizeof(digit));
}

void
kh_share_line(const struct kh_share *s, char out[static KH_SHARE_LINE_LEN])
{
	static const char hex[] = "0123456789ABCDEF";
	uint8_t bytes[KH_SHARE_LEN];
	char *p = out + sizeof(KH_SHARE_MARK) - 1;
	size_t i;

	kh_share_bytes(s, bytes);
	memcpy(out, KH_SHARE_MARK, sizeof(KH_SHARE_MARK) - 1);
	/* Capitals: QR codes have an alphabet for them that takes less room
	 * (ISO/IEC 18004, alphanumeric mode). */
	for (i = 0; i < sizeof(bytes); i++) {
		*p++ = hex[bytes[i] >> 4];
		*p++ = hex[bytes[i] & 15];
	}
	*p = '\0';
	kh_wipe(bytes, sizeof(bytes));
}

void
kh_share_set(
    const struct kh_recipient *of, uint8_t set[static KH_SHARE_SET_LEN])
{
	uint8_t h[crypto_generichash_BYTES];

	PRECOND(of != NULL);
	crypto_generichash(h, sizeof(h), of->pk, sizeof(of->pk),
	    (const uint8_t *)set_key, sizeof(set_key) - 1);
	memcpy(set, h, KH_SHARE_SET_LEN);
}

void
kh_share_set_text(const uint8_t set[static KH_SHARE_SET_LEN],
    char out[static KH_SHARE_SET_TEXT_LEN])
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < KH_SHARE_SET_LEN; i++)
		v = v << 8 | set[i];
	(void)snprintf(out, KH_SHARE_SET_TEXT_LEN, "%s %s",
	    kh_word((unsigned)(v % KH_WORDLIST_N)),
	    kh_word((unsigned)(v / KH_WORDLIST_N % KH_WORDLIST_N)));
}
