/*
 * A newsroom's keys, made: what keygen and a renewed card have in common.
 */
#ifndef KNOTHOLE_CLIENT_NEWKEYS_H
#define KNOTHOLE_CLIENT_NEWKEYS_H

#include "client/identity.h"
#include "knothole/card.h"
#include "knothole/err.h"

/*
 * Make a signing key and identities, and put their public halves on the card.
 *	k	locked memory; all of it is set
 *	card	receives signing key and recipients
 *
 * One recipient for `days` from today on; or one for the rest of this calendar
 * month and each of the months behind it, `epochs` together. The first of them
 * is valid since yesterday: somewhere it is still that day.
 * Errors: KH_ELIMIT the clock is near the end of days.
 */
KH_CHECKED enum kh_err kh_newkeys_days(
    struct kh_newsroom_keys *k, struct kh_card *card, unsigned days);
KH_CHECKED enum kh_err kh_newkeys_epochs(
    struct kh_newsroom_keys *k, struct kh_card *card, unsigned epochs);

/* Yesterday (UTC), by this machine's clock. */
KH_CHECKED enum kh_err kh_newkeys_yesterday(char out[static KH_DAY_LEN + 1]);

/*
 * The first epoch of keys that are made today: from yesterday to the end of
 * this month, labelled with it.
 * Errors: KH_ELIMIT as above.
 */
KH_CHECKED enum kh_err kh_newkeys_first(struct kh_epoch *out);

/* The epoch after `e`: the next month. Errors: KH_ELIMIT as above. */
KH_CHECKED enum kh_err kh_newkeys_next(
    const struct kh_epoch *e, struct kh_epoch *out);

#endif
