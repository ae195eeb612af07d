/*
 * -i openpgp:FINGERPRINT: opening with an OpenPGP key, wherever the user's own
 * gpg has it.
 */
#ifndef KNOTHOLE_CLIENT_BRIDGE_H
#define KNOTHOLE_CLIENT_BRIDGE_H

#include <stdbool.h>

#include "client/args.h"
#include "knothole/age.h"

/* Is what was given to -i such a key, and no file? */
bool kh_bridge_is(const char *identity);

/* Is nothing else given to -i, but at least one of these? */
bool kh_bridge_only(const struct kh_args_keys *args);

/*
 * Have `kr` open bridges by all of these in `args`, which must live as long.
 * Says what is wrong and returns the exit status.
 */
int kh_bridge_use(struct kh_keyring *kr, const struct kh_args_keys *args);

/*
 * When no key was given at all: does this object have a bridge? Then -i
 * openpgp: is added to `args`, for any key that gpg has. `path` may be NULL or
 * "-", which nothing is read from.
 */
void kh_bridge_default(struct kh_args_keys *args, const char *path);

#endif
