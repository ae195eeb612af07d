/*
 * May a card be renewed with this identity? Separate from renewing, which
 * changes files.
 */
#include <string.h>

#include "client/card/card.h"
#include "client/exit.h"
#include "lib/base/precond.h"

/* What was burnt before its time can only go with all others: without it there
 * would be days for which there is no key. */
int
kh_card_renew_check(
    const struct kh_idfile *f, const struct kh_card *card, bool all_new)
{
	const struct kh_epoch_key *k;
	char today[KH_DAY_LEN + 1];
	size_t i;

	PRECOND(f != NULL && card != NULL);
	(void)kh_card_today(today);
	for (i = 0; i < card->n_recipients; i++) {
		if (strcmp(card->recipients[i].last, today) < 0)
			continue;
		k = kh_epochs_find(&f->epochs, true, &card->recipients[i].to);
		if (k == NULL) {
			kh_say(f->path,
			    "lacks a key that is on the card: it is an older "
			    "copy; give the one that was renewed last");
			return KH_EXIT_NOKEY;
		}
		if (k->burnt[0] != '\0' && !all_new) {
			kh_say(f->path,
			    "the key of %s, which is on the card, was burnt: "
			    "--all-new puts new ones in the place of all",
			    k->epoch.label);
			return KH_EXIT_NOKEY;
		}
	}
	return KH_EXIT_OK;
}
