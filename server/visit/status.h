/*
 * The display of an upload's progress: a document that goes on for as long as
 * the upload does, for browsers without scripts.
 */
#ifndef KNOTHOLED_VISIT_STATUS_H
#define KNOTHOLED_VISIT_STATUS_H

#include "server/visit/context.h"
#include "server/visit/reply.h"

/*
 * Show the progress of the upload that `token` (KH_TOKEN_STATUS, opened into
 * `form`) stands for, until it has ended and was seen to. Takes the request's
 * head off the socket.
 * Errors: KH_EPROTO the peer is gone; KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_status_show(
    struct kh_visit *v, const struct kh_form *form, struct kh_reply *r);

/* What the table says of an upload, without the store's word. Returns false
 * when there is no line for it. For the display, and for tests. */
bool kh_status_look(const struct kh_counter *table, size_t n,
    const uint8_t upload[static KH_UPLOAD_ID_LEN], struct kh_progress *out,
    size_t *line);

/* The other side: an upload writes its own line. */
void kh_upload_announce(
    struct kh_visit *v, const uint8_t upload[static KH_UPLOAD_ID_LEN]);
void kh_upload_state(
    struct kh_visit *v, enum kh_progress_state state, enum kh_reason why);

#endif
