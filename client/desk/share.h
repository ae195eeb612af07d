/*
 * Giving objects to another newsroom: which, to whom, and where the new files
 * go.
 */
#ifndef KNOTHOLE_CLIENT_DESK_SHARE_H
#define KNOTHOLE_CLIENT_DESK_SHARE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/card/card.h"
#include "knothole/age.h"
#include "knothole/code.h"

/* One object on its way. */
struct kh_share_job {
	char from[PATH_MAX]; /* the sealed object */
	char name[NAME_MAX + 1]; /* of the new file, in its directory */
};

struct kh_share_out {
	const struct kh_keyring *kr;
	const char *card; /* whom with: its path, for messages */
	const struct kh_recipient *to;
	const struct kh_card_gpg *gpg; /* and its OpenPGP key, if it has one */
	const char *dir; /* where the new files go, for messages */
	int dir_fd;
};

/*
 * May this be shared: does it open, to its last byte, and is its new name free?
 * Says what is wrong; returns the exit status.
 */
int kh_share_check(
    const struct kh_share_out *out, const struct kh_share_job *job);

/* Write the new file. The same. */
int kh_share_write(
    const struct kh_share_out *out, const struct kh_share_job *job);

#endif
