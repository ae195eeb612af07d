/*
 * QR codes by libqrencode. Separate because only this knows that library, whose
 * memory it wipes as far as it can reach it.
 */
#include <errno.h>
#include <qrencode.h>
#include <string.h>

#include "client/ceremony/qr.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define DARK 1 /* qrencode.h: the least significant bit of a module */

enum kh_err
kh_qr_make(const char *text, struct kh_qr *out)
{
	enum kh_err e = KH_ELIMIT;
	QRcode *code;
	int y, x;

	PRECOND(text != NULL && out != NULL);
	memset(out, 0, sizeof(*out));
	/* Level M mends 15 percent: a fold, a stain. */
	code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1);
	if (code == NULL)
		return errno == ENOMEM ? KH_ENOMEM : KH_ELIMIT;
	if (code->width <= KH_QR_WIDTH_MAX) {
		out->width = code->width;
		for (y = 0; y < code->width; y++)
			for (x = 0; x < code->width; x++)
				out->dark[y][x] =
				    (code->data[y * code->width + x] & DARK) !=
				    0;
		e = KH_OK;
	}
	kh_wipe(code->data, (size_t)code->width * (size_t)code->width);
	QRcode_free(code);
	return e;
}
