/*
 * For the tests of the request head: a head is taken or refused in whole, and
 * by every prefix of it.
 */
#ifndef KH_TESTS_HEAD_CHECK_H
#define KH_TESTS_HEAD_CHECK_H

#include "tests/unit/tap.h"

#include "server/visit/head.h"

/* Another parser may be put to the same tests. */
#ifndef HEAD_PARSE
#define HEAD_PARSE kh_head_parse
#endif

#define H "Host: drop.onion\r\n"
#define GET_LINE "GET /en/send HTTP/1.1\r\n"
#define POST_LINE "POST /en/send HTTP/1.1\r\n"

struct refusal {
	const char *head;
	enum kh_head_fault fault;
};

static inline enum kh_err
parse(const char *text, size_t n, struct kh_head *h, enum kh_head_fault *f)
{
	/* Exactly as long as it is, so that a sanitizer sees an overread. */
	uint8_t *copy = malloc(n > 0 ? n : 1);
	enum kh_err e;

	assert_non_null(copy);
	memcpy(copy, text, n);
	memset(h, 0xaa, sizeof(*h));
	*f = KH_HEAD_LARGE;
	e = HEAD_PARSE(copy, n, h, f);
	/* Slices point into the copy: move them to the text. */
	if (e == KH_OK) {
		h->path.p = text + (h->path.p - (const char *)copy);
		if (h->query.p != NULL)
			h->query.p = text + (h->query.p - (const char *)copy);
		if (h->type.p != NULL)
			h->type.p = text + (h->type.p - (const char *)copy);
		h->host.p = text + (h->host.p - (const char *)copy);
	}
	free(copy);
	return e;
}

static inline void
assert_zeroed(const struct kh_head *h)
{
	static const struct kh_head zero;

	assert_memory_equal(h, &zero, sizeof(zero));
}

static inline void
assert_slice(struct kh_slice s, const char *want)
{
	assert_int_equal(s.n, strlen(want));
	if (s.n > 0)
		assert_memory_equal(s.p, want, s.n);
}

/*
 * Refused in whole, and by every prefix from some point on with the same
 * fault; before it KH_EAGAIN. Returns how many bytes it took.
 */
static inline size_t
assert_refused(const char *text, size_t n, enum kh_head_fault fault)
{
	enum kh_err want = fault == KH_HEAD_LARGE ? KH_ELIMIT : KH_EFORMAT;
	enum kh_head_fault f;
	struct kh_head h;
	size_t first = n + 1;
	enum kh_err e;

	for (size_t i = 0; i <= n; i++) {
		e = parse(text, i, &h, &f);
		assert_zeroed(&h);
		if (e == KH_EAGAIN) {
			assert_int_equal(f, KH_HEAD_FINE);
			assert_true(first > n); /* never taken back */
			continue;
		}
		assert_int_equal(e, want);
		assert_int_equal(f, fault);
		if (first > n)
			first = i;
	}
	if (first > n)
		fail_msg("not refused: %s", text);
	return first;
}

static inline struct kh_head
assert_taken(const char *text, size_t n)
{
	enum kh_head_fault f;
	struct kh_head h;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(parse(text, i, &h, &f), KH_EAGAIN);
		assert_int_equal(f, KH_HEAD_FINE);
		assert_zeroed(&h);
	}
	if (parse(text, n, &h, &f) != KH_OK)
		fail_msg("refused (%d): %s", (int)f, text);
	assert_int_equal(f, KH_HEAD_FINE);
	assert_int_equal(h.head_len, n);
	return h;
}

static inline struct kh_head
taken(const char *text)
{
	return assert_taken(text, strlen(text));
}

static inline void
refused_all(const struct refusal *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_refused(r[i].head, strlen(r[i].head), r[i].fault);
}

#define REFUSED_ALL(r) refused_all(r, sizeof(r) / sizeof((r)[0]))

#endif
