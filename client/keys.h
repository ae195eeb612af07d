/*
 * The keys that a command opens with: -i and --passphrase-fd made into a
 * keyring, asking for passphrases where needed.
 */
#ifndef KNOTHOLE_CLIENT_KEYS_H
#define KNOTHOLE_CLIENT_KEYS_H

#include <stdbool.h>

#include "client/args.h"
#include "client/identity.h"
#include "client/passphrase.h"
#include "knothole/age.h"

/*
 * Read all identity files of `args`. One under a passphrase takes it from
 * args->fd, or asks on the terminal. Without any -i, the passphrase itself
 * becomes the key (for an object sealed under one). `args` must live as long as
 * the keyring: it says which bridges to open (client/bridge.h).
 *	*kr	receives the keyring, NULL on error; the caller frees it
 * Says what is wrong and returns the exit status.
 */
int kh_keys_open(const struct kh_args_keys *args, struct kh_keyring **kr);

/*
 * Read one identity file with all that a newsroom needs.
 *	fd	of the passphrase, or -1 to ask
 *	*kr	as above
 *	room	locked memory
 */
int kh_keys_newsroom(
    const char *path, int fd, struct kh_keyring **kr, struct kh_newsroom *room);

/* The same; `pass` receives the passphrase, if there is one, for other files
 * under it. The caller frees it, also after an error. */
int kh_keys_newsroom_with(const char *path, int fd, struct kh_passphrase *pass,
    struct kh_keyring **kr, struct kh_newsroom *room);

/* Read a passphrase from `fd`. Says what is wrong; returns the status. */
int kh_keys_passphrase(int fd, struct kh_passphrase *out);

/*
 * The passphrase for the identity file `path`: from `fd`, once, or asked for on
 * the terminal, each time.
 *	have	receives it; what is there already when it came from `fd` stays
 * Says what is wrong; returns the status.
 */
int kh_keys_passphrase_for(
    const char *path, int fd, struct kh_passphrase *have);

/* Is this sealed to keys, and not under a passphrase? Armor does not tell. */
bool kh_keys_sealed_to_keys(const char *text, size_t n);

/* Warn, once, when memory cannot be locked here. */
void kh_keys_probe(void);

#endif
