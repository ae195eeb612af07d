/*
 * A page being written: a bounded buffer in locked memory (a page may show a
 * return code). Overflow is remembered, not suffered: check kh_html_fits.
 */
#ifndef KNOTHOLED_VISIT_HTML_H
#define KNOTHOLED_VISIT_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

/* A page's budget is 15 kB; the form of 32 newsrooms with the longest names,
 * each character of which is escaped, takes 40 kB. */
#define KH_HTML_MAX 49152

struct kh_html {
	char *p; /* kh_secret_alloc, KH_HTML_MAX bytes */
	size_t n;
	bool overflow;
};

KH_CHECKED enum kh_err kh_html_init(struct kh_html *h);
void kh_html_free(struct kh_html *h); /* wipes; a zeroed one is fine */

/* Our own markup, as it stands. */
void kh_html_raw(struct kh_html *h, const char *s);

/* Text of whatever origin, escaped for element content and for attribute
 * values in double quotes. */
void kh_html_text(struct kh_html *h, const char *s);

/* A number in decimal. */
void kh_html_number(struct kh_html *h, uint64_t v);

/* A size for people: "20 GiB", rounded down to a whole number of units. */
void kh_html_size(struct kh_html *h, uint64_t bytes);

bool kh_html_fits(const struct kh_html *h);

#endif
