/*
 * What the keeper hears from the roles while they run, and what follows:
 * another door after a crash, and the health of the whole. Separate from the
 * starting and ending of processes.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "server/keeper/keeper.h"

#define SECOND INT64_C(1000) /* ms */
#define PAUSE_MAX 64 /* seconds between two replacements */
/* Without a crash for so long, the next one is the first again. */
#define CALM (INT64_C(600) * SECOND)
#define LOOP_PAUSE 4 /* three ends in a row are a loop */
#define DAY (INT64_C(86400) * SECOND)
#define LOOK (INT64_C(10) * SECOND) /* between two looks at the clock */

/* It comes from the network's side: what is out of bounds is nothing. */
void
kh_child_report(struct kh_child *c, const struct kh_msg_report *r)
{
	if (r->fault >= KH_FAULT_N || r->quarters > 4 ||
	    r->weeks > KH_WEEKS_MAX || r->epochs > KH_CARD_RECIPIENTS_MAX ||
	    r->openpgp >= KH_OPENPGP_STATE_N)
		return;
	c->report = *r;
	c->reported = kh_clock_ms();
}

/* Soon, but the later the more often: visits that can be made to crash must not
 * keep us busy. Until then the old door goes on. */
static void
on_crash(struct kh_child *c, int64_t now)
{
	if (c->crashed == 0 || now - c->crashed > CALM)
		c->replace_pause = 1;
	c->crashed = now;
	if (c->replace_at != 0)
		return;
	c->replace_at = now + (int64_t)c->replace_pause * SECOND;
	c->replace_pause =
	    c->replace_pause < PAUSE_MAX ? 2 * c->replace_pause : PAUSE_MAX;
}

static bool
is_current(const struct kh_watch *w, const struct kh_child *c)
{
	return c >= w->child && c < w->child + w->n;
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
	/* What a replaced one has forked has the layout that is gone already. */
	else if (m.type == KH_MSG_CRASHED && is_current(w, c))
		on_crash(c, kh_clock_ms());
	else if (m.type == KH_MSG_CARDS)
		w->cards_due = true;
}

static size_t
count_old(const struct kh_watch *w, enum kh_role role)
{
	size_t i, n = 0;

	for (i = 0; i < w->n_old; i++)
		n += w->old[i].role == role;
	return n;
}

/* The new one accepts before the old one ceases to: nobody is turned away. */
static void
replace(struct kh_watch *w, size_t which, int64_t now)
{
	struct kh_child *c = &w->child[which], new = *c;
	const struct kh_msg retire = {.type = KH_MSG_RETIRE};

	if (c->replace_at == 0 || now < c->replace_at)
		return;
	if (c->pid <= 0) { /* it is to be started anew in any case */
		c->replace_at = 0;
		return;
	}
	c->replace_at = now + (int64_t)c->replace_pause * SECOND;
	if (count_old(w, c->role) == KH_OLD_MAX)
		return;
	new.pid = new.control = -1;
	new.began = now;
	new.replace_at = 0;
	if (kh_child_start(w->k, &new, w->child) != KH_OK)
		return;
	if (kh_ipc_send(c->control, &retire, -1) != KH_OK)
		kh_child_dismiss(c);
	w->old[w->n_old++] = *c;
	*c = new;
	w->told &= ~(1U << which);
	w->renewed[which] = 0;
}

void
kh_watch_replace(struct kh_watch *w, int64_t now)
{
	size_t i;

	for (i = KH_WHICH_DOOR; i < w->n; i++)
		replace(w, i, now);
}

static bool
loops(const struct kh_watch *w, int64_t now)
{
	const struct kh_child *c;
	size_t i;

	for (i = 0; i < w->n; i++) {
		c = &w->child[i];
		if (c->pause > LOOP_PAUSE && now - c->began <= CALM)
			return true;
		if (c->crashed != 0 && c->replace_pause > LOOP_PAUSE &&
		    now - c->crashed <= CALM)
			return true;
	}
	return false;
}

/* Without it there is no submission: nothing is ever sealed to fewer than a card
 * names. */
static void
look_at_wrap(const struct kh_child *wrap, bool late, struct kh_msg_health *h)
{
	h->openpgp = wrap->report.openpgp;
	if (wrap->report.weeks < h->weeks)
		h->weeks = wrap->report.weeks;
	if (wrap->pid <= 0 || late)
		h->openpgp = KH_OPENPGP_UNUSABLE;
	if (h->fault == KH_FAULT_NONE && h->openpgp == KH_OPENPGP_UNUSABLE)
		h->fault = KH_FAULT_OPENPGP;
}

/* How it is: what the store says first, as the rest rests on it. */
static struct kh_msg_health
look(const struct kh_watch *w, int64_t now)
{
	const struct kh_child *store = &w->child[KH_WHICH_STORE];
	const struct kh_child *door = &w->child[KH_WHICH_DOOR];
	const struct kh_child *wrap = &w->child[KH_WHICH_WRAP];
	const int64_t late =
	    (int64_t)w->k->config.selftest_minutes * KH_MINUTE_MS * 5 / 2;
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
	if (!wrap->off)
		look_at_wrap(wrap, now - wrap->reported > late, &h);
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
	int64_t wait = w->late || kh_watch_cards_wait(w) ? SECOND : LOOK, at;
	size_t i;

	for (i = 0; i < w->n; i++) {
		at = w->child[i].replace_at;
		if (at != 0 && at - now < wait)
			wait = at > now ? at - now : 0;
	}
	return wait;
}
