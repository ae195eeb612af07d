/*
 * What the door's loop (door.c) works on, and its start (open.c) makes.
 */
#ifndef KNOTHOLED_DOOR_STATE_H
#define KNOTHOLED_DOOR_STATE_H

#include "server/door/door.h"
#include "server/door/loop.h"
#include "server/door/refusals.h"
#include "server/door/waiting.h"
#include "server/role/confine.h"
#include "server/visit/reply.h"

struct kh_door {
	struct kh_loop loop;
	int64_t ratchet_at;
	int64_t test_at;
	struct kh_msg_report report; /* of the last test */
	bool faulty; /* the keeper says so */
	struct kh_waiting waiting; /* for tor's word on their circuit */
	struct kh_refusals refused; /* to be told */
	struct kh_refusals told; /* to be closed */
	struct kh_pass pass; /* of who is being let in */
	int nice; /* our own priority, as the service was started with */
	uint32_t first_share; /* kh_counter.share of the first circuit */
	int turns; /* at the key derivation, server/visit/turns.h */
	int table; /* of the counters, server/door/table.h; until it is mapped */
	struct kh_site *site;
	struct kh_reply busy; /* written once, at the start */
	struct kh_filter filter; /* of the visits */
};

/*
 * Everything that the keeper sends, and what is made of it, up to but without
 * the confinement.
 *	d	zero, its descriptors -1; what was opened stays in it, also
 *		on an error
 * Errors: KH_EPROTO, KH_ENOMEM, KH_ESYS, and those of libraries that do not
 * work as they must.
 */
KH_CHECKED enum kh_err kh_door_open(struct kh_door *d);

/* The page for whom there is no room. Errors: KH_ENOMEM. */
KH_CHECKED enum kh_err kh_door_busy(
    struct kh_reply *busy, const struct kh_site *site);

#endif
