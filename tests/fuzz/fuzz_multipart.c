/*
 * The multipart parser: every split of a body gives the same calls, and an
 * accepted body is what a plain parser over the whole of it finds. Input: two
 * bytes that seed the splits, a line with the boundary, the body.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/visit/multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

#define BODY_MAX 65536
/* Calls and data; every part adds at most what it had in the body. */
#define TRANSCRIPT_MAX (2 * BODY_MAX)

struct transcript {
	uint8_t bytes[TRANSCRIPT_MAX];
	size_t n;
	bool in_part;
	unsigned parts;
};

static struct transcript one, many, plain;

static void
add(struct transcript *t, const void *p, size_t n)
{
	MUST(n <= sizeof(t->bytes) - t->n);
	if (n > 0)
		memcpy(t->bytes + t->n, p, n);
	t->n += n;
}

static void
check_filename(struct kh_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		MUST(s.p[i] != '\0' && s.p[i] != '\r' && s.p[i] != '\n' &&
		    s.p[i] != '"');
}

static void
check_text(struct kh_slice s)
{
	for (size_t i = 0; i < s.n; i++)
		MUST((uint8_t)s.p[i] >= ' ' && s.p[i] != 0x7f);
}

static enum kh_err
on_part(void *ctx, const struct kh_part *p)
{
	struct transcript *t = ctx;

	MUST(!t->in_part);
	t->in_part = true;
	MUST(++t->parts <= KH_PARTS_MAX);
	MUST(p->name.n > 0 && p->name.n <= KH_FIELD_NAME_MAX);
	MUST(p->filename.n <= KH_RAW_NAME_MAX);
	MUST(p->has_filename || p->filename.n == 0);
	check_text(p->name);
	check_filename(p->filename);
	check_text(p->type);
	MUST(memchr(p->name.p, '"', p->name.n) == NULL);
	add(t, "P", 1);
	add(t, p->name.p, p->name.n);
	add(t, p->has_filename ? "F" : "f", 1);
	add(t, p->filename.p, p->filename.n);
	add(t, "T", 1);
	add(t, p->type.p, p->type.n);
	add(t, "D", 1);
	return KH_OK;
}

static enum kh_err
on_data(void *ctx, const uint8_t *p, size_t n)
{
	struct transcript *t = ctx;

	MUST(t->in_part && n > 0);
	add(t, p, n);
	return KH_OK;
}

static enum kh_err
on_end(void *ctx)
{
	struct transcript *t = ctx;

	MUST(t->in_part);
	t->in_part = false;
	add(t, "E", 1);
	return KH_OK;
}

static const struct kh_multipart_ops ops = {on_part, on_data, on_end};

/* Feed in pieces that `seed` chooses, mostly short ones; 0: in one. */
static enum kh_err
run(struct kh_slice boundary, struct kh_slice body, uint32_t seed,
    struct transcript *t)
{
	static struct kh_multipart m;
	const uint8_t *p = (const uint8_t *)body.p;
	size_t left = body.n, n;
	enum kh_err e = KH_OK;
	uint8_t *piece;

	t->n = t->parts = 0;
	t->in_part = false;
	kh_multipart_init(&m, boundary, &ops, t);
	while (left > 0 && e == KH_OK) {
		seed = seed * 1103515245 + 12345;
		n = seed >> 30 == 0 ? (seed >> 16) % 97 : (seed >> 16) % 4;
		if (t == &one || n > left)
			n = left;
		piece = malloc(n > 0 ? n : 1);
		MUST(piece != NULL);
		memcpy(piece, p, n);
		e = kh_multipart_feed(&m, piece, n);
		free(piece);
		p += n;
		left -= n;
	}
	if (e != KH_OK) {
		MUST(kh_multipart_finish(&m) == e);
		MUST(kh_multipart_feed(&m, (const uint8_t *)"x", 1) == e);
		return e;
	}
	return kh_multipart_finish(&m);
}

static const uint8_t *
find(const uint8_t *p, const uint8_t *end, const char *what, size_t n)
{
	const uint8_t *at = memmem(p, (size_t)(end - p), what, n);

	MUST(at != NULL);
	return at;
}

/* The data of all parts, found in the whole body by nothing but searching. */
static void
check_plain(struct kh_slice boundary, struct kh_slice body)
{
	const uint8_t *p = (const uint8_t *)body.p, *end = p + body.n, *next;
	char delim[4 + KH_BOUNDARY_MAX];
	size_t len = 4 + boundary.n;

	memcpy(delim, "\r\n--", 4);
	memcpy(delim + 4, boundary.p, boundary.n);
	plain.n = plain.parts = 0;
	MUST(body.n >= len && memcmp(p, delim + 2, len - 2) == 0);
	p += len - 2;
	while (memcmp(p, "\r\n", 2) == 0) {
		p = find(p + 2, end, "\r\n\r\n", 4) + 4;
		next = find(p, end, delim, len);
		add(&plain, p, (size_t)(next - p));
		plain.parts++;
		p = next + len;
		MUST(end - p >= 2);
	}
	MUST(memcmp(p, "--", 2) == 0);
	p += 2;
	MUST(p == end || (end - p == 2 && memcmp(p, "\r\n", 2) == 0));
}

/* Only the data, for the comparison with that. */
static enum kh_err
skip_part(void *ctx, const struct kh_part *p)
{
	struct transcript *t = ctx;

	MUST(p->name.n > 0);
	t->parts++;
	return KH_OK;
}

static enum kh_err
only_data(void *ctx, const uint8_t *p, size_t n)
{
	add(ctx, p, n);
	return KH_OK;
}

static enum kh_err
skip_end(void *ctx)
{
	MUST(ctx != NULL);
	return KH_OK;
}

static const struct kh_multipart_ops data_ops = {
    skip_part, only_data, skip_end};

static void
check_data(struct kh_slice boundary, struct kh_slice body)
{
	static struct kh_multipart m;

	many.n = many.parts = 0;
	kh_multipart_init(&m, boundary, &data_ops, &many);
	MUST(kh_multipart_feed(&m, (const uint8_t *)body.p, body.n) == KH_OK);
	MUST(many.parts == plain.parts && many.n == plain.n);
	MUST(memcmp(many.bytes, plain.bytes, plain.n) == 0);
}

/* What kh_multipart_boundary takes is a slice of its input, between quotes. */
static bool
take_boundary(struct kh_slice line, struct kh_slice *boundary)
{
	static const char start[] = "multipart/form-data; boundary=\"";
	char type[sizeof(start) + KH_BOUNDARY_MAX + 1];
	size_t n = sizeof(start) - 1;

	if (line.n > KH_BOUNDARY_MAX)
		return false;
	memcpy(type, start, n);
	memcpy(type + n, line.p, line.n);
	n += line.n;
	type[n++] = '"';
	if (kh_multipart_boundary((struct kh_slice){type, n}, boundary) !=
	    KH_OK)
		return false;
	MUST(boundary->n == line.n);
	MUST(memcmp(boundary->p, line.p, line.n) == 0);
	*boundary = line;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kh_slice boundary, body, rest;
	const uint8_t *lf;
	enum kh_err want;
	uint32_t seed;

	if (size < 3 || size > BODY_MAX)
		return 0;
	/* As a Content-Type it must not crash either. */
	rest = (struct kh_slice){(const char *)data, size};
	if (kh_multipart_boundary(rest, &boundary) == KH_OK)
		MUST(boundary.n > 0 && boundary.n <= KH_BOUNDARY_MAX);
	seed = (uint32_t)data[0] << 8 | data[1];
	lf = memchr(data + 2, '\n', size - 2);
	if (lf == NULL)
		return 0;
	rest.p = (const char *)data + 2;
	rest.n = (size_t)(lf - data) - 2;
	if (!take_boundary(rest, &boundary))
		return 0;
	body.p = (const char *)lf + 1;
	body.n = size - (size_t)(lf - data) - 1;
	want = run(boundary, body, 0, &one);
	MUST(want == KH_OK || want == KH_EFORMAT || want == KH_ETRUNC ||
	    want == KH_ELIMIT);
	for (uint32_t i = 0; i < 3; i++) {
		MUST(run(boundary, body, seed + i, &many) == want);
		MUST(many.n == one.n && many.in_part == one.in_part);
		MUST(memcmp(many.bytes, one.bytes, one.n) == 0);
	}
	if (want == KH_OK) {
		MUST(!one.in_part);
		check_plain(boundary, body);
		check_data(boundary, body);
	}
	return 0;
}
