/*
 * multipart/form-data (RFC 7578, RFC 2046 5.1), strictly, as a stream: feed
 * it the body in any pieces and it calls back with part heads, data and part
 * ends. The calls and their concatenated data are the same for every split of
 * the input. It allocates nothing and passes data on in place.
 *
 * Strict means: the body begins with "--boundary" CRLF (no preamble), the last
 * delimiter "--boundary--" is required, and after it only an optional CRLF; no
 * blanks after a boundary; each part has exactly one Content-Disposition:
 * form-data with one name and at most one filename, both quoted; a
 * quote ends a value (browsers send %22 for one in a name, WHATWG HTML,
 * "Multipart form data"); filename* and Content-Transfer-Encoding are refused;
 * no NUL in a part's head, and no control byte but in a file's name, which is
 * passed on as it was sent. Other fields in a part's head are passed over (RFC
 * 7578 4.8: they "MUST be ignored") if they are well-formed.
 */
#ifndef KNOTHOLED_VISIT_MULTIPART_H
#define KNOTHOLED_VISIT_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"
#include "server/visit/head.h"

/* A part's head; slices are valid during the callback only. */
struct kh_part {
	struct kh_slice name; /* 1 to KH_FIELD_NAME_MAX bytes */
	bool has_filename;
	/* as sent, at most KH_RAW_NAME_MAX bytes of any but NUL, CR, LF, '"' */
	struct kh_slice filename;
	struct kh_slice type; /* Content-Type, or n = 0 */
};

/* What a callback returns other than KH_OK ends parsing with that error. */
struct kh_multipart_ops {
	enum kh_err (*part)(void *ctx, const struct kh_part *part);
	enum kh_err (*data)(void *ctx, const uint8_t *p, size_t n); /* n > 0 */
	enum kh_err (*end)(void *ctx); /* the part was whole */
};

struct kh_multipart {
	const struct kh_multipart_ops *ops;
	void *ctx;
	enum kh_err failed; /* sticky */
	unsigned state;
	unsigned parts;
	size_t matched; /* bytes of the delimiter matched so far */
	size_t delim_len;
	uint8_t delim[4 + KH_BOUNDARY_MAX]; /* CRLF "--" boundary */
	size_t head_len;
	uint8_t head[KH_PART_HEAD_MAX];
};

/*
 * Find the boundary in a Content-Type: exactly multipart/form-data with one
 * boundary parameter (a token or quoted), 1 to KH_BOUNDARY_MAX bchars, the
 * last of them no blank.
 *	boundary	a slice of `content_type`; n = 0 on error
 * Errors: KH_EFORMAT.
 */
KH_CHECKED enum kh_err kh_multipart_boundary(
    struct kh_slice content_type, struct kh_slice *boundary);

/* `boundary` as kh_multipart_boundary gives it (precondition); it is copied.
 * `ops` and `ctx` must outlive `m`. */
void kh_multipart_init(struct kh_multipart *m, struct kh_slice boundary,
    const struct kh_multipart_ops *ops, void *ctx);

/*
 * Parse `n` more bytes. An upload without any part (the last delimiter at
 * once) is a valid one.
 * Errors: KH_EFORMAT; KH_ELIMIT over KH_PARTS_MAX, KH_PART_HEAD_MAX,
 * KH_FIELD_NAME_MAX or KH_RAW_NAME_MAX; whatever a callback returned. Sticky:
 * the same error follows on every later call, and no callback.
 */
KH_CHECKED enum kh_err kh_multipart_feed(
    struct kh_multipart *m, const uint8_t *p, size_t n);

/* The body has ended. KH_OK only if the final delimiter was seen; KH_ETRUNC
 * when it was cut before; the sticky error if there was one. Data held back
 * as a possible delimiter is NOT passed on: it may be one. */
KH_CHECKED enum kh_err kh_multipart_finish(struct kh_multipart *m);

#endif
