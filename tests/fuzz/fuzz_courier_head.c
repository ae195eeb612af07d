/*
 * Response heads of a courier's server, line by line as libcurl gives them, and
 * Content-Range by itself. What is accepted must add up.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client/courier/head.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static void
check(const struct kh_head *h)
{
	REQUIRE(h->status == 0 || (h->status >= 100 && h->status <= 599));
	REQUIRE(!h->has_length || h->length <= INT64_MAX);
	if (!h->has_range)
		return;
	REQUIRE(h->total <= INT64_MAX);
	if (!h->unsatisfied)
		REQUIRE(h->first <= h->last && h->last < h->total);
}

/* One way to write each range: what was read, written again, is the input. */
static void
check_range(const char *value, size_t n)
{
	struct kh_head h = {0};
	char again[96];
	int len;

	if (kh_content_range(value, n, &h) != KH_OK) {
		REQUIRE(!h.has_range);
		return;
	}
	check(&h);
	if (h.unsatisfied)
		len = snprintf(again, sizeof(again), "bytes */%llu",
		    (unsigned long long)h.total);
	else
		len = snprintf(again, sizeof(again), "bytes %llu-%llu/%llu",
		    (unsigned long long)h.first, (unsigned long long)h.last,
		    (unsigned long long)h.total);
	REQUIRE(len > 0 && (size_t)len == n && memcmp(again, value, n) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size, *lf;
	struct kh_head h = {0};
	enum kh_err e = KH_OK;

	check_range(p, size);
	while (p < end && e == KH_OK) {
		lf = memchr(p, '\n', (size_t)(end - p));
		lf = lf == NULL ? end : lf + 1;
		e = kh_head_line(&h, p, (size_t)(lf - p));
		REQUIRE(e == KH_OK || e == KH_EFORMAT || e == KH_ELIMIT);
		if (e == KH_OK)
			check(&h);
		p = lf;
	}
	REQUIRE(h.bytes <= KH_ANSWER_HEAD_MAX);
	return 0;
}
