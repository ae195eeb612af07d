/*
 * What a visit knows of the site: public keys, limits, the key that forms are
 * sealed under and the instance's salt. It comes from the door, which has it
 * from the keeper; a visit only reads it.
 */
#ifndef KNOTHOLED_VISIT_SITE_H
#define KNOTHOLED_VISIT_SITE_H

#include <stdatomic.h>
#include <stdint.h>

#include "server/ipc/ipc.h"
#include "server/visit/token.h"

struct kh_site {
	struct kh_msg_site conf;
	struct kh_msg_outlet outlets[KH_OUTLETS_MAX]; /* conf.n_outlets */
	struct kh_form_keys *keys; /* kh_secret_alloc */
};

/* Where a visit is, for the door's deadlines. */
enum kh_phase {
	KH_PHASE_HEAD, /* waiting for the request's head */
	KH_PHASE_BODY, /* the body is arriving */
	KH_PHASE_STORE, /* waiting for the store */
	KH_PHASE_REPLY, /* the answer is being sent */
	KH_PHASE_LINGER /* reading on, so that the answer is not lost */
};

/*
 * A visit's line in the one table that door and visits share (anonymous
 * memory). The visit writes it, the door reads it.
 */
struct kh_counter {
	_Atomic uint32_t phase; /* enum kh_phase */
	_Atomic uint64_t bytes; /* of the body that have arrived */
};

#endif
