/*
 * A courier's token, made. Separate from the newsroom's keys: it opens nothing
 * that is sealed, and goes to another machine than they do.
 */
#include <sodium.h>
#include <string.h>

#include "client/courier_token.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define TOKEN_BYTES 32
#define TOKEN_CAP (KH_COURIER_TOKEN_LEN + 2) /* LF, NUL */

enum kh_err
kh_courier_token_make(struct kh_card *card, char **line)
{
	uint8_t raw[TOKEN_BYTES];
	enum kh_err e;

	PRECOND(card != NULL && line != NULL);
	*line = kh_secret_alloc(TOKEN_CAP);
	if (*line == NULL)
		return KH_ENOMEM;
	randombytes_buf(raw, sizeof(raw));
	sodium_bin2base64(*line, TOKEN_CAP, raw, sizeof(raw),
	    sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	kh_wipe(raw, sizeof(raw));
	e = kh_courier_token_hash(
	    *line, KH_COURIER_TOKEN_LEN, card->courier_hash);
	PRECOND(e == KH_OK);
	card->has_courier = true;
	memcpy(*line + KH_COURIER_TOKEN_LEN, "\n", 2);
	return KH_OK;
}
