/*
 * A table from keys of 16 bytes to numbers, for the index: ids, mailboxes and
 * beginnings of objects, all chosen by others, so it hashes with a secret.
 */
#ifndef KNOTHOLE_CLIENT_DESK_TABLE_H
#define KNOTHOLE_CLIENT_DESK_TABLE_H

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"

#define KH_TABLE_KEY_LEN 16
#define KH_TABLE_NONE SIZE_MAX

struct kh_table_slot {
	uint8_t key[KH_TABLE_KEY_LEN];
	size_t value; /* KH_TABLE_NONE: empty */
};

/* All zero is an empty table. */
struct kh_table {
	struct kh_table_slot *slots; /* locked memory */
	size_t cap; /* a power of two, or 0 */
	size_t n;
	uint8_t secret[crypto_shorthash_KEYBYTES];
};

/* The value of a key, or KH_TABLE_NONE. */
size_t kh_table_get(
    const struct kh_table *t, const uint8_t key[static KH_TABLE_KEY_LEN]);

/* Put a key that is not in it. Errors: KH_EEXIST it is, and keeps its value;
 * KH_ENOMEM. */
KH_CHECKED enum kh_err kh_table_put(struct kh_table *t,
    const uint8_t key[static KH_TABLE_KEY_LEN], size_t value);

/* Wipe and free what it holds; empty again. */
void kh_table_clear(struct kh_table *t);

#endif
