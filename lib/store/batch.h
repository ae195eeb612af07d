/*
 * The files that a settle rewrites: those that are new, with older ones among
 * them, in random order.
 */
#ifndef KNOTHOLE_LIB_STORE_BATCH_H
#define KNOTHOLE_LIB_STORE_BATCH_H

#include <time.h>

#include "lib/store/dir.h"

/* An empty file in the store's root. Its ctime is when a settle last ended that
 * left nothing behind; it is there for the next start to know what is new. It
 * says no more than the ctimes of what was settled then. */
#define KH_SETTLED "settled"

/* One directory of the store, seen by a settle. */
struct kh_batch_of {
	int at;
	bool (*is)(const char *name); /* of a file of ours */
	size_t name_len;
	bool marked;
	struct timespec mark; /* what changed before it is settled */
};

struct kh_batch_file {
	char name[KH_SLOT_NAME_LEN + 1]; /* the longer of the two kinds */
	uint64_t size;
	bool fresh;
};

struct kh_batch {
	struct kh_batch_file *file;
	size_t n;
};

/* Objects, or replies, with the mark as it is now. */
void kh_batch_of(
    struct kh_batch_of *of, const struct kh_store *st, bool replies);

/* Is there anything new? Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_batch_due(const struct kh_batch_of *of, bool *due);

/*
 * What a settle would rewrite: empty when nothing is new. Its memory grows with
 * the number of files there are.
 *	mix	older ones as well
 * Errors: KH_ESYS, KH_ENOMEM; the batch is empty then.
 */
KH_CHECKED enum kh_err kh_batch_gather(
    const struct kh_batch_of *of, bool mix, struct kh_batch *b);

void kh_batch_free(struct kh_batch *b);

#endif
