/*
 * OpenPGP packets (RFC 9580, section 4): their lengths and tags, and of a few
 * the first bytes. What a signature is worth is for gpg to say.
 */
#ifndef KNOTHOLE_OPENPGP_PACKETS_H
#define KNOTHOLE_OPENPGP_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

#define KH_PGP_KEY_ID_LEN 8

enum kh_pgp_tag {
	KH_PGP_PKESK = 1, /* session key, encrypted to a public key */
	KH_PGP_SIGNATURE = 2,
	KH_PGP_SECRET_KEY = 5,
	KH_PGP_PUBLIC_KEY = 6,
	KH_PGP_SECRET_SUBKEY = 7,
	KH_PGP_USER_ID = 13,
	KH_PGP_PUBLIC_SUBKEY = 14,
	KH_PGP_USER_ATTRIBUTE = 17,
	KH_PGP_SEIPD = 18, /* encrypted and integrity-protected data */
	KH_PGP_AEAD = 20 /* the same, as gpg 2.3 can write it */
};

struct kh_pgp_packet {
	unsigned tag;
	const uint8_t *body;
	size_t n;
	bool partial; /* body is the first piece only */
};

/*
 * Take a packet from the front. With a partial length (section 4.2.1.4) all
 * pieces are passed over.
 * Errors: KH_EFORMAT, also for old packets of indeterminate length.
 */
KH_CHECKED enum kh_err kh_pgp_next(
    const uint8_t **p, size_t *n, struct kh_pgp_packet *out);

/* What the packets of a key say. */
struct kh_pgp_scan {
	bool secret;
	bool several;
	bool version; /* all keys in it are of version 4 */
	bool weak_digest; /* some signature is over SHA-1 or MD5 */
	const uint8_t *primary; /* body of the primary key's packet */
	size_t primary_n;
};

/* KH_EFORMAT unless it is a key: a primary key's packet and packets that may
 * follow one (section 10.1). */
KH_CHECKED enum kh_err kh_pgp_scan(
    const uint8_t *key, size_t n, struct kh_pgp_scan *out);

/* Is this a message to that key and no other: PKESK, then encrypted data, then
 * nothing (section 10.3)? */
bool kh_pgp_message_to(
    const uint8_t *p, size_t n, const uint8_t id[static KH_PGP_KEY_ID_LEN]);

#endif
