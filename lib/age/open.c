/*
 * Opening a stream that comes in pieces of any size. Separate from the seekable
 * reader: here the input may be a pipe, armored, and larger than any disk.
 */
#include <stdlib.h>
#include <string.h>

#include "knothole/age.h"
#include "knothole/secret.h"
#include "lib/age/armor.h"
#include "lib/age/header.h"
#include "lib/age/stanza.h"
#include "lib/age/stream.h"
#include "lib/base/precond.h"

#define BATCH_CHUNKS 4 /* opened for one call of the sink: 256 KiB */
#define BATCH_LEN (BATCH_CHUNKS * KH_CHUNK_LEN)

enum phase {
	PHASE_FIRST, /* not a byte yet */
	PHASE_HEADER,
	PHASE_NONCE,
	PHASE_PAYLOAD,
	PHASE_END /* the last chunk was seen */
};

/* In kh_secret_alloc memory. */
struct open_secrets {
	uint8_t fk[KH_FILE_KEY_LEN];
	struct kh_stream stream;
	uint8_t batch[BATCH_LEN]; /* plaintext on its way to the sink */
};

struct kh_opener {
	const struct kh_keyring *kr;
	struct kh_sink sink;
	struct kh_armor_reader *armor; /* or NULL */
	struct kh_age_header *header; /* until it has been verified */
	struct open_secrets *sec;
	enum phase phase;
	bool over; /* finished, or failed */
	size_t batch_n;
	size_t part_n;
	uint8_t part[KH_SEALED_CHUNK_LEN]; /* nonce or chunk, incomplete */
};

enum kh_err
kh_opener_new(
    struct kh_opener **out, const struct kh_keyring *kr, struct kh_sink sink)
{
	struct kh_opener *o = NULL;
	enum kh_err e = KH_ENOMEM;

	PRECOND(out != NULL && kr != NULL && sink.write != NULL);
	*out = NULL;
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		goto out;
	o->kr = kr;
	o->sink = sink;
	o->sec = kh_secret_alloc(sizeof(*o->sec));
	if (o->sec == NULL)
		goto out;
	e = kh_age_header_new(&o->header);
	if (e != KH_OK)
		goto out;
	*out = o;
	o = NULL;
out:
	kh_opener_free(o);
	return e;
}

void
kh_opener_free(struct kh_opener *o)
{
	if (o == NULL)
		return;
	kh_secret_free(o->sec);
	kh_armor_reader_free(o->armor);
	kh_age_header_free(o->header);
	free(o);
}

/* Nothing is in the batch that has not been authenticated. */
static enum kh_err
open_flush(struct kh_opener *o)
{
	size_t n = o->batch_n;

	o->batch_n = 0;
	return n == 0 ? KH_OK : o->sink.write(o->sink.ctx, o->sec->batch, n);
}

/* One chunk of full length. Whether it is the last is not known from what
 * follows but from the flag that it was sealed with. */
static enum kh_err
open_chunk(struct kh_opener *o, const uint8_t *c)
{
	struct kh_stream *st = &o->sec->stream;
	uint8_t *to;
	enum kh_err e;

	if (BATCH_LEN - o->batch_n < KH_CHUNK_LEN) {
		e = open_flush(o);
		if (e != KH_OK)
			return e;
	}
	to = o->sec->batch + o->batch_n;
	e = kh_stream_open(st, c, KH_SEALED_CHUNK_LEN, false, to);
	if (e != KH_OK) {
		e = kh_stream_open(st, c, KH_SEALED_CHUNK_LEN, true, to);
		if (e != KH_OK)
			return e;
		o->phase = PHASE_END;
	}
	o->batch_n += KH_CHUNK_LEN;
	return KH_OK;
}

/* Gather up to `len` bytes in `part`; returns how many were taken. */
static size_t
gather(struct kh_opener *o, const uint8_t *p, size_t n, size_t len)
{
	size_t take = len - o->part_n;

	take = take < n ? take : n;
	memcpy(o->part + o->part_n, p, take);
	o->part_n += take;
	return take;
}

static enum kh_err
take_header(struct kh_opener *o, const uint8_t *p, size_t n, size_t *used)
{
	enum kh_err e;

	e = kh_age_header_feed(o->header, p, n, used);
	if (e == KH_EAGAIN)
		return KH_OK;
	if (e == KH_OK)
		e = kh_age_header_open(o->header, o->kr, o->sec->fk);
	if (e != KH_OK)
		return e;
	kh_age_header_free(o->header);
	o->header = NULL;
	o->phase = PHASE_NONCE;
	return KH_OK;
}

static void
take_nonce(struct kh_opener *o, const uint8_t *p, size_t n, size_t *used)
{
	struct open_secrets *sec = o->sec;

	*used = gather(o, p, n, KH_AGE_NONCE_LEN);
	if (o->part_n < KH_AGE_NONCE_LEN)
		return;
	kh_age_payload_key(sec->fk, o->part, sec->stream.key);
	kh_wipe(sec->fk, sizeof(sec->fk));
	sec->stream.chunk = 0;
	o->part_n = 0;
	o->phase = PHASE_PAYLOAD;
}

/* A whole chunk that is at hand is opened where it is. */
static enum kh_err
take_payload(struct kh_opener *o, const uint8_t *p, size_t n, size_t *used)
{
	if (o->part_n == 0 && n >= KH_SEALED_CHUNK_LEN) {
		*used = KH_SEALED_CHUNK_LEN;
		return open_chunk(o, p);
	}
	*used = gather(o, p, n, KH_SEALED_CHUNK_LEN);
	if (o->part_n < KH_SEALED_CHUNK_LEN)
		return KH_OK;
	o->part_n = 0;
	return open_chunk(o, o->part);
}

/* Binary input: the caller's, or what the armor held. What was authenticated
 * before a fault is passed on before the fault is told, so that neither
 * depends on how the input was split. */
static enum kh_err
open_binary(void *ctx, const uint8_t *p, size_t n)
{
	struct kh_opener *o = ctx;
	enum kh_err e = KH_OK, sent;
	size_t used;

	while (n > 0 && e == KH_OK) {
		used = 0;
		switch (o->phase) {
		case PHASE_FIRST:
		case PHASE_HEADER:
			o->phase = PHASE_HEADER;
			e = take_header(o, p, n, &used);
			break;
		case PHASE_NONCE:
			take_nonce(o, p, n, &used);
			break;
		case PHASE_PAYLOAD:
			e = take_payload(o, p, n, &used);
			break;
		case PHASE_END:
			e = KH_EAUTH; /* bytes after the last chunk */
			break;
		}
		p += used;
		n -= used;
	}
	sent = open_flush(o);
	return sent != KH_OK ? sent : e;
}

/* An age file begins with an 'a', armor with its own line or white space. */
static enum kh_err
recognise(struct kh_opener *o, uint8_t first)
{
	const struct kh_sink binary = {.write = open_binary, .ctx = o};

	if (first == (uint8_t)KH_AGE_VERSION_LINE[0])
		return KH_OK;
	return kh_armor_reader_new(&o->armor, binary);
}

enum kh_err
kh_opener_write(struct kh_opener *o, const uint8_t *p, size_t n)
{
	enum kh_err e = KH_OK;

	PRECOND(o != NULL && !o->over && (p != NULL || n == 0));
	if (n == 0)
		return KH_OK;
	if (o->phase == PHASE_FIRST && o->armor == NULL)
		e = recognise(o, p[0]);
	if (e == KH_OK && o->armor != NULL)
		e = kh_armor_reader_write(o->armor, p, n);
	else if (e == KH_OK)
		e = open_binary(o, p, n);
	o->over = e != KH_OK;
	return e;
}

/* What is left is the last chunk, shorter than a full one. */
static enum kh_err
finish_payload(struct kh_opener *o)
{
	struct kh_stream *st = &o->sec->stream;
	enum kh_err e;

	/* An empty last chunk stands for an empty payload only: anywhere else
	 * it would be a second way to say the same. */
	if (o->part_n < KH_TAG_LEN ||
	    (o->part_n == KH_TAG_LEN && st->chunk > 0))
		return KH_ETRUNC;
	e = kh_stream_open(st, o->part, o->part_n, true, o->sec->batch);
	if (e != KH_OK)
		return e;
	o->phase = PHASE_END;
	o->batch_n = o->part_n - KH_TAG_LEN;
	return open_flush(o);
}

enum kh_err
kh_opener_finish(struct kh_opener *o)
{
	enum kh_err e = KH_OK;

	PRECOND(o != NULL && !o->over);
	o->over = true;
	if (o->armor != NULL)
		e = kh_armor_reader_finish(o->armor);
	if (e != KH_OK)
		return e;
	switch (o->phase) {
	case PHASE_FIRST:
	case PHASE_HEADER:
	case PHASE_NONCE:
		return KH_ETRUNC;
	case PHASE_PAYLOAD:
		return finish_payload(o);
	case PHASE_END:
		return KH_OK;
	}
	abort();
}
