/*
 * knothole card: one file for each of its commands, and what they share.
 */
#ifndef KNOTHOLE_CLIENT_CARD_H
#define KNOTHOLE_CLIENT_CARD_H

#include <stdbool.h>

#include "client/args.h"
#include "client/desk/airgap.h"
#include "client/idfile.h"
#include "knothole/card.h"
#include "knothole/openpgp.h"

/* What each of them takes; a command line like the desk's. */
struct kh_card_args {
	struct kh_args_keys keys; /* -i, --passphrase-fd */
	bool json, help;
	int n; /* arguments */
	char **arg;
};

/*
 * Read a command line of `min` to `max` arguments. Prints `help` if that was
 * asked for. Says what is wrong and returns the exit status.
 */
int kh_card_args(struct kh_card_args *a, int argc, char **argv,
    const char *help, const int n[2]);

/*
 * A card from a file; its signature was checked.
 *	text	its bytes, which the caller frees with kh_secret_free; or NULL
 * Says what is wrong and returns the exit status.
 */
struct kh_card_text {
	char *p;
	size_t n;
};
int kh_card_load(
    const char *path, struct kh_card *card, struct kh_card_text *text);

/*
 * Examine the OpenPGP key of a card, which has one.
 * KH_EUNSUP: there is no gpg here. Errors as kh_openpgp_examine.
 */
KH_CHECKED enum kh_err kh_card_examine(
    const struct kh_card *card, struct kh_openpgp_key *key);

/*
 * Somebody's OpenPGP key on a card, to make bridges to it: at place 0 of the
 * directory of `gpg`.
 */
struct kh_card_gpg {
	struct kh_openpgp *gpg; /* NULL: the card has none */
	struct kh_openpgp_key who;
};

/*
 * Make ready for the OpenPGP key of `card`, if it has one: it is examined, and
 * put where gpg finds it. Says what is wrong and returns the exit status:
 * KH_EXIT_CONFIG the key may not be used, KH_EXIT_UNREACHED there is no gpg.
 */
int kh_card_gpg_open(
    struct kh_card_gpg *g, const char *path, const struct kh_card *card);

/* A bridge for one object. The same. */
int kh_card_gpg_bridge(
    const struct kh_card_gpg *g, const char *path, struct kh_bridge *out);

void kh_card_gpg_close(struct kh_card_gpg *g); /* may be zeroed, or closed */

/*
 * A new courier's token: into `path`, in place of an old one, and its hash onto
 * the card. Says what is wrong and returns the exit status.
 */
int kh_card_token(struct kh_card *card, const char *path);

/* "YYYY-MM-DD" of seconds since 1970. */
const char *kh_card_day(int64_t t, char out[static KH_DAY_LEN + 1]);

/* Today, UTC. */
const char *kh_card_today(char out[static KH_DAY_LEN + 1]);

/* What an OpenPGP key is not taken for, or that it ends soon. Returns the exit
 * status: KH_EXIT_OK, KH_EXIT_CONFIG. */
int kh_card_judge(const char *subject, const struct kh_openpgp_key *key);

/* Sign a card with the key that it names, and put it into the place of `path`,
 * and its signature into that of `path`.minisig. Says what is wrong and returns
 * the exit status. */
int kh_card_sign(const char *path, const struct kh_card *card,
    const struct kh_sign_secret *sk);

/*
 * Has the identity all keys that the card will keep when it is renewed, or none
 * of them is to be kept? Says what is wrong and returns the exit status.
 */
int kh_card_renew_check(
    const struct kh_idfile *f, const struct kh_card *card, bool all_new);

int kh_card_show(int argc, char **argv);
int kh_card_verify(int argc, char **argv);
int kh_card_add_openpgp(int argc, char **argv);
int kh_card_renew(int argc, char **argv);

/* Which air gap this command line of `knothole card` needs. */
enum kh_airgap kh_card_airgap(int argc, char **argv);

#endif
