/*
 * What the tests of the bundle share: a newsroom's key, objects in memory,
 * and a visitor that gathers what it is given.
 */
#ifndef KH_TESTS_BUNDLE_H
#define KH_TESTS_BUNDLE_H

#include "tests/unit/tap.h"

#include "knothole/bundle.h"

struct bytes {
	uint8_t *p;
	size_t n, cap;
	size_t writes; /* calls so far */
	size_t fail_at; /* the call that says KH_EFULL, counted from 1 */
};

static inline enum kh_err
bytes_write(void *ctx, const uint8_t *p, size_t n)
{
	struct bytes *b = ctx;

	if (++b->writes == b->fail_at)
		return KH_EFULL;
	if (n > b->cap - b->n) {
		b->cap = (b->n + n) * 2;
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

static inline enum kh_err
count_write(void *ctx, const uint8_t *p, size_t n)
{
	(void)p;
	*(uint64_t *)ctx += n;
	return KH_OK;
}

/* One newsroom for the whole run. */
static inline const struct kh_identity *
newsroom(void)
{
	static struct kh_identity id;
	static int made;

	if (!made++)
		kh_identity_generate(&id);
	return &id;
}

static inline struct kh_bundle_writer *
begin(struct kh_sink sink, size_t n)
{
	struct kh_recipient to[KH_RECIPIENTS_MAX];
	struct kh_bundle_info info = {.language = "he", .day = "2026-11-21"};
	struct kh_bundle_writer *w;
	size_t i;

	for (i = 0; i < n; i++)
		kh_identity_recipient(newsroom(), &to[i]);
	info.reply_to = to[0];
	memset(info.mailbox, 0x5a, sizeof(info.mailbox));
	memset(info.slot_key, 0xa5, sizeof(info.slot_key));
	assert_int_equal(kh_bundle_writer_new(&w, to, n, &info, sink), KH_OK);
	return w;
}

static inline void
add_file(struct kh_bundle_writer *w, const char *name, const void *p, size_t n)
{
	assert_int_equal(kh_bundle_file(w, (const uint8_t *)name, strlen(name),
			     "text/plain", 10),
	    KH_OK);
	assert_int_equal(kh_bundle_data(w, p, n), KH_OK);
	assert_int_equal(kh_bundle_file_end(w, true), KH_OK);
}

static inline uint64_t
finish(struct kh_bundle_writer *w)
{
	uint64_t len;

	assert_int_equal(kh_bundle_finish(w, true, &len), KH_OK);
	kh_bundle_writer_free(w);
	return len;
}

static inline struct kh_age_reader *
open_sealed(struct kh_source src)
{
	struct kh_age_reader *r;
	struct kh_keyring *kr;

	assert_int_equal(kh_keyring_new(&kr), KH_OK);
	assert_int_equal(kh_keyring_add(kr, newsroom()), KH_OK);
	assert_int_equal(kh_age_reader_new(&r, kr, src), KH_OK);
	kh_keyring_free(kr);
	return r;
}

/* The plaintext of a sealed object. */
static inline struct bytes
unseal(const struct bytes *sealed)
{
	struct kh_memory mem = {sealed->p, sealed->n};
	struct kh_age_reader *r = open_sealed(kh_source_memory(&mem));
	struct bytes plain = {0};

	plain.n = plain.cap = kh_age_reader_size(r);
	plain.p = malloc(plain.n);
	assert_non_null(plain.p);
	assert_int_equal(kh_age_reader_read(r, 0, plain.p, plain.n), KH_OK);
	kh_age_reader_free(r);
	return plain;
}

/* Gathers "path:length\n" and all data, one after the other. */
struct gather {
	struct bytes data;
	char names[4096];
	size_t skip; /* pass over entry number this, counted from 1 */
	size_t opened, done;
	enum kh_err on_open, on_done;
};

static inline enum kh_err
gather_open(void *ctx, const struct kh_bundle_entry *e, struct kh_sink *sink)
{
	struct gather *g = ctx;
	size_t n = strlen(g->names);

	if (++g->opened == g->skip)
		return KH_OK;
	snprintf(g->names + n, sizeof(g->names) - n, "%s:%llu\n", e->path,
	    (unsigned long long)e->size);
	*sink = bytes_sink(&g->data);
	return g->on_open;
}

static inline enum kh_err
gather_done(void *ctx, const struct kh_bundle_entry *e)
{
	struct gather *g = ctx;

	assert_non_null(e->path);
	g->done++;
	return g->on_done;
}

static inline enum kh_err
gather_all(struct kh_bundle_reader *b, struct gather *g)
{
	struct kh_bundle_visitor v = {
	    .open = gather_open, .done = gather_done, .ctx = g};

	return kh_bundle_read(b, &v);
}

#endif
