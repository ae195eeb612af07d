/*
 * Byte ranges: whatever is asked for, what is answered lies in the object, and
 * a range written anew from it means the same.
 *
 *	size[8]  value ...
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/courier/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole, from, n, from2, n2;
	char text[64], *copy;
	enum kh_range r;
	int len;

	if (size < sizeof(whole))
		return 0;
	memcpy(&whole, data, sizeof(whole));
	data += sizeof(whole);
	size -= sizeof(whole);
	/* Exactly as long as it is: a sanitizer sees every overread. */
	copy = malloc(size > 0 ? size : 1);
	MUST(copy != NULL);
	memcpy(copy, data, size);
	r = kh_courier_range((struct kh_slice){copy, size}, whole, &from, &n);
	free(copy);
	if (r == KH_RANGE_ALL)
		MUST(from == 0 && n == whole);
	if (r == KH_RANGE_NONE)
		MUST(from == 0 && n == 0);
	if (r != KH_RANGE_PART)
		return 0;
	MUST(n > 0 && from < whole && n <= whole - from);
	len = snprintf(text, sizeof(text), "bytes=%" PRIu64 "-%" PRIu64, from,
	    from + n - 1);
	r = kh_courier_range(
	    (struct kh_slice){text, (size_t)len}, whole, &from2, &n2);
	MUST(r == KH_RANGE_PART && from2 == from && n2 == n);
	return 0;
}
