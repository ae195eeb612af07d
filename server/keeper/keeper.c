/*
 * Watching the roles. One that ends is started again, with a growing pause;
 * when the store ends, so do the others: the store's memory of what was sealed
 * is gone, so old forms must not be taken.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/keeper/keeper.h"
#include "server/role/role.h"

#define PAUSE_MAX 32 /* seconds between two starts */

/* In the order of their start. */
enum which {
	STORE,
	DOOR,
	COURIER,
	CHILDREN
};

struct watch {
	const struct kh_keeper *k;
	struct kh_child child[CHILDREN];
	size_t n; /* without the courier when there is none */
};

static int64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		abort();
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Those that need the store first, so that what they hold can be committed. */
static void
stop(struct watch *w)
{
	size_t i;

	for (i = w->n; i > 0; i--)
		kh_child_stop(&w->child[i - 1]);
}

static enum kh_err
start(struct watch *w, size_t i)
{
	struct kh_child *c = &w->child[i];

	c->began = now_ms();
	return kh_child_start(w->k, c, i == STORE ? NULL : &w->child[STORE]);
}

/* When it may be tried again: later each time, unless it has run for long. */
static void
schedule(struct kh_child *c)
{
	int64_t now = now_ms();

	if (now - c->began > PAUSE_MAX * INT64_C(1000))
		c->pause = 1;
	c->due = now + (int64_t)c->pause * 1000;
	c->pause = c->pause < PAUSE_MAX ? 2 * c->pause : PAUSE_MAX;
}

static void
ended(struct watch *w, size_t i)
{
	struct kh_child *c = &w->child[i];

	c->pid = -1;
	kh_child_stop(c); /* its channel */
	schedule(c);
	if (i != STORE) {
		kh_say("the %s has ended: starting it again",
		    kh_role_name(c->role));
		return;
	}
	stop(w);
	for (i = DOOR; i < w->n; i++)
		w->child[i].due = c->due;
	kh_say("the store has ended: starting all again");
}

static void
reap(struct watch *w)
{
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		for (i = 0; i < w->n; i++) {
			if (w->child[i].pid == pid)
				ended(w, i);
		}
	}
}

/* Start what is due. */
static void
revive(struct watch *w)
{
	bool revived = false;
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (w->child[i].pid > 0)
			continue;
		/* Nothing starts without a store. */
		if (w->child[i].due > now_ms() ||
		    (i != STORE && w->child[STORE].pid <= 0))
			continue;
		if (start(w, i) == KH_OK)
			revived = true;
		else
			schedule(&w->child[i]);
	}
	for (i = 0; i < w->n; i++)
		revived = revived && w->child[i].pid > 0;
	if (revived)
		kh_say("ready again");
}

/* Wait for a signal, or until something is due: which, or 0. */
static int
next_signal(const struct watch *w, const sigset_t *set)
{
	int64_t now = now_ms(), wait = -1, left;
	struct timespec ts;
	siginfo_t si;
	size_t i;
	int sig;

	for (i = 0; i < w->n; i++) {
		left = w->child[i].due > now ? w->child[i].due - now : 0;
		if (w->child[i].pid <= 0 && (wait < 0 || left < wait))
			wait = left;
	}
	if (wait < 0) {
		sig = sigwaitinfo(set, &si);
	} else {
		ts.tv_sec = (time_t)(wait / 1000);
		ts.tv_nsec = (long)(wait % 1000) * 1000000;
		sig = sigtimedwait(set, &si, &ts);
	}
	return sig > 0 ? sig : 0;
}

static bool
block_signals(sigset_t *set)
{
	struct sigaction hangup;

	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	/* A terminal that hangs up, unless nohup(1) says to stay. */
	if (sigaction(SIGHUP, NULL, &hangup) == 0 &&
	    hangup.sa_handler != SIG_IGN)
		sigaddset(set, SIGHUP);
	return sigprocmask(SIG_BLOCK, set, NULL) == 0;
}

enum kh_exit
kh_keeper_run(struct kh_keeper *k)
{
	static const enum kh_role roles[CHILDREN] = {
	    [STORE] = KH_ROLE_STORE,
	    [DOOR] = KH_ROLE_DOOR,
	    [COURIER] = KH_ROLE_COURIER,
	};
	struct watch w = {.k = k};
	sigset_t set;
	size_t i;
	int sig = 0;

	w.n = k->courier_listen >= 0 ? CHILDREN : COURIER;
	for (i = 0; i < w.n; i++)
		w.child[i] = (struct kh_child){
		    .role = roles[i], .pid = -1, .control = -1, .pause = 1};
	if (!block_signals(&set))
		return KH_EXIT_OSERR;
	for (i = 0; i < w.n; i++) {
		if (start(&w, i) != KH_OK) {
			stop(&w);
			return KH_EXIT_CONFIG;
		}
	}
	kh_say("ready");
	while (sig == 0 || sig == SIGCHLD) {
		sig = next_signal(&w, &set);
		reap(&w);
		if (sig == 0 || sig == SIGCHLD)
			revive(&w);
	}
	stop(&w);
	return KH_EXIT_OK;
}
