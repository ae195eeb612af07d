/*
 * The first look at a request, before anything is taken off the socket.
 */
#ifndef KNOTHOLED_VISIT_PEEK_H
#define KNOTHOLED_VISIT_PEEK_H

#include "server/visit/context.h"

/*
 * Wait for the request's head without taking it off the socket, and parse it
 * (MSG_PEEK): what is refused here libmicrohttpd never sees.
 *	fault	why, when it is refused
 * Errors: KH_EPROTO the peer is gone before it was complete; KH_EFORMAT,
 * KH_ELIMIT refused; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_visit_peek(
    struct kh_visit *v, enum kh_head_fault *fault);

#endif
