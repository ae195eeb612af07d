/*
 * Inside a keyring: for the code that tries its keys on stanzas.
 */
#ifndef KNOTHOLE_AGE_KEYRING_H
#define KNOTHOLE_AGE_KEYRING_H

#include "knothole/age.h"

/* An identity and its public half, which every X25519 unwrap needs. */
struct kh_key_pair {
	struct kh_identity id;
	struct kh_recipient pub;
};

/* All of it in one piece of kh_secret_alloc memory. */
struct kh_keyring {
	size_t n;
	size_t passphrase_len; /* 0: none */
	struct kh_key_pair pairs[KH_IDENTITIES_MAX];
	char passphrase[KH_PASSPHRASE_MAX];
	struct kh_bridge_opener bridge; /* .open NULL: none */
};

#endif
