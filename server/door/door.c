/*
 * The door process: who is let in, what it is told, and its self-test. What a
 * visit inherits is decided here, and only here.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "knothole/secret.h"
#include "lib/base/clock.h"
#include "server/door/state.h"
#include "server/page/page.h"
#include "server/visit/token.h"
#include "server/visit/visit.h"

#define FAULTY_MS (KH_MINUTE_MS / 4) /* between two tests of what fails */
/* After a dismissal, how long visits have to seal what they hold. */
#define DISMISS_MS 20000

/* In the child. It keeps its connection, its channels to the store and to wrap,
 * and the turns; neither the listening socket, nor the door's channels, nor
 * another visitor's connection. */
static void
visit(void *ctx, size_t place, int conn, const int link[2])
{
	static struct kh_visit v; /* 8 KiB, zero */
	struct kh_door *d = ctx;
	int fds[] = {conn, link[0], d->turns, link[1]};

	/* A page of somebody else's passes those of who has many: they have less
	 * of the processor than the door, as to have more is not for us to ask. */
	if (d->pass.nice > 0 &&
	    setpriority(PRIO_PROCESS, 0, d->nice + (int)d->pass.nice) != 0)
		_exit(1);
	if (!kh_loop_only(fds, link[1] >= 0 ? 4 : 3))
		_exit(1);
	v.wrap = link[1] >= 0 ? KH_VISIT_WRAP_FD : -1;
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
turn_away(struct kh_door *d, int conn, int64_t now)
{
	if (fcntl(conn, F_SETFL, O_NONBLOCK) == 0 &&
	    kh_reply_offer(conn, &d->busy) == KH_OK &&
	    shutdown(conn, SHUT_WR) == 0)
		conn = kh_refusals_add(&d->told, conn, now + KH_REFUSED_MS);
	if (conn >= 0)
		close(conn);
}

/* Who are no guests, or not yet: for them the loop goes on. */
static void
count_waiting(struct kh_door *d)
{
	d->loop.waiting = d->waiting.n + d->refused.n + d->told.n;
}

/* Tell those for whom it is time, and close those who have been told. */
static int
refuse(void *ctx, int64_t now, int max)
{
	struct kh_door *d = ctx;
	int conn;

	while ((conn = kh_refusals_take(&d->refused, now)) >= 0)
		turn_away(d, conn, now);
	while ((conn = kh_refusals_take(&d->told, now)) >= 0)
		close(conn);
	count_waiting(d);
	max = kh_refusals_wait(&d->refused, now, max);
	return kh_refusals_wait(&d->told, now, max);
}

/* Let go of all of them. */
static void
refuse_all(struct kh_door *d)
{
	int conn;

	while ((conn = kh_refusals_take(&d->refused, INT64_MAX)) >= 0)
		turn_away(d, conn, 0);
	while ((conn = kh_refusals_take(&d->told, INT64_MAX)) >= 0)
		close(conn);
}

/* Let somebody into a place, -1 if there is none, through this circuit or
 * through none, if the circuit has not had its share. */
static void
let_in(struct kh_door *d, ptrdiff_t place, int conn, uint32_t *circuit)
{
	struct kh_guests *g = &d->loop.guests;
	enum kh_err e = place >= 0 ? KH_OK : KH_EBUSY;
	const int64_t now = kh_clock_ms();

	d->pass = (struct kh_pass){.line = -1};
	if (e == KH_OK && circuit != NULL) {
		e = kh_circuits_enter(
		    &g->circuits, *circuit, kh_guests_scarce(g), now, &d->pass);
		kh_wipe(circuit, sizeof(*circuit)); /* not for the visit */
		if (e != KH_OK)
			kh_guests_leave(g, (size_t)place);
	}
	if (e == KH_OK && d->pass.line >= 0)
		atomic_store(&g->counter[place].share,
		    d->first_share + (uint32_t)d->pass.line);
	if (e == KH_OK)
		e = kh_loop_fork(&d->loop, d, (size_t)place, conn);
	if (e == KH_OK) {
		kh_guests_pass(g, (size_t)place, &d->pass);
		return;
	}
	kh_circuits_leave(&g->circuits, &d->pass, false);
	if (e == KH_ELIMIT)
		conn = kh_refusals_add(&d->refused, conn, now + KH_REFUSAL_MS);
	if (conn >= 0)
		turn_away(d, conn, now);
	count_waiting(d);
}

/* What has come of tor's line: let in, wait for the rest, or no such line. */
static void
on_line(struct kh_door *d, ptrdiff_t place, int conn)
{
	uint32_t circuit;
	enum kh_err e;

	e = kh_waiting_take(conn, &circuit);
	if (e != KH_EAGAIN)
		kh_waiting_remove(&d->waiting, d->loop.epoll, conn);
	if (e == KH_OK) {
		let_in(d, place, conn, &circuit);
		return;
	}
	if (place >= 0)
		kh_guests_leave(&d->loop.guests, (size_t)place);
	if (e == KH_EAGAIN)
		(void)!kh_waiting_add(
		    &d->waiting, d->loop.epoll, conn, kh_clock_ms());
	else
		close(conn);
	count_waiting(d);
}

/* More of a line has come. */
static void
on_other(void *ctx, int fd)
{
	struct kh_door *d = ctx;

	if (!d->loop.leaving && kh_waiting_has(&d->waiting, fd))
		on_line(d, kh_loop_place(&d->loop), fd);
}

static void
on_listen(void *ctx)
{
	struct kh_door *d = ctx;
	ptrdiff_t place;
	int conn = kh_loop_accept(&d->loop, &place);

	if (conn < 0)
		return;
	if (d->site->conf.circuit_ids != 0)
		on_line(d, place, conn);
	else
		let_in(d, place, conn, NULL);
}

/* Can we seal to everybody? Visits from now on know. */
static void
test(struct kh_door *d, int64_t now)
{
	struct kh_msg m = {.type = KH_MSG_REPORT};

	kh_door_test(d->site, (int64_t)time(NULL), &m.u.report);
	d->report = m.u.report;
	d->site->closed = d->faulty || d->report.fault != KH_FAULT_NONE;
	d->test_at = now +
	    (d->report.fault != KH_FAULT_NONE
		    ? FAULTY_MS
		    : (int64_t)d->site->conf.selftest_minutes * KH_MINUTE_MS);
	(void)!kh_ipc_send(KH_ROLE_CONTROL_FD, &m, -1);
}

/* A newsroom has renewed its card. Visits from now on show its key and seal to
 * it; who has a form open meant the same newsroom. */
static void
renew(struct kh_door *d, const struct kh_msg_outlet *o)
{
	const size_t len = d->site->page_len;
	struct kh_reply busy = {0};
	uint32_t i;

	for (i = 0; i < d->site->conf.n_outlets; i++) {
		if (memcmp(d->site->outlets[i].id, o->id, sizeof(o->id)) == 0)
			d->site->outlets[i] = *o;
	}
	/* Words of another length: all pages have one. */
	if (kh_page_measure(d->site) == KH_OK && d->site->page_len != len &&
	    kh_door_busy(&busy, d->site) == KH_OK) {
		kh_html_free(&d->busy.html);
		d->busy = busy;
	}
	test(d, kh_clock_ms());
}

static void
on_told(void *ctx, const struct kh_msg *m)
{
	struct kh_door *d = ctx;

	if (m->type == KH_MSG_HEALTH)
		d->faulty = m->u.health.fault != KH_FAULT_NONE;
	else if (m->type == KH_MSG_OUTLET)
		renew(d, &m->u.outlet);
	d->site->closed = d->faulty || d->report.fault != KH_FAULT_NONE;
}

static void
on_time(void *ctx, int64_t now)
{
	struct kh_door *d = ctx;

	kh_waiting_deadline(&d->waiting, d->loop.leaving ? INT64_MAX : now);
	count_waiting(d);
	(void)kh_circuits_forget(&d->loop.guests.circuits, now);
	kh_form_keys_keep(d->site->keys, &d->ratchet_at, now);
	if (now >= d->test_at && !d->loop.leaving && !d->loop.retired)
		test(d, now);
}

int
kh_door_main(void)
{
	struct kh_msg ready = {.type = KH_MSG_READY};
	struct kh_door d = {.turns = -1,
	    .loop = {.role = KH_ROLE_DOOR,
		.listen = -1,
		.store = -1,
		.wrap = -1,
		.dismiss_ms = DISMISS_MS,
		.spared = KH_PHASE_STATUS,
		.accept = on_listen,
		.other = on_other,
		.told = on_told,
		.tick = on_time,
		.soon = refuse,
		.child = visit}};
	struct kh_confine confine = {.dir = -1};
	int status = 1;

	if (kh_door_open(&d) != KH_OK)
		goto out;
	/* -1 is a priority as well as an error, which this cannot have. */
	d.nice = getpriority(PRIO_PROCESS, 0);
	confine.uid = (uid_t)d.site->conf.uid;
	status = kh_role_confine(KH_ROLE_DOOR, &confine);
	if (status != 0)
		goto out;
	status = 1;
	test(&d, kh_clock_ms());
	if (kh_ipc_send(KH_ROLE_CONTROL_FD, &ready, -1) != KH_OK)
		goto out;
	status = kh_loop_run(&d.loop, &d);
	refuse_all(&d);
out:
	if (d.site != NULL)
		kh_secret_free(d.site->keys);
	kh_html_free(&d.busy.html);
	kh_filter_free(&d.filter);
	free(d.site);
	return status;
}
