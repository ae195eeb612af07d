/*
 * The token with which a newsroom's courier asks the server for what arrived.
 */
#ifndef KNOTHOLE_CLIENT_COURIER_TOKEN_H
#define KNOTHOLE_CLIENT_COURIER_TOKEN_H

#include "knothole/card.h"
#include "knothole/err.h"

#define KH_COURIER_TOKEN_FILE "courier.token"

/*
 * Make a token.
 *	card	receives its hash
 *	line	receives the token and LF, NUL-terminated, in locked memory that
 *		the caller frees with kh_secret_free; NULL on error
 * Errors: KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_courier_token_make(struct kh_card *card, char **line);

#endif
