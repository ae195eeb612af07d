/*
 * The chunks of a payload (C2SP age, "Payload"), one at a time.
 */
#ifndef KNOTHOLE_AGE_STREAM_H
#define KNOTHOLE_AGE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"
#include "lib/age/kdf.h"

#define KH_SEALED_CHUNK_LEN (KH_CHUNK_LEN + KH_TAG_LEN)

/* Kept in kh_secret_alloc memory. */
struct kh_stream {
	uint8_t key[KH_AGE_KEY_LEN];
	uint64_t chunk; /* number of the next one */
};

/* Seal `n` bytes, at most KH_CHUNK_LEN, into n + KH_TAG_LEN at `out`, which is
 * elsewhere; go on to the next chunk. */
void kh_stream_seal(
    struct kh_stream *st, const uint8_t *p, size_t n, bool last, uint8_t *out);

/*
 * Open `n` sealed bytes, KH_TAG_LEN to KH_SEALED_CHUNK_LEN, into
 * n - KH_TAG_LEN at `out`; go on to the next chunk.
 * KH_EAUTH when they are not this chunk; nothing of them is then in `out`, and
 * the stream stays where it is.
 */
KH_CHECKED enum kh_err kh_stream_open(
    struct kh_stream *st, const uint8_t *c, size_t n, bool last, uint8_t *out);

#endif
