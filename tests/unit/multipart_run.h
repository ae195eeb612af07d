/*
 * For the tests of the multipart parser: what it called, as a text.
 */
#ifndef KH_TESTS_MULTIPART_RUN_H
#define KH_TESTS_MULTIPART_RUN_H

#include "tests/unit/tap.h"

#include "server/visit/multipart.h"

#define B "xYz" /* the boundary in these tests */
#define CD "Content-Disposition: form-data; "
#define CLOSE "\r\n--" B "--\r\n"

/* What the parser called, as text, data joined. */
struct transcript {
	char text[1 << 16];
	size_t n;
	unsigned parts, ends;
	enum kh_err on_part, on_data, on_end;
};

static inline void
add(struct transcript *t, const void *p, size_t n)
{
	assert_true(n <= sizeof(t->text) - t->n);
	if (n > 0)
		memcpy(t->text + t->n, p, n);
	t->n += n;
}

static inline enum kh_err
on_part(void *ctx, const struct kh_part *p)
{
	struct transcript *t = ctx;

	t->parts++;
	add(t, "<", 1);
	add(t, p->name.p, p->name.n);
	if (p->has_filename) {
		add(t, "|", 1);
		add(t, p->filename.p, p->filename.n);
	}
	add(t, "|", 1);
	add(t, p->type.p, p->type.n);
	add(t, ">", 1);
	return t->on_part;
}

static inline enum kh_err
on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct transcript *t = ctx;

	assert_true(n > 0);
	add(t, p, n);
	return t->on_data;
}

static inline enum kh_err
on_end(void *ctx)
{
	struct transcript *t = ctx;

	t->ends++;
	add(t, "</>", 3);
	return t->on_end;
}

static const struct kh_multipart_ops ops = {on_part, on_data, on_end};
static struct transcript t1;

static inline void
start(struct kh_multipart *m, struct transcript *t)
{
	memset(t, 0, sizeof(*t));
	kh_multipart_init(m, (struct kh_slice){B, strlen(B)}, &ops, t);
}

/* A piece at the end of its own allocation, so that overreads are seen. */
static inline enum kh_err
feed(struct kh_multipart *m, const char *p, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	enum kh_err e;

	assert_non_null(copy);
	memcpy(copy, p, n);
	e = kh_multipart_feed(m, copy, n);
	free(copy);
	return e;
}

/* In one piece. */
static inline enum kh_err
run(const char *body, size_t n, struct transcript *t)
{
	struct kh_multipart m;
	enum kh_err e;

	start(&m, t);
	e = feed(&m, body, n);
	if (e == KH_OK)
		return kh_multipart_finish(&m);
	assert_int_equal(kh_multipart_finish(&m), e);
	return e;
}

static inline void
assert_text(const struct transcript *t, const char *want, size_t n)
{
	assert_int_equal(t->n, n);
	assert_memory_equal(t->text, want, n);
}

/* A body that is taken, and what it comes to. */
static inline void
expect_n(const char *body, size_t n, const char *want)
{
	enum kh_err e = run(body, n, &t1);

	if (e != KH_OK)
		fail_msg("%d: %s", (int)e, body);
	assert_text(&t1, want, strlen(want));
}

static inline void
expect(const char *body, const char *want)
{
	expect_n(body, strlen(body), want);
}

#endif
