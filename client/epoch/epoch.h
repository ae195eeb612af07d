/*
 * knothole epoch: one file for each of its commands, and what they share.
 */
#ifndef KNOTHOLE_CLIENT_EPOCH_H
#define KNOTHOLE_CLIENT_EPOCH_H

#include <stdbool.h>

#include "client/args.h"
#include "client/idfile.h"

/* What each of them takes. */
struct kh_epoch_args {
	struct kh_args_keys keys; /* -i, --passphrase-fd */
	bool json, yes, force, help;
};

/*
 * Read a command line; its arguments begin at optind then. --vault is taken
 * over. Prints `help` if that was asked for. Says what is wrong and returns the
 * exit status.
 */
int kh_epoch_args(
    struct kh_epoch_args *a, int argc, char **argv, const char *help);

/* Where in time an epoch is, seen from a day. */
enum kh_epoch_state {
	KH_EPOCH_PAST,
	KH_EPOCH_CURRENT,
	KH_EPOCH_FUTURE,
	KH_EPOCH_BURNT,
	KH_EPOCH_NONE /* a key without an epoch */
};
enum kh_epoch_state kh_epoch_state(
    const struct kh_epoch_key *k, const char *day);

int kh_epoch_list(int argc, char **argv);
int kh_epoch_burn(int argc, char **argv);

#endif
