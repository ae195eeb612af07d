/*
 * The courier's process: its start, its loop, and the fork for each connection.
 * It is to couriers what the door is to sources and shares nothing with it: no
 * salt, no form keys, no cards, another socket, another channel to the store.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/courier/errand.h"
#include "server/door/door.h"
#include "server/role/confine.h"

#define EVENTS_MAX 16
#define TICK_MS 1000
/* After a dismissal, how long requests under way have to be answered. */
#define DISMISS_MS 10000
#define BUSY_CAP 1024

struct courier {
	int epoll;
	int signals;
	int listen; /* -1 once we are leaving */
	int store;
	bool leaving;
	int64_t leave_at;
	struct kh_guests guests;
	struct kh_msg_tokens tokens;
	struct kh_msg_health health; /* as the keeper says */
	char busy[BUSY_CAP]; /* written once, at the start */
	size_t n_busy;
	struct kh_filter filter; /* of the errands */
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		abort();
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Put the two descriptors where they are expected, and close all others. */
static bool
only_these(int conn, int store)
{
	int fd[2] = {conn, store}, i;

	for (i = 0; i < 2; i++) {
		fd[i] = fcntl(fd[i], F_DUPFD, KH_ERRAND_STORE_FD + 1);
		if (fd[i] < 0)
			return false;
	}
	return dup2(fd[0], KH_ERRAND_CONN_FD) >= 0 &&
	    dup2(fd[1], KH_ERRAND_STORE_FD) >= 0 &&
	    close_range(KH_ERRAND_STORE_FD + 1, ~0u, 0) == 0;
}

/* In the child. Ends the process. */
static void
errand(struct courier *c, size_t place, int conn, int store)
{
	static struct kh_errand x; /* 8 KiB, zero */
	const int on = 1;
	sigset_t none;

	/* Who ends a service may signal all of its processes: a request that
	 * is under way is answered. */
	signal(SIGTERM, SIG_IGN);
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) != 0 ||
	    !only_these(conn, store))
		_exit(1);
	x.conn = KH_ERRAND_CONN_FD;
	x.store = KH_ERRAND_STORE_FD;
	x.tokens = &c->tokens;
	x.health = &c->health;
	x.counter = &c->guests.counter[place];
	x.filter = &c->filter;
	/* The end of an answer is not to wait for anything (TCP only). */
	(void)setsockopt(x.conn, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	_exit(kh_errand_run(&x));
}

/* Fork for a connection. The store learns of it first. */
static enum kh_err
start_errand(struct courier *c, size_t place, int conn)
{
	struct kh_msg m = {.type = KH_MSG_VISIT};
	enum kh_err e;
	int link[2];
	pid_t pid;

	e = kh_ipc_pair(link);
	if (e != KH_OK)
		return e;
	e = kh_ipc_send(c->store, &m, link[1]);
	close(link[1]); /* before the fork: the store's alone from here on */
	if (e == KH_OK) {
		pid = fork();
		if (pid == 0)
			errand(c, place, conn, link[0]);
		if (pid > 0)
			kh_guests_add(&c->guests, place, pid, conn, now_ms());
		else
			e = KH_ESYS;
	}
	close(link[0]);
	return e;
}

static void
on_listen(struct courier *c)
{
	static const struct timespec pause = {0, 50000000};
	ptrdiff_t place;
	int conn;

	conn = accept4(c->listen, NULL, NULL, SOCK_CLOEXEC);
	if (conn < 0) {
		/* It is gone; or there is no descriptor: do not spin on it. */
		if (errno == EMFILE || errno == ENFILE)
			nanosleep(&pause, NULL);
		return;
	}
	/* Who has not said anything yet gives way to who may. */
	kh_guests_relieve(&c->guests, KH_PHASE_HEAD, now_ms());
	place = kh_guests_place(&c->guests);
	if (place >= 0) {
		if (start_errand(c, (size_t)place, conn) == KH_OK)
			return;
		kh_guests_leave(&c->guests, (size_t)place);
	}
	if (send(conn, c->busy, c->n_busy, MSG_NOSIGNAL | MSG_DONTWAIT) > 0)
		(void)shutdown(conn, SHUT_WR);
	close(conn);
}

static void
leave(struct courier *c)
{
	if (c->leaving)
		return;
	c->leaving = true;
	c->leave_at = now_ms() + DISMISS_MS;
	/* The keeper has it too: closing alone would leave it watched. */
	epoll_ctl(c->epoll, EPOLL_CTL_DEL, c->listen, NULL);
	close(c->listen);
	c->listen = -1;
	kh_guests_dismiss(&c->guests, now_ms());
}

static void
on_signal(struct courier *c)
{
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	if (read(c->signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGTERM)
		leave(c);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		(void)kh_guests_ended(&c->guests, pid, status);
}

/* How the whole is, or the keeper's end. */
static void
on_control(struct courier *c)
{
	struct kh_msg m;
	int fd;

	if (kh_ipc_recv(KH_ROLE_CONTROL_FD, KH_ROLE_KEEPER, KH_ROLE_COURIER, &m,
		&fd) != KH_OK) {
		epoll_ctl(c->epoll, EPOLL_CTL_DEL, KH_ROLE_CONTROL_FD, NULL);
		leave(c);
		return;
	}
	if (fd >= 0)
		close(fd);
	if (m.type == KH_MSG_HEALTH)
		c->health = m.u.health;
}

static int
serve(struct courier *c)
{
	struct epoll_event ev[EVENTS_MAX];
	int64_t now, tick = now_ms() + TICK_MS;
	int i, n;

	while (!c->leaving || (c->guests.n > 0 && now_ms() < c->leave_at)) {
		n = epoll_wait(
		    c->epoll, ev, EVENTS_MAX, c->guests.n > 0 ? TICK_MS : -1);
		if (n < 0 && errno != EINTR)
			return 1;
		for (i = 0; i < n; i++) {
			if (ev[i].data.fd == c->signals)
				on_signal(c);
			else if (ev[i].data.fd == KH_ROLE_CONTROL_FD)
				on_control(c);
			else if (!c->leaving)
				on_listen(c);
		}
		now = now_ms();
		if (now >= tick) {
			kh_guests_deadlines(&c->guests, now);
			tick = now + TICK_MS;
		}
	}
	return 0;
}

static enum kh_err
receive(enum kh_msg_type type, struct kh_msg *m, int *fd)
{
	enum kh_err e;

	e = kh_ipc_recv(
	    KH_ROLE_CONTROL_FD, KH_ROLE_KEEPER, KH_ROLE_COURIER, m, fd);
	return e == KH_OK && m->type != (uint32_t)type ? KH_EPROTO : e;
}

/* "Open": tokens, socket and store come from the keeper. */
static enum kh_err
open_site(struct courier *c)
{
	struct kh_msg m;
	enum kh_err e;
	int none;

	e = receive(KH_MSG_TOKENS, &m, &c->listen);
	if (e != KH_OK)
		return e;
	if (m.u.tokens.n > KH_OUTLETS_MAX)
		return KH_EPROTO;
	c->tokens = m.u.tokens;
	e = receive(KH_MSG_HEALTH, &m, &none);
	if (e != KH_OK)
		return e;
	c->health = m.u.health;
	e = receive(KH_MSG_STORE_LINK, &m, &c->store);
	if (e != KH_OK)
		return e;
	/* A store that waits for its disk must not hold up the deadlines. */
	if (fcntl(c->store, F_SETFL, O_NONBLOCK) != 0)
		return KH_ESYS;
	kh_courier_ids_init();
	c->n_busy = kh_errand_busy(c->busy, sizeof(c->busy));
	return kh_guests_init(&c->guests, KH_COURIER_VISITS_MAX, -1);
}

static enum kh_err
watch(struct courier *c, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? KH_OK
								: KH_ESYS;
}

static enum kh_err
open_events(struct courier *c)
{
	sigset_t set;
	enum kh_err e;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return KH_ESYS;
	signal(SIGINT, SIG_IGN); /* the keeper tells us */
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->signals < 0 || c->epoll < 0)
		return KH_ESYS;
	e = watch(c, c->signals);
	if (e == KH_OK)
		e = watch(c, KH_ROLE_CONTROL_FD);
	if (e == KH_OK)
		e = watch(c, c->listen);
	return e;
}

int
kh_courier_main(void)
{
	static struct courier c = {
	    .epoll = -1, .signals = -1, .listen = -1, .store = -1};
	struct kh_msg ready = {.type = KH_MSG_READY};
	struct kh_confine confine = {.dir = -1};
	int status;

	if (open_site(&c) != KH_OK || open_events(&c) != KH_OK ||
	    kh_filter_make(KH_ROLE_ERRAND, &c.filter) != KH_OK)
		return 1;
	confine.uid = (uid_t)c.tokens.uid;
	status = kh_role_confine(KH_ROLE_COURIER, &confine);
	if (status != 0)
		return status;
	if (kh_ipc_send(KH_ROLE_CONTROL_FD, &ready, -1) != KH_OK)
		return 1;
	return serve(&c);
}
