/*
 * Parser of the header's grammar (C2SP age, "ABNF definition of file header").
 * Separate from the stanzas: it knows lines, arguments and bodies, and nothing
 * of what any of them means.
 */
#include <stdlib.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/age/b64.h"
#include "lib/age/header.h"
#include "lib/base/precond.h"

#define MAC_MARK "---"
#define MAC_MARK_LEN 3
#define MAC_LINE_LEN (MAC_MARK_LEN + 1 + KH_B64_LEN(KH_AGE_MAC_LEN))
#define BUF_LEN_MIN 1024 /* stock headers for a few recipients */

enum expect {
	EXPECT_VERSION,
	EXPECT_STANZA, /* the first one: there must be one */
	EXPECT_STANZA_OR_MAC,
	EXPECT_BODY,
	EXPECT_NOTHING
};

struct kh_age_header {
	uint8_t *buf;
	size_t len;
	size_t cap;
	size_t line; /* where the line being read begins */
	enum expect expect;
	size_t n;
	size_t mac_covers; /* bytes up to and with "---" */
	uint8_t mac[KH_AGE_MAC_LEN];
	struct kh_stanza stanzas[KH_AGE_STANZAS_MAX];
};

enum kh_err
kh_age_header_new(struct kh_age_header **out)
{
	*out = calloc(1, sizeof(**out));
	return *out != NULL ? KH_OK : KH_ENOMEM;
}

void
kh_age_header_free(struct kh_age_header *h)
{
	if (h == NULL)
		return;
	free(h->buf);
	free(h);
}

/* Room for `n` more bytes; the caller has compared with the cap. */
static enum kh_err
reserve(struct kh_age_header *h, size_t n)
{
	size_t cap = h->cap > 0 ? h->cap : BUF_LEN_MIN;
	uint8_t *buf;

	if (n <= h->cap - h->len)
		return KH_OK;
	while (cap - h->len < n)
		cap *= 2; /* below 2 * KH_AGE_HEADER_MAX */
	buf = realloc(h->buf, cap);
	if (buf == NULL)
		return KH_ENOMEM;
	h->buf = buf;
	h->cap = cap;
	return KH_OK;
}

/* argument *(SP argument), argument = 1*VCHAR */
static enum kh_err
stanza_args(const uint8_t *p, size_t n, size_t *n_args)
{
	bool in_arg = false;
	size_t i;

	*n_args = 0;
	for (i = 0; i < n; i++) {
		if (p[i] == ' ' && !in_arg)
			return KH_EFORMAT;
		if (p[i] == ' ') {
			in_arg = false;
			continue;
		}
		if (p[i] < 0x21 || p[i] > 0x7e)
			return KH_EFORMAT;
		if (!in_arg)
			(*n_args)++;
		in_arg = true;
	}
	return in_arg ? KH_OK : KH_EFORMAT;
}

/* "-> " argument *(SP argument) */
static enum kh_err
stanza_line(struct kh_age_header *h, const uint8_t *p, size_t n)
{
	struct kh_stanza *s;

	if (n < 3 || memcmp(p, "-> ", 3) != 0)
		return KH_EFORMAT;
	if (h->n >= KH_AGE_STANZAS_MAX)
		return KH_ELIMIT;
	s = &h->stanzas[h->n];
	s->start = h->line;
	s->args = h->line + 3;
	s->args_len = n - 3;
	s->body = h->line + n + 1;
	s->body_len = 0;
	if (stanza_args(p + 3, n - 3, &s->n_args) != KH_OK)
		return KH_EFORMAT;
	h->n++;
	h->expect = EXPECT_BODY;
	return KH_OK;
}

/* 64base64char, or, for the last line of a body, *63base64char */
static enum kh_err
body_line(struct kh_age_header *h, const uint8_t *p, size_t n)
{
	uint8_t bytes[KH_B64_LINE_BYTES];
	size_t len = n * 3 / 4;

	if (n > KH_B64_LINE_LEN)
		return KH_EFORMAT;
	if (kh_b64_decode(p, n, bytes, len) != KH_OK)
		return KH_EFORMAT;
	h->stanzas[h->n - 1].body_len += len;
	if (n < KH_B64_LINE_LEN)
		h->expect = EXPECT_STANZA_OR_MAC;
	return KH_OK;
}

/* "--- " 43base64char */
static enum kh_err
mac_line(struct kh_age_header *h, const uint8_t *p, size_t n)
{
	if (n != MAC_LINE_LEN || p[MAC_MARK_LEN] != ' ')
		return KH_EFORMAT;
	if (kh_b64_decode(p + MAC_MARK_LEN + 1, n - MAC_MARK_LEN - 1, h->mac,
		sizeof(h->mac)) != KH_OK)
		return KH_EFORMAT;
	h->mac_covers = h->line + MAC_MARK_LEN;
	h->expect = EXPECT_NOTHING;
	return KH_OK;
}

/* A whole line, without its LF. */
static enum kh_err
take_line(struct kh_age_header *h, const uint8_t *p, size_t n)
{
	switch (h->expect) {
	case EXPECT_VERSION:
		/* Its bytes were compared as they came. */
		h->expect = EXPECT_STANZA;
		return n == KH_AGE_VERSION_LEN - 1 ? KH_OK : KH_EFORMAT;
	case EXPECT_STANZA:
		return stanza_line(h, p, n);
	case EXPECT_STANZA_OR_MAC:
		if (n >= MAC_MARK_LEN && memcmp(p, MAC_MARK, MAC_MARK_LEN) == 0)
			return mac_line(h, p, n);
		return stanza_line(h, p, n);
	case EXPECT_BODY:
		return body_line(h, p, n);
	case EXPECT_NOTHING:
		break;
	}
	abort();
}

/* Append a piece without LF, or with one at its end. Refuses what is no age
 * file at its first wrong byte, before it is buffered. */
static enum kh_err
append(struct kh_age_header *h, const uint8_t *p, size_t n)
{
	size_t seen, room = KH_AGE_HEADER_MAX - h->len;
	enum kh_err e;

	e = reserve(h, n < room ? n : room);
	if (e != KH_OK)
		return e;
	memcpy(h->buf + h->len, p, n < room ? n : room);
	h->len += n < room ? n : room;
	if (h->expect == EXPECT_VERSION) {
		seen =
		    h->len < KH_AGE_VERSION_LEN ? h->len : KH_AGE_VERSION_LEN;
		if (memcmp(h->buf, KH_AGE_VERSION_LINE, seen) != 0)
			return KH_EFORMAT;
	}
	return n <= room ? KH_OK : KH_ELIMIT;
}

enum kh_err
kh_age_header_feed(
    struct kh_age_header *h, const uint8_t *p, size_t n, size_t *used)
{
	const uint8_t *end;
	enum kh_err e;
	size_t piece;

	PRECOND(h->expect != EXPECT_NOTHING);
	*used = 0;
	while (*used < n) {
		end = memchr(p + *used, '\n', n - *used);
		piece =
		    end != NULL ? (size_t)(end - (p + *used)) + 1 : n - *used;
		e = append(h, p + *used, piece);
		if (e != KH_OK)
			return e;
		*used += piece;
		if (end == NULL)
			break;
		e = take_line(h, h->buf + h->line, h->len - h->line - 1);
		if (e != KH_OK)
			return e;
		h->line = h->len;
		if (h->expect == EXPECT_NOTHING)
			return KH_OK;
	}
	return KH_EAGAIN;
}

size_t
kh_age_header_len(const struct kh_age_header *h)
{
	PRECOND(h->expect == EXPECT_NOTHING);
	return h->len;
}

const uint8_t *
kh_age_header_bytes(const struct kh_age_header *h)
{
	PRECOND(h->expect == EXPECT_NOTHING);
	return h->buf;
}

size_t
kh_age_header_stanzas(const struct kh_age_header *h)
{
	PRECOND(h->expect == EXPECT_NOTHING);
	return h->n;
}

const struct kh_stanza *
kh_age_header_stanza(const struct kh_age_header *h, size_t i)
{
	PRECOND(i < h->n);
	return &h->stanzas[i];
}

const uint8_t *
kh_stanza_arg(const struct kh_age_header *h, const struct kh_stanza *s,
    size_t i, size_t *n)
{
	const uint8_t *p = h->buf + s->args, *end = p + s->args_len, *space;

	PRECOND(i < s->n_args);
	for (;;) {
		space = memchr(p, ' ', (size_t)(end - p));
		if (space == NULL)
			space = end;
		if (i == 0)
			break;
		p = space + 1;
		i--;
	}
	*n = (size_t)(space - p);
	return p;
}

bool
kh_stanza_is(
    const struct kh_age_header *h, const struct kh_stanza *s, const char *type)
{
	const uint8_t *p;
	size_t n;

	p = kh_stanza_arg(h, s, 0, &n);
	return n == strlen(type) && memcmp(p, type, n) == 0;
}

enum kh_err
kh_stanza_wrapped(const struct kh_age_header *h, const struct kh_stanza *s,
    uint8_t body[static KH_WRAPPED_LEN])
{
	/* The length first (C2SP age: partitioning oracles); so many bytes
	 * are always a single line. */
	if (s->body_len != KH_WRAPPED_LEN)
		return KH_EFORMAT;
	return kh_b64_decode(
	    h->buf + s->body, KH_B64_LEN(KH_WRAPPED_LEN), body, KH_WRAPPED_LEN);
}

enum kh_err
kh_age_header_verify(
    const struct kh_age_header *h, const uint8_t fk[static KH_FILE_KEY_LEN])
{
	uint8_t mac[KH_AGE_MAC_LEN];
	bool fits;

	PRECOND(h->expect == EXPECT_NOTHING);
	kh_age_mac(fk, h->buf, h->mac_covers, mac);
	fits = kh_equal(mac, h->mac, sizeof(mac));
	kh_wipe(mac, sizeof(mac));
	return fits ? KH_OK : KH_EAUTH;
}
