/*
 * What couriers ask of the store.
 */
#ifndef KNOTHOLED_STORE_COLLECTING_H
#define KNOTHOLED_STORE_COLLECTING_H

#include "knothole/store.h"
#include "server/ipc/ipc.h"

struct kh_collecting {
	struct kh_collectors all;
	uint32_t retention_days; /* 0: for ever */
};

/*
 * Take over what the keeper said about newsrooms and retention, and bring the
 * store into order. Errors: KH_EPROTO; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_collecting_init(struct kh_collecting *c,
    struct kh_store *st, const struct kh_msg_store_dir *m);

/* Remove what has been here for longer than the retention, if there is one.
 * What cannot be removed now is tried again the next time. */
void kh_collecting_expire(const struct kh_collecting *c, struct kh_store *st);

/*
 * Answer a message of a courier's over `channel`.
 *	fd	what came with it, or -1; closed in any case
 * Errors: the courier is to be dropped.
 */
KH_CHECKED enum kh_err kh_collecting_answer(const struct kh_collecting *c,
    struct kh_store *st, int channel, const struct kh_msg *m, int fd);

#endif
