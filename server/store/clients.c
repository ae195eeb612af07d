/*
 * Who the store process serves: doors and couriers, which announce visits and
 * errands, and those. Separate from what they ask.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/store/server.h"

enum kh_err
kh_server_watch(struct kh_server *s, int fd, enum kh_served_kind *tag)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = tag};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? KH_OK
								: KH_ESYS;
}

/* Close a watched descriptor. Closing alone is not enough: as long as another
 * process has a copy of it, epoll would go on reporting a client that is no
 * more. */
static void
unwatch(struct kh_server *s, int fd)
{
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
	close(fd);
}

/* A visit is gone: what it had not committed never was. */
static void
client_drop(struct kh_server *s, struct kh_client *c)
{
	struct kh_upload *up;

	if (c->draft != NULL) {
		kh_store_abort(c->draft);
		up = kh_uploads_find(s->uploads, c->upload);
		if (up != NULL)
			up->state = up->before;
	}
	unwatch(s, c->fd);
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		s->clients = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	kh_wipe(c, sizeof(*c));
	free(c);
	s->n_clients--;
}

void
kh_server_client_input(struct kh_server *s, struct kh_client *c)
{
	struct kh_msg m;
	enum kh_err e;
	int fd;

	e = kh_ipc_recv(c->fd, c->role, KH_ROLE_STORE, &m, &fd);
	if (e == KH_OK && c->role == KH_ROLE_ERRAND)
		e = kh_collecting_answer(
		    &s->collecting, s->store, c->fd, &m, fd);
	else if (e == KH_OK)
		e = kh_server_visit(s, c, &m);
	if (e != KH_OK)
		client_drop(s, c);
}

void
kh_server_link_add(struct kh_server *s, int fd, enum kh_role role)
{
	struct kh_link *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		close(fd);
		return;
	}
	l->kind = KH_SERVED_LINK;
	l->fd = fd;
	l->role = role;
	l->clients = role == KH_ROLE_DOOR ? KH_ROLE_VISIT : KH_ROLE_ERRAND;
	if (kh_server_watch(s, fd, &l->kind) != KH_OK) {
		close(fd);
		free(l);
		return;
	}
	l->next = s->links;
	s->links = l;
}

static void
link_drop(struct kh_server *s, struct kh_link *l)
{
	struct kh_link **p = &s->links;

	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	unwatch(s, l->fd);
	free(l);
}

/* A visit is announced. When it can't be served its channel is closed, which
 * the visit takes for "the store failed". */
void
kh_server_link_input(struct kh_server *s, struct kh_link *l)
{
	struct kh_client *c = NULL;
	struct kh_msg m;
	enum kh_err e;
	int fd;

	e = kh_ipc_recv(l->fd, l->role, KH_ROLE_STORE, &m, &fd);
	if (e == KH_EBUSY) /* this visit fails, and the next may not */
		return;
	if (e != KH_OK) {
		link_drop(s, l);
		return;
	}
	if (s->n_clients < s->clients_max)
		c = calloc(1, sizeof(*c));
	if (c == NULL) {
		close(fd);
		return;
	}
	c->kind = KH_SERVED_CLIENT;
	c->fd = fd;
	c->role = l->clients;
	/* A visit that asks and does not read must not be waited for: with
	 * its queue full, it is dropped. */
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 ||
	    kh_server_watch(s, fd, &c->kind) != KH_OK) {
		close(fd);
		free(c);
		return;
	}
	c->next = s->clients;
	if (c->next != NULL)
		c->next->prev = c;
	s->clients = c;
	s->n_clients++;
}

void
kh_server_drop(struct kh_server *s)
{
	while (s->clients != NULL) {
		PRECOND(s->clients->prev == NULL);
		client_drop(s, s->clients);
	}
	while (s->links != NULL)
		link_drop(s, s->links);
}
