/*
 * STREAM, chunk by chunk: the nonce and nothing else. Separate because the
 * sealer, the opener and the seekable reader must agree on it to the bit.
 */
#include <sodium.h>
#include <string.h>

#include "lib/age/stream.h"
#include "lib/base/precond.h"

#define NONCE_LEN crypto_aead_chacha20poly1305_ietf_NPUBBYTES

_Static_assert(NONCE_LEN == 12, "11 bytes of counter, 1 of flag");

/* Big-endian counter of 11 bytes, then 1 for the last chunk. */
static void
make_nonce(uint64_t chunk, bool last, uint8_t nonce[static NONCE_LEN])
{
	size_t i;

	memset(nonce, 0, NONCE_LEN);
	for (i = 0; i < 8; i++)
		nonce[NONCE_LEN - 2 - i] = (uint8_t)(chunk >> 8 * i);
	nonce[NONCE_LEN - 1] = last ? 1 : 0;
}

void
kh_stream_seal(
    struct kh_stream *st, const uint8_t *p, size_t n, bool last, uint8_t *out)
{
	uint8_t nonce[NONCE_LEN];

	PRECOND(n <= KH_CHUNK_LEN && (last || n == KH_CHUNK_LEN));
	PRECOND(st->chunk < UINT64_MAX);
	make_nonce(st->chunk, last, nonce);
	(void)crypto_aead_chacha20poly1305_ietf_encrypt(
	    out, NULL, p, n, NULL, 0, NULL, nonce, st->key);
	st->chunk++;
}

enum kh_err
kh_stream_open(
    struct kh_stream *st, const uint8_t *c, size_t n, bool last, uint8_t *out)
{
	uint8_t nonce[NONCE_LEN];

	PRECOND(n >= KH_TAG_LEN && n <= KH_SEALED_CHUNK_LEN);
	PRECOND(st->chunk < UINT64_MAX);
	make_nonce(st->chunk, last, nonce);
	/* It verifies the tag first and decrypts only then. */
	if (crypto_aead_chacha20poly1305_ietf_decrypt(
		out, NULL, NULL, c, n, NULL, 0, nonce, st->key) != 0)
		return KH_EAUTH;
	st->chunk++;
	return KH_OK;
}
