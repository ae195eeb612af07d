/*
 * The courier's process: its start, and what its errands inherit. It is to
 * couriers what the door is to sources and shares nothing with it but the
 * newsrooms' cards: no salt, no form keys, another socket, another channel to the
 * store.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/courier/errand.h"
#include "server/door/loop.h"
#include "server/role/confine.h"

/* After a dismissal, how long requests under way have to be answered. */
#define DISMISS_MS 10000
#define BUSY_CAP 1024

struct courier {
	struct kh_loop loop;
	struct kh_msg_tokens tokens;
	struct kh_msg_outlet outlets[KH_OUTLETS_MAX]; /* of the tokens */
	struct kh_msg_health health; /* as the keeper says */
	char busy[BUSY_CAP]; /* written once, at the start */
	size_t n_busy;
	struct kh_filter filter; /* of the errands */
};

/* In the child. It keeps its connection and its channel to the store. */
static void
errand(void *ctx, size_t place, int conn, const int link[2])
{
	static struct kh_errand x; /* 8 KiB, zero */
	struct courier *c = ctx;
	int fds[] = {conn, link[0]};
	const int on = 1;

	if (!kh_loop_only(fds, 2))
		_exit(1);
	x.conn = KH_ERRAND_CONN_FD;
	x.store = KH_ERRAND_STORE_FD;
	x.tokens = &c->tokens;
	x.outlets = c->outlets;
	x.health = &c->health;
	x.counter = &c->loop.guests.counter[place];
	x.filter = &c->filter;
	/* The end of an answer is not to wait for anything (TCP only). */
	(void)setsockopt(x.conn, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	_exit(kh_errand_run(&x));
}

static void
on_listen(void *ctx)
{
	struct courier *c = ctx;
	ptrdiff_t place;
	int conn = kh_loop_accept(&c->loop, &place);

	if (conn < 0)
		return;
	if (place >= 0 &&
	    kh_loop_fork(&c->loop, c, (size_t)place, conn) == KH_OK)
		return;
	if (send(conn, c->busy, c->n_busy, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		(void)shutdown(conn, SHUT_WR);
	close(conn);
}

/* A newsroom has renewed its card. */
static void
renew(struct courier *c, const struct kh_msg_outlet *o)
{
	uint32_t i;

	for (i = 0; i < c->tokens.n; i++) {
		if (memcmp(c->outlets[i].id, o->id, sizeof(o->id)) == 0)
			c->outlets[i] = *o;
	}
}

static void
on_told(void *ctx, const struct kh_msg *m)
{
	struct courier *c = ctx;

	if (m->type == KH_MSG_HEALTH)
		c->health = m->u.health;
	else if (m->type == KH_MSG_OUTLET)
		renew(c, &m->u.outlet);
}

/* "Open": tokens, cards, socket and store come from the keeper. */
static enum kh_err
open_site(struct courier *c)
{
	struct kh_msg m;
	enum kh_err e;
	uint32_t i;
	int none;

	e = kh_loop_receive(&c->loop, KH_MSG_TOKENS, &m, &c->loop.listen);
	if (e != KH_OK)
		return e;
	if (m.u.tokens.n > KH_OUTLETS_MAX)
		return KH_EPROTO;
	c->tokens = m.u.tokens;
	for (i = 0; i < c->tokens.n; i++) {
		e = kh_loop_receive(&c->loop, KH_MSG_OUTLET, &m, &none);
		if (e != KH_OK)
			return e;
		c->outlets[i] = m.u.outlet;
	}
	e = kh_loop_receive(&c->loop, KH_MSG_HEALTH, &m, &none);
	if (e != KH_OK)
		return e;
	c->health = m.u.health;
	e = kh_loop_receive_store(&c->loop);
	if (e != KH_OK)
		return e;
	kh_courier_ids_init();
	c->n_busy = kh_errand_busy(c->busy, sizeof(c->busy));
	return kh_guests_init(&c->loop.guests, KH_COURIER_VISITS_MAX, -1);
}

int
kh_courier_main(void)
{
	static struct courier c = {
	    .loop = {.role = KH_ROLE_COURIER,
		.listen = -1,
		.store = -1,
		.wrap = -1,
		.dismiss_ms = DISMISS_MS,
		/* Who has not said anything yet gives way to who may. */
		.spared = KH_PHASE_HEAD,
		.accept = on_listen,
		.told = on_told,
		.child = errand}};
	struct kh_msg ready = {.type = KH_MSG_READY};
	struct kh_confine confine = {.dir = -1};
	int status;

	if (open_site(&c) != KH_OK || kh_loop_open(&c.loop) != KH_OK ||
	    kh_filter_make(KH_ROLE_ERRAND, &c.filter) != KH_OK)
		return 1;
	confine.uid = (uid_t)c.tokens.uid;
	status = kh_role_confine(KH_ROLE_COURIER, &confine);
	if (status != 0)
		return status;
	if (kh_ipc_send(KH_ROLE_CONTROL_FD, &ready, -1) != KH_OK)
		return 1;
	return kh_loop_run(&c.loop, &c);
}
