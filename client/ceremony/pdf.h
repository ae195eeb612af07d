/*
 * A page of text and boxes as PDF 1.4 (ISO 32000-1): the fonts that every
 * reader has, nothing compressed, no clock and no name of a program in it.
 */
#ifndef KNOTHOLE_CLIENT_CEREMONY_PDF_H
#define KNOTHOLE_CLIENT_CEREMONY_PDF_H

#include <stddef.h>

#include "knothole/err.h"

/* Lengths are hundredths of a point, from the lower left corner. */
#define KH_PDF_PT 100
#define KH_PDF_MM 283

enum kh_pdf_font {
	KH_PDF_PLAIN, /* Helvetica */
	KH_PDF_BOLD,
	KH_PDF_FIXED, /* Courier: 0.6 of its size wide */
	KH_PDF_FONTS
};

struct kh_pdf;

/* An empty page. Errors: KH_ENOMEM; *out is NULL then. */
KH_CHECKED enum kh_err kh_pdf_new(struct kh_pdf **out, int width, int height);
void kh_pdf_free(struct kh_pdf *p); /* wipes; NULL is fine */

/* A line of printable ASCII (precondition). */
struct kh_pdf_text {
	enum kh_pdf_font font;
	int size, x, y;
};
void kh_pdf_text(
    struct kh_pdf *p, const struct kh_pdf_text *how, const char *text);

/* A black box, `w` by `h`. */
void kh_pdf_box(struct kh_pdf *p, int x, int y, int w, int h);

/*
 * The whole file.
 *	out	*n bytes that stay the page's, until kh_pdf_free
 * Errors: KH_ELIMIT more was put on the page than there is memory for.
 */
KH_CHECKED enum kh_err kh_pdf_end(
    struct kh_pdf *p, const char **out, size_t *n);

#endif
