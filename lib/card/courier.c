/*
 * What a card says about couriers. Separate from the card's text, because the
 * courier's process of the server needs this and no card.
 */
#include <sodium.h>
#include <string.h>

#include "knothole/card.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define TOKEN_VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define TOKEN_BYTES 32

_Static_assert(sodium_base64_ENCODED_LEN(TOKEN_BYTES, TOKEN_VARIANT) ==
	KH_COURIER_TOKEN_LEN + 1,
    "a token is 32 bytes");

enum kh_err
kh_courier_token_hash(
    const char *text, size_t n, uint8_t out[static KH_COURIER_HASH_LEN])
{
	uint8_t raw[TOKEN_BYTES];
	size_t len = 0;
	int r;

	PRECOND(text != NULL || n == 0);
	memset(out, 0, KH_COURIER_HASH_LEN);
	if (n != KH_COURIER_TOKEN_LEN)
		return KH_EFORMAT;
	/* Bits that are left over must be 0: libsodium sees to it. */
	r = sodium_base642bin(
	    raw, sizeof(raw), text, n, NULL, &len, NULL, TOKEN_VARIANT);
	kh_wipe(raw, sizeof(raw));
	if (r != 0 || len != sizeof(raw))
		return KH_EFORMAT;
	crypto_generichash(
	    out, KH_COURIER_HASH_LEN, (const uint8_t *)text, n, NULL, 0);
	return KH_OK;
}
