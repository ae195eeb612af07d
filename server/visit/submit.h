/*
 * A submission being taken in: from the bytes of a multipart body to a sealed
 * object that the store has committed. Each byte of a file is sealed as it
 * comes; only the message waits, in locked memory, for the choice of outlets
 * that follows it in the form.
 */
#ifndef KNOTHOLED_VISIT_SUBMIT_H
#define KNOTHOLED_VISIT_SUBMIT_H

#include "server/visit/context.h"
#include "server/visit/intake.h"

/*
 *	upload	the id that the request's address names, or NULL; the form's
 *		own must be the same
 *	out	receives what the caller frees with its `free`
 * Errors: KH_ENOMEM; KH_EFORMAT when the Content-Type is not that of our
 * form.
 */
KH_CHECKED enum kh_err kh_submit_new(
    struct kh_visit *v, const uint8_t *upload, struct kh_intake *out);

#endif
