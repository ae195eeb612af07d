/*
 * SHA-256 by nettle, which uses the processor's instructions for it: four
 * times as fast as libsodium's, which would hold up a download (dependencies.md
 * has figures).
 */
#ifndef KNOTHOLE_COURIER_SHA256_H
#define KNOTHOLE_COURIER_SHA256_H

#include <nettle/sha2.h>
#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

struct kh_sha256 {
	struct sha256_ctx ctx;
};

static inline void
kh_sha256_begin(struct kh_sha256 *h)
{
	sha256_init(&h->ctx);
}

static inline void
kh_sha256_add(struct kh_sha256 *h, const uint8_t *p, size_t n)
{
	sha256_update(&h->ctx, n, p);
}

/* The hash in hex, with NUL; `h` is as after kh_sha256_begin. */
static inline void
kh_sha256_end(struct kh_sha256 *h, char hex[static 65])
{
	uint8_t raw[SHA256_DIGEST_SIZE];

	sha256_digest(&h->ctx, sizeof(raw), raw);
	sodium_bin2hex(hex, 65, raw, sizeof(raw));
}

#endif
