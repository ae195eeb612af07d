/*
 * One connection of a courier's, served by a process of its own: the parts of
 * it, and what they are given.
 */
#ifndef KNOTHOLED_COURIER_ERRAND_H
#define KNOTHOLED_COURIER_ERRAND_H

#include "server/courier/route.h"
#include "server/role/confine.h"
#include "server/visit/counter.h"
#include "server/visit/head.h"

/* The descriptors that such a process starts with. */
#define KH_ERRAND_CONN_FD 3
#define KH_ERRAND_STORE_FD 4

struct kh_errand {
	int conn; /* the connection, blocking */
	int store; /* channel to the store */
	const struct kh_msg_tokens *tokens;
	const struct kh_msg_outlet *outlets; /* of the tokens, in their order */
	const struct kh_msg_health *health; /* as it was when this began */
	struct kh_counter *counter; /* for the deadlines */
	const struct kh_filter *filter; /* its system calls */
	uint32_t newsroom; /* whose token came with this request */
	bool keep; /* another request may follow this one */
	struct kh_head head; /* slices into bytes */
	size_t have; /* bytes of the request, and of what follows it */
	uint8_t bytes[KH_HEAD_MAX];
};

/* Serve one connection; the exit status. */
int kh_errand_run(struct kh_errand *x);

/* --- body.c: what comes in ------------------------------------------------- */

/*
 * Wait for the head of the next request and parse it.
 * Errors: KH_EFORMAT, KH_ELIMIT refused, and `fault` says why; KH_EPROTO the
 * peer is gone.
 */
KH_CHECKED enum kh_err kh_errand_head(
    struct kh_errand *x, enum kh_head_fault *fault);

/*
 * Read the request's body, x->head.length bytes of it, which fit `p`. The head's
 * slices are gone then. Errors: KH_EPROTO the peer is gone.
 */
KH_CHECKED enum kh_err kh_errand_body(struct kh_errand *x, uint8_t *p);

/* The request is done: what follows it in the buffer is the next one. */
void kh_errand_next(struct kh_errand *x);

/* --- answer.c: what goes out ----------------------------------------------- */

/* Answer with JSON. `extra`: header fields with CRLF each, or "". Errors:
 * KH_EPROTO the peer is gone. */
KH_CHECKED enum kh_err kh_errand_json(struct kh_errand *x, unsigned status,
    const char *extra, const char *json, size_t n);

/* Answer {"error":WORD}. Ends the connection when there is, or may be, a body
 * that was not read. */
KH_CHECKED enum kh_err kh_errand_error(
    struct kh_errand *x, unsigned status, const char *extra);

/* The same with another word than that of the status. */
KH_CHECKED enum kh_err kh_errand_refuse(
    struct kh_errand *x, unsigned status, const char *word);

/* Answer with `n` bytes of a file of `size`, from `from` on: 206 if that is
 * not all of it. */
KH_CHECKED enum kh_err kh_errand_file(
    struct kh_errand *x, int fd, uint64_t from, uint64_t n, uint64_t size);

/* The whole answer of a process that is full: 503. For one send. */
size_t kh_errand_busy(char *out, size_t cap);

/* --- objects.c, deliver.c, card.c: the routes -------------------------------------- */

/* Each answers the request, and returns KH_OK when another may follow. */
KH_CHECKED enum kh_err kh_errand_list(
    struct kh_errand *x, const struct kh_courier_route *to);
KH_CHECKED enum kh_err kh_errand_object(
    struct kh_errand *x, const struct kh_courier_route *to);
KH_CHECKED enum kh_err kh_errand_health(struct kh_errand *x);
KH_CHECKED enum kh_err kh_errand_collected(struct kh_errand *x);
KH_CHECKED enum kh_err kh_errand_reply(
    struct kh_errand *x, const struct kh_courier_route *to);

KH_CHECKED enum kh_err kh_errand_card(
    struct kh_errand *x, const struct kh_courier_route *to);

/* Memory with these bytes that nobody can change any more, to be handed to the
 * store and closed; or -1. */
int kh_errand_seal(const uint8_t *p, size_t n);

/* One question to the store, with `with` or -1, and its answer. `fd` receives
 * the descriptor that came with it, or -1. */
KH_CHECKED enum kh_err kh_errand_ask(
    struct kh_errand *x, struct kh_msg *m, int with, int *fd);

#endif
