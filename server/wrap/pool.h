/*
 * Bridges that are ready: for each OpenPGP key a few that gpg has made ahead, so
 * that no submission waits for it. Each is given out once, and wiped.
 */
#ifndef KNOTHOLED_WRAP_POOL_H
#define KNOTHOLED_WRAP_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "knothole/openpgp.h"
#include "server/ipc/ipc.h"

/* Ready ones for each key: for submissions that begin together. A bridge takes
 * 10 ms to make. */
#define KH_POOL_MAX 4

struct kh_pool {
	bool used; /* there is a key in this place */
	struct kh_openpgp_key who;
	enum kh_err err; /* of the last try to examine, or to make one */
	int64_t retry_at; /* ms: not before, after an error */
	size_t n;
	struct kh_bridge ready[KH_POOL_MAX];
};

struct kh_pools {
	struct kh_openpgp *gpg;
	int home; /* the directory of the keys */
	struct kh_pool pool[KH_OUTLETS_MAX]; /* in the newsrooms' order */
};

/* Examine the key in a place, and make a first bridge. Says in .err and .who
 * how that went; what was ready is wiped. */
void kh_pool_open(struct kh_pools *p, uint32_t place);

/* Can bridges to it be had at `now` (seconds since 1970)? */
bool kh_pool_usable(const struct kh_pool *pool, int64_t now);

/*
 * Take one out; what was there is wiped.
 * Errors: KH_EAGAIN none is ready, but will be; KH_ENOKEY there is none to
 * wait for.
 */
KH_CHECKED enum kh_err kh_pool_take(
    struct kh_pools *p, uint32_t place, struct kh_bridge *out);

/* Make one bridge where one is missing (`ms`, monotonic); *place is where.
 * False: there was nothing to do. */
bool kh_pools_fill(struct kh_pools *p, int64_t ms, uint32_t *place);

/* Is there something for kh_pools_fill to do; if so when, ms; or -1. */
int64_t kh_pools_due(const struct kh_pools *p);

/* A test: every key is examined anew, and a bridge made. */
void kh_pools_test(struct kh_pools *p);

/* How they are. */
void kh_pools_report(
    const struct kh_pools *p, int64_t now, struct kh_msg_report *out);

void kh_pools_wipe(struct kh_pools *p);

#endif
