/*
 * UTF-8, character by character, and which characters may be seen. Internal
 * to the bundle.
 */
#ifndef KNOTHOLE_LIB_BUNDLE_UTF8_H
#define KNOTHOLE_LIB_BUNDLE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KH_UTF8_MAX 4 /* bytes of one character */

/* The character at `p` (RFC 3629). Returns its length, or 0 when the `n`
 * bytes do not begin with a whole, well-formed one. */
size_t kh_utf8_get(const uint8_t *p, size_t n, uint32_t *c);

/* Encode `c`, a code point that is no surrogate. Returns the length. */
size_t kh_utf8_put(uint32_t c, uint8_t out[static KH_UTF8_MAX]);

enum kh_char {
	KH_CHAR_PLAIN, /* stays */
	KH_CHAR_BLANK, /* a separator, or a control character */
	KH_CHAR_INVISIBLE, /* bidi, zero width, tags, noncharacters */
};

/*
 * What is `c`? Code points that this Unicode version does not know are plain:
 * a server may know a newer one than the desk.
 */
enum kh_char kh_char_kind(uint32_t c);

#endif
