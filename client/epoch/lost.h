/*
 * What would be unreadable without a key: looked up, and shown, before it is
 * destroyed.
 */
#ifndef KNOTHOLE_CLIENT_EPOCH_LOST_H
#define KNOTHOLE_CLIENT_EPOCH_LOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/desk/vault.h"
#include "knothole/age.h"

struct kh_lost {
	const struct kh_keyring *in; /* the keys that are to go */
	const struct kh_keyring *out; /* those that stay */
	size_t n; /* objects that only the first open */
	size_t in_vault; /* of these */
	size_t bridged; /* of these: sealed to an OpenPGP key as well */
	bool bridge; /* the object at hand is */
};

/* To be put on the keys that stay: notes that there is a bridge (ctx: a struct
 * kh_lost), and opens none. */
enum kh_err kh_lost_bridge(void *ctx, const char *fpr, const uint8_t *msg,
    size_t n, struct kh_identity *out);

/*
 * Look at an object named on the command line, and print a line if it would be
 * lost. What is no object is said. Returns the exit status.
 */
int kh_lost_file(struct kh_lost *l, const char *path);

/* Look at every object of a vault, and print a line for each source that has
 * some that would be lost. Says what is wrong; returns the exit status. */
int kh_lost_vault(struct kh_lost *l, const struct kh_vault *v);

#endif
