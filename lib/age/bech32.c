/*
 * Bech32 (BIP 173), as far as age needs it: keys of 32 bytes. Separate because
 * it is a format of its own. Secret keys pass through: nothing here looks up a
 * table at an index that depends on the text, and the stack is wiped.
 */
#include <string.h>

#include "knothole/secret.h"
#include "lib/age/bech32.h"
#include "lib/base/precond.h"

#define DATA_LEN 52 /* 256 bits in groups of five, four bits to spare */
#define CHECK_LEN 6
#define TAIL_LEN (DATA_LEN + CHECK_LEN)

_Static_assert(TAIL_LEN + 1 == KH_BECH32_TAIL_LEN, "separator and tail");
_Static_assert((KH_X25519_LEN * 8 + 4) / 5 == DATA_LEN, "a key's groups");

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* BIP 173, "Checksum": one step of the BCH code over GF(32). */
static uint32_t
polymod(uint32_t chk, uint32_t value)
{
	static const uint32_t generator[5] = {
	    0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
	uint32_t top = chk >> 25;
	unsigned i;

	chk = (chk & 0x1ffffff) << 5 ^ value;
	for (i = 0; i < 5; i++)
		chk ^= generator[i] & (0 - (top >> i & 1));
	return chk;
}

static uint32_t
polymod_hrp(const char *hrp)
{
	uint32_t chk = 1;
	size_t i;

	for (i = 0; hrp[i] != '\0'; i++)
		chk = polymod(chk, (uint32_t)hrp[i] >> 5);
	chk = polymod(chk, 0);
	for (i = 0; hrp[i] != '\0'; i++)
		chk = polymod(chk, (uint32_t)hrp[i] & 31);
	return chk;
}

/* The value of a lower-case character, or 0xff: the whole alphabet is
 * compared, so that the time does not tell which it was. */
static uint8_t
value_of(uint8_t c)
{
	unsigned i, differ, v = 0xff;

	for (i = 0; i < 32; i++) {
		differ = (unsigned)(c ^ (uint8_t)charset[i]);
		/* All ones when equal, else zero. */
		v &= ~((differ - 1) >> 8 & 0xff) | i;
	}
	return (uint8_t)v;
}

static char
char_of(uint8_t value)
{
	unsigned i, differ, c = 0;

	for (i = 0; i < 32; i++) {
		differ = (unsigned)(value ^ i);
		c |= ((differ - 1) >> 8 & 0xff) & (uint8_t)charset[i];
	}
	return (char)c;
}

/* 32 bytes to 52 groups of five bits, the last padded with zero bits. */
static void
bytes_to_groups(const uint8_t *key, uint8_t *groups)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t i, n = 0;

	for (i = 0; i < KH_X25519_LEN; i++) {
		acc = (acc << 8 | key[i]) & 0xfff;
		bits += 8;
		while (bits >= 5) {
			bits -= 5;
			groups[n++] = acc >> bits & 31;
		}
	}
	groups[n] = (uint8_t)(acc << (5 - bits) & 31);
	kh_wipe(&acc, sizeof(acc));
}

/* And back; what remains must be zero bits (BIP 173, "Segwit address
 * format", which age follows). Returns the remaining bits. */
static uint32_t
groups_to_bytes(const uint8_t *groups, uint8_t *key)
{
	uint32_t acc = 0;
	unsigned bits = 0;
	size_t i, n = 0;

	for (i = 0; i < DATA_LEN; i++) {
		acc = (acc << 5 | groups[i]) & 0xfff;
		bits += 5;
		if (bits >= 8) {
			bits -= 8;
			key[n++] = (uint8_t)(acc >> bits);
		}
	}
	return acc & ((UINT32_C(1) << bits) - 1);
}

void
kh_bech32_encode(const char *hrp, bool upper,
    const uint8_t key[static KH_X25519_LEN], char *out)
{
	uint8_t groups[TAIL_LEN];
	size_t i, n = strlen(hrp);
	uint32_t chk;

	PRECOND(n > 0);
	bytes_to_groups(key, groups);
	chk = polymod_hrp(hrp);
	for (i = 0; i < DATA_LEN; i++)
		chk = polymod(chk, groups[i]);
	for (i = 0; i < CHECK_LEN; i++)
		chk = polymod(chk, 0);
	chk ^= 1;
	for (i = 0; i < CHECK_LEN; i++)
		groups[DATA_LEN + i] = chk >> (5 * (CHECK_LEN - 1 - i)) & 31;

	memcpy(out, hrp, n);
	out[n] = '1';
	for (i = 0; i < TAIL_LEN; i++)
		out[n + 1 + i] = char_of(groups[i]);
	out[n + 1 + TAIL_LEN] = '\0';
	for (i = 0; upper && out[i] != '\0'; i++)
		if (out[i] >= 'a' && out[i] <= 'z')
			out[i] = (char)(out[i] - 'a' + 'A');
	kh_wipe(groups, sizeof(groups));
}

/* `c` in lower case; notes in *seen which cases there were. */
static uint8_t
lower(char c, unsigned *seen)
{
	if (c >= 'A' && c <= 'Z') {
		*seen |= 1;
		return (uint8_t)(c - 'A' + 'a');
	}
	if (c >= 'a' && c <= 'z')
		*seen |= 2;
	return (uint8_t)c;
}

enum kh_err
kh_bech32_decode(const char *hrp, const char *text, size_t n,
    uint8_t out[static KH_X25519_LEN])
{
	uint8_t groups[TAIL_LEN], c, bad = 0;
	size_t i, hrp_len = strlen(hrp);
	unsigned seen = 0;
	uint32_t chk, spare;

	PRECOND(hrp_len > 0);
	memset(out, 0, KH_X25519_LEN);
	if (n != hrp_len + KH_BECH32_TAIL_LEN)
		return KH_EKEY;
	for (i = 0; i < hrp_len; i++)
		bad |= lower(text[i], &seen) ^ (uint8_t)hrp[i];
	bad |= (uint8_t)text[hrp_len] ^ '1';
	chk = polymod_hrp(hrp);
	for (i = 0; i < TAIL_LEN; i++) {
		c = value_of(lower(text[hrp_len + 1 + i], &seen));
		bad |= c & 0xe0;
		groups[i] = c & 31;
		chk = polymod(chk, groups[i]);
	}
	spare = groups_to_bytes(groups, out);
	kh_wipe(groups, sizeof(groups));
	if (bad != 0 || seen == 3 || chk != 1 || spare != 0) {
		kh_wipe(out, KH_X25519_LEN);
		return KH_EKEY;
	}
	return KH_OK;
}
