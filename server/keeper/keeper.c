/*
 * Watching the roles. One that ends is started again, with a growing pause;
 * when the store ends, so do the others: the store's memory of what was sealed
 * is gone, so old forms must not be taken.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "server/door/table.h"
#include "server/keeper/keeper.h"
#include "server/role/role.h"
#include "server/visit/token.h"
#include "server/visit/turns.h"

#define PAUSE_MAX 32 /* seconds between two starts */
#define FDS_MAX (1 + KH_WHICH_N + 2 * KH_OLD_MAX)

/* Those that need the store first, so that what they hold can be committed;
 * all of them at once. */
static void
stop(struct kh_watch *w)
{
	size_t i;

	for (i = 0; i < w->n_old; i++)
		kh_child_dismiss(&w->old[i]);
	for (i = w->n; i > 1; i--)
		kh_child_dismiss(&w->child[i - 1]);
	for (i = 0; i < w->n_old; i++)
		kh_child_stop(&w->old[i]);
	w->n_old = 0;
	for (i = w->n; i > 0; i--)
		kh_child_stop(&w->child[i - 1]);
}

/* The store's memory of uploads is gone, or there never was one: no form that
 * was made before may be taken. */
static void
new_form_keys(struct kh_keeper *k)
{
	kh_form_keys_init(&k->form_keys);
	k->ratchet_at = kh_clock_ms() + KH_FORM_KEY_MS;
}

/* A door that comes after one that has died has a table of its own: nobody frees
 * the lines of that one. */
static enum kh_err
new_table(struct kh_keeper *k)
{
	if (k->table >= 0)
		close(k->table);
	k->table = kh_table_make(k->site.max_visits);
	return k->table >= 0 ? KH_OK : KH_ESYS;
}

static enum kh_err
start(struct kh_watch *w, size_t i)
{
	struct kh_child *c = &w->child[i];
	enum kh_err e;

	c->began = kh_clock_ms();
	c->replace_at = 0; /* it is new in any case */
	w->told &= ~(1U << i);
	w->renewed[i] = 0;
	if (i == KH_WHICH_STORE)
		new_form_keys(w->k);
	if (i == KH_WHICH_DOOR && new_table(w->k) != KH_OK)
		return KH_ESYS;
	e = kh_child_start(w->k, c, w->child);
	/* At a door's start it is linked with it. */
	if (e == KH_OK && i == KH_WHICH_WRAP)
		e = kh_child_link_wrap(&w->child[KH_WHICH_DOOR], c);
	return e;
}

/* When it may be tried again: later each time, unless it has run for long. */
static void
schedule(struct kh_child *c)
{
	int64_t now = kh_clock_ms();

	if (now - c->began > PAUSE_MAX * INT64_C(1000))
		c->pause = 1;
	c->due = now + (int64_t)c->pause * 1000;
	c->pause = c->pause < PAUSE_MAX ? 2 * c->pause : PAUSE_MAX;
}

static void
ended(struct kh_watch *w, size_t i)
{
	struct kh_child *c = &w->child[i];

	c->pid = -1;
	kh_child_stop(c); /* its channel */
	schedule(c);
	if (i != KH_WHICH_STORE) {
		kh_say("the %s has ended: starting it again",
		    kh_role_name(c->role));
		return;
	}
	stop(w);
	for (i = KH_WHICH_WRAP; i < w->n; i++)
		w->child[i].due = c->due;
	kh_say("the store has ended: starting all again");
}

/* One that was replaced, and whose last visit or errand has ended? */
static void
old_ended(struct kh_watch *w, pid_t pid)
{
	size_t i;

	for (i = 0; i < w->n_old; i++) {
		if (w->old[i].pid != pid)
			continue;
		w->old[i].pid = -1;
		kh_child_stop(&w->old[i]); /* its channel */
		w->old[i] = w->old[--w->n_old];
		return;
	}
}

static void
reap(struct kh_watch *w)
{
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		old_ended(w, pid);
		for (i = 0; i < w->n; i++) {
			if (w->child[i].pid == pid)
				ended(w, i);
		}
	}
}

/* Start what is due. */
static void
revive(struct kh_watch *w)
{
	bool revived = false;
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (w->child[i].pid > 0 || w->child[i].off)
			continue;
		/* Nothing starts without a store. */
		if (w->child[i].due > kh_clock_ms() ||
		    (i != KH_WHICH_STORE && w->child[KH_WHICH_STORE].pid <= 0))
			continue;
		if (start(w, i) == KH_OK)
			revived = true;
		else
			schedule(&w->child[i]);
	}
	for (i = 0; i < w->n; i++)
		revived = revived && (w->child[i].pid > 0 || w->child[i].off);
	if (revived)
		kh_say("ready again");
}

/* Until when there is nothing to do, ms. */
static int
calm(const struct kh_watch *w)
{
	int64_t now = kh_clock_ms(), wait = kh_watch_calm(w, now), left;
	size_t i;

	left = kh_notify_calm(&w->k->notify, now);
	if (left < wait)
		wait = left;
	for (i = 0; i < w->n; i++) {
		left = w->child[i].due > now ? w->child[i].due - now : 0;
		if (w->child[i].pid <= 0 && !w->child[i].off && left < wait)
			wait = left;
	}
	return (int)wait;
}

/* Wait for a signal, a message, or until something is due: the signal, or 0. */
static int
next_event(struct kh_watch *w, int signals)
{
	struct pollfd pfd[FDS_MAX] = {{.fd = signals, .events = POLLIN}};
	struct kh_child *of[FDS_MAX] = {NULL};
	struct signalfd_siginfo si;
	size_t i, n = 1;

	for (i = 0; i < w->n + w->n_old; i++) {
		of[n] = i < w->n ? &w->child[i] : &w->old[i - w->n];
		pfd[n].fd = of[n]->control; /* below 0: passed over */
		pfd[n++].events = POLLIN;
	}
	if (poll(pfd, n, calm(w)) <= 0)
		return 0;
	for (i = 1; i < n; i++) {
		if (pfd[i].revents != 0)
			kh_watch_input(w, of[i]);
	}
	if (pfd[0].revents == 0 ||
	    read(signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return 0;
	return (int)si.ssi_signo;
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

/* Signals as a descriptor, or -1. */
static int
open_signals(void)
{
	sigset_t set;

	if (!block_signals(&set))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
run(struct kh_watch *w, int signals)
{
	int sig = 0;

	kh_watch_publish(w, kh_clock_ms(), true);
	kh_say("ready");
	kh_notify_say(&w->k->notify, "READY=1");
	while (sig == 0 || sig == SIGCHLD) {
		kh_notify_alive(&w->k->notify, kh_clock_ms());
		sig = next_event(w, signals);
		reap(w);
		if (sig != 0 && sig != SIGCHLD)
			break;
		kh_form_keys_keep(
		    &w->k->form_keys, &w->k->ratchet_at, kh_clock_ms());
		revive(w);
		kh_watch_cards(w, kh_clock_ms());
		kh_watch_replace(w, kh_clock_ms());
		kh_watch_publish(w, kh_clock_ms(), true);
	}
}

enum kh_exit
kh_keeper_run(struct kh_keeper *k)
{
	static const enum kh_role roles[KH_WHICH_N] = {
	    [KH_WHICH_STORE] = KH_ROLE_STORE,
	    [KH_WHICH_WRAP] = KH_ROLE_WRAP,
	    [KH_WHICH_DOOR] = KH_ROLE_DOOR,
	    [KH_WHICH_COURIER] = KH_ROLE_COURIER,
	};
	struct kh_watch w = {.k = k};
	int signals;
	size_t i;

	w.n = k->courier_listen >= 0 ? KH_WHICH_N : KH_WHICH_COURIER;
	for (i = 0; i < w.n; i++)
		w.child[i] = (struct kh_child){
		    .role = roles[i], .pid = -1, .control = -1, .pause = 1};
	w.child[KH_WHICH_WRAP].off = k->wrap_home < 0;
	signals = open_signals();
	k->turns = kh_turns_make();
	k->table = -1;
	if (signals < 0 || k->turns < 0)
		return KH_EXIT_OSERR;
	for (i = 0; i < w.n; i++) {
		/* At the start a key that cannot be used is the end of it;
		 * later the site is closed as long as it lasts. */
		if (!w.child[i].off &&
		    (start(&w, i) != KH_OK || w.child[i].bad_key)) {
			stop(&w);
			return KH_EXIT_CONFIG;
		}
	}
	run(&w, signals);
	kh_notify_say(&k->notify, "STOPPING=1");
	stop(&w);
	kh_watch_publish(&w, kh_clock_ms(), false);
	close(signals);
	return KH_EXIT_OK;
}
