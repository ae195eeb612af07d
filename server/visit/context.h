/*
 * What every part of a visit is given: its descriptors, the site, and the
 * request's head.
 */
#ifndef KNOTHOLED_VISIT_CONTEXT_H
#define KNOTHOLED_VISIT_CONTEXT_H

#include "server/visit/head.h"
#include "server/visit/site.h"

struct kh_visit {
	int conn; /* the connection */
	int store; /* channel to the store */
	int turns; /* at the key derivation, turns.h */
	const struct kh_site *site;
	struct kh_counter *counter; /* its line in the shared table */
	struct kh_head head; /* slices into head_bytes */
	uint8_t head_bytes[KH_HEAD_MAX];
};

/* Tell the door where the visit is: its deadlines go by that. */
static inline void
kh_visit_phase(struct kh_visit *v, enum kh_phase p)
{
	atomic_store(&v->counter->phase, (uint32_t)p);
}

#endif
