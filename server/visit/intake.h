/*
 * Whatever takes in the body of a request: a submission, or a small form.
 */
#ifndef KNOTHOLED_VISIT_INTAKE_H
#define KNOTHOLED_VISIT_INTAKE_H

#include "server/visit/reply.h"

struct kh_intake {
	void *ctx;
	/* More of the body. Never fails: what is refused is dropped. */
	void (*feed)(void *ctx, const uint8_t *p, size_t n);
	/* The body is complete: do what is asked, and write the answer. */
	void (*finish)(void *ctx, struct kh_reply *r);
	/* The connection ended within the body. */
	void (*cut)(void *ctx);
	void (*free)(void *ctx); /* wipes */
};

#endif
