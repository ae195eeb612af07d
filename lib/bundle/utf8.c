/*
 * UTF-8 by the letter of RFC 3629, and text made fit for a terminal. Used by
 * names and manifest alike.
 */
#include "lib/bundle/utf8.h"

#include <string.h>
#include <utf8proc.h>

#include "knothole/name.h"
#include "lib/base/precond.h"

/* RFC 3629 section 4: no overlong forms, no surrogates, nothing beyond
 * U+10FFFF. The second byte's range depends on the first. */
size_t
kh_utf8_get(const uint8_t *p, size_t n, uint32_t *c)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t len, i;

	PRECOND(c != NULL && (p != NULL || n == 0));
	*c = 0;
	if (n == 0)
		return 0;
	if (p[0] < 0x80) {
		*c = p[0];
		return 1;
	}
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	if (p[0] == 0xed)
		high = 0x9f;
	if (p[0] == 0xf0)
		low = 0x90;
	if (p[0] == 0xf4)
		high = 0x8f;
	*c = p[0] & (0xffU >> (len + 1));
	for (i = 1; i < len; i++) {
		if (p[i] < low || p[i] > high)
			return 0;
		*c = *c << 6 | (p[i] & 0x3fU);
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

size_t
kh_utf8_put(uint32_t c, uint8_t out[static KH_UTF8_MAX])
{
	PRECOND(c <= 0x10ffff && (c < 0xd800 || c > 0xdfff));

	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* Noncharacters (Unicode 23.7), what is reserved for invisible characters
 * (Default_Ignorable_Code_Point), and interlinear annotation. */
static bool
never_seen(uint32_t c)
{
	return (c & 0xfffe) == 0xfffe || (c >= 0xfdd0 && c <= 0xfdef) ||
	    (c >= 0xfff0 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff) ||
	    c == 0x2065;
}

enum kh_char
kh_char_kind(uint32_t c)
{
	utf8proc_int32_t cp = (utf8proc_int32_t)c;

	if (c == ' ')
		return KH_CHAR_PLAIN;
	if (never_seen(c) || utf8proc_get_property(cp)->ignorable)
		return KH_CHAR_INVISIBLE;
	switch (utf8proc_category(cp)) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return KH_CHAR_BLANK;
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
		return KH_CHAR_INVISIBLE;
	default:
		return KH_CHAR_PLAIN;
	}
}

bool
kh_utf8_valid(const uint8_t *p, size_t n)
{
	uint32_t c;
	size_t k;

	PRECOND(p != NULL || n == 0);

	for (; n > 0; p += k, n -= k) {
		k = kh_utf8_get(p, n, &c);
		if (k == 0 || c == 0)
			return false;
	}
	return true;
}

size_t
kh_utf8_count(const uint8_t *p, size_t n)
{
	size_t i, count = 0;

	PRECOND(p != NULL || n == 0);

	for (i = 0; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			count++;
	return count;
}

/* Lower-case hexadecimal, at least two digits. Returns the length. */
static size_t
put_hex(uint32_t v, char *out)
{
	static const char digits[] = "0123456789abcdef";
	unsigned shift = 4;
	size_t n = 0;

	while (shift < 28 && v >> (shift + 4) != 0)
		shift += 4;
	for (;; shift -= 4) {
		out[n++] = digits[v >> shift & 0xf];
		if (shift == 0)
			return n;
	}
}

/* One character, `k` bytes at `p` (0: one invalid byte), as it is to be
 * shown. Returns the length. */
static size_t
escape_one(const uint8_t *p, size_t k, uint32_t c, char out[static 12])
{
	size_t n = 0;

	if (k > 0 && c != '\\' && kh_char_kind(c) == KH_CHAR_PLAIN) {
		memcpy(out, p, k);
		return k;
	}
	out[n++] = '\\';
	if (c == '\\' && k > 0) {
		out[n++] = '\\';
		return n;
	}
	if (k <= 1) {
		out[n++] = 'x';
		return n + put_hex(p[0], out + n);
	}
	out[n++] = 'u';
	out[n++] = '{';
	n += put_hex(c, out + n);
	out[n++] = '}';
	return n;
}

size_t
kh_text_escape(const uint8_t *p, size_t n, char *out, size_t cap)
{
	char one[12];
	size_t i, k, len, total = 0;
	uint32_t c;

	PRECOND((p != NULL || n == 0) && out != NULL && cap > 0);

	for (i = 0; i<n; i += k> 0 ? k : 1) {
		k = kh_utf8_get(p + i, n - i, &c);
		len = escape_one(p + i, k, c, one);
		if (len >= cap - total)
			break;
		memcpy(out + total, one, len);
		total += len;
	}
	out[total] = '\0';
	return total;
}
