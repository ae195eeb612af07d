/*
 * The door's parts. It accepts connections, forks a visit for each, counts
 * them, and shuts down those that are late. It never reads a byte of HTTP. The
 * courier counts its connections in the same way.
 */
#ifndef KNOTHOLED_DOOR_H
#define KNOTHOLED_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "knothole/err.h"
#include "server/door/circuits.h"
#include "server/page/site.h"
#include "server/visit/counter.h"

/* A visit, as the door sees it. */
struct kh_guest {
	pid_t pid; /* 0: nobody is here */
	int conn; /* our copy of its connection, to shut it down */
	int64_t came; /* ms */
	int64_t since; /* ms: when this phase began, or its last byte came */
	uint32_t phase; /* as last seen */
	uint64_t bytes; /* as last seen */
	int64_t shut; /* ms: when we shut it down; 0 if we did not */
	bool killed; /* by us */
	int64_t parked; /* ms: it has ended, its line stays until then; or 0 */
	struct kh_pass pass; /* what it was let in with */
};

struct kh_guests {
	struct kh_guest *guest; /* `max` of them */
	struct kh_counter *counter; /* the same places, shared with visits */
	size_t max;
	size_t n;
	struct kh_circuits circuits; /* without lines where none are known */
};

/*
 * Room for `max` guests.
 *	table	`max` lines that other doors have too (server/door/table.h), or
 *		-1; not needed afterwards
 * Errors: KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_guests_init(
    struct kh_guests *g, size_t max, int table);

/* Reserve a place that nobody has, here or behind another door; or -1. */
ptrdiff_t kh_guests_place(struct kh_guests *g);

/* Give up a place that was reserved. */
void kh_guests_leave(struct kh_guests *g, size_t place);

/* Fill a place that was reserved. `conn` becomes the table's. */
void kh_guests_add(
    struct kh_guests *g, size_t place, pid_t pid, int conn, int64_t now);

/* What it was let in with: taken back when it has ended. */
void kh_guests_pass(
    struct kh_guests *g, size_t place, const struct kh_pass *pass);

/* Are no more than an eighth of all places free? */
bool kh_guests_scarce(const struct kh_guests *g);

/*
 * The visit `pid` has ended: close its connection and free its place. The line of
 * an upload whose progress is being shown stays for some seconds, until that
 * display has seen how it ended: nothing of the visit itself is left by then.
 *	status	as wait(2) gives it
 * Returns whether it has crashed: died of a signal that we did not send.
 */
bool kh_guests_ended(struct kh_guests *g, pid_t pid, int status, int64_t now);

/* Free the lines that have stayed for long enough at `now`, or that nobody waits
 * for any more; all of them with INT64_MAX. */
void kh_guests_unpark(struct kh_guests *g, int64_t now);

/* Shut down who is late at `now` (monotonic ms); kill who does not leave. */
void kh_guests_deadlines(struct kh_guests *g, int64_t now);

/* When few places are left, shut down who has been here longest of those in
 * this phase, if there is one. */
void kh_guests_relieve(struct kh_guests *g, enum kh_phase phase, int64_t now);

/* Was somebody shut down so lately that a place is about to be free? */
bool kh_guests_leaving(const struct kh_guests *g, int64_t now);

/* Shut all of them down: they seal what they have and end. */
void kh_guests_dismiss(struct kh_guests *g, int64_t now);

/*
 * Has every newsroom a key that is valid at `now` (seconds since 1970), and can
 * something be sealed to it?
 *	out	set completely
 */
void kh_door_test(
    const struct kh_site *site, int64_t now, struct kh_msg_report *out);

#endif
