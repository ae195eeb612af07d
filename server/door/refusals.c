/*
 * A queue in order of time, with a place for few. Separate from the door's loop,
 * which must not wait with anybody.
 */
#include <string.h>

#include "lib/base/precond.h"
#include "server/door/refusals.h"

static int
take_first(struct kh_refusals *r)
{
	const int conn = r->who[0].conn;

	r->n--;
	memmove(&r->who[0], &r->who[1], r->n * sizeof(r->who[0]));
	return conn;
}

int
kh_refusals_add(struct kh_refusals *r, int conn, int64_t due)
{
	int first = -1;

	PRECOND(conn >= 0 && r->n <= KH_REFUSALS_MAX);
	if (r->n == KH_REFUSALS_MAX)
		first = take_first(r);
	r->who[r->n].conn = conn;
	r->who[r->n].due = due;
	r->n++;
	return first;
}

int
kh_refusals_take(struct kh_refusals *r, int64_t now)
{
	return r->n > 0 && r->who[0].due <= now ? take_first(r) : -1;
}

int
kh_refusals_wait(const struct kh_refusals *r, int64_t now, int max)
{
	if (r->n == 0 || r->who[0].due - now >= max)
		return max;
	return r->who[0].due > now ? (int)(r->who[0].due - now) : 0;
}
