/*
 * What the age tests share: sealing to memory, and opening from memory in one
 * piece, in single bytes, or in random pieces.
 */
#ifndef KH_TESTS_AGE_RUN_H
#define KH_TESTS_AGE_RUN_H

#include "tests/unit/tap.h"

#include <sodium.h>

#include "knothole/age.h"

struct bytes {
	uint8_t *p;
	size_t n;
	size_t cap;
	size_t calls; /* of the sink */
	size_t fail_at; /* the call that fails, from 1; 0 for none */
	enum kh_err failure; /* what that call returns */
};

static inline enum kh_err
bytes_write(void *ctx, const uint8_t *p, size_t n)
{
	struct bytes *b = ctx;

	/* A sink is never called for nothing, nor after it has failed. */
	assert_true(n > 0);
	b->calls++;
	assert_true(b->fail_at == 0 || b->calls <= b->fail_at);
	if (b->calls == b->fail_at)
		return b->failure;
	if (b->cap - b->n < n) {
		b->cap = 2 * (b->n + n);
		b->p = realloc(b->p, b->cap);
		assert_non_null(b->p);
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
	return KH_OK;
}

static inline struct kh_sink
bytes_sink(struct bytes *b)
{
	return (struct kh_sink){.write = bytes_write, .ctx = b};
}

static inline void
bytes_free(struct bytes *b)
{
	free(b->p);
	memset(b, 0, sizeof(*b));
}

/* How the next piece is cut. */
enum cut {
	CUT_WHOLE,
	CUT_BYTES,
	CUT_RANDOM
};

static inline size_t
next_piece(enum cut cut, size_t left)
{
	size_t n;

	switch (cut) {
	case CUT_WHOLE:
		return left;
	case CUT_BYTES:
		return 1;
	case CUT_RANDOM:
		/* Small, about a chunk, or about several. */
		n = 1 + randombytes_uniform(1U << randombytes_uniform(19));
		return n < left ? n : left;
	}
	abort();
}

static inline enum kh_err
seal_cut(const struct kh_seal_to *to, const uint8_t *p, size_t n, enum cut cut,
    struct bytes *out)
{
	struct kh_sealer *s;
	enum kh_err e;
	size_t piece;

	e = kh_sealer_new(&s, to, bytes_sink(out));
	if (e != KH_OK) {
		assert_null(s);
		return e;
	}
	while (n > 0 && e == KH_OK) {
		piece = next_piece(cut, n);
		e = kh_sealer_write(s, p, piece);
		p += piece;
		n -= piece;
	}
	if (e == KH_OK)
		e = kh_sealer_finish(s);
	kh_sealer_free(s);
	return e;
}

static inline enum kh_err
open_cut(const struct kh_keyring *kr, const uint8_t *p, size_t n, enum cut cut,
    struct bytes *out)
{
	struct kh_opener *o;
	enum kh_err e;
	size_t piece;

	assert_int_equal(kh_opener_new(&o, kr, bytes_sink(out)), KH_OK);
	e = KH_OK;
	while (n > 0 && e == KH_OK) {
		piece = next_piece(cut, n);
		e = kh_opener_write(o, p, piece);
		p += piece;
		n -= piece;
	}
	if (e == KH_OK)
		e = kh_opener_finish(o);
	kh_opener_free(o);
	return e;
}

/* Open through the seekable reader, and verify all of it. */
static inline enum kh_err
open_reader(
    const struct kh_keyring *kr, const uint8_t *p, size_t n, struct bytes *out)
{
	struct kh_memory m = {.p = p, .n = n};
	struct kh_age_reader *r;
	enum kh_err e;
	size_t size;

	e = kh_age_reader_new(&r, kr, kh_source_memory(&m));
	if (e != KH_OK) {
		assert_null(r);
		return e;
	}
	e = kh_age_reader_verify(r, NULL, NULL);
	size = (size_t)kh_age_reader_size(r);
	if (e == KH_OK && size > 0) {
		out->p = malloc(size);
		assert_non_null(out->p);
		out->cap = size;
		out->n = size;
		e = kh_age_reader_read(r, 0, out->p, size);
	}
	kh_age_reader_free(r);
	return e;
}

/* `n` bytes that tell their place. */
static inline uint8_t *
pattern(size_t n)
{
	uint8_t *p = malloc(n > 0 ? n : 1);
	size_t i;

	assert_non_null(p);
	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
	return p;
}

/* A keyring with this one identity. */
static inline struct kh_keyring *
ring_of(const struct kh_identity *id)
{
	struct kh_keyring *kr;

	assert_int_equal(kh_keyring_new(&kr), KH_OK);
	if (id != NULL)
		assert_int_equal(kh_keyring_add(kr, id), KH_OK);
	return kr;
}

/* `n` identities, their recipients and a keyring for each. */
#define PEOPLE_MAX 5
struct people {
	struct kh_identity id[PEOPLE_MAX];
	struct kh_recipient to[PEOPLE_MAX];
	struct kh_keyring *kr[PEOPLE_MAX];
};

static inline void
people_make(struct people *pp)
{
	size_t i;

	for (i = 0; i < PEOPLE_MAX; i++) {
		kh_identity_generate(&pp->id[i]);
		kh_identity_recipient(&pp->id[i], &pp->to[i]);
		pp->kr[i] = ring_of(&pp->id[i]);
	}
}

static inline void
people_free(struct people *pp)
{
	size_t i;

	for (i = 0; i < PEOPLE_MAX; i++)
		kh_keyring_free(pp->kr[i]);
}

#endif
