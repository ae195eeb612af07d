/*
 * The store process: sole owner of the store's directory. It parses nothing
 * that came from the network; it is asked by visits, over one channel each,
 * for room, for a draft and for its commit, and it answers: visits.c. Couriers
 * ask in the same way for other things: collecting.c. What it does unasked is
 * in janitor.c.
 */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "server/role/confine.h"
#include "server/store/server.h"

#define EVENTS_MAX 64

static enum kh_served_kind tag_control = KH_SERVED_CONTROL;

/* The keeper brings a new door or courier, or is gone. */
static void
control_input(struct kh_server *s)
{
	struct kh_msg m;
	enum kh_err e;
	int fd;

	e = kh_ipc_recv(
	    KH_ROLE_CONTROL_FD, KH_ROLE_KEEPER, KH_ROLE_STORE, &m, &fd);
	if (e == KH_EBUSY) /* that door will find its channel closed */
		return;
	if (e != KH_OK) {
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, KH_ROLE_CONTROL_FD, NULL);
		s->keeper_gone = true;
		return;
	}
	if (m.type == KH_MSG_DOOR_LINK)
		kh_server_link_add(s, fd, KH_ROLE_DOOR);
	else if (m.type == KH_MSG_COURIER_LINK)
		kh_server_link_add(s, fd, KH_ROLE_COURIER);
	else if (fd >= 0)
		close(fd);
}

static void
event(struct kh_server *s, void *tag)
{
	switch (*(const enum kh_served_kind *)tag) {
	case KH_SERVED_CONTROL:
		control_input(s);
		break;
	case KH_SERVED_LINK:
		kh_server_link_input(s, tag);
		break;
	case KH_SERVED_CLIENT:
		kh_server_client_input(s, tag);
		break;
	}
}

/* A newsroom has renewed its card: the keeper looks at it. If it cannot hear
 * us now, at the next event. */
static void
tell_cards(struct kh_server *s)
{
	const struct kh_msg m = {.type = KH_MSG_CARDS};

	if (s->collecting.cards && !s->keeper_gone &&
	    kh_ipc_send(KH_ROLE_CONTROL_FD, &m, -1) == KH_OK)
		s->collecting.cards = false;
}

/* What is to be done unasked; how long to wait for events then, ms. */
static int
unasked(struct kh_server *s)
{
	uint64_t reserved = 0;
	int a, b;

	tell_cards(s);
	/* It looks at every draft: not for nothing. */
	if (s->janitor.settle != NULL)
		reserved = kh_server_outstanding(s);
	a = kh_collecting_expire(&s->collecting, s->store);
	b = kh_janitor_turn(&s->janitor, reserved, s->keeper_gone);
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Serve until the keeper is gone and the last visit with it. */
static int
serve(struct kh_server *s)
{
	struct epoll_event ev[EVENTS_MAX];
	int i, n;

	while (!s->keeper_gone || s->links != NULL || s->n_clients > 0) {
		n = epoll_wait(s->epoll, ev, EVENTS_MAX, unasked(s));
		if (n < 0 && errno != EINTR)
			return 1;
		for (i = 0; i < n; i++)
			event(s, ev[i].data.ptr);
	}
	return 0;
}

/* The "open" of the store role: its directory comes from the keeper. */
static enum kh_err
receive_dir(struct kh_server *s)
{
	struct kh_msg m;
	enum kh_err e;
	int fd;

	e = kh_ipc_recv(
	    KH_ROLE_CONTROL_FD, KH_ROLE_KEEPER, KH_ROLE_STORE, &m, &fd);
	if (e != KH_OK)
		return e;
	if (m.type != KH_MSG_STORE_DIR) {
		close(fd);
		return KH_EPROTO;
	}
	/* Twice the visits at once: those of a door that died live on while
	 * the next door's begin. */
	s->clients_max =
	    2 * ((size_t)m.u.store_dir.max_visits + KH_COURIER_VISITS_MAX);
	s->uid = (uid_t)m.u.store_dir.uid;
	s->dir = fd;
	s->collecting.root = fd;
	kh_janitor_init(&s->janitor, &m.u.store_dir);
	return kh_collecting_init(&s->collecting, &m.u.store_dir);
}

static enum kh_err
open_store(struct kh_server *s)
{
	enum kh_err e;

	e = kh_store_open_at(s->dir, &s->store);
	/* First: what a crash has left without its name is still an object. */
	if (e == KH_OK)
		e = kh_settle_sweep(s->store);
	if (e == KH_OK)
		e = kh_collecting_open(&s->collecting, s->store);
	if (e != KH_OK)
		return e;
	e = kh_uploads_new(&s->uploads);
	if (e != KH_OK)
		return e;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (s->epoll < 0)
		return KH_ESYS;
	return kh_server_watch(s, KH_ROLE_CONTROL_FD, &tag_control);
}

int
kh_store_main(void)
{
	struct kh_server s = {.epoll = -1};
	struct kh_msg ready = {.type = KH_MSG_READY};
	struct kh_confine confine;
	int status = 1;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* it ends when its peers have */
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (receive_dir(&s) != KH_OK)
		goto out;
	/* As who it will be: what it makes is its own. */
	status = kh_role_become(s.uid);
	if (status != 0)
		goto out;
	status = 1;
	if (open_store(&s) != KH_OK)
		goto out;
	confine = (struct kh_confine){.uid = s.uid, .dir = s.dir};
	status = kh_role_confine(KH_ROLE_STORE, &confine);
	if (status != 0)
		goto out;
	status = 1;
	kh_janitor_open(&s.janitor, s.store, s.dir);
	if (kh_ipc_send(KH_ROLE_CONTROL_FD, &ready, -1) != KH_OK)
		goto out;
	status = serve(&s);
out:
	kh_server_drop(&s);
	kh_janitor_free(&s.janitor);
	kh_uploads_free(s.uploads);
	kh_store_close(s.store);
	return status;
}
