/*
 * The sealing half of a submission: from the store's draft to its commit.
 */
#ifndef KNOTHOLED_VISIT_SEALING_H
#define KNOTHOLED_VISIT_SEALING_H

#include "knothole/bundle.h"
#include "knothole/writeback.h"
#include "server/visit/context.h"

struct kh_sealing {
	struct kh_bundle_writer *w; /* NULL until it has begun */
	struct kh_file_sink file; /* .fd -1 until it has begun */
};

/* Can a submission be taken: have all outlets a key that is valid today, and
 * was the last self-test in order? */
bool kh_sealing_open(const struct kh_site *site);

/*
 * Get a bridge to each newsroom that has an OpenPGP key, before the source has
 * sent anything: those that it does not choose go unused. KH_REASON_NONE,
 * _CLOSED, _FAILED.
 */
enum kh_reason kh_sealing_bridges(struct kh_visit *v);

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

/* Finish the object, make it durable, have it committed. `files` arrived
 * whole, `begun` began to. */
enum kh_reason kh_sealing_commit(struct kh_sealing *g, struct kh_visit *v,
    bool complete, uint32_t files, uint32_t begun);

/* Forget what has begun: the draft has no name and goes with its last
 * descriptor. A sealing that has not begun is fine. */
void kh_sealing_drop(struct kh_sealing *g);

/* The keys that a return code stands for; in its turn, as they take 64 MiB.
 * Secret: kh_secret_alloc, wipe. Errors: KH_ENOMEM, KH_ESYS. */
KH_CHECKED enum kh_err kh_visit_derive(
    struct kh_visit *v, const struct kh_code *code, struct kh_code_keys *out);

/* What an error of the writer means for the source. */
enum kh_reason kh_sealing_reason(enum kh_err e);

#endif
