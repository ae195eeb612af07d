/*
 * The head of the server's answer: status, length and range, each at most once
 * and in one spelling. libcurl splits it into lines; what they mean for us is
 * read here.
 */
#ifndef KNOTHOLE_COURIER_HEAD_H
#define KNOTHOLE_COURIER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

struct kh_head {
	unsigned status; /* 0 before the first line */
	size_t bytes; /* of it so far */
	bool has_length;
	uint64_t length; /* Content-Length */
	bool has_range; /* Content-Range */
	bool unsatisfied; /* it is "bytes * / TOTAL" without the blanks */
	uint64_t first, last, total;
	bool coded; /* has Transfer-Encoding or Content-Encoding */
};

/*
 * Take one line, with its CRLF. A status line begins another head (after 100
 * Continue).
 * Errors: KH_EFORMAT malformed, or a field of the above twice; KH_ELIMIT longer
 * than KH_ANSWER_HEAD_MAX in all, or a number above INT64_MAX.
 */
KH_CHECKED enum kh_err kh_head_line(
    struct kh_head *h, const char *line, size_t n);

/*
 * The value of Content-Range (RFC 9110, 14.4): "bytes FIRST-LAST/TOTAL" with
 * FIRST <= LAST < TOTAL, or "bytes * / TOTAL" (without the blanks). Sets the
 * range fields of `h`. Errors as above; the fields are undefined then.
 */
KH_CHECKED enum kh_err kh_content_range(
    const char *value, size_t n, struct kh_head *h);

#endif
