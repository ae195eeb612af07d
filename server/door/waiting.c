/*
 * Waiting for tor's line. Separate from the door's loop, which must never be
 * held up by a connection.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/door/proxy.h"
#include "server/door/waiting.h"

/* Without waiting, and without taking it off the socket unless told to. */
static ssize_t
receive(int conn, uint8_t *p, size_t n, int flags)
{
	ssize_t r;

	do
		r = recv(conn, p, n, MSG_DONTWAIT | flags);
	while (r < 0 && errno == EINTR);
	return r;
}

enum kh_err
kh_waiting_take(int conn, uint32_t *circuit)
{
	uint8_t line[KH_PROXY_LINE_MAX];
	enum kh_err e;
	size_t len;
	ssize_t r;

	*circuit = 0;
	/* Behind the line, in the same packet, is what the visitor sent. */
	r = receive(conn, line, sizeof(line), MSG_PEEK);
	if (r < 0 && errno == EAGAIN)
		return KH_EAGAIN;
	if (r <= 0)
		return KH_EPROTO;
	e = kh_proxy_parse(line, (size_t)r, circuit, &len);
	if (e == KH_OK && receive(conn, line, len, 0) != (ssize_t)len)
		e = KH_EPROTO;
	kh_wipe(line, sizeof(line)); /* visits inherit this stack */
	if (e != KH_OK)
		*circuit = 0;
	return e;
}

static size_t
place_of(const struct kh_waiting *w, int conn)
{
	size_t i;

	for (i = 0; i < w->n && w->who[i].conn != conn; i++)
		;
	return i;
}

bool
kh_waiting_has(const struct kh_waiting *w, int conn)
{
	return place_of(w, conn) < w->n;
}

static void
drop(struct kh_waiting *w, size_t i)
{
	w->n--;
	memmove(&w->who[i], &w->who[i + 1], (w->n - i) * sizeof(w->who[0]));
}

enum kh_err
kh_waiting_add(struct kh_waiting *w, int epoll, int conn, int64_t now)
{
	/* What has come stays in the socket: only more of it is news. */
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.fd = conn};

	PRECOND(w->n <= KH_PROXY_WAITING_MAX);
	if (kh_waiting_has(w, conn))
		return KH_OK;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, conn, &ev) != 0) {
		close(conn);
		return KH_ESYS;
	}
	if (w->n == KH_PROXY_WAITING_MAX) {
		close(w->who[0].conn);
		drop(w, 0);
	}
	w->who[w->n].conn = conn;
	w->who[w->n].since = now;
	w->n++;
	return KH_OK;
}

void
kh_waiting_remove(struct kh_waiting *w, int epoll, int conn)
{
	const size_t i = place_of(w, conn);

	if (i == w->n)
		return;
	(void)epoll_ctl(epoll, EPOLL_CTL_DEL, conn, NULL);
	drop(w, i);
}

void
kh_waiting_deadline(struct kh_waiting *w, int64_t now)
{
	while (w->n > 0 &&
	    now - w->who[0].since > KH_PROXY_SECONDS * INT64_C(1000)) {
		close(w->who[0].conn);
		drop(w, 0);
	}
}
