/*
 * What libsodium's ChaCha20-Poly1305 takes for so many bytes and nothing else:
 * no file, no copy. No sealing built on it can be cheaper.
 *
 *	aead_limit BYTES
 */
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/limits.h"
#include "knothole/secret.h"

#define NONCE_LEN crypto_aead_chacha20poly1305_ietf_NPUBBYTES

static void
seal(uint64_t chunks)
{
	static uint8_t in[KH_CHUNK_LEN], out[KH_CHUNK_LEN + KH_TAG_LEN];
	uint8_t nonce[NONCE_LEN] = {0};
	uint8_t key[crypto_aead_chacha20poly1305_ietf_KEYBYTES];
	uint64_t i;

	randombytes_buf(key, sizeof(key));
	for (i = 0; i < chunks; i++) {
		memcpy(nonce, &i, sizeof(i));
		(void)crypto_aead_chacha20poly1305_ietf_encrypt(
		    out, NULL, in, sizeof(in), NULL, 0, NULL, nonce, key);
	}
}

int
main(int argc, char **argv)
{
	unsigned long long bytes;
	char *end;

	if (argc != 2 || kh_init() != KH_OK)
		return 64;
	bytes = strtoull(argv[1], &end, 10);
	if (*end != '\0' || bytes == 0)
		return 64;
	seal(bytes / KH_CHUNK_LEN);
	return 0;
}
