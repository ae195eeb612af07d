/*
 * A share's line as a QR code.
 */
#ifndef KNOTHOLE_CLIENT_CEREMONY_QR_H
#define KNOTHOLE_CLIENT_CEREMONY_QR_H

#include <stdbool.h>

#include "knothole/err.h"

#define KH_QR_WIDTH_MAX 57 /* version 10; a line needs version 5 */
#define KH_QR_QUIET 4 /* modules of white around it (ISO/IEC 18004) */

/* Secret: kh_secret_alloc. */
struct kh_qr {
	int width; /* modules */
	bool dark[KH_QR_WIDTH_MAX][KH_QR_WIDTH_MAX]; /* [row][column] */
};

/* Errors: KH_ENOMEM; KH_ELIMIT too much text for it. */
KH_CHECKED enum kh_err kh_qr_make(const char *text, struct kh_qr *out);

#endif
