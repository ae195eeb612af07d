/*
 * The pools. Separate from the process, which decides when there is time for
 * gpg.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "knothole/io.h"
#include "knothole/secret.h"
#include "lib/base/clock.h"
#include "lib/base/precond.h"
#include "server/wrap/pool.h"

#define RETRY_MS (KH_MINUTE_MS / 4) /* between two tries while gpg fails */
#define WEEK (INT64_C(7) * 86400)
#define WARN (INT64_C(86400) * KH_OPENPGP_WARN_DAYS)

static void
empty(struct kh_pool *pool)
{
	kh_wipe(pool->ready, sizeof(pool->ready));
	pool->n = 0;
}

static void
failed(struct kh_pool *pool, enum kh_err e)
{
	pool->err = e;
	pool->retry_at = kh_clock_ms() + RETRY_MS;
}

/* "7.pgp", which the keeper has put there from the card. */
static enum kh_err
read_key(
    int home, uint32_t place, uint8_t key[static KH_OPENPGP_KEY_MAX], size_t *n)
{
	char name[16];
	enum kh_err e;
	int fd;

	(void)snprintf(name, sizeof(name), "%u.pgp", place);
	fd = openat(home, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return KH_ESYS;
	e = kh_read_upto(fd, key, KH_OPENPGP_KEY_MAX, n);
	close(fd);
	return e;
}

static enum kh_err
examine(const struct kh_pools *p, uint32_t place, struct kh_openpgp_key *who)
{
	uint8_t key[KH_OPENPGP_KEY_MAX];
	enum kh_err e;
	size_t n;

	memset(who, 0, sizeof(*who));
	e = read_key(p->home, place, key, &n);
	return e == KH_OK ? kh_openpgp_examine(p->gpg, key, n, who) : e;
}

static void
make_one(struct kh_pools *p, uint32_t place)
{
	struct kh_pool *pool = &p->pool[place];
	enum kh_err e;

	PRECOND(pool->n < KH_POOL_MAX);
	e = kh_openpgp_bridge(p->gpg, place, &pool->who, &pool->ready[pool->n]);
	if (e == KH_OK)
		pool->n++;
	pool->err = e;
	if (e != KH_OK)
		failed(pool, e);
}

void
kh_pool_open(struct kh_pools *p, uint32_t place)
{
	struct kh_pool *pool = &p->pool[place];
	enum kh_err e;

	PRECOND(place < KH_OUTLETS_MAX);
	pool->used = true;
	empty(pool);
	e = examine(p, place, &pool->who);
	pool->err = e;
	if (e != KH_OK)
		failed(pool, e);
	else if (pool->who.verdict == KH_OPENPGP_OK)
		make_one(p, place);
}

bool
kh_pool_usable(const struct kh_pool *pool, int64_t now)
{
	return pool->err == KH_OK && pool->who.verdict == KH_OPENPGP_OK &&
	    (pool->who.expires == 0 || now < pool->who.expires);
}

enum kh_err
kh_pool_take(struct kh_pools *p, uint32_t place, struct kh_bridge *out)
{
	struct kh_pool *pool;

	memset(out, 0, sizeof(*out));
	if (place >= KH_OUTLETS_MAX || !p->pool[place].used)
		return KH_ENOKEY;
	pool = &p->pool[place];
	if (!kh_pool_usable(pool, (int64_t)time(NULL)))
		return KH_ENOKEY;
	if (pool->n == 0)
		return KH_EAGAIN;
	pool->n--;
	*out = pool->ready[pool->n];
	kh_wipe(&pool->ready[pool->n], sizeof(pool->ready[pool->n]));
	return KH_OK;
}

/* A key that gpg could not examine is to be examined again. */
static bool
wants(const struct kh_pool *pool)
{
	if (!pool->used)
		return false;
	return pool->err != KH_OK ||
	    (pool->who.verdict == KH_OPENPGP_OK && pool->n < KH_POOL_MAX);
}

static int64_t
due(const struct kh_pool *pool)
{
	return pool->err != KH_OK ? pool->retry_at : 0;
}

/* The emptiest first. */
static int
most_wanted(const struct kh_pools *p, int64_t ms)
{
	int best = -1, i;

	for (i = 0; i < KH_OUTLETS_MAX; i++) {
		if (!wants(&p->pool[i]) || due(&p->pool[i]) > ms)
			continue;
		if (best < 0 || p->pool[i].n < p->pool[best].n)
			best = i;
	}
	return best;
}

bool
kh_pools_fill(struct kh_pools *p, int64_t ms, uint32_t *place)
{
	int i = most_wanted(p, ms);

	*place = 0;
	if (i < 0)
		return false;
	*place = (uint32_t)i;
	if (p->pool[i].err != KH_OK)
		kh_pool_open(p, *place);
	else
		make_one(p, *place);
	return true;
}

int64_t
kh_pools_due(const struct kh_pools *p)
{
	int64_t first = -1;
	size_t i;

	for (i = 0; i < KH_OUTLETS_MAX; i++) {
		if (!wants(&p->pool[i]))
			continue;
		if (first < 0 || due(&p->pool[i]) < first)
			first = due(&p->pool[i]);
	}
	return first;
}

/* What is ready goes: gpg has to show that it still can, and a key that has
 * been found wanting has no use for it. */
void
kh_pools_test(struct kh_pools *p)
{
	uint32_t i;

	for (i = 0; i < KH_OUTLETS_MAX; i++) {
		if (p->pool[i].used)
			kh_pool_open(p, i);
	}
}

static enum kh_openpgp_state
state_of(const struct kh_pool *pool, int64_t now)
{
	if (!kh_pool_usable(pool, now))
		return KH_OPENPGP_UNUSABLE;
	return pool->who.expires != 0 && pool->who.expires - now < WARN
	    ? KH_OPENPGP_ENDING
	    : KH_OPENPGP_FINE;
}

void
kh_pools_report(
    const struct kh_pools *p, int64_t now, struct kh_msg_report *out)
{
	enum kh_openpgp_state state;
	int64_t weeks;
	size_t i;

	memset(out, 0, sizeof(*out));
	out->weeks = KH_WEEKS_MAX;
	for (i = 0; i < KH_OUTLETS_MAX; i++) {
		if (!p->pool[i].used)
			continue;
		state = state_of(&p->pool[i], now);
		if (state > out->openpgp)
			out->openpgp = state;
		weeks = KH_WEEKS_MAX;
		if (state == KH_OPENPGP_UNUSABLE)
			weeks = 0;
		else if (p->pool[i].who.expires != 0)
			weeks = (p->pool[i].who.expires - now) / WEEK;
		if (weeks < out->weeks)
			out->weeks = (uint32_t)weeks;
	}
	if (out->openpgp == KH_OPENPGP_UNUSABLE)
		out->fault = KH_FAULT_OPENPGP;
}

void
kh_pools_wipe(struct kh_pools *p)
{
	size_t i;

	for (i = 0; i < KH_OUTLETS_MAX; i++)
		empty(&p->pool[i]);
}
