/*
 * ASCII armor, reading: strict RFC 7468 lines of 64 columns, LF or CRLF, white
 * space allowed before and after only. Separate from writing because they
 * share nothing but two lines of text.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/age/armor.h"
#include "lib/age/b64.h"
#include "lib/base/precond.h"

#define SPACE_MAX 1024 /* white space on either side, as in stock age */
#define LINE_MAX_LEN (KH_B64_LINE_LEN + 1) /* with a CR */
#define LINES 1024 /* decoded for one call of the sink */

_Static_assert(sizeof(KH_ARMOR_BEGIN) <= LINE_MAX_LEN &&
	sizeof(KH_ARMOR_END) <= LINE_MAX_LEN,
    "both fit a line");

enum place {
	PLACE_BEFORE, /* white space, or the begin line */
	PLACE_BEGIN,
	PLACE_BODY,
	PLACE_LAST, /* a short line was seen: the end line follows */
	PLACE_AFTER /* white space */
};

struct kh_armor_reader {
	struct kh_sink sink;
	enum place place;
	bool indented; /* white space before this on the same line */
	size_t space_n; /* white space so far, before or after */
	size_t line_n;
	uint8_t line[LINE_MAX_LEN];
	size_t out_n;
	uint8_t out[LINES * KH_B64_LINE_BYTES];
};

enum kh_err
kh_armor_reader_new(struct kh_armor_reader **out, struct kh_sink sink)
{
	*out = calloc(1, sizeof(**out));
	if (*out == NULL)
		return KH_ENOMEM;
	(*out)->sink = sink;
	return KH_OK;
}

void
kh_armor_reader_free(struct kh_armor_reader *a)
{
	free(a);
}

static enum kh_err
send_bytes(struct kh_armor_reader *a)
{
	size_t n = a->out_n;

	a->out_n = 0;
	return n == 0 ? KH_OK : a->sink.write(a->sink.ctx, a->out, n);
}

static bool
line_is(const uint8_t *p, size_t n, const char *text)
{
	return n == strlen(text) && memcmp(p, text, n) == 0;
}

/* A line of the body: 64 columns, or the last, padded to a multiple of 4. */
static enum kh_err
decode_line(struct kh_armor_reader *a, const uint8_t *p, size_t n)
{
	enum kh_err e;
	size_t len;

	if (sizeof(a->out) - a->out_n < KH_B64_LINE_BYTES) {
		e = send_bytes(a);
		if (e != KH_OK)
			return e;
	}
	e = kh_b64_decode_padded(p, n, a->out + a->out_n, &len);
	if (e != KH_OK)
		return e;
	a->out_n += len;
	if (len < KH_B64_LINE_BYTES)
		a->place = PLACE_LAST;
	return KH_OK;
}

/* A whole line without its LF. */
static enum kh_err
armor_line(struct kh_armor_reader *a, const uint8_t *p, size_t n)
{
	if (n > 0 && p[n - 1] == '\r')
		n--;
	switch (a->place) {
	case PLACE_BEGIN:
		a->place = PLACE_BODY;
		return line_is(p, n, KH_ARMOR_BEGIN) ? KH_OK : KH_EFORMAT;
	case PLACE_BODY:
		if (!line_is(p, n, KH_ARMOR_END))
			return decode_line(a, p, n);
		a->place = PLACE_AFTER;
		return KH_OK;
	case PLACE_LAST:
		a->place = PLACE_AFTER;
		return line_is(p, n, KH_ARMOR_END) ? KH_OK : KH_EFORMAT;
	case PLACE_BEFORE:
	case PLACE_AFTER:
		break;
	}
	abort();
}

/* One byte outside. The begin line must be the first thing on its line. */
static enum kh_err
outside(struct kh_armor_reader *a, uint8_t c)
{
	if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
		a->indented = c != '\n';
		return ++a->space_n <= SPACE_MAX ? KH_OK : KH_EFORMAT;
	}
	if (a->place == PLACE_AFTER || a->indented)
		return KH_EFORMAT;
	a->place = PLACE_BEGIN;
	a->space_n = 0;
	return KH_OK;
}

/* Take bytes up to the end of a line, or all of them; *used says how many. */
static enum kh_err
inside(struct kh_armor_reader *a, const uint8_t *p, size_t n, size_t *used)
{
	const uint8_t *end = memchr(p, '\n', n);
	size_t piece = end != NULL ? (size_t)(end - p) : n;
	enum kh_err e;

	*used = end != NULL ? piece + 1 : n;
	if (piece > sizeof(a->line) - a->line_n)
		return KH_EFORMAT;
	if (end != NULL && a->line_n == 0)
		return armor_line(a, p, piece);
	memcpy(a->line + a->line_n, p, piece);
	a->line_n += piece;
	if (end == NULL)
		return KH_OK;
	e = armor_line(a, a->line, a->line_n);
	a->line_n = 0;
	return e;
}

enum kh_err
kh_armor_reader_write(struct kh_armor_reader *a, const uint8_t *p, size_t n)
{
	enum kh_err e = KH_OK, sent;
	size_t used;

	while (n > 0 && e == KH_OK) {
		used = 0;
		if (a->place == PLACE_BEFORE || a->place == PLACE_AFTER) {
			e = outside(a, *p);
			/* The first byte of the begin line is read again. */
			used = a->place == PLACE_BEGIN ? 0 : 1;
		} else {
			e = inside(a, p, n, &used);
		}
		p += used;
		n -= used;
	}
	sent = send_bytes(a);
	return sent != KH_OK ? sent : e;
}

enum kh_err
kh_armor_reader_finish(struct kh_armor_reader *a)
{
	/* The end line needs no line end. */
	if ((a->place == PLACE_BODY || a->place == PLACE_LAST) &&
	    line_is(a->line, a->line_n, KH_ARMOR_END))
		a->place = PLACE_AFTER;
	return a->place == PLACE_AFTER ? KH_OK : KH_ETRUNC;
}
