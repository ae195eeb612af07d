/*
 * Talking to a server that is not always reached, and saying what it said.
 */
#ifndef KNOTHOLE_COURIER_TALK_H
#define KNOTHOLE_COURIER_TALK_H

#include "client/courier/courier.h"

#define KH_TALK_OURS (-1)

/*
 * Ask until there is an answer: again after a pause when the connection failed
 * or the server says that it is broken for now (500, 502, 503, 504), as often
 * as --retries says without one byte of progress. Redirects and a token that
 * the server does not know end it.
 *	prepare	called before each try, may change `x`; returns 0 to go on,
 *		else what kh_talk returns. NULL: nothing
 * Returns KH_EXIT_OK with an answer of any other status; KH_TALK_OURS when
 * begin or write of `x` failed; else the exit status, and it has been said.
 */
int kh_talk(struct kh_courier *c, struct kh_exchange *x,
    int (*prepare)(void *ctx, struct kh_exchange *x));

/* Say that the server answered otherwise than it should have; returns the exit
 * status. */
int kh_refused(const struct kh_courier *c, const struct kh_exchange *x);

/* Say that the server's answer to `x` is none that we accept, because of `e`;
 * returns the exit status. */
int kh_nonsense(
    const struct kh_courier *c, const struct kh_exchange *x, enum kh_err e);

/* Say that it was interrupted; returns the exit status. */
int kh_interrupted(void);

/* Say what goes on, unless --quiet; the progress line is taken away. */
void kh_tell(struct kh_courier *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Get all of the object list. Returns the exit status. */
int kh_get_list(struct kh_courier *c, struct kh_list *l);

/* Get the list's entry of one object again: *o is what it says now, or has
 * `gone` set. Returns the exit status. */
int kh_get_entry(struct kh_courier *c, struct kh_object *o);

#endif
