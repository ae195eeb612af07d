/*
 * Newsroom cards: the public half of a newsroom, one text file that the
 * administrator drops into the server's `newsrooms` directory (FORMAT.md,
 * "Newsroom card"):
 *
 *	knothole-card = 1
 *	name = The Example Times
 *	language = en			repeatable
 *	signing_key = RW...		minisign public key, 56 characters
 *	recipient = age1... 2026-11-21 2028-11-21	repeatable: first, last day
 *	courier_token_hash = <64 hex>	optional: who may collect from the server
 *	openpgp = <base64>		optional: an OpenPGP public key of theirs
 *	untrusted comment: ...		four lines: a minisign signature over
 *	...				all bytes above, by signing_key
 *
 * The signature rides inside, so that a card cannot be parted from it;
 * FILE.card.minisig beside it is the same key's signature over the whole file
 * for stock `minisign -V -m FILE.card -P RW...`.
 */
#ifndef KNOTHOLE_CARD_H
#define KNOTHOLE_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/age.h"
#include "knothole/code.h"
#include "knothole/day.h"
#include "knothole/err.h"
#include "knothole/limits.h"
#include "knothole/minisign.h"

struct kh_card_recipient {
	struct kh_recipient to;
	char first[KH_DAY_LEN + 1]; /* first and last valid day, YYYY-MM-DD */
	char last[KH_DAY_LEN + 1];
};

/* Plain data, no pointers: it can be copied and sent to another process. */
struct kh_card {
	char name[KH_CARD_NAME_MAX + 1]; /* UTF-8, safe to show, not escaped */
	char languages[KH_CARD_LANGUAGES_MAX][KH_LANGUAGE_MAX + 1];
	size_t n_languages;
	struct kh_sign_public signing_key;
	struct kh_card_recipient recipients[KH_CARD_RECIPIENTS_MAX];
	size_t n_recipients;
	bool has_courier; /* without it nobody may collect for this newsroom */
	uint8_t courier_hash[KH_COURIER_HASH_LEN]; /* zeroed without */
	size_t openpgp_n; /* bytes of the key, 0: it has none */
	uint8_t openpgp[KH_OPENPGP_KEY_MAX]; /* binary; zeroed behind it */
};

/*
 * Read and verify a whole card. Strict: the lines have the order shown above,
 * "key = value" with one blank on either side, LF at the end; one language and
 * one recipient at least, none twice. Unknown, missing or repeated keys are
 * errors; so is anything after the signature. Of an OpenPGP key the packets are
 * looked at (kh_openpgp_packets): whether it is any good today is for
 * kh_openpgp_examine to say.
 *	line	receives the line of the error (1-based), 0 if none applies
 * Errors: KH_EFORMAT, KH_EKEY, KH_EAUTH, KH_ELIMIT, KH_EUNSUP (version).
 */
KH_CHECKED enum kh_err kh_card_read(
    const char *text, size_t n, struct kh_card *out, unsigned *line);

/*
 * Write and sign. signing_key is taken from `sk`.
 *	text	receives a NUL-terminated text that the caller frees with free
 * Errors: KH_ENOMEM; KH_ENAME for a name that is not safe to show; KH_EKEY for
 * a recipient of low order; KH_EFORMAT for anything else that kh_card_read
 * would refuse. *text is NULL on error.
 */
KH_CHECKED enum kh_err kh_card_write(const struct kh_card *c,
    const struct kh_sign_secret *sk, char **text, size_t *n);

/*
 * The recipient valid on `day` (YYYY-MM-DD, so that string order is time
 * order); of several the one that ends first.
 * Errors: KH_EEXPIRED when there is none.
 */
KH_CHECKED enum kh_err kh_card_recipient_on(
    const struct kh_card *c, const char *day, struct kh_recipient *out);

/*
 * For how many days from `day` on there is a recipient on every one of them;
 * at most `max`.
 */
unsigned kh_card_days_left(
    const struct kh_card *c, const char *day, unsigned max);

/* The day on which its last recipient ends; in the card. The card is one that
 * was read: there is a recipient. */
const char *kh_card_last_day(const struct kh_card *c);

/* How many recipients have not ended on `day`: of a card with epochs, how many
 * of these are left, the present one included. */
unsigned kh_card_epochs_left(const struct kh_card *c, const char *day);

/* What one card is to another one that is in use. */
enum kh_card_change {
	KH_CARD_SAME, /* it says the same */
	KH_CARD_RENEWS, /* it may take its place without anybody's approval */
	KH_CARD_OLDER, /* or as old: it would take keys away */
	KH_CARD_ENDED, /* no key on it is valid on that day */
	KH_CARD_OTHER /* another signing key, name, courier's token or OpenPGP key */
};

/*
 * May `offered` replace `used` on `day`? It renews it when the newsroom is the
** same (signing key, name, courier's token, OpenPGP key: a change of one of
 * these is for people to look at) and either its last recipient ends
 * later, or at the same time and it has every recipient of `used` that has not
 * ended, and more. This is an order: what was replaced once never comes back.
 * Both cards have been verified by kh_card_read.
 */
enum kh_card_change kh_card_compare(
    const struct kh_card *used, const struct kh_card *offered, const char *day);

/*
 * The hash of a courier's token as cards carry it: BLAKE2b-256, without a key,
 * of the token's KH_COURIER_TOKEN_LEN characters.
 *	text	`n` bytes; no NUL needed
 *	out	zeroed on error
 * Errors: KH_EFORMAT when it is not a token: 32 bytes in base64url (RFC 4648,
 * section 5) without padding, in the one spelling that they have.
 */
KH_CHECKED enum kh_err kh_courier_token_hash(
    const char *text, size_t n, uint8_t out[static KH_COURIER_HASH_LEN]);

/* The fingerprint people compare: words over signing key, recipients and, if
 * there is one, the OpenPGP key. */
void kh_card_fingerprint(
    const struct kh_card *c, char out[static KH_CODE_WORDS_TEXT_LEN]);

/*
 * A file stem for a newsroom's name: "The Example Times" gives
 * "the-example-times". What is left of a name without ASCII letters is
 * "newsroom-" and 8 hex digits of its hash.
 */
void kh_card_id(const char *name, char out[static KH_CARD_ID_MAX + 1]);

/* Is it such a stem? [a-z0-9-]{1,64}, no dash at either end. */
int kh_card_id_valid(const char *id, size_t n);

#endif
