/*
 * Making keys. Separate from the commands that do it, because this decides
 * from when to when a key is used.
 */
#include <string.h>

#include "client/newkeys.h"
#include "lib/base/precond.h"

enum kh_err
kh_newkeys_yesterday(char out[static KH_DAY_LEN + 1])
{
	char today[KH_DAY_LEN + 1];

	kh_day_today(today);
	return kh_day_add(today, -1, out);
}

static void
add_recipient(struct kh_card *card, const struct kh_identity *id,
    const struct kh_epoch *period)
{
	struct kh_card_recipient *r;

	PRECOND(card->n_recipients < KH_CARD_RECIPIENTS_MAX);
	r = &card->recipients[card->n_recipients++];
	kh_identity_recipient(id, &r->to);
	memcpy(r->first, period->first, sizeof(r->first));
	memcpy(r->last, period->last, sizeof(r->last));
}

static void
begin(struct kh_newsroom_keys *k, struct kh_card *card)
{
	memset(k, 0, sizeof(*k));
	kh_sign_generate(&k->signing);
	kh_sign_public(&k->signing, &card->signing_key);
	card->n_recipients = 0;
}

enum kh_err
kh_newkeys_days(struct kh_newsroom_keys *k, struct kh_card *card, unsigned days)
{
	struct kh_epoch period;
	char today[KH_DAY_LEN + 1];
	enum kh_err e;

	PRECOND(k != NULL && card != NULL && days > 0);
	begin(k, card);
	kh_day_today(today);
	e = kh_newkeys_yesterday(period.first);
	if (e == KH_OK)
		e = kh_day_add(today, (int)days, period.last);
	if (e != KH_OK)
		return e;
	kh_identity_generate(&k->identity);
	add_recipient(card, &k->identity, &period);
	return KH_OK;
}

enum kh_err
kh_newkeys_first(struct kh_epoch *out)
{
	char today[KH_DAY_LEN + 1];

	kh_day_today(today);
	kh_epoch_from(today, out);
	return kh_newkeys_yesterday(out->first);
}

enum kh_err
kh_newkeys_next(const struct kh_epoch *e, struct kh_epoch *out)
{
	char first[KH_DAY_LEN + 1];
	enum kh_err err;

	err = kh_day_add(e->last, 1, first);
	if (err == KH_OK)
		kh_epoch_from(first, out);
	return err;
}

enum kh_err
kh_newkeys_epochs(
    struct kh_newsroom_keys *k, struct kh_card *card, unsigned epochs)
{
	struct kh_epoch *epoch = k->epochs;
	enum kh_err e = KH_OK;
	unsigned i;

	PRECOND(k != NULL && card != NULL);
	PRECOND(epochs > 0 && epochs <= KH_CARD_RECIPIENTS_MAX);
	begin(k, card);
	for (i = 0; i < epochs && e == KH_OK; i++) {
		e = i == 0 ? kh_newkeys_first(&epoch[0])
			   : kh_newkeys_next(&epoch[i - 1], &epoch[i]);
		if (e != KH_OK)
			break;
		kh_identity_generate(&k->of_epoch[i]);
		add_recipient(card, &k->of_epoch[i], &epoch[i]);
	}
	k->n_epochs = i;
	return e;
}
