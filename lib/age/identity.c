/*
 * Secret X25519 keys and their text.
 */
#include <sodium.h>

#include "knothole/age.h"
#include "lib/age/bech32.h"
#include "lib/base/precond.h"

#define IDENTITY_HRP "age-secret-key-"

_Static_assert(
    sizeof(IDENTITY_HRP) - 1 + KH_BECH32_TAIL_LEN == KH_IDENTITY_TEXT_LEN,
    "length of AGE-SECRET-KEY-1...");

enum kh_err
kh_identity_parse(const char *text, size_t n, struct kh_identity *out)
{
	PRECOND(text != NULL && out != NULL);
	return kh_bech32_decode(IDENTITY_HRP, text, n, out->sk);
}

void
kh_identity_format(
    const struct kh_identity *id, char out[static KH_IDENTITY_TEXT_LEN + 1])
{
	PRECOND(id != NULL);
	kh_bech32_encode(IDENTITY_HRP, true, id->sk, out);
}

void
kh_identity_generate(struct kh_identity *out)
{
	PRECOND(out != NULL);
	randombytes_buf(out->sk, sizeof(out->sk));
}

void
kh_identity_recipient(const struct kh_identity *id, struct kh_recipient *out)
{
	PRECOND(id != NULL && out != NULL);
	/* Clamped scalars never give zero on the base point. */
	PRECOND(crypto_scalarmult_base(out->pk, id->sk) == 0);
}
