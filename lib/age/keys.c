/*
 * Public X25519 keys and their text. Separate from the stanza because cards and
 * programs use keys without ever looking into a header, and from the secret half
 * (identity.c), which is not linked where it has no business.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/age.h"
#include "lib/age/bech32.h"
#include "lib/base/precond.h"

#define RECIPIENT_HRP "age"

_Static_assert(
    sizeof(RECIPIENT_HRP) - 1 + KH_BECH32_TAIL_LEN == KH_RECIPIENT_TEXT_LEN,
    "length of age1...");
_Static_assert(KH_X25519_LEN == crypto_scalarmult_BYTES &&
	KH_X25519_LEN == crypto_scalarmult_SCALARBYTES,
    "X25519");

/* Below 2^255 - 19? X25519 reduces what is not; but the stanza's salt holds
 * the key's bytes as they are, and its owner knows the reduced ones only, so
 * what is sealed to such a key can be opened by nobody. */
static bool
is_reduced(const uint8_t pk[static KH_X25519_LEN])
{
	size_t i;

	if (pk[31] != 0x7f)
		return pk[31] < 0x7f;
	for (i = 30; i > 0; i--)
		if (pk[i] != 0xff)
			return true;
	return pk[0] < 0xed;
}

/* Every clamped scalar is a multiple of 8 and takes a point of low order to
 * zero (RFC 7748, section 6.1); libsodium says so. */
static bool
is_low_order(const uint8_t pk[static KH_X25519_LEN])
{
	static const uint8_t any[KH_X25519_LEN] = {8};
	uint8_t q[KH_X25519_LEN];

	return crypto_scalarmult(q, any, pk) != 0;
}

enum kh_err
kh_recipient_parse(const char *text, size_t n, struct kh_recipient *out)
{
	PRECOND(text != NULL && out != NULL);
	if (kh_bech32_decode(RECIPIENT_HRP, text, n, out->pk) != KH_OK)
		return KH_EKEY;
	if (!is_reduced(out->pk) || is_low_order(out->pk)) {
		memset(out, 0, sizeof(*out));
		return KH_EKEY;
	}
	return KH_OK;
}

void
kh_recipient_format(
    const struct kh_recipient *r, char out[static KH_RECIPIENT_TEXT_LEN + 1])
{
	PRECOND(r != NULL);
	kh_bech32_encode(RECIPIENT_HRP, false, r->pk, out);
}
