/*
 * Who the wrap process serves: doors, which announce visits, and those. Separate
 * from gpg: nothing here waits for it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/wrap/wrap.h"

enum kh_err
kh_wrap_watch(struct kh_wrap *w, int fd, enum kh_wrap_kind *tag)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = tag};

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? KH_OK
								: KH_ESYS;
}

bool
kh_wrap_add(struct kh_wrap *w, int fd, enum kh_wrap_kind kind)
{
	struct kh_wrap_peer *p = NULL;

	if (w->n < w->max)
		p = calloc(1, sizeof(*p));
	if (p == NULL) {
		close(fd);
		return false;
	}
	p->kind = kind;
	p->fd = fd;
	/* Who asks and does not read is not waited for. */
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
	    kh_wrap_watch(w, fd, &p->kind) != KH_OK) {
		close(fd);
		free(p);
		return false;
	}
	p->next = w->peers;
	if (p->next != NULL)
		p->next->prev = p;
	w->peers = p;
	w->n++;
	return true;
}

static void
drop(struct kh_wrap *w, struct kh_wrap_peer *p)
{
	/* Another process may have a copy: closing alone is not enough. */
	epoll_ctl(w->epoll, EPOLL_CTL_DEL, p->fd, NULL);
	close(p->fd);
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		w->peers = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	free(p);
	w->n--;
}

void
kh_wrap_drop_all(struct kh_wrap *w)
{
	while (w->peers != NULL) {
		PRECOND(w->peers->prev == NULL);
		drop(w, w->peers);
	}
}

/* Give it a bridge, tell it that there is none, or let it wait. Errors: it is to
 * be dropped. */
static enum kh_err
answer(struct kh_wrap *w, struct kh_wrap_peer *p)
{
	struct kh_msg m = {.type = KH_MSG_BRIDGED};
	enum kh_err e;

	e = kh_pool_take(&w->pools, p->place, &m.u.bridged);
	p->waits = e == KH_EAGAIN;
	if (p->waits)
		return KH_OK;
	if (e == KH_OK) {
		p->had |= UINT32_C(1) << p->place;
	} else {
		m.type = KH_MSG_NO_BRIDGE;
		m.u.verdict.verdict = KH_VERDICT_FAILED;
	}
	e = kh_ipc_send(p->fd, &m, -1);
	kh_wipe(&m, sizeof(m));
	return e;
}

/* One for each newsroom is all that a visit can need: it cannot empty the
 * pools. */
static enum kh_err
visit_input(struct kh_wrap *w, struct kh_wrap_peer *p)
{
	struct kh_msg m;
	enum kh_err e;
	int none;

	e = kh_ipc_recv(p->fd, KH_ROLE_VISIT, KH_ROLE_WRAP, &m, &none);
	if (e != KH_OK)
		return e;
	if (m.u.bridge.place >= KH_OUTLETS_MAX || p->waits ||
	    (p->had & UINT32_C(1) << m.u.bridge.place) != 0)
		return KH_EPROTO;
	p->place = m.u.bridge.place;
	return answer(w, p);
}

/* A visit is announced. One that cannot be served finds its channel closed. A
 * door has no other channel to us: one that ends for want of something, and not
 * because the door has ended or says what it may not, is our end. */
static enum kh_err
door_input(struct kh_wrap *w, struct kh_wrap_peer *p)
{
	struct kh_msg m;
	enum kh_err e;
	int fd;

	e = kh_ipc_recv(p->fd, KH_ROLE_DOOR, KH_ROLE_WRAP, &m, &fd);
	if (e == KH_EBUSY) /* this visit fails, and the next may not */
		return KH_OK;
	if (e == KH_OK)
		(void)kh_wrap_add(w, fd, KH_WRAP_VISIT);
	else if (e != KH_EPROTO)
		w->lost = true;
	return e;
}

void
kh_wrap_input(struct kh_wrap *w, struct kh_wrap_peer *p)
{
	enum kh_err e;

	e = p->kind == KH_WRAP_DOOR ? door_input(w, p) : visit_input(w, p);
	if (e != KH_OK)
		drop(w, p);
}

void
kh_wrap_serve(struct kh_wrap *w, uint32_t place)
{
	struct kh_wrap_peer *p, *next;

	for (p = w->peers; p != NULL; p = next) {
		next = p->next;
		if (p->waits && p->place == place && answer(w, p) != KH_OK)
			drop(w, p);
	}
}
