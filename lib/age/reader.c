/*
 * Reading anywhere in a sealed object. Separate from the streaming opener: it
 * fetches what it needs itself, one chunk at a time, and remembers which
 * chunks have been authenticated.
 */
#include <stdlib.h>
#include <string.h>

#include "knothole/age.h"
#include "knothole/secret.h"
#include "lib/age/header.h"
#include "lib/age/stanza.h"
#include "lib/age/stream.h"
#include "lib/base/precond.h"

#define PIECE_LEN 4096 /* of a header, fetched at once */
#define PROGRESS_CHUNKS 64 /* 4 MiB between two calls of progress */

/* In kh_secret_alloc memory. */
struct reader_secrets {
	uint8_t fk[KH_FILE_KEY_LEN];
	struct kh_stream stream;
	uint8_t cache[KH_CHUNK_LEN]; /* plaintext of chunk `cached` */
};

struct kh_age_reader {
	struct kh_source src;
	struct reader_secrets *sec;
	uint8_t *seen; /* one bit for each chunk */
	uint64_t payload; /* offset of the first chunk */
	uint64_t chunks;
	size_t last_len; /* sealed bytes of the last chunk */
	uint64_t cached; /* or `chunks` for none */
	uint8_t sealed[KH_SEALED_CHUNK_LEN];
};

void
kh_age_reader_free(struct kh_age_reader *r)
{
	if (r == NULL)
		return;
	kh_secret_free(r->sec);
	free(r->seen);
	free(r);
}

uint64_t
kh_age_reader_size(const struct kh_age_reader *r)
{
	PRECOND(r != NULL);
	return (r->chunks - 1) * KH_CHUNK_LEN + r->last_len - KH_TAG_LEN;
}

static size_t
sealed_len(const struct kh_age_reader *r, uint64_t chunk)
{
	return chunk + 1 == r->chunks ? r->last_len : KH_SEALED_CHUNK_LEN;
}

/* Fetch the header and find the file key. */
static enum kh_err
read_header(struct kh_age_reader *r, const struct kh_keyring *kr)
{
	struct kh_age_header *h = NULL;
	enum kh_err e;
	uint64_t off = 0;
	size_t n, used;

	e = kh_age_header_new(&h);
	if (e != KH_OK)
		goto out;
	do {
		n = r->src.size - off < PIECE_LEN ? (size_t)(r->src.size - off)
						  : PIECE_LEN;
		e = KH_ETRUNC;
		if (n == 0)
			goto out;
		e = r->src.read_at(r->src.ctx, off, r->sealed, n);
		if (e != KH_OK)
			goto out;
		off += n;
		e = kh_age_header_feed(h, r->sealed, n, &used);
	} while (e == KH_EAGAIN);
	if (e == KH_OK)
		e = kh_age_header_open(h, kr, r->sec->fk);
	if (e == KH_OK)
		r->payload = kh_age_header_len(h);
out:
	kh_age_header_free(h);
	return e;
}

/* The nonce, and from it the key; then how the rest divides into chunks. */
static enum kh_err
read_nonce(struct kh_age_reader *r)
{
	struct reader_secrets *sec = r->sec;
	uint8_t nonce[KH_AGE_NONCE_LEN];
	enum kh_err e;
	uint64_t rest;

	rest = r->src.size - r->payload;
	if (rest < KH_AGE_NONCE_LEN + KH_TAG_LEN)
		return KH_ETRUNC;
	e = r->src.read_at(r->src.ctx, r->payload, nonce, sizeof(nonce));
	if (e != KH_OK)
		return e;
	kh_age_payload_key(sec->fk, nonce, sec->stream.key);
	kh_wipe(sec->fk, sizeof(sec->fk));
	r->payload += sizeof(nonce);
	rest -= sizeof(nonce);

	r->chunks = rest / KH_SEALED_CHUNK_LEN;
	r->last_len = (size_t)(rest % KH_SEALED_CHUNK_LEN);
	if (r->last_len == 0)
		r->last_len = KH_SEALED_CHUNK_LEN;
	else
		r->chunks++;
	/* As in the opener: an empty last chunk is for an empty payload. */
	if (r->chunks > 1 && r->last_len <= KH_TAG_LEN)
		return KH_ETRUNC;
	r->cached = r->chunks;
	return KH_OK;
}

/* Open one chunk into `out`, which has room for all of it. */
static enum kh_err
load(struct kh_age_reader *r, uint64_t chunk, uint8_t *out)
{
	struct kh_stream *st = &r->sec->stream;
	bool last = chunk + 1 == r->chunks;
	size_t n = sealed_len(r, chunk);
	enum kh_err e;

	e = r->src.read_at(
	    r->src.ctx, r->payload + chunk * KH_SEALED_CHUNK_LEN, r->sealed, n);
	if (e != KH_OK)
		return e;
	st->chunk = chunk;
	e = kh_stream_open(st, r->sealed, n, last, out);
	/* Cut where a chunk ends: what is there now was not the last one. */
	if (e != KH_OK && last && n == KH_SEALED_CHUNK_LEN &&
	    kh_stream_open(st, r->sealed, n, false, out) == KH_OK) {
		kh_wipe(out, KH_CHUNK_LEN);
		return KH_ETRUNC;
	}
	if (e == KH_OK)
		r->seen[chunk / 8] |= (uint8_t)(1 << chunk % 8);
	return e;
}

static enum kh_err
load_cache(struct kh_age_reader *r, uint64_t chunk)
{
	enum kh_err e;

	if (r->cached == chunk)
		return KH_OK;
	r->cached = r->chunks;
	e = load(r, chunk, r->sec->cache);
	if (e == KH_OK)
		r->cached = chunk;
	return e;
}

enum kh_err
kh_age_reader_new(struct kh_age_reader **out, const struct kh_keyring *kr,
    struct kh_source src)
{
	struct kh_age_reader *r = NULL;
	enum kh_err e = KH_ENOMEM;

	PRECOND(out != NULL && kr != NULL && src.read_at != NULL);
	*out = NULL;
	if (src.size > KH_OBJECT_LEN_MAX)
		return KH_ELIMIT;
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		goto out;
	r->src = src;
	r->sec = kh_secret_alloc(sizeof(*r->sec));
	if (r->sec == NULL)
		goto out;
	e = read_header(r, kr);
	if (e == KH_OK)
		e = read_nonce(r);
	if (e != KH_OK)
		goto out;
	e = KH_ENOMEM;
	r->seen = calloc((size_t)(r->chunks / 8 + 1), 1);
	if (r->seen == NULL)
		goto out;
	/* Seeking from the end needs a proven end (C2SP age, "Payload"). */
	e = load_cache(r, r->chunks - 1);
	if (e == KH_OK) {
		*out = r;
		r = NULL;
	}
out:
	kh_age_reader_free(r);
	return e;
}

enum kh_err
kh_age_reader_read(struct kh_age_reader *r, uint64_t off, uint8_t *p, size_t n)
{
	uint64_t chunk, size;
	enum kh_err e;
	size_t at, len;

	PRECOND(r != NULL && (p != NULL || n == 0));
	size = kh_age_reader_size(r);
	PRECOND(off <= size && n <= size - off);
	while (n > 0) {
		chunk = off / KH_CHUNK_LEN;
		at = (size_t)(off % KH_CHUNK_LEN);
		len = sealed_len(r, chunk) - KH_TAG_LEN - at;
		if (at == 0 && n >= len && chunk != r->cached) {
			/* All of it is wanted: straight to the caller. */
			e = load(r, chunk, p);
		} else {
			len = len < n ? len : n;
			e = load_cache(r, chunk);
			if (e == KH_OK)
				memcpy(p, r->sec->cache + at, len);
		}
		if (e != KH_OK)
			return e;
		p += len;
		off += len;
		n -= len;
	}
	return KH_OK;
}

enum kh_err
kh_age_reader_verify(struct kh_age_reader *r,
    void (*progress)(void *ctx, uint64_t done, uint64_t all), void *ctx)
{
	enum kh_err e;
	uint64_t i;

	PRECOND(r != NULL);
	for (i = 0; i < r->chunks; i++) {
		if (progress != NULL && i % PROGRESS_CHUNKS == 0)
			progress(ctx, i, r->chunks);
		if ((r->seen[i / 8] >> i % 8 & 1) != 0)
			continue;
		e = load_cache(r, i);
		if (e != KH_OK)
			return e;
	}
	if (progress != NULL)
		progress(ctx, r->chunks, r->chunks);
	return KH_OK;
}
