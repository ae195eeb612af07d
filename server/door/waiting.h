/*
 * Connections whose PROXY line has not come whole. tor writes it as it
 * connects, so hardly any ever wait; whoever else is slow with it waits here,
 * where it costs a descriptor for some seconds and holds up nobody.
 */
#ifndef KNOTHOLED_WAITING_H
#define KNOTHOLED_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

struct kh_waiting {
	size_t n;
	struct {
		int conn;
		int64_t since; /* ms */
	} who[KH_PROXY_WAITING_MAX]; /* in the order in which they came */
};

/*
 * Take the PROXY line off a connection, and not a byte behind it. Never
 * blocks.
 *	circuit	set on KH_OK, 0 otherwise
 * Errors: KH_EAGAIN it has not come whole; KH_EFORMAT it is another line;
 * KH_EPROTO the peer is gone.
 */
KH_CHECKED enum kh_err kh_waiting_take(int conn, uint32_t *circuit);

/*
 * Let `conn` wait; it becomes the table's, and is watched by `epoll` for what
 * comes. One that waits already goes on. With the table full the one that has waited longest is closed.
 * Errors: KH_ESYS; then it is closed.
 */
KH_CHECKED enum kh_err kh_waiting_add(
    struct kh_waiting *w, int epoll, int conn, int64_t now);

bool kh_waiting_has(const struct kh_waiting *w, int conn);

/* `conn` waits no more: the caller's again, and no longer watched. */
void kh_waiting_remove(struct kh_waiting *w, int epoll, int conn);

/* Close those who have waited for too long at `now` (monotonic ms); all of
 * them with INT64_MAX. */
void kh_waiting_deadline(struct kh_waiting *w, int64_t now);

#endif
