/*
 * Looking at what is on a stick: which objects, which replies, and what must
 * not be there.
 */
#ifndef KNOTHOLE_COURIER_LOOK_H
#define KNOTHOLE_COURIER_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "client/courier/list.h"
#include "client/courier/stick.h"

/*
 * Compare the list with objects/: sets `have` and `part` of each object. A file
 * of another size than the list says is not had, and said. What is not a
 * regular file is said, and left alone (its object counts as had).
 *	tidy	remove parts of objects that the list does not have, and what
 *		is in the place of a part without being a file
 *	odd	receives how many things are there that must not be
 * Errors: KH_ESYS.
 */
KH_CHECKED enum kh_err kh_look_objects(
    const struct kh_stick *s, struct kh_list *l, bool tidy, size_t *odd);

/* Names of replies, "<64 hex>.age", sorted. Zeroed: none. */
struct kh_replies {
	char (*name)[KH_AGE_NAME_LEN];
	size_t n, room;
	size_t odd; /* things that are there and are none, and were said */
};

/* The replies of a stick; none when there is no such directory. Names that
 * begin with a dot are passed over. Errors: KH_ENOMEM, KH_ESYS. */
KH_CHECKED enum kh_err kh_look_replies(
    const struct kh_stick *s, struct kh_replies *r);

/* Free; there are none then. */
void kh_replies_clear(struct kh_replies *r);

/* Ids of collected.txt, KH_ID_LEN digits and LF each, as they are there. */
struct kh_collected {
	char *text; /* or NULL */
	size_t n; /* ids */
};

/* Read it; none when there is no file. Errors: KH_EFORMAT not sorted lines of
 * 32 hex digits, or not a file; KH_ELIMIT, KH_ENOMEM, KH_ESYS. */
KH_CHECKED enum kh_err kh_look_collected(
    const struct kh_stick *s, struct kh_collected *c);

/* The form of it: `n` bytes are lines of ids that ascend. */
bool kh_collected_valid(const char *text, size_t n);

#endif
