/*
 * The one place where text becomes HTML, and so the one place that escapes.
 */
#include <stdio.h>
#include <string.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/visit/html.h"

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

static void
append(struct kh_html *h, const char *s, size_t n)
{
	PRECOND(h->p != NULL && h->n <= KH_HTML_MAX);
	if (n > KH_HTML_MAX - h->n) {
		h->overflow = true;
		return;
	}
	memcpy(h->p + h->n, s, n);
	h->n += n;
}

void
kh_html_raw(struct kh_html *h, const char *s)
{
	append(h, s, strlen(s));
}

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
	default:
		return NULL;
	}
}

void
kh_html_text(struct kh_html *h, const char *s)
{
	const char *ent;

	for (; *s != '\0'; s++) {
		ent = entity(*s);
		if (ent != NULL)
			append(h, ent, strlen(ent));
		else
			append(h, s, 1);
	}
}

void
kh_html_number(struct kh_html *h, uint64_t v)
{
	char buf[24];
	int n;

	n = snprintf(buf, sizeof(buf), "%llu", (unsigned long long)v);
	PRECOND(n > 0 && (size_t)n < sizeof(buf));
	append(h, buf, (size_t)n);
}

void
kh_html_size(struct kh_html *h, uint64_t bytes)
{
	static const char *const units[] = {" bytes", " KiB", " MiB", " GiB"};
	size_t u = 0;

	while (u < 3 && bytes >= 1024) {
		bytes /= 1024;
		u++;
	}
	kh_html_number(h, bytes);
	kh_html_raw(h, units[u]);
}

bool
kh_html_fits(const struct kh_html *h)
{
	return !h->overflow;
}
