/*
 * How long a card lasts, and which card may follow it. Separate from reading
 * one: the server asks this every day of cards that it has read already.
 */
#include <string.h>

#include "knothole/card.h"
#include "knothole/day.h"
#include "lib/base/precond.h"

unsigned
kh_card_days_left(const struct kh_card *c, const char *day, unsigned max)
{
	char on[KH_DAY_LEN + 1];
	struct kh_recipient r;
	unsigned n = 0;

	PRECOND(c != NULL && day != NULL && kh_day_valid(day));
	memcpy(on, day, sizeof(on));
	while (n < max && kh_card_recipient_on(c, on, &r) == KH_OK) {
		n++;
		if (kh_day_add(on, 1, on) != KH_OK)
			return max; /* to the end of days */
	}
	return n;
}

unsigned
kh_card_epochs_left(const struct kh_card *c, const char *day)
{
	unsigned n = 0;
	size_t i;

	PRECOND(c != NULL && c->n_recipients <= KH_CARD_RECIPIENTS_MAX);
	PRECOND(day != NULL && kh_day_valid(day));
	for (i = 0; i < c->n_recipients; i++)
		n += strcmp(c->recipients[i].last, day) >= 0;
	return n;
}

const char *
kh_card_last_day(const struct kh_card *c)
{
	const char *last;
	size_t i;

	PRECOND(c != NULL && c->n_recipients > 0);
	last = c->recipients[0].last;
	for (i = 1; i < c->n_recipients; i++) {
		if (strcmp(c->recipients[i].last, last) > 0)
			last = c->recipients[i].last;
	}
	return last;
}

/* With the same days, too? */
static bool
has_recipient(const struct kh_card *c, const struct kh_card_recipient *r)
{
	size_t i;

	for (i = 0; i < c->n_recipients; i++) {
		if (memcmp(&c->recipients[i].to, &r->to, sizeof(r->to)) == 0)
			return strcmp(c->recipients[i].first, r->first) == 0 &&
			    strcmp(c->recipients[i].last, r->last) == 0;
	}
	return false;
}

/* Has `c` every recipient of `other` that has not ended on `day`? */
static bool
has_all_of(
    const struct kh_card *c, const struct kh_card *other, const char *day)
{
	size_t i;

	for (i = 0; i < other->n_recipients; i++) {
		if (strcmp(other->recipients[i].last, day) >= 0 &&
		    !has_recipient(c, &other->recipients[i]))
			return false;
	}
	return true;
}

static bool
same_newsroom(const struct kh_card *a, const struct kh_card *b)
{
	return a->openpgp_n == b->openpgp_n &&
	    memcmp(a->openpgp, b->openpgp, a->openpgp_n) == 0 &&
	    memcmp(&a->signing_key, &b->signing_key, sizeof(a->signing_key)) ==
	    0 &&
	    strcmp(a->name, b->name) == 0 && a->has_courier == b->has_courier &&
	    memcmp(a->courier_hash, b->courier_hash, sizeof(a->courier_hash)) ==
	    0;
}

static bool
same(const struct kh_card *a, const struct kh_card *b)
{
	size_t i;

	if (a->n_recipients != b->n_recipients ||
	    a->n_languages != b->n_languages)
		return false;
	for (i = 0; i < a->n_languages; i++) {
		if (strcmp(a->languages[i], b->languages[i]) != 0)
			return false;
	}
	for (i = 0; i < a->n_recipients; i++) {
		if (memcmp(&a->recipients[i].to, &b->recipients[i].to,
			sizeof(a->recipients[i].to)) != 0 ||
		    !has_recipient(b, &a->recipients[i]))
			return false;
	}
	return true;
}

enum kh_card_change
kh_card_compare(
    const struct kh_card *used, const struct kh_card *offered, const char *day)
{
	struct kh_recipient r;
	int later;

	PRECOND(used != NULL && used->n_recipients > 0);
	PRECOND(offered != NULL && offered->n_recipients > 0);
	PRECOND(day != NULL && kh_day_valid(day));
	if (!same_newsroom(used, offered))
		return KH_CARD_OTHER;
	if (same(used, offered))
		return KH_CARD_SAME;
	if (kh_card_recipient_on(offered, day, &r) != KH_OK)
		return KH_CARD_ENDED;
	later = strcmp(kh_card_last_day(offered), kh_card_last_day(used));
	if (later > 0)
		return KH_CARD_RENEWS;
	/* As long: then only with more keys, or two could take turns. */
	if (later == 0 && has_all_of(offered, used, day) &&
	    !has_all_of(used, offered, day))
		return KH_CARD_RENEWS;
	return KH_CARD_OLDER;
}
