/*
 * The routes of the courier's API and the queries that they take. Separate from
 * what is done about them, so that a fuzzer can ask for anything.
 */
#include <string.h>

#include "knothole/card.h"
#include "server/courier/route.h"

#define PREFIX "/v1/"

static bool
is(struct kh_slice s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

/* Drop this beginning; false when it is another. */
static bool
drop(struct kh_slice *s, const char *text)
{
	size_t n = strlen(text);

	if (s->n < n || memcmp(s->p, text, n) != 0)
		return false;
	s->p += n;
	s->n -= n;
	return true;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
kh_courier_hex(struct kh_slice s, size_t n, uint8_t *out)
{
	size_t i;
	int d;

	if (s.n != 2 * n)
		return false;
	for (i = 0; i < s.n; i++) {
		d = hex_digit(s.p[i]);
		if (d < 0)
			return false;
		if (out != NULL && i % 2 == 0)
			out[i / 2] = (uint8_t)(d << 4);
		else if (out != NULL)
			out[i / 2] = (uint8_t)(out[i / 2] | d);
	}
	return true;
}

/* A number from 1 on, without leading zeros; more than the most is the most. */
static bool
limit(struct kh_slice s, uint32_t *out)
{
	size_t i;

	*out = 0;
	if (s.n == 0 || s.p[0] == '0')
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		*out = 10 * *out + (uint32_t)(s.p[i] - '0');
		if (*out > KH_COURIER_LIST_MAX)
			*out = KH_COURIER_LIST_MAX;
	}
	return true;
}

/* after=ID&limit=N, either or both or none, none twice. */
static bool
list_query(struct kh_slice q, struct kh_courier_route *out)
{
	struct kh_slice one;
	const char *end;

	out->limit = 0;
	while (q.n > 0) {
		end = memchr(q.p, '&', q.n);
		one = q;
		if (end != NULL)
			one.n = (size_t)(end - q.p);
		q.p += one.n;
		q.n -= one.n;
		if (end != NULL && !(drop(&q, "&") && q.n > 0))
			return false;
		if (drop(&one, "after=") && !out->has_after) {
			out->has_after = true;
			if (!kh_courier_hex(one, KH_OBJECT_ID_LEN, out->id))
				return false;
		} else if (drop(&one, "limit=") && out->limit == 0) {
			if (!limit(one, &out->limit))
				return false;
		} else {
			return false;
		}
	}
	if (out->limit == 0)
		out->limit = KH_COURIER_LIST_MAX;
	return true;
}

/* A slot's name, with or without ".age". */
static bool
slot(struct kh_slice s, char name[static KH_SLOT_NAME_LEN + 1])
{
	static const char suffix[] = ".age";
	const size_t n = sizeof(suffix) - 1;

	if (s.n == KH_SLOT_NAME_LEN + n &&
	    memcmp(s.p + s.n - n, suffix, n) == 0)
		s.n -= n;
	if (!kh_courier_hex(s, KH_SLOT_NAME_LEN / 2, NULL))
		return false;
	memcpy(name, s.p, KH_SLOT_NAME_LEN);
	name[KH_SLOT_NAME_LEN] = '\0';
	return true;
}

/* A newsroom's short name, as the site has it. */
static bool
card(struct kh_slice s, char id[static KH_CARD_ID_MAX + 1])
{
	if (!kh_card_id_valid(s.p, s.n))
		return false;
	memcpy(id, s.p, s.n);
	id[s.n] = '\0';
	return true;
}

void
kh_courier_route(const struct kh_head *h, struct kh_courier_route *out)
{
	struct kh_slice path = h->path;

	memset(out, 0, sizeof(*out));
	if (!drop(&path, PREFIX))
		return;
	if (is(path, "objects"))
		out->at =
		    list_query(h->query, out) ? KH_AT_LIST : KH_AT_MALFORMED;
	else if (is(path, "health"))
		out->at = KH_AT_HEALTH;
	else if (is(path, "collected"))
		out->at = KH_AT_COLLECTED;
	else if (drop(&path, "objects/") &&
	    kh_courier_hex(path, KH_OBJECT_ID_LEN, out->id))
		out->at = KH_AT_OBJECT;
	else if (drop(&path, "replies/") && slot(path, out->name))
		out->at = KH_AT_REPLY;
	else if (drop(&path, "cards/") && card(path, out->card))
		out->at = KH_AT_CARD;
	/* What takes no query does not exist with one. */
	if (h->query.n > 0 && out->at != KH_AT_LIST &&
	    out->at != KH_AT_MALFORMED)
		out->at = KH_AT_NOTHING;
}
