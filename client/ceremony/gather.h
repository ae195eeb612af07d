/*
 * Shares brought together: from files, from standard input, or typed.
 */
#ifndef KNOTHOLE_CLIENT_CEREMONY_GATHER_H
#define KNOTHOLE_CLIENT_CEREMONY_GATHER_H

#include <stddef.h>

#include "knothole/share.h"

/* Secret: kh_secret_alloc. */
struct kh_gather {
	size_t n;
	struct kh_share share[KH_SHARES_MAX];
	struct kh_share read[KH_SHARES_MAX]; /* of one text */
	struct kh_identity key; /* once they are joined */
};

/* Empty. NULL when there is no memory. */
struct kh_gather *kh_gather_new(void);

/* Those of a file, "-" for standard input. A share of another set, and one that
 * is there already, are refused. Says what is wrong; returns the exit
 * status. */
int kh_gather_file(struct kh_gather *g, const char *path);

/* Ask for them on the terminal, row by row, until there are enough. What is
 * mistyped is asked for again. The same. */
int kh_gather_ask(struct kh_gather *g);

/* Join them into g->key. The same. */
int kh_gather_join(struct kh_gather *g);

#endif
