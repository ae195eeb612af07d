/*
 * What couriers ask of the store.
 */
#ifndef KNOTHOLED_STORE_COLLECTING_H
#define KNOTHOLED_STORE_COLLECTING_H

#include <stdbool.h>

#include "knothole/store.h"
#include "server/ipc/ipc.h"

struct kh_collecting {
	struct kh_collectors all;
	uint32_t retention_days; /* 0: for ever */
	int64_t expire_at; /* ms: the next look at how old objects are */
	int root; /* the store's directory */
	bool cards; /* one was renewed, and the keeper has not been told */
};

/* Take over what the keeper said about newsrooms and retention. Errors:
 * KH_EPROTO. */
KH_CHECKED enum kh_err kh_collecting_init(
    struct kh_collecting *c, const struct kh_msg_store_dir *m);

/* Bring a store that was just opened into order. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_collecting_open(
    const struct kh_collecting *c, struct kh_store *st);

/*
 * Remove what has been here for longer than the retention, when it is time to.
 * What cannot be removed now is tried again the next time.
 * Returns how long to wait until then (ms), -1 for ever.
 */
int kh_collecting_expire(struct kh_collecting *c, struct kh_store *st);

/*
 * Answer a message of an errand's over `channel`.
 *	fd	what came with it, or -1; closed in any case
 * Errors: it is to be dropped.
 */
KH_CHECKED enum kh_err kh_collecting_answer(struct kh_collecting *c,
    struct kh_store *st, int channel, const struct kh_msg *m, int fd);

#endif
