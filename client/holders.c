/*
 * The lines of editors and shares. Separate from the keys in the file: whoever
 * changes one leaves the other as it is.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/holders.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "lib/card/fields.h"

#define EDITOR "# editor: "
#define BRIDGE "# bridge: "
#define SHARES "# shares: "
#define MESSAGE_TEXT_LEN KH_OPENPGP_TEXT_LEN(KH_OPENPGP_MESSAGE_MAX)
/* A line of an editor or of shares; and the line of a bridge. */
#define LINE_MAX_LEN \
	(sizeof(EDITOR) + KH_RECIPIENT_TEXT_LEN + 1 + KH_EDITOR_NAME_MAX + 1)
#define BRIDGE_MAX_LEN \
	(sizeof(BRIDGE) + KH_OPENPGP_FPR_LEN + 1 + MESSAGE_TEXT_LEN + 1)

bool
kh_editor_name_ok(const char *name, size_t n)
{
	return n <= KH_EDITOR_NAME_MAX && kh_card_name_ok(name, n);
}

size_t
kh_holders_named(const struct kh_holders *h, const char *name)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (strcmp(h->editor[i].name, name) == 0)
			break;
	return i;
}

size_t
kh_holders_with(const struct kh_holders *h, const struct kh_recipient *to)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (memcmp(&h->editor[i].to, to, sizeof(*to)) == 0)
			break;
	return i;
}

/* A key in its one spelling, and a blank behind it. */
static bool
get_key(const char **p, size_t *n, struct kh_recipient *to)
{
	char spelled[KH_RECIPIENT_TEXT_LEN + 1];

	if (*n < KH_RECIPIENT_TEXT_LEN + 1 ||
	    (*p)[KH_RECIPIENT_TEXT_LEN] != ' ' ||
	    kh_recipient_parse(*p, KH_RECIPIENT_TEXT_LEN, to) != KH_OK)
		return false;
	kh_recipient_format(to, spelled);
	if (memcmp(spelled, *p, KH_RECIPIENT_TEXT_LEN) != 0)
		return false;
	*p += KH_RECIPIENT_TEXT_LEN + 1;
	*n -= KH_RECIPIENT_TEXT_LEN + 1;
	return true;
}

static enum kh_err
read_editor(struct kh_holders *h, const char *p, size_t n)
{
	struct kh_editor e = {.name = ""};

	if (!get_key(&p, &n, &e.to) || !kh_editor_name_ok(p, n))
		return KH_EFORMAT;
	memcpy(e.name, p, n);
	if (kh_holders_named(h, e.name) < h->n ||
	    kh_holders_with(h, &e.to) < h->n)
		return KH_EFORMAT;
	if (h->n == KH_EDITORS_MAX)
		return KH_ELIMIT;
	h->editor[h->n++] = e;
	return KH_OK;
}

/* Of the editor before it, who has none yet. */
static enum kh_err
read_bridge(struct kh_holders *h, const char *p, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";
	struct kh_bridge *b = h->n > 0 ? &h->editor[h->n - 1].bridge : NULL;
	size_t i, len;

	if (b == NULL || b->n > 0 || n <= KH_OPENPGP_FPR_LEN + 1 ||
	    p[KH_OPENPGP_FPR_LEN] != ' ')
		return KH_EFORMAT;
	for (i = 0; i < KH_OPENPGP_FPR_LEN; i++)
		if (p[i] == '\0' || strchr(digits, p[i]) == NULL)
			return KH_EFORMAT;
	if (sodium_base642bin(b->message, sizeof(b->message),
		p + KH_OPENPGP_FPR_LEN + 1, n - KH_OPENPGP_FPR_LEN - 1, NULL,
		&len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    len == 0)
		return KH_EFORMAT;
	memcpy(b->fpr, p, KH_OPENPGP_FPR_LEN);
	b->fpr[KH_OPENPGP_FPR_LEN] = '\0';
	b->to = h->editor[h->n - 1].to;
	b->n = (uint32_t)len;
	return KH_OK;
}

/* A number of one or two digits; *p moves behind it. */
static unsigned
get_number(const char **p, const char *end)
{
	unsigned v = 0, digits = 0;

	while (*p < end && **p >= '0' && **p <= '9' && digits++ < 2)
		v = v * 10 + (unsigned)(*(*p)++ - '0');
	return v;
}

static enum kh_err
read_shares(struct kh_holders *h, const char *p, size_t n)
{
	static const char of[] = " of ";
	const char *end;

	if (h->shared || !get_key(&p, &n, &h->shares))
		return KH_EFORMAT;
	end = p + n;
	h->threshold = get_number(&p, end);
	if ((size_t)(end - p) <= strlen(of) || memcmp(p, of, strlen(of)) != 0)
		return KH_EFORMAT;
	p += strlen(of);
	h->count = get_number(&p, end);
	if (p != end || h->threshold < KH_SHARE_THRESHOLD_MIN ||
	    h->threshold > h->count || h->count > KH_SHARES_MAX)
		return KH_EFORMAT;
	h->shared = true;
	return KH_OK;
}

/* The next line without its end; *whole receives its length with it. */
static size_t
line_len(const char *text, size_t n, size_t *whole)
{
	const char *end = memchr(text, '\n', n);
	size_t len = end != NULL ? (size_t)(end - text) : n;

	*whole = end != NULL ? len + 1 : len;
	if (len > 0 && text[len - 1] == '\r')
		len--;
	return len;
}

static bool
line_begins(const char *line, size_t n, const char *prefix)
{
	return n >= strlen(prefix) && memcmp(line, prefix, strlen(prefix)) == 0;
}

enum kh_err
kh_holders_read(const char *text, size_t n, struct kh_holders *out)
{
	enum kh_err e = KH_OK;
	size_t len, whole;

	PRECOND((text != NULL || n == 0) && out != NULL);
	memset(out, 0, sizeof(*out));
	for (; n > 0 && e == KH_OK; text += whole, n -= whole) {
		len = line_len(text, n, &whole);
		if (line_begins(text, len, EDITOR))
			e = read_editor(
			    out, text + strlen(EDITOR), len - strlen(EDITOR));
		else if (line_begins(text, len, BRIDGE))
			e = read_bridge(
			    out, text + strlen(BRIDGE), len - strlen(BRIDGE));
		else if (line_begins(text, len, SHARES))
			e = read_shares(
			    out, text + strlen(SHARES), len - strlen(SHARES));
	}
	if (e != KH_OK)
		memset(out, 0, sizeof(*out));
	return e;
}

/* Append the line; the caller has room. */
static size_t
put_line(char *out, const char *prefix, const struct kh_recipient *to,
    const char *rest)
{
	char key[KH_RECIPIENT_TEXT_LEN + 1];
	int n;

	kh_recipient_format(to, key);
	n = snprintf(out, LINE_MAX_LEN + 1, "%s%s %s\n", prefix, key, rest);
	PRECOND(n > 0 && (size_t)n <= LINE_MAX_LEN);
	return (size_t)n;
}

static size_t
put_bridge(char *out, const struct kh_bridge *b)
{
	char text[MESSAGE_TEXT_LEN + 1];
	int n;

	PRECOND(b->n <= sizeof(b->message));
	sodium_bin2base64(text, sizeof(text), b->message, b->n,
	    sodium_base64_VARIANT_ORIGINAL);
	n = snprintf(out, BRIDGE_MAX_LEN + 1, BRIDGE "%s %s\n", b->fpr, text);
	PRECOND(n > 0 && (size_t)n <= BRIDGE_MAX_LEN);
	return (size_t)n;
}

static size_t
put_editor(char *out, const struct kh_editor *e)
{
	size_t n = put_line(out, EDITOR, &e->to, e->name);

	return e->bridge.n > 0 ? n + put_bridge(out + n, &e->bridge) : n;
}

static bool
is_holder(const char *line, size_t n)
{
	return line_begins(line, n, EDITOR) || line_begins(line, n, BRIDGE) ||
	    line_begins(line, n, SHARES);
}

/* Bytes that the lines of all holders take at most, with NUL. */
static size_t
room_for(const struct kh_holders *h)
{
	size_t i, n = LINE_MAX_LEN + 3; /* of shares */

	for (i = 0; i < h->n; i++)
		n += LINE_MAX_LEN + 1 +
		    (h->editor[i].bridge.n > 0 ? BRIDGE_MAX_LEN + 1 : 0);
	return n;
}

enum kh_err
kh_holders_write(const char *text, size_t n, const struct kh_holders *h,
    char **out, size_t *out_n)
{
	size_t len, whole, at = 0, i;
	char shares[16];

	PRECOND(text != NULL && h != NULL && out != NULL && out_n != NULL);
	PRECOND(h->n <= KH_EDITORS_MAX);
	*out_n = 0;
	*out = kh_secret_alloc(n + room_for(h));
	if (*out == NULL)
		return KH_ENOMEM;
	for (; n > 0; text += whole, n -= whole) {
		len = line_len(text, n, &whole);
		if (is_holder(text, len))
			continue;
		memcpy(*out + at, text, whole);
		at += whole;
	}
	if (at > 0 && (*out)[at - 1] != '\n')
		(*out)[at++] = '\n';
	for (i = 0; i < h->n; i++)
		at += put_editor(*out + at, &h->editor[i]);
	if (h->shared) {
		(void)snprintf(
		    shares, sizeof(shares), "%u of %u", h->threshold, h->count);
		at += put_line(*out + at, SHARES, &h->shares, shares);
	}
	(*out)[at] = '\0';
	*out_n = at;
	return KH_OK;
}

enum kh_err
kh_holders_drop_editors(
    const char *text, size_t n, char **out, size_t *out_n, size_t *editors)
{
	struct kh_holders *h = malloc(sizeof(*h));
	enum kh_err e = KH_ENOMEM;

	PRECOND(out != NULL && out_n != NULL && editors != NULL);
	*out = NULL;
	*out_n = *editors = 0;
	if (h == NULL)
		return e;
	e = kh_holders_read(text, n, h);
	if (e == KH_OK) {
		*editors = h->n;
		h->n = 0;
		e = kh_holders_write(text, n, h, out, out_n);
	}
	free(h);
	return e;
}
