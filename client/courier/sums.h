/*
 * SHA256SUMS: a line for each file on the stick whose bytes are vouched for,
 * as sha256sum(1) writes it, sorted by path. The courier adds lines for what it
 * fetched, takes lines away with their files, and leaves the others.
 */
#ifndef KNOTHOLE_COURIER_SUMS_H
#define KNOTHOLE_COURIER_SUMS_H

#include <stdbool.h>
#include <stddef.h>

#include "client/courier/stick.h"
#include "knothole/err.h"

#define KH_SHA256_HEX_LEN 65 /* with NUL */

struct kh_sum {
	char *path; /* relative to knothole-stick */
	char hex[KH_SHA256_HEX_LEN];
};

/* Zeroed: empty. */
struct kh_sums {
	struct kh_sum *sum; /* by path, none twice */
	size_t n, room;
	bool changed; /* since it was read or written */
};

/*
 * Read the text: lines "HEX  PATH", ascending by path, none twice, LF after
 * each. A path is printable ASCII without backslash, of components that are
 * neither empty, "." nor "..". Errors: KH_EFORMAT, KH_ELIMIT, KH_ENOMEM; it is
 * empty then.
 */
KH_CHECKED enum kh_err kh_sums_parse(
    struct kh_sums *s, const char *text, size_t n);

/* Put the line for `path`, or replace it. Errors: KH_ENOMEM. */
KH_CHECKED enum kh_err kh_sums_put(struct kh_sums *s, const char *path,
    const char hex[static KH_SHA256_HEX_LEN]);

/* The hash of `path`, or NULL. */
const char *kh_sums_find(struct kh_sums *s, const char *path);

/* Take the line of `path` away, if there is one. */
void kh_sums_drop(struct kh_sums *s, const char *path);

/* Free; it is empty then. */
void kh_sums_clear(struct kh_sums *s);

/* Read the stick's file; none is as good as an empty one, and a malformed one
 * is said to be and taken for an empty one. Lines whose file is not there (any
 * more) are left out. Errors: KH_ENOMEM, KH_ESYS. */
KH_CHECKED enum kh_err kh_sums_load(
    struct kh_sums *s, const struct kh_stick *k);

/* Replace the stick's file if something changed. The desk's signature would no
 * longer fit: it is removed first. Errors: KH_ENOMEM, KH_EFULL, KH_ESYS. */
KH_CHECKED enum kh_err kh_sums_save(
    struct kh_sums *s, const struct kh_stick *k);

/*
 * Hash a file to its end.
 *	fd	read from where it stands
 * Errors: KH_ENOMEM, KH_ESYS; KH_EAGAIN a signal came.
 */
KH_CHECKED enum kh_err kh_sums_hash(int fd, char hex[static KH_SHA256_HEX_LEN]);

#endif
