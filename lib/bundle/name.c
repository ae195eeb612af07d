/*
 * The one function that makes a safe file name of anything (L1). Apart from
 * all else, because every path that leaves an archive goes through it.
 */
#include "knothole/name.h"

#include <string.h>
#include <utf8proc.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/bundle/utf8.h"

#define EXTENSION_MAX 20 /* bytes, with its dot, that survive shortening */
/* A canonical decomposition has at most 3 characters for 2 bytes. */
#define DECOMPOSED_MAX (KH_RAW_NAME_MAX * 3 / 2 + 1)

/*
 * What becomes of character `c`; 0: nothing. Besides the separators of paths,
 * what Windows reserves ('<' to '|', and ':' for streams) goes, because files
 * end up there. Device names do not matter: names come after a number.
 */
static uint32_t
replace(uint32_t c)
{
	if (c < 0x80 && c >= ' ' && strchr("\"*/:<>?\\|", (int)c) != NULL)
		return '_';
	switch (kh_char_kind(c)) {
	case KH_CHAR_BLANK:
		return ' ';
	case KH_CHAR_INVISIBLE:
		return 0;
	case KH_CHAR_PLAIN:
		break;
	}
	return c;
}

/* Replace character by character; an invalid byte is one '_'. Never longer
 * than what came in. Returns the length. */
static size_t
filter(const uint8_t *raw, size_t n, uint8_t *out)
{
	size_t i, k, len = 0;
	uint32_t c;

	for (i = 0; i < n; i += k) {
		k = kh_utf8_get(raw + i, n - i, &c);
		if (k == 0) {
			k = 1;
			c = '_';
		}
		c = replace(c);
		if (c != 0)
			len += kh_utf8_put(c, out + len);
	}
	return len;
}

/*
 * Unicode normalization form C, in place. `buf` holds `n` bytes of UTF-8 and
 * has room for `cap`. Returns the length, 0 when it does not fit.
 */
static size_t
compose(uint8_t *buf, size_t n, size_t cap)
{
	utf8proc_int32_t wide[DECOMPOSED_MAX + 1];
	utf8proc_ssize_t k;
	size_t len = 0;

	k = utf8proc_decompose(buf, (utf8proc_ssize_t)n, wide, DECOMPOSED_MAX,
	    UTF8PROC_COMPOSE | UTF8PROC_STABLE);
	if (k < 0 || k > DECOMPOSED_MAX)
		goto out;
	/* Encodes in place, and writes a NUL after it. */
	k = utf8proc_reencode(wide, k, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
	if (k < 0 || (size_t)k > cap)
		goto out;
	len = (size_t)k;
	memcpy(buf, wide, len);
out:
	kh_wipe(wide, sizeof(wide));
	return len;
}

/* Where the last extension begins: its dot, or `n`. */
static size_t
extension(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = n; i > 1; i--)
		if (p[i - 1] == '.')
			return n - (i - 1) <= EXTENSION_MAX ? i - 1 : n;
	return n;
}

/* The longest prefix of at most `max` bytes that splits no character. */
static size_t
cut(const uint8_t *p, size_t n, size_t max)
{
	if (n <= max)
		return n;
	while (max > 0 && (p[max] & 0xc0) == 0x80)
		max--;
	return max;
}

/* Copy to `out`, shortened before the extension if it has to be. */
static void
fit(const uint8_t *p, size_t n, char out[static KH_NAME_MAX + 1])
{
	size_t dot = extension(p, n), ext = n - dot, stem = dot;

	if (n > KH_NAME_MAX)
		stem = cut(p, dot, KH_NAME_MAX - ext);
	memcpy(out, p, stem);
	/* A name that is cut at its end must not come to end in a blank. */
	while (ext == 0 && stem > 0 &&
	    (out[stem - 1] == ' ' || out[stem - 1] == '.'))
		stem--;
	memcpy(out + stem, p + dot, ext);
	out[stem + ext] = '\0';
}

void
kh_name_make(const uint8_t *raw, size_t n, char out[static KH_NAME_MAX + 1])
{
	/* NFC can be longer than what it comes from, at most threefold. */
	uint8_t buf[KH_RAW_NAME_MAX * 3];
	uint8_t *p = buf;
	size_t i, len;

	PRECOND(raw != NULL || n == 0);

	for (i = n; i > 0; i--)
		if (raw[i - 1] == '/' || raw[i - 1] == '\\')
			break;
	raw = n > 0 ? raw + i : buf;
	n -= i;
	if (n > KH_RAW_NAME_MAX) {
		raw += n - KH_RAW_NAME_MAX;
		n = KH_RAW_NAME_MAX;
	}
	len = filter(raw, n, buf);
	len = compose(buf, len, sizeof(buf));
	while (len > 0 && strchr(" .-", *p) != NULL) {
		p++;
		len--;
	}
	while (len > 0 && (p[len - 1] == ' ' || p[len - 1] == '.'))
		len--;
	if (len == 0)
		memcpy(out, "file", sizeof("file"));
	else
		fit(p, len, out);
	kh_wipe(buf, sizeof(buf));
}

bool
kh_name_is_safe(const char *name, size_t n)
{
	char made[KH_NAME_MAX + 1];
	bool safe;

	PRECOND(name != NULL || n == 0);

	if (n == 0 || n > KH_NAME_MAX)
		return false;
	kh_name_make((const uint8_t *)name, n, made);
	safe = strlen(made) == n && memcmp(made, name, n) == 0;
	kh_wipe(made, sizeof(made));
	return safe;
}
