/*
 * The door process: its loop, and the fork of each visit. What a visit inherits
 * is decided here, and only here.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "knothole/secret.h"
#include "server/door/state.h"
#include "server/visit/visit.h"

#define EVENTS_MAX 16
#define TICK_MS 1000
#define FAULTY_MS 15000 /* between two tests while something is wrong */
/* After a dismissal, how long visits have to seal what they hold. */
#define DISMISS_MS 20000

static int64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		abort();
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Put the visit's descriptors where it expects them, and close all others:
 * the listening socket, the store's and the keeper's channels, and every
 * other visitor's connection. */
static bool
only_these(int conn, int store, int turns)
{
	int fd[3] = {conn, store, turns}, i;

	for (i = 0; i < 3; i++) {
		fd[i] = fcntl(fd[i], F_DUPFD, KH_VISIT_TURNS_FD + 1);
		if (fd[i] < 0)
			return false;
	}
	if (dup2(fd[0], KH_VISIT_CONN_FD) < 0 ||
	    dup2(fd[1], KH_VISIT_STORE_FD) < 0 ||
	    dup2(fd[2], KH_VISIT_TURNS_FD) < 0)
		return false;
	return close_range(KH_VISIT_TURNS_FD + 1, ~0u, 0) == 0;
}

/* In the child. Ends the process. */
static void
visit(struct kh_door *d, const struct kh_pass *pass, size_t place, int conn,
    int store)
{
	static struct kh_visit v; /* 8 KiB, zero */
	sigset_t none;

	/* Who ends a service may signal all of its processes: a visit ends
	 * when the door has shut its connection, with what it holds sealed. */
	signal(SIGTERM, SIG_IGN);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0 ||
	    !only_these(conn, store, d->turns))
		_exit(1);
	v.conn = KH_VISIT_CONN_FD;
	v.store = KH_VISIT_STORE_FD;
	v.turns = KH_VISIT_TURNS_FD;
	v.filter = &d->filter;
	v.site = d->site;
	v.view.site = d->site;
	v.table = d->guests.counter;
	v.n_table = d->guests.max;
	v.counter = &v.table[place];
	v.formless = d->guests.circuits.max > 0 && !pass->form;
	_exit(kh_visit_run(&v));
}

/* Fork a visit. The store learns of it first. */
static enum kh_err
start_visit(
    struct kh_door *d, size_t place, int conn, const struct kh_pass *pass)
{
	struct kh_msg m = {.type = KH_MSG_VISIT};
	enum kh_err e;
	int link[2];
	pid_t pid;

	e = kh_ipc_pair(link);
	if (e != KH_OK)
		return e;
	e = kh_ipc_send(d->store, &m, link[1]);
	close(link[1]); /* before the fork: the store's alone from here on */
	if (pass->line >= 0)
		atomic_store(&d->guests.counter[place].share,
		    d->first_share + (uint32_t)pass->line);
	if (e == KH_OK) {
		pid = fork();
		if (pid == 0)
			visit(d, pass, place, conn, link[0]);
		if (pid > 0) {
			kh_guests_add(&d->guests, place, pid, conn, now_ms());
			kh_guests_pass(&d->guests, place, pass);
		} else {
			e = KH_ESYS;
		}
	}
	close(link[0]);
	return e;
}

/* Tell a visitor who cannot be let in. It is one small packet; whether it
 * arrives is up to the kernel, for nobody waits here. */
static void
turn_away(struct kh_door *d, int conn)
{
	if (fcntl(conn, F_SETFL, O_NONBLOCK) == 0 &&
	    kh_reply_offer(conn, &d->busy) == KH_OK)
		(void)shutdown(conn, SHUT_WR);
	close(conn);
}

/* Whoever comes while we are held waits in the kernel's queue. */
static void
hold(struct kh_door *d, bool held)
{
	struct epoll_event ev = {
	    .events = held ? 0 : EPOLLIN, .data.fd = d->listen};

	if (d->listen < 0 || d->held == held)
		return;
	if (epoll_ctl(d->epoll, EPOLL_CTL_MOD, d->listen, &ev) == 0)
		d->held = held;
}

/* Let somebody into a place, -1 if there is none, through this circuit or
 * through none, if the circuit has not had its share. */
static void
let_in(struct kh_door *d, ptrdiff_t place, int conn, uint32_t *circuit)
{
	struct kh_pass pass = {.line = -1};
	enum kh_err e = place >= 0 ? KH_OK : KH_EBUSY;

	if (e == KH_OK && circuit != NULL) {
		e = kh_circuits_enter(&d->guests.circuits, *circuit,
		    kh_guests_scarce(&d->guests), now_ms(), &pass);
		kh_wipe(circuit, sizeof(*circuit)); /* not for the visit */
	}
	if (e == KH_OK)
		e = start_visit(d, (size_t)place, conn, &pass);
	if (e == KH_OK)
		return;
	kh_circuits_leave(&d->guests.circuits, &pass, false);
	if (place >= 0)
		kh_guests_leave(&d->guests, (size_t)place);
	turn_away(d, conn);
}

/* A place for who comes, or -1. */
static ptrdiff_t
place_for(struct kh_door *d)
{
	kh_guests_relieve(&d->guests, KH_PHASE_STATUS, now_ms());
	return kh_guests_place(&d->guests);
}

/* What has come of tor's line: let in, wait for the rest, or no such line. */
static void
on_line(struct kh_door *d, ptrdiff_t place, int conn)
{
	uint32_t circuit;
	enum kh_err e;

	e = kh_waiting_take(conn, &circuit);
	if (e != KH_EAGAIN)
		kh_waiting_remove(&d->waiting, d->epoll, conn);
	if (e == KH_OK) {
		let_in(d, place, conn, &circuit);
		return;
	}
	if (place >= 0)
		kh_guests_leave(&d->guests, (size_t)place);
	if (e == KH_EAGAIN)
		(void)!kh_waiting_add(&d->waiting, d->epoll, conn, now_ms());
	else
		close(conn);
}

static void
on_listen(struct kh_door *d)
{
	static const struct timespec pause = {0, 50000000};
	ptrdiff_t place = place_for(d);
	int conn;

	if (place < 0 && kh_guests_leaving(&d->guests, now_ms())) {
		hold(d, true);
		return;
	}
	conn = accept4(d->listen, NULL, NULL, SOCK_CLOEXEC);
	if (conn >= 0) {
		if (d->site->conf.circuit_ids != 0)
			on_line(d, place, conn);
		else
			let_in(d, place, conn, NULL);
		return;
	}
	if (place >= 0)
		kh_guests_leave(&d->guests, (size_t)place);
	/* It is gone; or there is no descriptor (which the keeper made sure
	 * of): then do not spin on it. */
	if (errno == EMFILE || errno == ENFILE)
		nanosleep(&pause, NULL);
}

static void
stop_listening(struct kh_door *d)
{
	if (d->listen < 0)
		return;
	/* The keeper has it too: closing alone would leave it watched. */
	epoll_ctl(d->epoll, EPOLL_CTL_DEL, d->listen, NULL);
	close(d->listen);
	d->listen = -1;
}

static void
leave(struct kh_door *d)
{
	if (d->leaving)
		return;
	d->leaving = true;
	d->leave_at = now_ms() + DISMISS_MS;
	stop_listening(d);
	kh_waiting_deadline(&d->waiting, INT64_MAX);
	kh_guests_dismiss(&d->guests, now_ms());
}

/* A visit that crashed may have been made to, by somebody who learns from it
 * how our memory is laid out: the keeper starts another door. */
static void
on_signal(struct kh_door *d)
{
	const struct kh_msg crashed = {.type = KH_MSG_CRASHED};
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	if (read(d->signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGTERM)
		leave(d);
	hold(d, false);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (kh_guests_ended(&d->guests, pid, status) && !d->leaving)
			(void)!kh_ipc_send(KH_ROLE_CONTROL_FD, &crashed, -1);
	}
}

/* How the whole is, or that another door has taken over, or the keeper's end. */
static void
on_control(struct kh_door *d)
{
	struct kh_msg m;
	int fd;

	if (kh_ipc_recv(KH_ROLE_CONTROL_FD, KH_ROLE_KEEPER, KH_ROLE_DOOR, &m,
		&fd) != KH_OK) {
		epoll_ctl(d->epoll, EPOLL_CTL_DEL, KH_ROLE_CONTROL_FD, NULL);
		leave(d);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (m.type == KH_MSG_HEALTH)
		d->faulty = m.u.health.fault != KH_FAULT_NONE;
	d->site->closed = d->faulty || d->report.fault != KH_FAULT_NONE;
	if (m.type == KH_MSG_RETIRE) {
		d->retired = true;
		stop_listening(d);
	}
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
		    : (int64_t)d->site->conf.selftest_minutes * 60000);
	(void)!kh_ipc_send(KH_ROLE_CONTROL_FD, &m, -1);
}

static void
on_time(struct kh_door *d, int64_t now)
{
	kh_guests_deadlines(&d->guests, now);
	hold(d, false);
	kh_waiting_deadline(&d->waiting, now);
	(void)kh_circuits_forget(&d->guests.circuits, now);
	kh_form_keys_keep(d->site->keys, &d->ratchet_at, now);
	if (now >= d->test_at && !d->leaving && !d->retired)
		test(d, now);
}

/* It stays as long as there are visits; when it is to leave, not for long. */
static bool
stays(const struct kh_door *d)
{
	if (!d->leaving)
		return !d->retired || d->guests.n + d->waiting.n > 0;
	return d->guests.n > 0 && now_ms() < d->leave_at;
}

static int
serve(struct kh_door *d)
{
	struct epoll_event ev[EVENTS_MAX];
	int64_t now, tick = now_ms() + TICK_MS;
	int i, n, wait;

	while (stays(d)) {
		wait = d->guests.n + d->waiting.n > 0 ? TICK_MS : 15 * TICK_MS;
		n = epoll_wait(d->epoll, ev, EVENTS_MAX, wait);
		if (n < 0 && errno != EINTR)
			return 1;
		for (i = 0; i < n; i++) {
			if (ev[i].data.fd == d->signals)
				on_signal(d);
			else if (ev[i].data.fd == KH_ROLE_CONTROL_FD)
				on_control(d);
			else if (ev[i].data.fd == d->listen)
				on_listen(d);
			else if (kh_waiting_has(&d->waiting, ev[i].data.fd))
				on_line(d, place_for(d), ev[i].data.fd);
		}
		now = now_ms();
		if (now >= tick) {
			on_time(d, now);
			tick = now + TICK_MS;
		}
	}
	return 0;
}

int
kh_door_main(void)
{
	struct kh_msg ready = {.type = KH_MSG_READY};
	struct kh_door d = {
	    .epoll = -1, .signals = -1, .listen = -1, .store = -1, .turns = -1};
	struct kh_confine confine = {.dir = -1};
	int status = 1;

	if (kh_door_open(&d) != KH_OK)
		goto out;
	confine.uid = (uid_t)d.site->conf.uid;
	status = kh_role_confine(KH_ROLE_DOOR, &confine);
	if (status != 0)
		goto out;
	status = 1;
	test(&d, now_ms());
	if (kh_ipc_send(KH_ROLE_CONTROL_FD, &ready, -1) != KH_OK)
		goto out;
	status = serve(&d);
out:
	if (d.site != NULL)
		kh_secret_free(d.site->keys);
	kh_html_free(&d.busy.html);
	kh_filter_free(&d.filter);
	free(d.site);
	return status;
}
