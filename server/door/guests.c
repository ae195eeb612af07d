/*
 * Who is visiting, and for how long. Separate from the door's loop: this is
 * where every deadline is, and time is an argument, so that tests can turn it.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/precond.h"
#include "server/door/door.h"
#include "server/door/table.h"
#include "server/page/page.h"

#define SECONDS(n) ((int64_t)(n)*1000)

/*
 * How long a phase may last without a byte of the body arriving. A body has
 * no deadline as long as bytes move, however slowly; ten minutes of silence
 * is longer than Tor keeps a dead circuit.
 */
static const int64_t limits[] = {
    [KH_PHASE_HEAD] = SECONDS(30),
    [KH_PHASE_BODY] = SECONDS(600),
    [KH_PHASE_STORE] = SECONDS(900), /* a slow disk syncing 20 GiB */
    [KH_PHASE_REPLY] = SECONDS(120),
    [KH_PHASE_STATUS] = SECONDS(120), /* a tick a second, if it is read */
    [KH_PHASE_LINGER] = SECONDS(60),
};

#define N_PHASES (sizeof(limits) / sizeof(limits[0]))
/* Who can best be spared gives way when no more than a SPARE-th of all places
 * is free: a page that somebody has left open must not keep uploads out. */
#define SPARE 8
/* From shutdown to kill: it may have a large object to finish. */
#define GRACE SECONDS(300)
/* How an upload ended is there for its display for so long, also for one that has
 * to wait for the processor. */
#define PARKED SECONDS(5)
/* Who has been shut down and shows progress only is gone at once; a machine
 * that is busy may take a moment. */
#define LEAVING SECONDS(1)

enum kh_err
kh_guests_init(struct kh_guests *g, size_t max, int table)
{
	memset(g, 0, sizeof(*g));
	g->max = max;
	g->guest = calloc(max, sizeof(*g->guest));
	if (g->guest == NULL)
		return KH_ENOMEM;
	g->counter = kh_table_map(table, max);
	return g->counter != NULL ? KH_OK : KH_ENOMEM;
}

static void
unpark(struct kh_guests *g, size_t place)
{
	g->guest[place].parked = 0;
	kh_table_free(g->counter, place);
}

/* A place that nobody has, or, with `parked`, whose line has to go for it. */
static ptrdiff_t
find(struct kh_guests *g, bool parked)
{
	size_t i;

	for (i = 0; i < g->max; i++) {
		if (parked && g->guest[i].parked != 0)
			unpark(g, i);
		if (g->guest[i].pid == 0 && kh_table_take(g->counter, i))
			return (ptrdiff_t)i;
	}
	return -1;
}

ptrdiff_t
kh_guests_place(struct kh_guests *g)
{
	ptrdiff_t place = -1;

	if (g->n < g->max)
		place = find(g, false);
	if (g->n < g->max && place < 0)
		place = find(g, true);
	return place;
}

void
kh_guests_leave(struct kh_guests *g, size_t place)
{
	PRECOND(place < g->max && g->guest[place].pid == 0);
	kh_table_free(g->counter, place);
}

void
kh_guests_add(
    struct kh_guests *g, size_t place, pid_t pid, int conn, int64_t now)
{
	PRECOND(place < g->max && g->guest[place].pid == 0 && pid > 0);
	g->guest[place] = (struct kh_guest){.pid = pid,
	    .conn = conn,
	    .came = now,
	    .since = now,
	    .phase = KH_PHASE_HEAD,
	    .pass = {.line = -1}};
	g->n++;
}

void
kh_guests_pass(struct kh_guests *g, size_t place, const struct kh_pass *pass)
{
	PRECOND(place < g->max && g->guest[place].pid != 0);
	g->guest[place].pass = *pass;
}

bool
kh_guests_scarce(const struct kh_guests *g)
{
	return g->max - g->n <= g->max / SPARE;
}

/* Has this line's upload ended, and does a display, behind whichever door, not
 * know yet? It has the upload in its own line. */
static bool
is_awaited(const struct kh_guests *g, size_t place)
{
	const struct kh_counter *c = &g->counter[place], *d;
	size_t i;

	if (atomic_load(&c->state) < KH_PROGRESS_SEALED ||
	    atomic_load(&c->noted) != 0)
		return false;
	for (i = 0; i < g->max; i++) {
		d = &g->counter[i];
		if (atomic_load(&d->phase) == KH_PHASE_STATUS &&
		    atomic_load(&d->upload[0]) == atomic_load(&c->upload[0]) &&
		    atomic_load(&d->upload[1]) == atomic_load(&c->upload[1]))
			return true;
	}
	return false;
}

/* Free a line, or let it stay, and have no share in anything any more. */
static void
end_line(struct kh_guests *g, size_t place, int64_t now)
{
	struct kh_counter *c = &g->counter[place];

	if (!is_awaited(g, place)) {
		kh_table_free(g->counter, place);
		return;
	}
	atomic_store(&c->phase, KH_PHASE_REPLY);
	atomic_store(&c->share, 0);
	atomic_store(&c->form, 0);
	atomic_store(&c->claim, 0);
	g->guest[place].parked = now + PARKED;
}

void
kh_guests_unpark(struct kh_guests *g, int64_t now)
{
	size_t i;

	for (i = 0; i < g->max; i++) {
		if (g->guest[i].parked != 0 &&
		    (now >= g->guest[i].parked || !is_awaited(g, i)))
			unpark(g, i);
	}
}

bool
kh_guests_ended(struct kh_guests *g, pid_t pid, int status, int64_t now)
{
	bool crashed;
	size_t i;

	for (i = 0; i < g->max; i++) {
		if (g->guest[i].pid == pid)
			break;
	}
	if (i == g->max)
		return false;
	crashed = WIFSIGNALED(status) && !g->guest[i].killed;
	kh_circuits_leave(&g->circuits, &g->guest[i].pass,
	    atomic_load(&g->counter[i].form) != 0);
	close(g->guest[i].conn);
	memset(&g->guest[i], 0, sizeof(g->guest[i]));
	end_line(g, i, now);
	g->n--;
	kh_guests_unpark(g, now); /* it may have been the display of one */
	return crashed;
}

static void
shut(struct kh_guest *v, int64_t now)
{
	if (v->shut != 0)
		return;
	/* It reads an end, seals what it has, and leaves. */
	(void)shutdown(v->conn, SHUT_RDWR);
	v->shut = now > 0 ? now : 1;
}

void
kh_guests_deadlines(struct kh_guests *g, int64_t now)
{
	struct kh_guest *v;
	uint64_t bytes;
	uint32_t phase;
	size_t i;

	kh_guests_unpark(g, now);
	for (i = 0; i < g->max; i++) {
		v = &g->guest[i];
		if (v->pid == 0)
			continue;
		phase = atomic_load(&g->counter[i].phase);
		bytes = atomic_load(&g->counter[i].bytes);
		if (phase != v->phase || bytes != v->bytes) {
			v->phase = phase;
			v->bytes = bytes;
			v->since = now;
		}
		if (phase >= N_PHASES || now - v->since > limits[phase])
			shut(v, now);
		if (v->shut != 0 && now - v->shut > GRACE) {
			v->killed = true;
			(void)kill(v->pid, SIGKILL);
		}
	}
}

void
kh_guests_relieve(struct kh_guests *g, enum kh_phase phase, int64_t now)
{
	struct kh_guest *v, *oldest = NULL;
	size_t i;

	if (g->max - g->n > g->max / SPARE)
		return;
	for (i = 0; i < g->max; i++) {
		v = &g->guest[i];
		if (v->pid == 0 || v->shut != 0 ||
		    atomic_load(&g->counter[i].phase) != (uint32_t)phase)
			continue;
		if (oldest == NULL || v->came < oldest->came)
			oldest = v;
	}
	if (oldest != NULL)
		shut(oldest, now);
}

bool
kh_guests_leaving(const struct kh_guests *g, int64_t now)
{
	size_t i;

	for (i = 0; i < g->max; i++) {
		if (g->guest[i].pid != 0 && g->guest[i].shut != 0 &&
		    now - g->guest[i].shut < LEAVING)
			return true;
	}
	return false;
}

void
kh_guests_dismiss(struct kh_guests *g, int64_t now)
{
	size_t i;

	for (i = 0; i < g->max; i++) {
		if (g->guest[i].pid != 0)
			shut(&g->guest[i], now);
	}
}
