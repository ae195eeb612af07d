/*
 * One connection, request after request: head, token, route. The token comes
 * before everything that the head does not already decide.
 */
#include <time.h>

#include "knothole/card.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"
#include "server/courier/errand.h"
#include "server/visit/reply.h"

/* Behind the last answer, how long to read on (seconds): closing at once could
 * take it from a peer that is still sending. */
#define LINGER 5
#define REFUSED_SECONDS 1 /* before a 401, whatever was wrong */

static enum kh_err
refuse_head(struct kh_errand *x, enum kh_head_fault fault)
{
	x->keep = false;
	if (kh_head_wants_none(x->bytes, x->have))
		x->head.method = KH_HEAD;
	return kh_errand_error(x, kh_head_status(fault), "");
}

/* Is it one newsroom's token? Sets whose. */
static bool
authorized(struct kh_errand *x)
{
	static const char scheme[] = "Bearer";
	const size_t n = sizeof(scheme) - 1;
	struct kh_slice a = x->head.authorization;
	uint8_t hash[KH_COURIER_HASH_LEN];
	bool found = false;
	uint32_t i;

	if (a.n < n + 1 || a.p[n] != ' ' ||
	    !kh_slice_is((struct kh_slice){a.p, n}, scheme) ||
	    kh_courier_token_hash(a.p + n + 1, a.n - n - 1, hash) != KH_OK)
		return false;
	for (i = 0; i < x->tokens->n; i++) {
		if (kh_equal(hash, x->tokens->hash[i], sizeof(hash))) {
			found = true;
			x->newsroom = i;
		}
	}
	kh_wipe(hash, sizeof(hash));
	return found;
}

static enum kh_err
refuse_token(struct kh_errand *x)
{
	struct timespec ts = {.tv_sec = REFUSED_SECONDS};

	x->keep = false;
	atomic_store(&x->counter->phase, (uint32_t)KH_PHASE_STORE);
	while (nanosleep(&ts, &ts) != 0)
		continue;
	return kh_errand_error(x, 401, "WWW-Authenticate: Bearer\r\n");
}

static enum kh_err
get(struct kh_errand *x, const struct kh_courier_route *to)
{
	if (x->head.method != KH_GET && x->head.method != KH_HEAD)
		return kh_errand_error(x, 405, "Allow: GET, HEAD\r\n");
	if (to->at == KH_AT_LIST)
		return kh_errand_list(x, to);
	if (to->at == KH_AT_OBJECT)
		return kh_errand_object(x, to);
	return kh_errand_health(x);
}

static enum kh_err
dispatch(struct kh_errand *x)
{
	struct kh_courier_route to;

	kh_courier_route(&x->head, &to);
	switch (to.at) {
	case KH_AT_NOTHING:
		return kh_errand_error(x, 404, "");
	case KH_AT_MALFORMED:
		return kh_errand_error(x, 400, "");
	case KH_AT_LIST:
	case KH_AT_OBJECT:
	case KH_AT_HEALTH:
		return get(x, &to);
	case KH_AT_COLLECTED:
		if (x->head.method != KH_POST)
			return kh_errand_error(x, 405, "Allow: POST\r\n");
		return kh_errand_collected(x);
	case KH_AT_REPLY:
		if (x->head.method != KH_PUT)
			return kh_errand_error(x, 405, "Allow: PUT\r\n");
		return kh_errand_reply(x, &to);
	case KH_AT_CARD:
		if (x->head.method != KH_PUT)
			return kh_errand_error(x, 405, "Allow: PUT\r\n");
		return kh_errand_card(x, &to);
	}
	return KH_EPROTO;
}

/* One request. KH_OK when it was answered. */
static enum kh_err
serve(struct kh_errand *x)
{
	enum kh_head_fault fault;
	enum kh_err e;

	e = kh_errand_head(x, &fault);
	if (e == KH_EFORMAT || e == KH_ELIMIT)
		return refuse_head(x, fault);
	if (e != KH_OK)
		return e;
	x->keep = x->head.keep_alive;
	if (!authorized(x))
		return refuse_token(x);
	e = dispatch(x);
	if (e == KH_OK && x->keep)
		kh_errand_next(x);
	return e;
}

int
kh_errand_run(struct kh_errand *x)
{
	const struct kh_confine confine = {.dir = -1, .filter = x->filter};
	enum kh_err e;
	int status;

	PRECOND(x->tokens->n <= KH_OUTLETS_MAX);
	status = kh_role_confine(KH_ROLE_ERRAND, &confine);
	if (status != 0)
		return status;
	do
		e = serve(x);
	while (e == KH_OK && x->keep);
	atomic_store(&x->counter->phase, (uint32_t)KH_PHASE_LINGER);
	if (e == KH_OK)
		kh_reply_linger(x->conn, LINGER);
	kh_wipe(x->bytes, sizeof(x->bytes)); /* there was a token in it */
	return e == KH_OK ? 0 : 1;
}
