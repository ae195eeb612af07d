/*
 * A file that its source had sealed before sending it (L5): while it is
 * extracted, it is also opened with the same keys, into opened/NNN-NAME.
 */
#ifndef KNOTHOLE_CLIENT_NESTED_H
#define KNOTHOLE_CLIENT_NESTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/tree.h"
#include "knothole/age.h"

/* What it takes to know an age file, armored or not (kh_input_is_age). */
#define KH_NESTED_HEAD_LEN 34

enum kh_nested_state {
	KH_NESTED_UNDECIDED, /* its first bytes have not been seen */
	KH_NESTED_NO, /* not an age file */
	KH_NESTED_OPENING,
	KH_NESTED_OPENED,
	KH_NESTED_FAILED /* an age file, but it does not open: `why` */
};

struct kh_nested {
	enum kh_nested_state state;
	enum kh_err why;
	struct kh_tree_file file;
	struct kh_opener *opener;
	uint8_t head[KH_NESTED_HEAD_LEN]; /* its first bytes, until decided */
	size_t n_head;
};

/* Begin with a file. */
void kh_nested_start(struct kh_nested *x);

/*
 * Its next bytes. What goes wrong inside is kept in `why`, because the file
 * as it was sent is still good; only a failure to write is an error.
 *	path	of the file, "files/NNN-NAME"
 */
KH_CHECKED enum kh_err kh_nested_write(struct kh_nested *x, struct kh_tree *t,
    const struct kh_keyring *kr, const char *path,
    const struct kh_memory *bytes);

/* It has ended. Errors: KH_EFULL, KH_ESYS. Look at `state` then. */
KH_CHECKED enum kh_err kh_nested_end(struct kh_nested *x);

/* Give it up. May be called after any of the above. */
void kh_nested_abort(struct kh_nested *x);

#endif
