/*
 * Requests as they come in: the head into a buffer that it must fit, the body
 * of the few routes that take one behind it. Separate because only this reads
 * from the connection, and because of the rule that it keeps: every byte
 * belongs to one request, by the length that its head has announced.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/courier/errand.h"

static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

static enum kh_err
receive(struct kh_errand *x, uint8_t *p, size_t cap, size_t *n)
{
	ssize_t r;

	do
		r = recv(x->conn, p, cap, 0);
	while (r < 0 && errno == EINTR);
	*n = r > 0 ? (size_t)r : 0;
	return r > 0 ? KH_OK : KH_EPROTO;
}

enum kh_err
kh_errand_head(struct kh_errand *x, enum kh_head_fault *fault)
{
	enum kh_err e;
	size_t n;

	atomic_store(&x->counter->phase, (uint32_t)KH_PHASE_HEAD);
	for (;;) {
		e = kh_head_parse_api(x->bytes, x->have, &x->head, fault);
		if (e != KH_EAGAIN)
			return e;
		/* The parser never asks for more than fits. */
		PRECOND(x->have < sizeof(x->bytes));
		e = receive(
		    x, x->bytes + x->have, sizeof(x->bytes) - x->have, &n);
		if (e != KH_OK)
			return e;
		x->have += n;
	}
}

enum kh_err
kh_errand_body(struct kh_errand *x, uint8_t *p)
{
	const size_t from = x->head.head_len, want = (size_t)x->head.length;
	size_t n = x->have - from, got;
	enum kh_err e;

	PRECOND(x->head.length <= KH_COURIER_BODY_MAX && x->have >= from);
	atomic_store(&x->counter->phase, (uint32_t)KH_PHASE_BODY);
	if (n > want)
		n = want;
	memcpy(p, x->bytes + from, n);
	/* RFC 9110 10.1.1: it waits for this only if it has sent nothing. */
	if (n == 0 && want > 0 && x->head.expect_continue &&
	    send(x->conn, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL) !=
		(ssize_t)(sizeof(go_on) - 1))
		return KH_EPROTO;
	while (n < want) {
		e = receive(x, p + n, want - n, &got);
		if (e != KH_OK)
			return e;
		n += got;
		atomic_fetch_add(&x->counter->bytes, got);
	}
	return KH_OK;
}

void
kh_errand_next(struct kh_errand *x)
{
	size_t done = x->head.head_len;

	/* Of a body that was longer than the buffer, nothing is left in it. */
	if (x->head.length < x->have - done)
		done += (size_t)x->head.length;
	else
		done = x->have;
	memmove(x->bytes, x->bytes + done, x->have - done);
	kh_wipe(x->bytes + (x->have - done), done);
	x->have -= done;
	memset(&x->head, 0, sizeof(x->head));
}
