/*
 * What the store process does about answers: it opens or removes the one
 * whose name it is told, and knows of no others.
 */
#ifndef KNOTHOLED_STORE_ANSWERS_H
#define KNOTHOLED_STORE_ANSWERS_H

#include "knothole/store.h"
#include "server/ipc/ipc.h"

/*
 * Answer KH_MSG_SLOT or KH_MSG_FORGET on the visit's channel.
 * Errors: KH_EPROTO for a name that is none, or a peer that is gone.
 */
KH_CHECKED enum kh_err kh_answers_slot(
    struct kh_store *st, int channel, const struct kh_msg_slot *m);
KH_CHECKED enum kh_err kh_answers_forget(
    struct kh_store *st, int channel, const struct kh_msg_slot *m);

#endif
