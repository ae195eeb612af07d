/*
 * The sealing half of a submission: from the store's draft to its commit.
 */
#ifndef KNOTHOLED_VISIT_SEALING_H
#define KNOTHOLED_VISIT_SEALING_H

#include "knothole/bundle.h"
#include "knothole/writeback.h"
#include "server/visit/context.h"
#include "server/visit/page.h"

struct kh_sealing {
	struct kh_bundle_writer *w; /* NULL until it has begun */
	struct kh_file_sink file; /* .fd -1 until it has begun */
};

/* Have all outlets a key that is valid today? */
bool kh_sealing_open(const struct kh_site *site);

/* Would a body of this many bytes fit? KH_REASON_NONE, _FULL or _FAILED. */
enum kh_reason kh_sealing_room(struct kh_visit *v, uint64_t bytes);

/*
 * Get a draft for this form's upload and start the object in it.
 *	outlets	bit i for site->outlets[i]; 0 means all
 *	again	receives true when this upload is sealed already: nothing is
 *		begun then, and there is nothing to do
 * Returns KH_REASON_NONE, or why not. An upload that is still arriving on
 * another connection is waited for, for some seconds.
 */
enum kh_reason kh_sealing_begin(struct kh_sealing *g, struct kh_visit *v,
    const struct kh_form *form, uint32_t outlets, bool *again);

/* Finish the object, make it durable, have it committed. */
enum kh_reason kh_sealing_commit(
    struct kh_sealing *g, struct kh_visit *v, bool complete);

/* Forget what has begun: the draft has no name and goes with its last
 * descriptor. A sealing that has not begun is fine. */
void kh_sealing_drop(struct kh_sealing *g);

/* What an error of the writer means for the source. */
enum kh_reason kh_sealing_reason(enum kh_err e);

#endif
