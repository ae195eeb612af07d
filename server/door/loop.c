/*
 * The loop of door and courier. Separate from both, because who is forked, told
 * on and waited for is the same for sources and for couriers, and what a child
 * inherits is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/precond.h"
#include "server/door/loop.h"
#include "server/role/role.h"

#define EVENTS_MAX 16
#define FIRST_FD 3 /* of a child's own */

enum kh_err
kh_loop_receive(
    const struct kh_loop *l, enum kh_msg_type type, struct kh_msg *m, int *fd)
{
	enum kh_err e;

	e = kh_ipc_recv(KH_ROLE_CONTROL_FD, KH_ROLE_KEEPER, l->role, m, fd);
	if (e == KH_OK && m->type != (uint32_t)type)
		e = KH_EPROTO;
	return e;
}

enum kh_err
kh_loop_receive_store(struct kh_loop *l)
{
	struct kh_msg m;
	enum kh_err e;

	e = kh_loop_receive(l, KH_MSG_STORE_LINK, &m, &l->store);
	if (e == KH_OK && fcntl(l->store, F_SETFL, O_NONBLOCK) != 0)
		e = KH_ESYS;
	return e;
}

/* The keeper is to start another of us. */
static void
want_another(void)
{
	const struct kh_msg m = {.type = KH_MSG_CRASHED};

	(void)!kh_ipc_send(KH_ROLE_CONTROL_FD, &m, -1);
}

void
kh_loop_link_wrap(struct kh_loop *l, int fd)
{
	if (l->wrap >= 0)
		close(l->wrap);
	l->wrap = fd;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		close(fd);
		l->wrap = -1;
	}
}

/* --- the child ------------------------------------------------------------- */

bool
kh_loop_only(int *fds, int n)
{
	sigset_t none;
	int i;

	signal(SIGTERM, SIG_IGN);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0)
		return false;
	for (i = 0; i < n; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD, FIRST_FD + n);
		if (fds[i] < 0)
			return false;
	}
	for (i = 0; i < n; i++) {
		if (dup2(fds[i], FIRST_FD + i) < 0)
			return false;
	}
	return close_range((unsigned)(FIRST_FD + n), ~0u, 0) == 0;
}

/* A channel of the new child's to a process that is told of it. Errors: *end is
 * -1. */
static enum kh_err
announce(int to, enum kh_msg_type type, int *end)
{
	const struct kh_msg m = {.type = type};
	enum kh_err e;
	int pair[2];

	*end = -1;
	e = kh_ipc_pair(pair);
	if (e != KH_OK)
		return e;
	e = kh_ipc_send(to, &m, pair[1]);
	close(pair[1]); /* before the fork: the other's alone from here on */
	if (e == KH_OK)
		*end = pair[0];
	else
		close(pair[0]);
	return e;
}

enum kh_err
kh_loop_fork(struct kh_loop *l, void *ctx, size_t place, int conn)
{
	int link[2] = {-1, -1};
	enum kh_err e;
	pid_t pid;

	e = announce(l->store, KH_MSG_VISIT, &link[0]);
	/* Without wrap a visit can do all but take a submission for an OpenPGP
	 * key, and says so. */
	if (e == KH_OK && l->wrap >= 0)
		(void)!announce(l->wrap, KH_MSG_WRAP_VISIT, &link[1]);
	if (e == KH_OK) {
		pid = fork();
		if (pid == 0) {
			l->child(ctx, place, conn, link);
			_exit(1);
		}
		if (pid > 0)
			kh_guests_add(
			    &l->guests, place, pid, conn, kh_clock_ms());
		else
			e = KH_ESYS;
	} else if (e == KH_EPROTO) { /* our channel is gone, for good */
		want_another();
	}
	if (link[0] >= 0)
		close(link[0]);
	if (link[1] >= 0)
		close(link[1]);
	if (e != KH_OK)
		kh_guests_leave(&l->guests, place);
	return e;
}

/* --- what happens ---------------------------------------------------------- */

static void
set_held(struct kh_loop *l, bool held)
{
	struct epoll_event ev = {
	    .events = held ? 0 : EPOLLIN, .data.fd = l->listen};

	if (l->listen < 0 || l->held == held)
		return;
	if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, l->listen, &ev) == 0)
		l->held = held;
}

ptrdiff_t
kh_loop_place(struct kh_loop *l)
{
	kh_guests_relieve(&l->guests, l->spared, kh_clock_ms());
	return kh_guests_place(&l->guests);
}

int
kh_loop_accept(struct kh_loop *l, ptrdiff_t *place)
{
	static const struct timespec pause = {0, 50000000};
	int conn;

	*place = kh_loop_place(l);
	if (*place < 0 && kh_guests_leaving(&l->guests, kh_clock_ms())) {
		set_held(l, true);
		return -1;
	}
	conn = accept4(l->listen, NULL, NULL, SOCK_CLOEXEC);
	if (conn >= 0)
		return conn;
	/* It is gone; or there is no descriptor (which the keeper made sure
	 * of): then do not spin on it. */
	if (errno == EMFILE || errno == ENFILE)
		nanosleep(&pause, NULL);
	if (*place >= 0)
		kh_guests_leave(&l->guests, (size_t)*place);
	return -1;
}

static void
stop_listening(struct kh_loop *l)
{
	if (l->listen < 0)
		return;
	/* The keeper has it too: closing alone would leave it watched. */
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->listen, NULL);
	close(l->listen);
	l->listen = -1;
}

static void
leave(struct kh_loop *l)
{
	if (l->leaving)
		return;
	l->leaving = true;
	l->leave_at = kh_clock_ms() + l->dismiss_ms;
	stop_listening(l);
	kh_guests_dismiss(&l->guests, kh_clock_ms());
}

/* A child that crashed may have been made to, by somebody who learns from it
 * how our memory is laid out: the keeper starts another of us. */
static void
on_signal(struct kh_loop *l)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	if (read(l->signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGTERM)
		leave(l);
	set_held(l, false);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (kh_guests_ended(&l->guests, pid, status, kh_clock_ms()) &&
		    !l->leaving)
			want_another();
	}
}

/* How the whole is, or that another one has taken over, or the keeper's end. */
static void
on_control(struct kh_loop *l, void *ctx)
{
	struct kh_msg m;
	enum kh_err e;
	int fd;

	e = kh_ipc_recv(KH_ROLE_CONTROL_FD, KH_ROLE_KEEPER, l->role, &m, &fd);
	if (e == KH_EBUSY) { /* another has a channel to wrap from its start */
		want_another();
		return;
	}
	if (e != KH_OK) {
		epoll_ctl(l->epoll, EPOLL_CTL_DEL, KH_ROLE_CONTROL_FD, NULL);
		leave(l);
		return;
	}
	if (m.type == KH_MSG_WRAP_LINK) {
		kh_loop_link_wrap(l, fd);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (m.type == KH_MSG_RETIRE) {
		l->retired = true;
		stop_listening(l);
		return;
	}
	l->told(ctx, &m);
}

/* It stays as long as there are children; when it is to leave, not for long. */
static bool
stays(const struct kh_loop *l)
{
	if (!l->leaving)
		return !l->retired || l->guests.n + l->waiting > 0;
	return l->guests.n > 0 && kh_clock_ms() < l->leave_at;
}

static int
how_long(const struct kh_loop *l, void *ctx)
{
	const int max = l->guests.n + l->waiting > 0 ? KH_LOOP_TICK_MS
						     : 15 * KH_LOOP_TICK_MS;

	return l->soon != NULL ? l->soon(ctx, kh_clock_ms(), max) : max;
}

int
kh_loop_run(struct kh_loop *l, void *ctx)
{
	struct epoll_event ev[EVENTS_MAX];
	int64_t now, tick = kh_clock_ms() + KH_LOOP_TICK_MS;
	int i, n;

	while (stays(l)) {
		n = epoll_wait(l->epoll, ev, EVENTS_MAX, how_long(l, ctx));
		if (n < 0 && errno != EINTR)
			return 1;
		for (i = 0; i < n; i++) {
			if (ev[i].data.fd == l->signals)
				on_signal(l);
			else if (ev[i].data.fd == KH_ROLE_CONTROL_FD)
				on_control(l, ctx);
			else if (ev[i].data.fd == l->listen)
				l->accept(ctx);
			else if (l->other != NULL)
				l->other(ctx, ev[i].data.fd);
		}
		now = kh_clock_ms();
		if (now >= tick) {
			kh_guests_deadlines(&l->guests, now);
			set_held(l, false);
			if (l->tick != NULL)
				l->tick(ctx, now);
			tick = now + KH_LOOP_TICK_MS;
		}
	}
	kh_guests_unpark(&l->guests, INT64_MAX); /* for other doors to use */
	return 0;
}

/* --- the start ------------------------------------------------------------- */

static enum kh_err
watch(struct kh_loop *l, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? KH_OK
								: KH_ESYS;
}

enum kh_err
kh_loop_open(struct kh_loop *l)
{
	sigset_t set;
	enum kh_err e;

	PRECOND(l->listen >= 0 && l->guests.max > 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return KH_ESYS;
	signal(SIGINT, SIG_IGN); /* the keeper tells us */
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->signals < 0 || l->epoll < 0)
		return KH_ESYS;
	e = watch(l, l->signals);
	if (e == KH_OK)
		e = watch(l, KH_ROLE_CONTROL_FD);
	if (e == KH_OK)
		e = watch(l, l->listen);
	return e;
}
