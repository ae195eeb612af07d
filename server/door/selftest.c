/*
 * The door's test of itself: can something be sealed to every newsroom, now?
 * Public keys are all that it takes; the store tests the rest.
 */
#include <string.h>

#include "knothole/age.h"
#include "server/door/door.h"

static enum kh_err
count(void *ctx, const uint8_t *p, size_t n)
{
	(void)p;
	*(size_t *)ctx += n;
	return KH_OK;
}

static bool
seals_to(const struct kh_recipient *r)
{
	static const uint8_t word[] = "canary";
	const struct kh_seal_to to = {.recipients = r, .n = 1};
	size_t n = 0;
	struct kh_sealer *s = NULL;
	enum kh_err e;

	e = kh_sealer_new(&s, &to, (struct kh_sink){count, &n});
	if (e == KH_OK)
		e = kh_sealer_write(s, word, sizeof(word));
	if (e == KH_OK)
		e = kh_sealer_finish(s);
	kh_sealer_free(s);
	return e == KH_OK && n > sizeof(word);
}

void
kh_door_test(const struct kh_site *site, int64_t now, struct kh_msg_report *out)
{
	const struct kh_card *card;
	char day[KH_DAY_LEN + 1];
	struct kh_recipient r;
	uint32_t i, weeks, epochs;

	memset(out, 0, sizeof(*out));
	out->weeks = KH_WEEKS_MAX;
	out->epochs = KH_CARD_RECIPIENTS_MAX;
	kh_day_of(now < 0 ? 0 : now, day);
	for (i = 0; i < site->conf.n_outlets; i++) {
		card = &site->outlets[i].card;
		weeks = kh_card_days_left(card, day, 7 * KH_WEEKS_MAX) / 7;
		if (weeks < out->weeks)
			out->weeks = weeks;
		epochs = kh_card_epochs_left(card, day);
		if (epochs < out->epochs)
			out->epochs = epochs;
		if (kh_card_recipient_on(card, day, &r) != KH_OK)
			out->fault = KH_FAULT_CARDS;
		else if (!seals_to(&r) && out->fault == KH_FAULT_NONE)
			out->fault = KH_FAULT_SEALING;
	}
}
