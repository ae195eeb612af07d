/*
 * The door process: its start, who is let in, and its self-test. What a visit
 * inherits is decided here, and only here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "knothole/bundle.h"
#include "knothole/secret.h"
#include "lib/base/clock.h"
#include "server/door/loop.h"
#include "server/door/waiting.h"
#include "server/page/page.h"
#include "server/role/confine.h"
#include "server/visit/reply.h"
#include "server/visit/turns.h"
#include "server/visit/visit.h"

#define FAULTY_MS 15000 /* between two tests while something is wrong */
/* After a dismissal, how long visits have to seal what they hold. */
#define DISMISS_MS 20000

struct door {
	struct kh_loop loop;
	struct kh_waiting waiting; /* for tor's word on their circuit */
	struct kh_pass pass; /* of who is being let in */
	uint32_t first_share; /* kh_counter.share of the first circuit */
	int64_t ratchet_at;
	int64_t test_at;
	struct kh_msg_report report; /* of the last test */
	bool faulty; /* the keeper says so */
	int table; /* of the counters, server/door/table.h; until it is mapped */
	int turns; /* at the key derivation, server/visit/turns.h */
	struct kh_site *site;
	struct kh_reply busy; /* written once, at the start */
	struct kh_filter filter; /* of the visits */
};

/* In the child. It keeps its connection, its channel to the store and the turns;
 * neither the listening socket, nor the door's channels, nor another visitor's
 * connection. */
static void
visit(void *ctx, size_t place, int conn, int store)
{
	static struct kh_visit v; /* 8 KiB, zero */
	struct door *d = ctx;
	int fds[] = {conn, store, d->turns};

	if (!kh_loop_only(fds, 3))
		_exit(1);
	v.conn = KH_VISIT_CONN_FD;
	v.store = KH_VISIT_STORE_FD;
	v.turns = KH_VISIT_TURNS_FD;
	v.filter = &d->filter;
	v.site = d->site;
	v.view.site = d->site;
	v.table = d->loop.guests.counter;
	v.n_table = d->loop.guests.max;
	v.counter = &v.table[place];
	v.formless = d->loop.guests.circuits.max > 0 && !d->pass.form;
	_exit(kh_visit_run(&v));
}

/* Tell a visitor who cannot be let in. It is one small packet; whether it
 * arrives is up to the kernel, for nobody waits here. */
static void
turn_away(struct door *d, int conn)
{
	if (fcntl(conn, F_SETFL, O_NONBLOCK) == 0 &&
	    kh_reply_offer(conn, &d->busy) == KH_OK)
		(void)shutdown(conn, SHUT_WR);
	close(conn);
}

/* A place for who comes, or -1. */
static ptrdiff_t
place_for(struct door *d)
{
	kh_guests_relieve(&d->loop.guests, KH_PHASE_STATUS, kh_clock_ms());
	return kh_guests_place(&d->loop.guests);
}

/* May somebody come in through this circuit? Which it is, is forgotten. */
static enum kh_err
pass_for(struct door *d, size_t place, uint32_t *circuit)
{
	struct kh_guests *g = &d->loop.guests;
	enum kh_err e;

	d->pass = (struct kh_pass){.line = -1};
	if (circuit == NULL)
		return KH_OK;
	e = kh_circuits_enter(&g->circuits, *circuit, kh_guests_scarce(g),
	    kh_clock_ms(), &d->pass);
	kh_wipe(circuit, sizeof(*circuit)); /* the visit has this stack too */
	if (e == KH_OK)
		atomic_store(&g->counter[place].share,
		    d->first_share + (uint32_t)d->pass.line);
	else
		kh_guests_leave(g, place);
	return e;
}

/* Let somebody in to a place, -1 if there is none, through this circuit or
 * through none, or turn them away. */
static void
let_in(struct door *d, ptrdiff_t place, int conn, uint32_t *circuit)
{
	struct kh_guests *g = &d->loop.guests;

	if (place < 0 || pass_for(d, (size_t)place, circuit) != KH_OK) {
		turn_away(d, conn);
		return;
	}
	if (kh_loop_fork(&d->loop, d, (size_t)place, conn) == KH_OK) {
		kh_guests_pass(g, (size_t)place, &d->pass);
		return;
	}
	kh_circuits_leave(&g->circuits, &d->pass, false);
	turn_away(d, conn);
}

/* What has come of tor's line: let in, wait for the rest, or no such line. */
static void
on_line(struct door *d, ptrdiff_t place, int conn)
{
	uint32_t circuit;
	enum kh_err e;

	e = kh_waiting_take(conn, &circuit);
	if (e != KH_EAGAIN)
		kh_waiting_remove(&d->waiting, d->loop.epoll, conn);
	if (e == KH_OK) {
		let_in(d, place, conn, &circuit);
	} else {
		if (place >= 0)
			kh_guests_leave(&d->loop.guests, (size_t)place);
		if (e == KH_EAGAIN)
			(void)!kh_waiting_add(
			    &d->waiting, d->loop.epoll, conn, kh_clock_ms());
		else
			close(conn);
	}
	d->loop.pending = d->waiting.n;
}

/* More has come of a line, unless its connection was closed meanwhile. */
static void
on_ready(void *ctx, int fd)
{
	struct door *d = ctx;

	if (kh_waiting_has(&d->waiting, fd))
		on_line(d, d->loop.leaving ? -1 : place_for(d), fd);
}

static void
on_listen(void *ctx)
{
	static const struct timespec pause = {0, 50000000};
	struct door *d = ctx;
	ptrdiff_t place = place_for(d);
	int conn;

	if (place < 0 && kh_guests_leaving(&d->loop.guests, kh_clock_ms())) {
		kh_loop_hold(&d->loop);
		return;
	}
	conn = accept4(d->loop.listen, NULL, NULL, SOCK_CLOEXEC);
	if (conn >= 0) {
		if (d->site->conf.circuit_ids != 0)
			on_line(d, place, conn);
		else
			let_in(d, place, conn, NULL);
		return;
	}
	if (place >= 0)
		kh_guests_leave(&d->loop.guests, (size_t)place);
	/* It is gone; or there is no descriptor (which the keeper made sure
	 * of): then do not spin on it. */
	if (errno == EMFILE || errno == ENFILE)
		nanosleep(&pause, NULL);
}

static void
on_told(void *ctx, const struct kh_msg *m)
{
	struct door *d = ctx;

	if (m->type == KH_MSG_HEALTH)
		d->faulty = m->u.health.fault != KH_FAULT_NONE;
	d->site->closed = d->faulty || d->report.fault != KH_FAULT_NONE;
}

/* Can we seal to everybody? Visits from now on know. */
static void
test(struct door *d, int64_t now)
{
	struct kh_msg m = {.type = KH_MSG_REPORT};

	kh_door_test(d->site, (int64_t)time(NULL), &m.u.report);
	d->report = m.u.report;
	d->site->closed = d->faulty || d->report.fault != KH_FAULT_NONE;
	d->test_at = now +
	    (d->report.fault != KH_FAULT_NONE
		    ? FAULTY_MS
		    : (int64_t)d->site->conf.selftest_minutes * 60000);
	(void)!kh_ipc_send(KH_ROLE_CONTROL_FD, &m, -1);
}

static void
on_time(void *ctx, int64_t now)
{
	struct door *d = ctx;

	kh_waiting_deadline(&d->waiting, now);
	d->loop.pending = d->waiting.n;
	(void)kh_circuits_forget(&d->loop.guests.circuits, now);
	kh_form_keys_keep(d->site->keys, &d->ratchet_at, now);
	if (now >= d->test_at && !d->loop.leaving && !d->loop.retired)
		test(d, now);
}

/* The keeper's form keys, which a door before us may have used, the turns and
 * the table that all doors share, and how it is. */
static enum kh_err
receive_shared(struct door *d)
{
	struct kh_msg m;
	enum kh_err e;
	int none;

	d->site->keys = kh_secret_alloc(sizeof(*d->site->keys));
	if (d->site->keys == NULL)
		return KH_ENOMEM;
	e = kh_loop_receive(&d->loop, KH_MSG_FORM_KEYS, &m, &d->turns);
	if (e != KH_OK)
		return e;
	*d->site->keys = m.u.form_keys.keys;
	d->ratchet_at = m.u.form_keys.ratchet_at;
	kh_wipe(&m, sizeof(m));
	e = kh_loop_receive(&d->loop, KH_MSG_TABLE, &m, &d->table);
	if (e == KH_OK)
		e = kh_loop_receive(&d->loop, KH_MSG_HEALTH, &m, &none);
	if (e == KH_OK)
		d->faulty = m.u.health.fault != KH_FAULT_NONE;
	return e;
}

/* "Open": the site, the sockets and the keys come from the keeper. */
static enum kh_err
open_site(struct door *d)
{
	struct kh_msg m;
	enum kh_err e;
	uint32_t i;
	int none;

	d->site = calloc(1, sizeof(*d->site));
	if (d->site == NULL)
		return KH_ENOMEM;
	e = kh_loop_receive(&d->loop, KH_MSG_SITE, &m, &d->loop.listen);
	if (e != KH_OK)
		return e;
	d->site->conf = m.u.site;
	if (m.u.site.n_outlets == 0 || m.u.site.n_outlets > KH_OUTLETS_MAX ||
	    m.u.site.max_visits == 0 || m.u.site.max_visits > KH_VISITS_MAX)
		return KH_EPROTO;
	for (i = 0; i < d->site->conf.n_outlets; i++) {
		e = kh_loop_receive(&d->loop, KH_MSG_OUTLET, &m, &none);
		if (e != KH_OK)
			return e;
		d->site->outlets[i] = m.u.outlet;
	}
	e = receive_shared(d);
	if (e == KH_OK)
		e = kh_loop_receive_store(&d->loop);
	if (e != KH_OK)
		return e;
	/* A libarchive that writes ZIP in another form is found here, not in
	 * somebody's upload. */
	e = kh_bundle_init();
	if (e != KH_OK)
		return e;
	e = kh_page_measure(d->site);
	if (e != KH_OK)
		return e;
	e = kh_guests_init(&d->loop.guests, d->site->conf.max_visits, d->table);
	close(d->table);
	if (e != KH_OK || d->site->conf.circuit_ids == 0)
		return e;
	/* Another door's circuits are others, in the table that all share. */
	d->first_share = 1 + randombytes_uniform(UINT32_C(1) << 30);
	return kh_circuits_init(
	    &d->loop.guests.circuits, d->site->conf.max_visits);
}

static enum kh_err
write_busy(struct door *d)
{
	enum kh_err e;

	e = kh_html_init(&d->busy.html);
	if (e != KH_OK)
		return e;
	d->busy.status = kh_reason_status(KH_REASON_LOAD);
	kh_page_busy(&d->busy.html, d->site);
	return KH_OK;
}

int
kh_door_main(void)
{
	struct kh_msg ready = {.type = KH_MSG_READY};
	struct door d = {.turns = -1,
	    .loop = {.role = KH_ROLE_DOOR,
		.listen = -1,
		.store = -1,
		.dismiss_ms = DISMISS_MS,
		.accept = on_listen,
		.ready = on_ready,
		.told = on_told,
		.tick = on_time,
		.child = visit}};
	struct kh_confine confine = {.dir = -1};
	int status = 1;

	if (open_site(&d) != KH_OK || kh_loop_open(&d.loop) != KH_OK ||
	    write_busy(&d) != KH_OK ||
	    kh_filter_make(KH_ROLE_VISIT, &d.filter) != KH_OK)
		goto out;
	confine.uid = (uid_t)d.site->conf.uid;
	status = kh_role_confine(KH_ROLE_DOOR, &confine);
	if (status != 0)
		goto out;
	status = 1;
	test(&d, kh_clock_ms());
	if (kh_ipc_send(KH_ROLE_CONTROL_FD, &ready, -1) != KH_OK)
		goto out;
	status = kh_loop_run(&d.loop, &d);
out:
	if (d.site != NULL)
		kh_secret_free(d.site->keys);
	kh_html_free(&d.busy.html);
	kh_filter_free(&d.filter);
	free(d.site);
	return status;
}
