/*
 * What every part of a visit is given: its descriptors, the site, and the
 * request's head.
 */
#ifndef KNOTHOLED_VISIT_CONTEXT_H
#define KNOTHOLED_VISIT_CONTEXT_H

#include "server/page/page.h"
#include "server/visit/counter.h"
#include "server/visit/head.h"
#include "server/visit/token.h"

struct kh_filter;

struct kh_visit {
	int conn; /* the connection */
	int store; /* channel to the store */
	int turns; /* at the key derivation, turns.h */
	int wrap; /* channel to the wrap process, or -1 */
	struct kh_bridge *bridges; /* for this submission, or NULL */
	uint32_t bridged; /* bit i: they have one to newsroom i */
	const struct kh_filter *filter; /* a visit's, made by the door */
	const struct kh_site *site;
	struct kh_view view; /* how its pages are seen; .site is that above */
	struct kh_counter *counter; /* its line in the shared table */
	struct kh_counter *table; /* all lines */
	size_t n_table;
	bool formless; /* its circuit has sent too many forms */
	struct kh_head head; /* slices into head_bytes */
	uint8_t head_bytes[KH_HEAD_MAX];
};

/* One question to the store, and its answer. `fd` receives the descriptor that
 * came with it, or -1. Errors: KH_EPROTO, KH_ESYS. */
KH_CHECKED static inline enum kh_err
kh_visit_ask(struct kh_visit *v, struct kh_msg *m, int *fd)
{
	return kh_ipc_ask(v->store, KH_ROLE_VISIT, KH_ROLE_STORE, m, fd);
}

/* Tell the door where the visit is: its deadlines go by that. */
static inline void
kh_visit_phase(struct kh_visit *v, enum kh_phase p)
{
	atomic_store(&v->counter->phase, (uint32_t)p);
}

#endif
