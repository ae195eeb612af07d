/*
 * A visit: one process, one connection, one request. The door forks it; it
 * confines itself, looks at the request's head, answers or takes a submission
 * in, and ends. Whatever it knew ends with it.
 */
#ifndef KNOTHOLED_VISIT_H
#define KNOTHOLED_VISIT_H

#include "server/visit/head.h"
#include "server/visit/reply.h"
#include "server/visit/site.h"

struct kh_visit {
	int conn; /* the connection */
	int store; /* channel to the store */
	int kdf; /* turns at the KDF: an eventfd that counts them */
	const struct kh_site *site;
	struct kh_counter *counter; /* its line in the shared table */
	struct kh_head head; /* slices into head_bytes */
	uint8_t head_bytes[KH_HEAD_MAX];
};

/* Descriptors of a visit, set by the door: all others are closed. */
#define KH_VISIT_CONN_FD 3
#define KH_VISIT_STORE_FD 4
#define KH_VISIT_KDF_FD 5

/* Serve the connection. Returns the process's exit status. */
int kh_visit_run(struct kh_visit *v);

void kh_visit_phase(struct kh_visit *v, enum kh_phase p);

/*
 * Wait for the request's head without taking it off the socket, and parse it
 * (MSG_PEEK): what is refused here libmicrohttpd never sees.
 *	fault	why, when it is refused
 * Errors: KH_EPROTO the peer is gone before it was complete; KH_EFORMAT,
 * KH_ELIMIT refused; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_visit_peek(
    struct kh_visit *v, enum kh_head_fault *fault);

/*
 * Serve the request with libmicrohttpd: `r` if it is ready (r->status is not
 * 0), or else take the submission in and make its answer. Returns when the
 * connection has ended; a cut submission has been sealed then.
 */
struct kh_submit;
KH_CHECKED enum kh_err kh_visit_http(
    struct kh_visit *v, struct kh_reply *r, struct kh_submit *s);

#endif
