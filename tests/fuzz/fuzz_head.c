/*
 * The request head parser: its verdict on every prefix, and what an accepted
 * head may contain, told by simpler means than its own.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/visit/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static const struct kh_head zero;

/* How often a line begins with `name` and a colon, in any case. */
static unsigned
count_lines(const uint8_t *p, size_t n, const char *name)
{
	size_t len = strlen(name);
	unsigned count = 0;

	for (size_t i = 0; i + 1 + len < n; i++) {
		struct kh_slice s = {(const char *)p + i + 1, len};
		if (p[i] == '\n' && p[i + 1 + len] == ':' &&
		    kh_slice_is(s, name))
			count++;
	}
	return count;
}

static void
check_slice(struct kh_slice s, const uint8_t *p, size_t n)
{
	const uint8_t *at = (const uint8_t *)s.p;

	MUST(s.n == 0 || (at >= p && s.n <= n && at <= p + n - s.n));
}

static void
check_accepted(const struct kh_head *h, const uint8_t *p, size_t size)
{
	size_t n = h->head_len;

	MUST(n <= size && n <= KH_HEAD_MAX && n > 4);
	MUST(memcmp(p + n - 4, "\r\n\r\n", 4) == 0);
	for (size_t i = 0; i < n; i++) {
		MUST(p[i] < 0x7f);
		MUST(p[i] >= ' ' || p[i] == '\r' || p[i] == '\n');
		MUST(p[i] != '\r' || (i + 1 < n && p[i + 1] == '\n'));
		MUST(p[i] != '\n' || (i > 0 && p[i - 1] == '\r'));
		MUST(p[i] != '\n' || i + 1 == n || p[i + 1] != ' ');
	}
	MUST(count_lines(p, n, "host") == 1);
	MUST(count_lines(p, n, "content-length") == h->has_length);
	MUST(count_lines(p, n, "transfer-encoding") == 0);
	MUST(h->method == KH_POST ? h->has_length : h->length == 0);
	check_slice(h->path, p, n);
	check_slice(h->query, p, n);
	check_slice(h->type, p, n);
	check_slice(h->host, p, n);
	MUST(h->host.n > 0);
	MUST(h->proxied || count_lines(p, n, "via") == 0);
	MUST(h->proxied || count_lines(p, n, "x-tor2web") == 0);
	MUST(h->path.n > 0 && h->path.p[0] == '/');
	MUST(memchr(h->path.p, '%', h->path.n) == NULL);
}

/* The verdict on the first `n` bytes, checked in itself. */
static enum kh_err
verdict(const uint8_t *p, size_t n, struct kh_head *h, enum kh_head_fault *f)
{
	/* A copy of exactly that length: a sanitizer sees every overread. */
	uint8_t *copy = malloc(n > 0 ? n : 1);
	enum kh_err e;

	MUST(copy != NULL);
	if (n > 0)
		memcpy(copy, p, n);
	memset(h, 0xaa, sizeof(*h));
	e = kh_head_parse(copy, n, h, f);
	if (e == KH_OK)
		check_accepted(h, copy, n);
	else
		MUST(memcmp(h, &zero, sizeof(zero)) == 0);
	if (e == KH_OK || e == KH_EAGAIN)
		MUST(*f == KH_HEAD_FINE);
	else
		MUST(e == (*f == KH_HEAD_LARGE ? KH_ELIMIT : KH_EFORMAT));
	MUST(e != KH_EAGAIN || n < KH_HEAD_MAX);
	free(copy);
	return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum kh_head_fault fault, f;
	struct kh_head whole, h;
	enum kh_err want, e;
	size_t stride, until;
	int decided = 0;

	if (size > 2 * KH_HEAD_MAX)
		return 0;
	want = verdict(data, size, &whole, &fault);
	/* A prefix is undecided or decided as the whole is, for good. */
	stride = size / 128 + 1;
	for (size_t n = 0; n < size; n += stride) {
		e = verdict(data, n, &h, &f);
		MUST(e == KH_EAGAIN || (e == want && f == fault));
		MUST(e != KH_EAGAIN || !decided);
		decided = e != KH_EAGAIN;
	}
	if (want != KH_OK)
		return 0;
	/* Taken exactly at its last byte, and not a byte before. */
	until = whole.head_len;
	MUST(verdict(data, until, &h, &f) == KH_OK && h.head_len == until);
	MUST(verdict(data, until - 1, &h, &f) == KH_EAGAIN);
	return 0;
}
