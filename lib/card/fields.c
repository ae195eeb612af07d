/*
 * Names and languages of newsrooms: what may be shown, and the file stem that
 * is made of a name. Separate because it alone needs the Unicode tables.
 */
#include <sodium.h>
#include <string.h>
#include <utf8proc.h>

#include "knothole/card.h"
#include "lib/base/precond.h"
#include "lib/card/fields.h"

/* Code points that a name can decompose to: a code point of one byte stays
 * one, none of more bytes becomes more than 18 (UAX #15, "Stability"). */
#define POINTS_MAX (KH_CARD_NAME_MAX * 9)

static bool
point_ok(utf8proc_int32_t cp)
{
	utf8proc_category_t cat = utf8proc_category(cp);

	/* Separators, controls, format, surrogates and private use come last. */
	if (cat >= UTF8PROC_CATEGORY_ZS)
		return cp == ' ';
	return cat != UTF8PROC_CATEGORY_CN;
}

static bool
is_mark(utf8proc_int32_t cp)
{
	utf8proc_category_t cat = utf8proc_category(cp);

	return cat == UTF8PROC_CATEGORY_MN || cat == UTF8PROC_CATEGORY_MC ||
	    cat == UTF8PROC_CATEGORY_ME;
}

/* Is the text, of points that point_ok let pass, its own NFC, and without
 * anything else that is not seen (fillers, variation selectors)? */
static bool
is_nfc(const char *name, size_t n)
{
	utf8proc_int32_t point[POINTS_MAX], cp;
	utf8proc_ssize_t count, i;
	size_t at = 0;

	count = utf8proc_decompose((const utf8proc_uint8_t *)name,
	    (utf8proc_ssize_t)n, point, POINTS_MAX,
	    UTF8PROC_COMPOSE | UTF8PROC_STABLE | UTF8PROC_IGNORE);
	if (count < 0 || count > POINTS_MAX)
		return false;
	count = utf8proc_normalize_utf32(
	    point, count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
	for (i = 0; i < count && at < n; i++) {
		at += (size_t)utf8proc_iterate(
		    (const utf8proc_uint8_t *)name + at,
		    (utf8proc_ssize_t)(n - at), &cp);
		if (cp != point[i])
			return false;
	}
	return i == count && at == n;
}

bool
kh_card_name_ok(const char *name, size_t n)
{
	utf8proc_int32_t cp = 0;
	utf8proc_ssize_t used;
	size_t at;

	if (n == 0 || n > KH_CARD_NAME_MAX)
		return false;
	for (at = 0; at < n; at += (size_t)used) {
		used = utf8proc_iterate((const utf8proc_uint8_t *)name + at,
		    (utf8proc_ssize_t)(n - at), &cp);
		if (used <= 0 || !point_ok(cp))
			return false;
		if (at == 0 && (cp == ' ' || is_mark(cp)))
			return false;
	}
	return cp != ' ' && is_nfc(name, n);
}

bool
kh_card_language_ok(const char *language, size_t n)
{
	size_t i;

	if (n < 2 || n > KH_LANGUAGE_MAX)
		return false;
	for (i = 0; i < n; i++) {
		if (language[i] < 'a' || language[i] > 'z')
			return false;
	}
	return true;
}

/* "newsroom-" and the first 4 bytes of the name's BLAKE2b-256 in hex. */
static void
id_of_hash(const char *name, char out[static KH_CARD_ID_MAX + 1])
{
	static const char stem[] = "newsroom-";
	uint8_t h[crypto_generichash_BYTES];

	crypto_generichash(
	    h, sizeof(h), (const uint8_t *)name, strlen(name), NULL, 0);
	memcpy(out, stem, sizeof(stem) - 1);
	sodium_bin2hex(out + sizeof(stem) - 1, 9, h, 4);
}

void
kh_card_id(const char *name, char out[static KH_CARD_ID_MAX + 1])
{
	utf8proc_int32_t point[POINTS_MAX];
	utf8proc_ssize_t count, i;
	bool gap = false, letters = false;
	size_t n = 0;

	PRECOND(name != NULL);
	/* Case and accents off: "Le Canard enchaîné" keeps its letters. */
	count = utf8proc_decompose((const utf8proc_uint8_t *)name,
	    (utf8proc_ssize_t)strlen(name), point, POINTS_MAX,
	    UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
		UTF8PROC_STRIPMARK);
	if (count > POINTS_MAX)
		count = -1;
	for (i = 0; i < count; i++) {
		bool letter = point[i] >= 'a' && point[i] <= 'z';

		if (!letter && !(point[i] >= '0' && point[i] <= '9')) {
			gap = n > 0;
			continue;
		}
		if (n + gap >= KH_CARD_ID_MAX)
			break;
		if (gap)
			out[n++] = '-';
		out[n++] = (char)point[i];
		gap = false;
		letters |= letter;
	}
	out[n] = '\0';
	if (!letters)
		id_of_hash(name, out);
}

int
kh_card_id_valid(const char *id, size_t n)
{
	size_t i;

	PRECOND(id != NULL || n == 0);
	if (n == 0 || n > KH_CARD_ID_MAX || id[0] == '-' || id[n - 1] == '-')
		return 0;
	for (i = 0; i < n; i++) {
		if (!(id[i] >= 'a' && id[i] <= 'z') &&
		    !(id[i] >= '0' && id[i] <= '9') && id[i] != '-')
			return 0;
	}
	return 1;
}
