/*
 * Who cannot be let in waits twice, and nobody waits with him.
 *
 * Who has asked too often is told so a moment later. A program that asks again
 * as soon as it has its answer is slowed down by that, and nobody else: it
 * keeps one of the streams that its circuit has for as long as it waits.
 *
 * Who has been told is not closed at once: nobody has read the request, and a
 * kernel that closes over unread bytes takes the answer back from who has not
 * read it yet.
 *
 * Time is an argument, so that tests can turn it.
 */
#ifndef KNOTHOLED_REFUSALS_H
#define KNOTHOLED_REFUSALS_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/limits.h"

/* One of the two queues. Zero is empty. The descriptors are the queue's. */
struct kh_refusals {
	size_t n;
	struct {
		int conn;
		int64_t due; /* ms */
	} who[KH_REFUSALS_MAX]; /* in the order in which they came */
};

/*
 * Let `conn` wait until `due` (monotonic ms), not before who came earlier. With
 * the queue full the one that has waited longest makes room. Returns that one,
 * the caller's again, whose turn it is now, or -1.
 */
int kh_refusals_add(struct kh_refusals *r, int conn, int64_t due);

/* Whose turn it is at `now`, the caller's again, or -1; all of them one after the
 * other with INT64_MAX. */
int kh_refusals_take(struct kh_refusals *r, int64_t now);

/* How long it is nobody's turn, ms from `now`, at most `max`. */
int kh_refusals_wait(const struct kh_refusals *r, int64_t now, int max);

#endif
