/*
 * The route that takes a renewed card. Separate from the other deliveries:
 * this is the first process that reads a card from the network, and it is
 * confined; whoever uses the card later reads and judges it again.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "knothole/card.h"
#include "server/courier/errand.h"

static enum kh_err
answer(struct kh_errand *x, bool stored)
{
	static const char yes[] = "{\"stored\":true}",
			  no[] = "{\"stored\":false}";

	return stored ? kh_errand_json(x, 201, "", yes, sizeof(yes) - 1)
		      : kh_errand_json(x, 200, "", no, sizeof(no) - 1);
}

static enum kh_err
hand_over(struct kh_errand *x, const uint8_t *body, size_t n)
{
	struct kh_msg m = {.type = KH_MSG_CARD};
	enum kh_verdict v = KH_VERDICT_FAILED;
	int with, fd = -1;

	m.u.card.newsroom = x->newsroom;
	m.u.card.length = (uint32_t)n;
	with = kh_errand_seal(body, n);
	if (with >= 0 && kh_errand_ask(x, &m, with, &fd) == KH_OK &&
	    m.type == KH_MSG_CARD_STORED)
		v = (enum kh_verdict)m.u.verdict.verdict;
	if (with >= 0)
		close(with);
	if (fd >= 0)
		close(fd);
	if (v == KH_VERDICT_YES)
		return answer(x, true);
	if (v == KH_VERDICT_TAKEN)
		return kh_errand_refuse(x, 409, "older");
	if (v == KH_VERDICT_NONE)
		return kh_errand_refuse(x, 403, "approval");
	return kh_errand_error(x, v == KH_VERDICT_FULL ? 507 : 500, "");
}

static enum kh_err
judge(struct kh_errand *x, const struct kh_card *card, const uint8_t *body,
    size_t n)
{
	char day[KH_DAY_LEN + 1];

	kh_day_today(day);
	switch (kh_card_compare(&x->outlets[x->newsroom].card, card, day)) {
	case KH_CARD_SAME:
		return answer(x, false);
	case KH_CARD_RENEWS:
		return hand_over(x, body, n);
	case KH_CARD_OLDER:
		return kh_errand_refuse(x, 409, "older");
	case KH_CARD_ENDED:
		return kh_errand_refuse(x, 409, "expired");
	case KH_CARD_OTHER:
		break;
	}
	return kh_errand_refuse(x, 403, "approval");
}

static enum kh_err
take(struct kh_errand *x, const uint8_t *body, size_t n)
{
	struct kh_card *card = malloc(sizeof(*card));
	unsigned line;
	enum kh_err e;

	if (card == NULL)
		return kh_errand_error(x, 500, "");
	e = kh_card_read((const char *)body, n, card, &line);
	if (e == KH_OK)
		e = judge(x, card, body, n);
	else
		e = kh_errand_error(x, e == KH_ENOMEM ? 500 : 400, "");
	free(card);
	return e;
}

/* Is it the newsroom's whose token came? Another one's is 403, none 404. */
static unsigned
whose(const struct kh_errand *x, const char *id)
{
	uint32_t i;

	if (strcmp(x->outlets[x->newsroom].id, id) == 0)
		return 0;
	for (i = 0; i < x->tokens->n; i++) {
		if (strcmp(x->outlets[i].id, id) == 0)
			return 403;
	}
	return 404;
}

enum kh_err
kh_errand_card(struct kh_errand *x, const struct kh_courier_route *to)
{
	unsigned status = whose(x, to->card);
	enum kh_err e;
	uint8_t *body;

	if (status != 0)
		return kh_errand_error(x, status, "");
	if (x->head.length > KH_CARD_MAX)
		return kh_errand_error(x, 413, "");
	if (x->head.length == 0)
		return kh_errand_error(x, 400, "");
	body = malloc(KH_CARD_MAX);
	if (body == NULL)
		return kh_errand_error(x, 500, "");
	e = kh_errand_body(x, body);
	if (e == KH_OK)
		e = take(x, body, (size_t)x->head.length);
	free(body);
	return e;
}
