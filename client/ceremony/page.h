/*
 * A share on paper: words to type, a QR code to scan, and what to do with it.
 */
#ifndef KNOTHOLE_CLIENT_CEREMONY_PAGE_H
#define KNOTHOLE_CLIENT_CEREMONY_PAGE_H

#include <stddef.h>

#include "knothole/err.h"
#include "knothole/share.h"

enum kh_page_format {
	KH_PAGE_TEXT, /* UTF-8, fewer than 60 lines of 80 columns */
	KH_PAGE_PDF
};

enum kh_page_paper {
	KH_PAGE_A4, /* 210 by 297 mm */
	KH_PAGE_LETTER /* 8.5 by 11 inches */
};

/*
 * The page of one share, for one format.
 *	id	the newsroom's short name, or ""
 *	out	kh_secret_alloc memory, *n bytes, that the caller frees; NULL on
 *		error
 * Errors: KH_ENOMEM.
 */
struct kh_page {
	const struct kh_share *share;
	const char *id;
	enum kh_page_format format;
	enum kh_page_paper paper;
};
KH_CHECKED enum kh_err kh_page_make(
    const struct kh_page *page, char **out, size_t *n);

#endif
