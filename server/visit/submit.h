/*
 * A submission being taken in: from the bytes of a multipart body to a sealed
 * object that the store has committed. Each byte of a file is sealed as it
 * comes; only the message waits, in locked memory, for the choice of outlets
 * that follows it in the form.
 */
#ifndef KNOTHOLED_VISIT_SUBMIT_H
#define KNOTHOLED_VISIT_SUBMIT_H

#include "server/visit/context.h"
#include "server/visit/page.h"
#include "server/visit/reply.h"

struct kh_submit;

/* Errors: KH_ENOMEM; KH_EFORMAT when the Content-Type is not that of our
 * form. *out is NULL then. */
KH_CHECKED enum kh_err kh_submit_new(
    struct kh_visit *v, struct kh_submit **out);
void kh_submit_free(struct kh_submit *s); /* wipes; NULL is fine */

/* More of the body. Never fails: once it is refused, it drops the rest. */
void kh_submit_feed(struct kh_submit *s, const uint8_t *p, size_t n);

/* The body is complete. Seals, commits, and writes the page that answers. */
void kh_submit_finish(struct kh_submit *s, struct kh_reply *r);

/* The connection ended within the body: seal and commit what has arrived. */
void kh_submit_cut(struct kh_submit *s);

/* Has kh_submit_finish or kh_submit_cut been called? */
bool kh_submit_done(const struct kh_submit *s);

#endif
