/*
 * Renewed cards on their way to the server: cards/ID.card on the stick.
 */
#ifndef KNOTHOLE_COURIER_CARDS_H
#define KNOTHOLE_COURIER_CARDS_H

#include <stddef.h>

#include "client/courier/courier.h"

struct kh_cards {
	size_t sent; /* the server has taken over */
	int refused; /* exit status for what could not go, or 0 */
};

/*
 * Send every card of this newsroom's (whose courier's token is ours) to the
 * server, and take it from the stick when the server has it. Other newsrooms'
 * are passed over: they lie there on their way to the desk. Nothing of a card is
 * trusted but what its signature covers; the server decides.
 * Says what is wrong, and returns the exit status.
 */
int kh_push_cards(struct kh_courier *c, struct kh_cards *out);

#endif
