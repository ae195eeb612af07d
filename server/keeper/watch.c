/*
 * What the keeper hears from the roles while they run, and what follows:
 * another door after a crash, and the health of the whole. Separate from the
 * starting and ending of processes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/keeper/keeper.h"

#define SECOND INT64_C(1000) /* ms */
#define PAUSE_MAX 64 /* seconds between two replacements */
/* Without a crash for so long, the next one is the first again. */
#define CALM (INT64_C(600) * SECOND)
#define LOOP_PAUSE 4 /* three ends in a row are a loop */
#define DAY (INT64_C(86400) * SECOND)
#define LOOK (INT64_C(10) * SECOND) /* between two looks at the clock */

int64_t
kh_keeper_now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		abort();
	return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000000;
}

/* It comes from the network's side: what is out of bounds is nothing. */
void
kh_child_report(struct kh_child *c, const struct kh_msg_report *r)
{
	if (r->fault >= KH_FAULT_N || r->quarters > 4 ||
	    r->weeks > KH_WEEKS_MAX || r->epochs > KH_CARD_RECIPIENTS_MAX)
		return;
	c->report = *r;
	c->reported = kh_keeper_now();
}

/* Soon, but the later the more often: visits that can be made to crash must not
 * keep us busy. Until then the old door goes on. */
static void
on_crash(struct kh_watch *w, int64_t now)
{
	if (w->crashed == 0 || now - w->crashed > CALM)
		w->pause = 1;
	w->crashed = now;
	if (w->replace_at != 0)
		return;
	w->replace_at = now + (int64_t)w->pause * SECOND;
	w->pause = w->pause < PAUSE_MAX ? 2 * w->pause : PAUSE_MAX;
}

void
kh_watch_input(struct kh_watch *w, struct kh_child *c)
{
	struct kh_msg m;
	enum kh_err e;
	int fd;

	e = kh_ipc_recv(c->control, c->role, KH_ROLE_KEEPER, &m, &fd);
	/* It has ended, or says what it may not: then it is to end. */
	if (e == KH_EPROTO)
		kh_child_dismiss(c);
	if (e != KH_OK)
		return;
	if (m.type == KH_MSG_REPORT)
		kh_child_report(c, &m.u.report);
	/* A replaced door's visits have the layout that is gone already. */
	else if (m.type == KH_MSG_CRASHED && c == &w->child[KH_WHICH_DOOR])
		on_crash(w, kh_keeper_now());
	else if (m.type == KH_MSG_CARDS)
		w->cards_due = true;
}

/* The new one accepts before the old one ceases to: nobody is turned away. */
void
kh_watch_replace(struct kh_watch *w, int64_t now)
{
	struct kh_child *door = &w->child[KH_WHICH_DOOR], new = *door;
	const struct kh_msg retire = {.type = KH_MSG_RETIRE};

	if (w->replace_at == 0 || now < w->replace_at)
		return;
	if (door->pid <= 0) { /* it is to be started anew in any case */
		w->replace_at = 0;
		return;
	}
	w->replace_at = now + (int64_t)w->pause * SECOND;
	if (w->n_old == KH_OLD_DOORS_MAX)
		return;
	new.pid = new.control = -1;
	new.began = now;
	if (kh_child_start(w->k, &new, &w->child[KH_WHICH_STORE]) != KH_OK)
		return;
	w->replace_at = 0;
	if (kh_ipc_send(door->control, &retire, -1) != KH_OK)
		kh_child_dismiss(door);
	w->old[w->n_old++] = *door;
	*door = new;
	w->told &= ~(1U << KH_WHICH_DOOR);
	w->renewed[KH_WHICH_DOOR] = 0;
}

static bool
loops(const struct kh_watch *w, int64_t now)
{
	size_t i;

	if (w->crashed != 0 && w->pause > LOOP_PAUSE &&
	    now - w->crashed <= CALM)
		return true;
	for (i = 0; i < w->n; i++) {
		if (w->child[i].pause > LOOP_PAUSE &&
		    now - w->child[i].began <= CALM)
			return true;
	}
	return false;
}

/* How it is: what the store says first, as the rest rests on it. */
static struct kh_msg_health
look(const struct kh_watch *w, int64_t now)
{
	const struct kh_child *store = &w->child[KH_WHICH_STORE];
	const struct kh_child *door = &w->child[KH_WHICH_DOOR];
	const int64_t late =
	    (int64_t)w->k->config.selftest_minutes * 60 * SECOND * 5 / 2;
	struct kh_msg_health h = {.fault = store->report.fault,
	    .quarters = store->report.quarters,
	    .weeks = door->report.weeks,
	    .epochs = door->report.epochs,
	    .looping = loops(w, now) ? 1 : 0};

	if (h.fault == KH_FAULT_NONE)
		h.fault = door->report.fault;
	if (store->pid <= 0 || door->pid <= 0 || now - store->reported > late ||
	    now - door->reported > late)
		h.fault = KH_FAULT_SILENT;
	return h;
}

static void
write_down(struct kh_watch *w, int64_t now, bool up)
{
	bool fails =
	    kh_health_write(&w->k->health_file, &w->k->health, up) != KH_OK;

	w->written = now;
	if (fails && !w->file_fails)
		kh_say(
		    "the health file cannot be written: %s", strerror(errno));
	w->file_fails = fails;
}

void
kh_watch_publish(struct kh_watch *w, int64_t now, bool up)
{
	struct kh_msg m = {.type = KH_MSG_HEALTH};
	bool changed;
	size_t i;

	m.u.health = up ? look(w, now) : w->k->health;
	changed = memcmp(&m.u.health, &w->k->health, sizeof(m.u.health)) != 0;
	/* Whatever the roles say, however often. */
	w->late = up && changed && w->written != 0 && now - w->written < SECOND;
	if (w->late)
		return;
	if (changed)
		w->told = 0;
	w->k->health = m.u.health;
	if (changed || !up || w->written == 0 || now - w->written >= DAY)
		write_down(w, now, up);
	for (i = KH_WHICH_DOOR; up && i < w->n; i++) {
		if ((w->told & 1U << i) == 0 && w->child[i].control >= 0 &&
		    kh_ipc_send(w->child[i].control, &m, -1) == KH_OK)
			w->told |= 1U << i;
	}
}

int64_t
kh_watch_calm(const struct kh_watch *w, int64_t now)
{
	int64_t wait = w->late || kh_watch_cards_wait(w) ? SECOND : LOOK;

	if (w->replace_at != 0 && w->replace_at - now < wait)
		wait = w->replace_at > now ? w->replace_at - now : 0;
	return wait;
}
