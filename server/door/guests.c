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

ptrdiff_t
kh_guests_place(struct kh_guests *g)
{
	size_t i;

	for (i = 0; g->n < g->max && i < g->max; i++) {
		if (g->guest[i].pid == 0 && kh_table_take(g->counter, i))
			return (ptrdiff_t)i;
	}
	return -1;
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

bool
kh_guests_ended(struct kh_guests *g, pid_t pid, int status)
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
	kh_table_free(g->counter, i);
	g->n--;
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
