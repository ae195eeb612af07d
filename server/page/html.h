/*
 * A page being written: a bounded buffer in locked memory (a page may show a
 * return code). Overflow is remembered, not suffered: check kh_html_fits.
 */
#ifndef KNOTHOLED_PAGE_HTML_H
#define KNOTHOLED_PAGE_HTML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

/* A page's budget is 15 kB; the thread of 32 newsrooms with the longest names,
 * each character of which is escaped, takes 60 kB. */
#define KH_HTML_MAX 81920

struct kh_html {
	char *p; /* kh_secret_alloc, KH_HTML_MAX bytes */
	size_t n;
	bool overflow;
};

KH_CHECKED enum kh_err kh_html_init(struct kh_html *h);
void kh_html_free(struct kh_html *h); /* wipes; a zeroed one is fine */

/* Our own markup, as it stands. */
void kh_html_raw(struct kh_html *h, const char *s);

/* `n` bytes of our own markup. */
void kh_html_bytes(struct kh_html *h, const char *p, size_t n);

/* `n` blanks. */
void kh_html_blanks(struct kh_html *h, size_t n);

/* Text of whatever origin, escaped for element content and for attribute
 * values in double quotes: up to its NUL, or `n` bytes. A control byte other
 * than tab and line end becomes U+FFFD. */
void kh_html_text(struct kh_html *h, const char *s);
void kh_html_text_n(struct kh_html *h, const char *s, size_t n);

/* How many bytes that makes of one byte of text. */
size_t kh_html_cost(char c);

/* A number in decimal. */
void kh_html_number(struct kh_html *h, uint64_t v);

/* Take back what was written since the page had `n` bytes. */
void kh_html_back(struct kh_html *h, size_t n);

/* Was there room for all of it? */
bool kh_html_fits(const struct kh_html *h);

#endif
