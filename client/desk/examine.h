/*
 * An object, looked at from its header to its last byte of padding: is it for
 * this newsroom, is it whole, from whom is it, what is in it?
 */
#ifndef KNOTHOLE_CLIENT_DESK_EXAMINE_H
#define KNOTHOLE_CLIENT_DESK_EXAMINE_H

#include <stdbool.h>

#include "client/desk/index.h"
#include "knothole/age.h"
#include "knothole/err.h"

/* Bytes that tell one object from another: with its header, up to 40
 * recipients, and its nonce, which are random. */
#define KH_MARK_BYTES 8192

/* What was found. Secret: locked memory. */
struct kh_found {
	bool opened; /* false: sealed for others */
	struct kh_desk_object o; /* what the object itself tells */
	struct kh_thread t; /* its mailbox and keys, if it was opened */
};

/* The length of kh_found, for kh_secret_alloc. */
#define KH_FOUND_LEN ((sizeof(struct kh_found) + 15) / 16 * 16)

/* The mark of the file `fd`. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_examine_mark(
    int fd, uint8_t mark[static KH_MARK_LEN]);

/*
 * Examine the file `fd`, all of it.
 *	f	o.message, bytes, n_files, presealed, complete, day and t are
 *		set; the rest of `o` stays
 * Errors: those of age.h and bundle.h; KH_ENAME: it is for this newsroom, but
 * holds no submission. What is for others is KH_OK, and ETRUNC if it ends
 * where no age file can end.
 */
KH_CHECKED enum kh_err kh_examine(
    int fd, const struct kh_keyring *kr, struct kh_found *f);

/* Could it be an object at all? Opens header and last chunk only. Errors: as
 * kh_age_reader_new; what is for others is KH_OK. */
KH_CHECKED enum kh_err kh_examine_header(int fd, const struct kh_keyring *kr);

#endif
