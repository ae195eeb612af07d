/*
 * The one place where text becomes HTML, and so the one place that escapes.
 */
#include <stdio.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/page/html.h"

enum kh_err
kh_html_init(struct kh_html *h)
{
	h->n = 0;
	h->overflow = false;
	h->p = kh_secret_alloc(KH_HTML_MAX);
	return h->p == NULL ? KH_ENOMEM : KH_OK;
}

void
kh_html_free(struct kh_html *h)
{
	kh_secret_free(h->p);
	memset(h, 0, sizeof(*h));
}

void
kh_html_bytes(struct kh_html *h, const char *p, size_t n)
{
	PRECOND(h->p != NULL && h->n <= KH_HTML_MAX);
	if (n > KH_HTML_MAX - h->n) {
		h->overflow = true;
		return;
	}
	memcpy(h->p + h->n, p, n);
	h->n += n;
}

void
kh_html_raw(struct kh_html *h, const char *s)
{
	kh_html_bytes(h, s, strlen(s));
}

void
kh_html_blanks(struct kh_html *h, size_t n)
{
	PRECOND(h->p != NULL && h->n <= KH_HTML_MAX);
	if (n > KH_HTML_MAX - h->n) {
		h->overflow = true;
		return;
	}
	memset(h->p + h->n, ' ', n);
	h->n += n;
}

/* What stands for a byte in HTML, or NULL when it stands for itself. */
static const char *
entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\t':
	case '\n':
	case '\r':
		return NULL;
	default:
		return (uint8_t)c < 0x20 || c == 0x7f ? "\xef\xbf\xbd" : NULL;
	}
}

size_t
kh_html_cost(char c)
{
	const char *ent = entity(c);

	return ent != NULL ? strlen(ent) : 1;
}

void
kh_html_text_n(struct kh_html *h, const char *s, size_t n)
{
	const char *ent;
	size_t i;

	for (i = 0; i < n; i++) {
		ent = entity(s[i]);
		if (ent != NULL)
			kh_html_raw(h, ent);
		else
			kh_html_bytes(h, s + i, 1);
	}
}

void
kh_html_text(struct kh_html *h, const char *s)
{
	kh_html_text_n(h, s, strlen(s));
}

void
kh_html_number(struct kh_html *h, uint64_t v)
{
	char buf[24];
	int n;

	n = snprintf(buf, sizeof(buf), "%llu", (unsigned long long)v);
	PRECOND(n > 0 && (size_t)n < sizeof(buf));
	kh_html_bytes(h, buf, (size_t)n);
}

void
kh_html_back(struct kh_html *h, size_t n)
{
	PRECOND(n <= h->n);
	h->n = n;
}

bool
kh_html_fits(const struct kh_html *h)
{
	return !h->overflow;
}
