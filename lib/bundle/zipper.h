/*
 * A ZIP written in one pass by libarchive, in the form that zip.h states.
 * Internal to the bundle.
 */
#ifndef KNOTHOLE_LIB_BUNDLE_ZIPPER_H
#define KNOTHOLE_LIB_BUNDLE_ZIPPER_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/io.h"

struct kh_zipper;

/*
 * Write to `sink`, straight through. Errors, of every call: KH_ENOMEM,
 * KH_ESYS (no C.UTF-8 locale), KH_ELIMIT beyond KH_OBJECT_LEN_MAX, KH_EPROTO
 * when libarchive fails otherwise, and whatever the sink returns. An error
 * stays: every later call returns it again.
 */
KH_CHECKED enum kh_err kh_zipper_new(
    struct kh_zipper **out, struct kh_sink sink);

/* Begin a regular file; `name` is NUL-terminated UTF-8. */
KH_CHECKED enum kh_err kh_zipper_begin(struct kh_zipper *z, const char *name);
KH_CHECKED enum kh_err kh_zipper_data(
    struct kh_zipper *z, const uint8_t *p, size_t n);
KH_CHECKED enum kh_err kh_zipper_end(struct kh_zipper *z);

/* Write the directory. Only kh_zipper_free may follow. */
KH_CHECKED enum kh_err kh_zipper_close(struct kh_zipper *z);

/* Free without writing anything more; NULL is fine. */
void kh_zipper_free(struct kh_zipper *z);

uint64_t kh_zipper_len(const struct kh_zipper *z); /* bytes written */
uint64_t kh_zipper_size(const struct kh_zipper *z); /* of the entry begun */
/* Bytes of directory that the ended entries are going to take. */
uint64_t kh_zipper_cd_len(const struct kh_zipper *z);

/*
 * Does this libarchive write what zip.h states? Also loads what it opens
 * files for. Errors: KH_EPROTO if it does not; as kh_zipper_new.
 */
KH_CHECKED enum kh_err kh_zipper_check(void);

#endif
