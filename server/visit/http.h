/*
 * One request through libmicrohttpd.
 */
#ifndef KNOTHOLED_VISIT_HTTP_H
#define KNOTHOLED_VISIT_HTTP_H

#include "server/visit/context.h"
#include "server/visit/intake.h"

/*
 * Serve the request with libmicrohttpd: `r` if it is ready (`in` is NULL), or
 * else give the body to `in` and send what it makes of `r`. Returns when the
 * connection has ended; if that was within the body, `in` was told.
 * Errors: KH_ENOMEM, KH_ESYS, KH_EPROTO.
 */
KH_CHECKED enum kh_err kh_visit_http(
    struct kh_visit *v, struct kh_reply *r, const struct kh_intake *in);

#endif
