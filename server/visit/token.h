/*
 * The forms' hidden state: upload id and return code, and how far answers had
 * come, sealed under a key that lives in this server's memory only. It is at
 * once the CSRF token and the one-time upload token, and it is why the server
 * need not remember anybody: the state of a visit is in the source's own page.
 *
 *	b64url( nonce[24] XChaCha20-Poly1305(
 *	    version[1] upload[16] code[14] seen[2 * 32] ) )
 *
 * What it may be used for is authenticated with it, so that the one in an
 * address (progress) cannot send or delete.
 */
#ifndef KNOTHOLED_VISIT_TOKEN_H
#define KNOTHOLED_VISIT_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/code.h"
#include "knothole/err.h"
#include "knothole/limits.h"
#include "server/ipc/ipc.h"
#include "server/page/site.h"
#include "server/visit/head.h"

/* What a token is good for. */
enum kh_token_use {
	KH_TOKEN_SEND = 1, /* a form that sends */
	KH_TOKEN_STATUS, /* the display of its progress */
	KH_TOKEN_THREAD /* looking at, and deleting, answers */
};

/* Secret: kh_secret_alloc, wipe. */
struct kh_form {
	uint8_t upload[KH_UPLOAD_ID_LEN];
	struct kh_code code;
	/* of each newsroom: slots below this one had been looked at when the
	 * thread was shown, and may be deleted */
	uint16_t seen[KH_OUTLETS_MAX];
};

/* Both keys fresh. */
void kh_form_keys_init(struct kh_form_keys *k);

/*
 * The current one becomes the previous one, and a new one is made from it that
 * does not lead back: who has the same keys comes to the same new ones.
 */
void kh_form_keys_rotate(struct kh_form_keys *k);

/* A form may stay open this long at least, and twice as long at most, ms. */
#define KH_FORM_KEY_MS (INT64_C(12) * 3600 * 1000)

/* Rotate as often as it is time for; *at, monotonic ms, is when it is next. */
void kh_form_keys_keep(struct kh_form_keys *k, int64_t *at, int64_t now);

/* A new upload with a new return code. */
void kh_form_new(struct kh_form *out);

/* NUL-terminated text, safe in an HTML attribute and in an address. */
void kh_token_seal(const struct kh_form_keys *k, enum kh_token_use use,
    const struct kh_form *f, char out[static KH_TOKEN_LEN + 1]);

/* Errors: KH_EAUTH when it is not one that this server made for this use. */
KH_CHECKED enum kh_err kh_token_open(const struct kh_form_keys *k,
    enum kh_token_use use, struct kh_slice text, struct kh_form *out);

#endif
