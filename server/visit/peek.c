/*
 * Waiting for the request's head. Separate, because of its one trick: the
 * bytes stay in the socket for libmicrohttpd, and an edge-triggered epoll
 * tells when more have come behind them.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/visit/peek.h"

/* Peek and parse once. KH_EAGAIN when it is incomplete so far. */
static enum kh_err
look(struct kh_visit *v, enum kh_head_fault *fault)
{
	enum kh_err e;
	ssize_t r;

	do
		r = recv(v->conn, v->head_bytes, sizeof(v->head_bytes),
		    MSG_PEEK | MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == EAGAIN ? KH_EAGAIN : KH_EPROTO;
	if (r == 0)
		return KH_EPROTO;
	e = kh_head_parse(v->head_bytes, (size_t)r, &v->head, fault);
	if (e == KH_EAGAIN && (size_t)r == sizeof(v->head_bytes)) {
		*fault = KH_HEAD_LARGE;
		return KH_ELIMIT;
	}
	return e;
}

enum kh_err
kh_visit_peek(struct kh_visit *v, enum kh_head_fault *fault)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP};
	bool ended = false;
	enum kh_err e;
	int ep, n;

	*fault = KH_HEAD_FINE;
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0)
		return KH_ESYS;
	e = KH_ESYS;
	if (epoll_ctl(ep, EPOLL_CTL_ADD, v->conn, &ev) != 0)
		goto out;
	for (;;) {
		e = look(v, fault);
		if (e != KH_EAGAIN)
			break;
		if (ended) {
			e = KH_EPROTO;
			break;
		}
		/* The door's deadline ends an endless wait: it shuts the
		 * connection down, which wakes us. */
		n = epoll_wait(ep, &ev, 1, -1);
		if (n < 0 && errno != EINTR) {
			e = KH_ESYS;
			break;
		}
		ended = n == 1 &&
		    (ev.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	}
out:
	close(ep);
	return e;
}
