/*
 * Byte ranges. Separate because off-by-ones here would be damaged downloads.
 */

#include "server/courier/route.h"

/* Digits, all of them; what does not fit is the largest there is. False when
 * there is none. */
static bool
number(struct kh_slice *s, uint64_t *out)
{
	const size_t all = s->n;
	unsigned digit;

	*out = 0;
	for (; s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9'; s->p++, s->n--) {
		digit = (unsigned)(s->p[0] - '0');
		*out = *out > (UINT64_MAX - digit) / 10 ? UINT64_MAX
							: 10 * *out + digit;
	}
	return s->n < all;
}

/* "-N": the last N bytes. */
static bool
suffix(struct kh_slice s, uint64_t size, uint64_t *from, uint64_t *n)
{
	s.p++;
	s.n--;
	if (!number(&s, n) || s.n > 0 || *n == 0 || size == 0)
		return false;
	if (*n > size)
		*n = size;
	*from = size - *n;
	return true;
}

/* "A-" and "A-B", B the last byte. */
static bool
interval(struct kh_slice s, uint64_t size, uint64_t *from, uint64_t *n)
{
	uint64_t last = UINT64_MAX;

	if (!number(&s, from) || s.n == 0 || s.p[0] != '-')
		return false;
	s.p++;
	s.n--;
	if (s.n > 0 && (!number(&s, &last) || s.n > 0))
		return false;
	if (*from >= size || last < *from)
		return false;
	if (last > size - 1)
		last = size - 1;
	*n = last - *from + 1;
	return true;
}

enum kh_range
kh_courier_range(
    struct kh_slice value, uint64_t size, uint64_t *from, uint64_t *n)
{
	static const char unit[] = "bytes=";
	const size_t len = sizeof(unit) - 1;
	bool ok;

	*from = 0;
	*n = size;
	/* RFC 9110 14.2: other units are passed over. */
	if (value.n < len ||
	    !kh_slice_is((struct kh_slice){value.p, len}, unit))
		return KH_RANGE_ALL;
	value.p += len;
	value.n -= len;
	ok = value.n > 0 && value.p[0] == '-' ? suffix(value, size, from, n)
					      : interval(value, size, from, n);
	if (ok)
		return KH_RANGE_PART;
	*from = *n = 0;
	return KH_RANGE_NONE;
}
