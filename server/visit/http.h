/*
 * One request through libmicrohttpd.
 */
#ifndef KNOTHOLED_VISIT_HTTP_H
#define KNOTHOLED_VISIT_HTTP_H

#include "server/visit/context.h"
#include "server/visit/reply.h"
#include "server/visit/submit.h"

/*
 * Serve the request with libmicrohttpd: `r` if it is ready (s is NULL), or
 * else take the submission `s` in and make its answer in `r`. Returns when
 * the connection has ended; a cut submission has been sealed then.
 * Errors: KH_ENOMEM, KH_ESYS, KH_EPROTO.
 */
KH_CHECKED enum kh_err kh_visit_http(
    struct kh_visit *v, struct kh_reply *r, struct kh_submit *s);

#endif
