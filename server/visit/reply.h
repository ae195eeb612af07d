/*
 * An answer: status and page, and the header fields that every answer
 * carries, whoever sends it (libmicrohttpd for a request that was read whole,
 * kh_reply_send for one that was refused at its head).
 */
#ifndef KNOTHOLED_VISIT_REPLY_H
#define KNOTHOLED_VISIT_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "knothole/err.h"
#include "server/page/html.h"

struct kh_reply {
	unsigned status;
	bool head_only; /* the method was HEAD: no body */
	bool text; /* a key file: text, not HTML */
	bool clear; /* the page for leaving: the browser forgets this site */
	struct kh_html html;
};

struct kh_header {
	const char *name;
	const char *value;
};

/*
 * Field `i` of an answer, Content-Length and Connection left out. Returns
 * false when there are only `i`. The first call hashes the style sheet for the
 * Content-Security-Policy: make it before input.
 */
bool kh_reply_header(const struct kh_reply *r, size_t i, struct kh_header *out);

/*
 * Send the whole answer on a connection, as HTTP/1.1 with Connection: close.
 * Blocks until it is sent or the connection is shut down.
 * Errors: KH_EPROTO the peer is gone; KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_reply_send(int conn, const struct kh_reply *r);

/* The same in one attempt, on a non-blocking connection: all of it or
 * nothing that matters. Errors: KH_EPROTO. */
KH_CHECKED enum kh_err kh_reply_offer(int conn, const struct kh_reply *r);

/*
 * An answer without a known length, in the chunked coding (RFC 9112 7.1):
 * its head, pieces of n > 0 bytes, its end.
 * Errors: as above.
 */
KH_CHECKED enum kh_err kh_reply_stream(int conn, const struct kh_reply *r);
KH_CHECKED enum kh_err kh_reply_chunk(int conn, const char *p, size_t n);
KH_CHECKED enum kh_err kh_reply_stream_end(int conn);

/*
 * Read on and drop what still arrives, so that the kernel does not throw the
 * answer away with a reset (RFC 9112 9.6). Ends when the peer closes, after
 * `seconds`, or when the door shuts the connection down.
 */
void kh_reply_linger(int conn, unsigned seconds);

#endif
