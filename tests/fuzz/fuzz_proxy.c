/*
 * tor's PROXY line: what is read is what is written, and a prefix of a line is
 * the beginning of it and nothing else.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/limits.h"
#include "server/door/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static enum kh_err
verdict(const uint8_t *p, size_t n, uint32_t *circuit, size_t *len)
{
	/* A copy of exactly that length: a sanitizer sees every overread. */
	uint8_t *copy = malloc(n > 0 ? n : 1);
	enum kh_err e;

	MUST(copy != NULL);
	if (n > 0)
		memcpy(copy, p, n);
	e = kh_proxy_parse(copy, n, circuit, len);
	MUST(e == KH_OK || (*circuit == 0 && *len == 0));
	MUST(e == KH_OK || e == KH_EAGAIN || e == KH_EFORMAT);
	free(copy);
	return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t circuit, other;
	size_t len, at, n;
	char begin[64];
	enum kh_err e, want;
	int begun, decided = 0;

	want = verdict(data, size, &circuit, &len);
	for (n = 0; n < size && n <= 2 * KH_PROXY_LINE_MAX; n++) {
		e = verdict(data, n, &other, &at);
		MUST(e == KH_EAGAIN || (e == want && other == circuit));
		MUST(e != KH_EAGAIN || (!decided && n < KH_PROXY_LINE_MAX));
		decided = e != KH_EAGAIN;
	}
	if (want != KH_OK)
		return 0;
	MUST(len <= size && len <= KH_PROXY_LINE_MAX);
	MUST(memcmp(data + len - 2, "\r\n", 2) == 0);
	begun = snprintf(begin, sizeof(begin),
	    "PROXY TCP6 fc00:dead:beef:4dad::%x:%x ::1 ", circuit >> 16,
	    circuit & 0xffff);
	MUST(begun > 0 && (size_t)begun < len);
	MUST(memcmp(data, begin, (size_t)begun) == 0);
	return 0;
}
