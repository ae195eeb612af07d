/*
 * Forms that send no file: the return code, turning pages, deleting. They
 * come urlencoded from browsers; multipart is read as well.
 */
#ifndef KNOTHOLED_VISIT_SMALL_H
#define KNOTHOLED_VISIT_SMALL_H

#include "server/visit/context.h"
#include "server/visit/intake.h"

/* The fields, decoded; n = 0 when not given. Secret: in locked memory. */
struct kh_small_fields {
	struct kh_slice code, token, page;
};

/*
 * Take in such a form, at most KH_SMALL_FORM_MAX bytes, and have `act` answer
 * it. When the form is not well-formed, or has other fields, it is refused
 * and `act` is not called.
 *	out	receives what the caller frees with its `free`
 * Errors: KH_ENOMEM; KH_EFORMAT for another Content-Type.
 */
KH_CHECKED enum kh_err kh_small_new(struct kh_visit *v,
    void (*act)(struct kh_visit *v, const struct kh_small_fields *f,
	struct kh_reply *r),
    struct kh_intake *out);

/*
 * Decode application/x-www-form-urlencoded in place ('+' is a blank, %XX a
 * byte) and find the fields.
 * Errors: KH_EFORMAT for a bad escape, an unknown field, or one twice.
 */
KH_CHECKED enum kh_err kh_small_parse(
    uint8_t *p, size_t n, struct kh_small_fields *out);

#endif
