/*
 * Giving a sealed object to more recipients without touching its payload: the
 * file key is wrapped once more, and the header's MAC made anew (C2SP age,
 * "Header MAC"). Nonce and payload stay the same bytes.
 */
#ifndef KNOTHOLE_REWRAP_H
#define KNOTHOLE_REWRAP_H

#include "knothole/age.h"
#include "knothole/err.h"
#include "knothole/io.h"

/*
 * Write `src` to `sink`, with a stanza for each of `add`, and two for each
 * bridge, behind those that it has, which stay as they are; our check stanza is
 * made anew and last.
 *	kr	opens it
 *	src	a whole sealed object, binary; at most KH_OBJECT_LEN_MAX. Its
 *		payload is copied, not authenticated: kh_age_reader_verify does
 *	add	at least one recipient, and with the bridges at most
 *		KH_RECIPIENTS_MAX; no passphrase, no armor. Nobody sees whether
 *		somebody has a stanza already, who then gets another
 * Errors: KH_ENOKEY; KH_EFORMAT, KH_EAUTH, KH_ETRUNC; KH_EUNSUP it is under a
 * passphrase, beside which nothing may stand; KH_EKEY a recipient of low order;
 * KH_ELIMIT the header, or the object, would be longer than ours may be;
 * KH_ENOMEM; whatever source and sink return.
 */
KH_CHECKED enum kh_err kh_age_rewrap_to(const struct kh_keyring *kr,
    struct kh_source src, const struct kh_seal_to *add, struct kh_sink sink);

/* The same for `n` recipients, 1 to KH_RECIPIENTS_MAX, and no bridge. */
KH_CHECKED enum kh_err kh_age_rewrap(const struct kh_keyring *kr,
    struct kh_source src, const struct kh_recipient *add, size_t n,
    struct kh_sink sink);

#endif
