/*
 * What each upload id came to, so that a form which is sent twice (browsers
 * re-send a POST after a reset) makes exactly one object. In memory only, the
 * latest KH_UPLOADS_KEPT of them; ids are random and mean nothing to anybody
 * once this process ends.
 */
#ifndef KNOTHOLED_UPLOADS_H
#define KNOTHOLED_UPLOADS_H

#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

enum kh_upload_state {
	KH_UPLOAD_NONE, /* never seen, or nothing came of it */
	KH_UPLOAD_ARRIVING, /* a visit is at it */
	KH_UPLOAD_INCOMPLETE, /* sealed, but it was cut */
	KH_UPLOAD_SEALED /* sealed whole */
};

struct kh_upload {
	uint8_t id[KH_UPLOAD_ID_LEN];
	enum kh_upload_state state;
	enum kh_upload_state before; /* while arriving: what it was */
	uint8_t object[KH_OBJECT_ID_LEN]; /* of an incomplete one */
	uint64_t object_len; /* of an incomplete one, bytes */
	uint32_t files, begun; /* that arrived whole, that began */
	uint32_t next; /* in its hash chain */
};

struct kh_uploads;

KH_CHECKED enum kh_err kh_uploads_new(struct kh_uploads **out);
void kh_uploads_free(struct kh_uploads *u); /* wipes; NULL is fine */

/* The record of `id`, or NULL. Valid until the next kh_uploads_add. */
struct kh_upload *kh_uploads_find(
    struct kh_uploads *u, const uint8_t id[static KH_UPLOAD_ID_LEN]);

/*
 * A record for `id`, which has none: KH_UPLOAD_NONE. The oldest record that
 * is not arriving makes room.
 * Errors: KH_EFULL when all of them are arriving.
 */
KH_CHECKED enum kh_err kh_uploads_add(struct kh_uploads *u,
    const uint8_t id[static KH_UPLOAD_ID_LEN], struct kh_upload **out);

#endif
