/*
 * The strict parser of the request head. It looks at the bytes before
 * libmicrohttpd does, and refuses what that would let through (RFC 9110, RFC
 * 9112): bare LF, folded lines, NUL and other controls, blanks before a
 * colon, a second Content-Length or Host, any Transfer-Encoding, another
 * version than HTTP/1.1, methods other than GET, HEAD and POST, targets
 * outside our own alphabet.
 *
 * HTTP/1.0 is what scanners and old proxies speak, and two browsers for people
 * who read with a terminal, a Braille line or a voice: w3m, and lynx as it comes.
 * It is taken from those two, who say their names, and refused from all others.
 *
 * Couriers speak the same HTTP, a little more of it: kh_head_parse_api.
 */
#ifndef KNOTHOLED_VISIT_HEAD_H
#define KNOTHOLED_VISIT_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

enum kh_method {
	KH_GET,
	KH_HEAD,
	KH_POST,
	KH_PUT, /* kh_head_parse_api only, as is all below */
	KH_OTHER /* a well-formed token, not one of ours */
};

/* Slices point into the parsed bytes; they are not NUL-terminated. */
struct kh_slice {
	const char *p;
	size_t n;
};

struct kh_head {
	enum kh_method method;
	struct kh_slice path; /* [/A-Za-z0-9._-]+, begins with '/' */
	struct kh_slice query; /* after '?', [A-Za-z0-9._~=&%+-]*, or n = 0 */
	bool has_length;
	uint64_t length; /* Content-Length */
	struct kh_slice type; /* Content-Type as it stands, or n = 0 */
	struct kh_slice host; /* Host as it stands */
	bool proxied; /* a proxy has left its mark: Via, X-Tor2web, ... */
	bool old; /* HTTP/1.0, from a text browser */
	bool expect_continue; /* Expect: 100-continue */
	/* kh_head_parse_api only: */
	struct kh_slice authorization; /* as it stands, or n = 0 */
	struct kh_slice range; /* as it stands, or n = 0 */
	bool keep_alive; /* Connection: keep-alive, nothing else in it */
	size_t head_len; /* bytes up to and with the empty line */
};

/* Is it this word, ASCII letters in any case? */
bool kh_slice_is(struct kh_slice s, const char *word);

/* Why a head was refused; the visit answers accordingly. */
enum kh_head_fault {
	KH_HEAD_FINE,
	KH_HEAD_MALFORMED, /* 400; also what does not fit together */
	KH_HEAD_METHOD, /* 405: a well-formed token, not one of ours */
	KH_HEAD_TARGET, /* 404: printable, outside our alphabet */
	KH_HEAD_LENGTH, /* 411: a POST without Content-Length */
	KH_HEAD_CODING, /* 501: Transfer-Encoding */
	KH_HEAD_EXPECT, /* 417: another expectation */
	KH_HEAD_VERSION, /* 505: not HTTP/1.1 */
	KH_HEAD_LARGE /* 431: over KH_HEAD_MAX or KH_HEADERS_MAX */
};

/* The status that answers such a head. */
unsigned kh_head_status(enum kh_head_fault fault);

/* Do the first `n` bytes of a connection say HEAD, so that an answer has no
 * content, whatever else is wrong (RFC 9110, 9.3.2)? For heads that are refused,
 * of which the parser gives no method. */
bool kh_head_wants_none(const void *p, size_t n);

/*
 * Parse a request head from the first `n` bytes of a connection.
 *	out	set completely on KH_OK, zeroed otherwise
 *	fault	why, on KH_EFORMAT and KH_ELIMIT; else KH_HEAD_FINE
 * Decides from left to right: a prefix that is refused stays refused, with the
 * same fault, whatever follows. `length` is not capped here.
 * Errors: KH_EAGAIN the empty line has not arrived (and nothing before it is
 * wrong so far as can be told); KH_EFORMAT; KH_ELIMIT.
 */
KH_CHECKED enum kh_err kh_head_parse(
    const uint8_t *p, size_t n, struct kh_head *out, enum kh_head_fault *fault);

/*
 * The same for the courier's API: PUT, which needs a length as POST does, and
 * any other method, for which a length is optional; the fields Authorization,
 * Range and Connection, none of them twice. KH_HEAD_METHOD does not occur.
 */
KH_CHECKED enum kh_err kh_head_parse_api(
    const uint8_t *p, size_t n, struct kh_head *out, enum kh_head_fault *fault);

#endif
