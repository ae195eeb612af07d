/*
 * When the store settles and when it tests itself. Separate from both, because
 * the times are what must not give anything away: occasions to settle come at
 * random, whether or not there is something to do, and tests by the clock.
 */
#include <sodium.h>
#include <string.h>

#include "lib/base/clock.h"
#include "server/role/role.h"
#include "server/store/janitor.h"

#define STEP_MS 5 /* between two steps of a settle: others come first */
#define FAULTY_MS (KH_MINUTE_MS / 4) /* between two tests of what fails */

/* The next occasion: counted from the last one and not from what has come since,
 * of which its time would tell. */
static void
draw(struct kh_janitor *j, int64_t now)
{
	const int64_t mean = (int64_t)j->settle_minutes * KH_MINUTE_MS;

	j->settle_at =
	    now + mean / 2 + (int64_t)randombytes_uniform((uint32_t)mean);
}

static void
test(struct kh_janitor *j, int64_t now)
{
	struct kh_msg m = {.type = KH_MSG_REPORT};

	m.u.report.fault =
	    (uint32_t)kh_canary(j->store, j->dir, &m.u.report.quarters);
	j->test_at = now +
	    (m.u.report.fault == KH_FAULT_NONE
		    ? j->selftest_minutes * KH_MINUTE_MS
		    : FAULTY_MS);
	/* A keeper that is gone is noticed where it is listened to. */
	(void)!kh_ipc_send(KH_ROLE_CONTROL_FD, &m, -1);
}

void
kh_janitor_init(struct kh_janitor *j, const struct kh_msg_store_dir *m)
{
	memset(j, 0, sizeof(*j));
	j->settle_minutes = m->settle_minutes;
	j->selftest_minutes = m->selftest_minutes;
	/* Retention goes by ctime, which a settle sets: each object is written
	 * anew once, soon, and never again. */
	j->mix = m->retention_days == 0;
}

void
kh_janitor_open(struct kh_janitor *j, struct kh_store *st, int dir)
{
	int64_t now = kh_clock_ms();

	j->store = st;
	j->dir = dir;
	draw(j, now);
	test(j, now);
}

static void
end_settle(struct kh_janitor *j, int64_t now)
{
	kh_settle_free(j->settle);
	j->settle = NULL;
	draw(j, now);
}

static void
settle(struct kh_janitor *j, int64_t now, uint64_t reserved)
{
	/* After an error it is still due, at the next occasion. */
	if (j->settle != NULL) {
		if (kh_settle_step(j->settle, reserved) != KH_EAGAIN)
			end_settle(j, now);
	} else if (now >= j->settle_at &&
	    (!kh_settle_due(j->store) ||
		kh_settle_begin(j->store, j->mix, &j->settle) != KH_OK)) {
		draw(j, now);
	}
}

int
kh_janitor_turn(struct kh_janitor *j, uint64_t reserved, bool leaving)
{
	int64_t now = kh_clock_ms(), next;

	if (leaving) {
		kh_janitor_free(j);
		return -1;
	}
	settle(j, now, reserved);
	if (now >= j->test_at)
		test(j, now);
	if (j->settle != NULL)
		return STEP_MS;
	next = j->settle_at < j->test_at ? j->settle_at : j->test_at;
	return next > now ? (int)(next - now) : 0;
}

void
kh_janitor_free(struct kh_janitor *j)
{
	kh_settle_free(j->settle);
	j->settle = NULL;
}
