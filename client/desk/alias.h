/*
 * How people name a source: two words that follow from its mailbox, always the
 * same ones, or the beginning of the mailbox in hex.
 */
#ifndef KNOTHOLE_CLIENT_DESK_ALIAS_H
#define KNOTHOLE_CLIENT_DESK_ALIAS_H

#include <stddef.h>
#include <stdint.h>

#include "client/desk/index.h"
#include "knothole/limits.h"

/*
 * "word word", NUL-terminated: digits of BLAKE2b-256("knothole alias v1" and
 * the mailbox) in the word list of return codes. It tells nothing of either.
 */
void kh_alias(const uint8_t mailbox[static KH_MAILBOX_LEN],
    char out[static KH_ALIAS_MAX + 1]);

/* What kh_alias_find found. */
enum kh_alias_match {
	KH_ALIAS_NONE,
	KH_ALIAS_ONE,
	KH_ALIAS_SEVERAL
};

/*
 * The thread that `name` means: an alias, its words parted by a blank or a
 * dash, in any case, or at least KH_THREAD_PREFIX_MIN hex digits that its
 * mailbox begins with.
 *	i	receives which; of several the first
 */
enum kh_alias_match kh_alias_find(
    const struct kh_index *ix, const char *name, size_t *i);

#endif
