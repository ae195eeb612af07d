/*
 * HTTP through libcurl, shut to all that a courier must not do: no resolver, no
 * environment, no files of curl's, no redirects, no other protocol. One
 * connection is kept and used again if the server allows it.
 */
#ifndef KNOTHOLE_COURIER_HTTP_H
#define KNOTHOLE_COURIER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/courier/address.h"
#include "client/courier/head.h"
#include "knothole/err.h"

#define KH_PATH_LEN 128 /* our longest path has 78 characters */

struct kh_http;

struct kh_http_config {
	const struct kh_address *server;
	const struct kh_address *proxy; /* or NULL */
	const char *token; /* copied; wiped when freed */
	unsigned timeout; /* seconds without a byte */
	void (*tick)(void *ctx); /* called often during a transfer; or NULL */
	void *tick_ctx;
};

enum kh_method {
	KH_GET,
	KH_PUT,
	KH_POST
};

/* One request and its answer. Zero it, then set the first part. */
struct kh_exchange {
	enum kh_method method;
	char path[KH_PATH_LEN]; /* and query */
	uint64_t from; /* GET: this byte and what follows; 0: all */
	const void *body; /* PUT, POST */
	size_t body_len;
	const char *type; /* of the body */
	/* Where a 200's or 206's body goes, after its head was accepted. NULL:
	 * into `text`, as all other bodies. An error ends the exchange. */
	enum kh_err (*begin)(void *ctx, const struct kh_head *head);
	enum kh_err (*write)(void *ctx, const uint8_t *p, size_t n);
	void *ctx;

	struct kh_head head;
	const char *text; /* valid until the next exchange */
	size_t text_len;
	bool begun; /* `begin` was called */
	uint64_t moved; /* bytes that went to `write` */
	enum kh_err error; /* what `begin` or `write` returned */
	int error_errno; /* and errno then */
};

/* How it ended. */
enum kh_end {
	KH_END_ANSWERED, /* whatever the status */
	KH_END_CUT, /* not connected, or cut off: later may work */
	KH_END_NONSENSE, /* not HTTP, or not as we accept it */
	KH_END_OURS, /* `begin` or `write` failed, see `error` */
	KH_END_STOPPED, /* a signal came */
	KH_END_NOMEM
};

/* Errors: KH_ENOMEM; *out is NULL then. Once at a time in a process. */
KH_CHECKED enum kh_err kh_http_new(
    const struct kh_http_config *config, struct kh_http **out);

/* Wipes the token; NULL is fine. */
void kh_http_free(struct kh_http *h);

/* Ask once. */
KH_CHECKED enum kh_end kh_http_exchange(
    struct kh_http *h, struct kh_exchange *x);

/* Why the last exchange was cut or is nonsense: text of ours or libcurl's,
 * never the server's. */
const char *kh_http_why(const struct kh_http *h);

#endif
