/*
 * The wrap process: the only one that starts a program, and that is gpg. It
 * knows public keys, and for a moment the one-off secrets that it wraps; no byte
 * of a source reaches it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "server/role/confine.h"
#include "server/wrap/wrap.h"

#define EVENTS_MAX 64
#define LOOK_MS (KH_MINUTE_MS / 4) /* between two looks at the calendar */
/* gpg's home is where we are: a path that no permission on the way to it can
 * close. */
#define HOME "/proc/self/cwd"

static enum kh_wrap_kind tag_control = KH_WRAP_CONTROL;

/* The keeper brings a new door, or is gone. */
static void
control_input(struct kh_wrap *w)
{
	struct kh_msg m;
	enum kh_err e;
	int fd;

	e = kh_ipc_recv(
	    KH_ROLE_CONTROL_FD, KH_ROLE_KEEPER, KH_ROLE_WRAP, &m, &fd);
	if (e == KH_EPROTO) {
		epoll_ctl(w->epoll, EPOLL_CTL_DEL, KH_ROLE_CONTROL_FD, NULL);
		w->keeper_gone = true;
	} else if (e != KH_OK) {
		w->lost = true;
	} else if (m.type == KH_MSG_DOOR_LINK) {
		if (!kh_wrap_add(w, fd, KH_WRAP_DOOR))
			w->lost = true;
	} else if (fd >= 0) {
		close(fd);
	}
}

/* Tell the keeper, when it is due or something has changed. */
static void
report(struct kh_wrap *w, bool always)
{
	struct kh_msg m = {.type = KH_MSG_REPORT};

	kh_pools_report(&w->pools, (int64_t)time(NULL), &m.u.report);
	if (!always && memcmp(&m.u.report, &w->report, sizeof(w->report)) == 0)
		return;
	w->report = m.u.report;
	(void)!kh_ipc_send(KH_ROLE_CONTROL_FD, &m, -1);
}

/* One piece of work for gpg; then whoever came meanwhile has a turn. */
static void
work(struct kh_wrap *w)
{
	int64_t now = kh_clock_ms();
	uint32_t place;

	if (now >= w->test_at) {
		kh_pools_test(&w->pools);
		w->test_at = kh_clock_ms() + w->test_ms;
		for (place = 0; place < KH_OUTLETS_MAX; place++)
			kh_wrap_serve(w, place);
		report(w, true);
	} else if (kh_pools_fill(&w->pools, now, &place)) {
		kh_wrap_serve(w, place);
	}
	/* A key may have ended since. */
	report(w, false);
}

/* Until there is work, ms. */
static int
calm(const struct kh_wrap *w)
{
	int64_t now = kh_clock_ms(), until = now + LOOK_MS, fill;

	if (w->test_at < until)
		until = w->test_at;
	fill = kh_pools_due(&w->pools);
	if (fill >= 0 && fill < until)
		until = fill;
	return until > now ? (int)(until - now) : 0;
}

/* Serve until the keeper is gone and the last visit with it; or until a door has
 * no channel to us any more: the keeper then starts another of us, and links it. */
static int
serve(struct kh_wrap *w)
{
	struct epoll_event ev[EVENTS_MAX];
	int i, n;

	while (!w->keeper_gone || w->peers != NULL) {
		n = epoll_wait(w->epoll, ev, EVENTS_MAX, calm(w));
		if (n < 0 && errno != EINTR)
			return 1;
		for (i = 0; i < n; i++) {
			if (*(enum kh_wrap_kind *)ev[i].data.ptr ==
			    KH_WRAP_CONTROL)
				control_input(w);
			else
				kh_wrap_input(w, ev[i].data.ptr);
		}
		if (w->lost)
			return 1;
		work(w);
	}
	return 0;
}

/* Where are we told to be, and what is there? */
static enum kh_err
receive(struct kh_wrap *w, struct kh_msg *m)
{
	enum kh_err e;

	e = kh_ipc_recv(KH_ROLE_CONTROL_FD, KH_ROLE_KEEPER, KH_ROLE_WRAP, m,
	    &w->pools.home);
	if (e == KH_OK &&
	    (m->type != KH_MSG_WRAP_HOME ||
		memchr(m->u.wrap_home.gpg, '\0', sizeof(m->u.wrap_home.gpg)) ==
		    NULL))
		e = KH_EPROTO;
	if (e != KH_OK)
		return e;
	w->uid = (uid_t)m->u.wrap_home.uid;
	w->keys = m->u.wrap_home.keys;
	w->test_ms = (int64_t)m->u.wrap_home.selftest_minutes * KH_MINUTE_MS;
	/* As in the store: those of a door that has died live on. */
	w->max = 2 * (size_t)m->u.wrap_home.max_visits + 16;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		return KH_ESYS;
	return kh_openpgp_new_at(&w->pools.gpg, m->u.wrap_home.gpg, HOME);
}

/* Every key examined, one bridge made to each; the keeper says what is wrong. */
static enum kh_err
open_keys(struct kh_wrap *w)
{
	struct kh_msg m = {.type = KH_MSG_WRAP_KEY};
	const struct kh_pool *pool;
	enum kh_err e = KH_OK;
	uint32_t i;

	for (i = 0; i < KH_OUTLETS_MAX && e == KH_OK; i++) {
		if ((w->keys & UINT32_C(1) << i) == 0)
			continue;
		kh_pool_open(&w->pools, i);
		pool = &w->pools.pool[i];
		m.u.wrap_key.place = i;
		m.u.wrap_key.err = (uint32_t)pool->err;
		m.u.wrap_key.verdict = (uint32_t)pool->who.verdict;
		m.u.wrap_key.expires = pool->who.expires;
		memcpy(
		    m.u.wrap_key.fpr, pool->who.fpr, sizeof(m.u.wrap_key.fpr));
		e = kh_ipc_send(KH_ROLE_CONTROL_FD, &m, -1);
	}
	return e;
}

/* Confined, with what gpg needs to be started. Returns an exit status. */
static int
confine(struct kh_wrap *w, const char *gpg)
{
	struct kh_grant also[KH_WRAP_GRANTS];
	struct kh_confine c = {.uid = w->uid,
	    .dir = w->pools.home,
	    .also = also,
	    .n_also = KH_WRAP_GRANTS};
	struct kh_filter filter;
	int status = 1;

	/* Made before: it takes a file, and this role may write none. */
	if (kh_filter_make(KH_ROLE_WRAP, &filter) != KH_OK)
		return 1;
	c.filter = &filter;
	if (kh_wrap_grants(gpg, also) == KH_OK)
		status = kh_role_confine(KH_ROLE_WRAP, &c);
	kh_wrap_grants_close(also);
	kh_filter_free(&filter);
	return status == 0 && fchdir(w->pools.home) != 0 ? 1 : status;
}

int
kh_wrap_main(void)
{
	static struct kh_wrap w; /* 280 KiB, zero */
	struct kh_msg m;
	int status = 1;

	w.epoll = w.pools.home = -1;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* it ends when its peers have */
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (receive(&w, &m) != KH_OK ||
	    kh_wrap_watch(&w, KH_ROLE_CONTROL_FD, &tag_control) != KH_OK)
		goto out;
	status = confine(&w, m.u.wrap_home.gpg);
	if (status != 0)
		goto out;
	status = 1;
	if (open_keys(&w) != KH_OK)
		goto out;
	report(&w, true);
	w.test_at = kh_clock_ms() + w.test_ms;
	m = (struct kh_msg){.type = KH_MSG_READY};
	if (kh_ipc_send(KH_ROLE_CONTROL_FD, &m, -1) != KH_OK)
		goto out;
	status = serve(&w);
out:
	kh_wrap_drop_all(&w);
	kh_pools_wipe(&w.pools);
	kh_openpgp_free(w.pools.gpg);
	return status;
}
