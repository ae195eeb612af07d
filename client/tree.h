/*
 * A directory that appears under its final name only when all in it is
 * complete: built under a temporary name beside it, then renamed.
 *
 *	OUT/.knothole-XXXXXXXXXXXXXXXX/		0700, while it is being made
 *		message.txt manifest.json SHA256SUMS	0600
 *		files/NNN-NAME				0600
 *		opened/NNN-NAME				0600
 */
#ifndef KNOTHOLE_CLIENT_TREE_H
#define KNOTHOLE_CLIENT_TREE_H

#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/output.h"
#include "knothole/err.h"
#include "knothole/io.h"

enum kh_tree_dir {
	KH_TREE_FILES,
	KH_TREE_OPENED,
	KH_TREE_DIRS
};

struct kh_tree {
	int out_fd; /* the directory given; the caller's */
	int top_fd;
	int dir_fd[KH_TREE_DIRS]; /* made when first needed */
	int sums_fd;
	char temp[KH_OUTPUT_TEMP_LEN];
};

/* A file in it, while it is written. */
struct kh_tree_file {
	struct kh_tree *tree;
	int fd;
	char path[256]; /* "files/001-NAME", with NUL */
	crypto_hash_sha256_state hash;
};

/* Begin a tree under `out_fd`. Errors: KH_ESYS. It must not move. */
KH_CHECKED enum kh_err kh_tree_begin(struct kh_tree *t, int out_fd);

/*
 * Begin a file. Only the paths above are accepted, and names only if they are
 * safe: whoever calls this has not checked (L1, L2).
 * Errors: KH_ENAME, KH_EEXIST, KH_ESYS; nothing is open then.
 */
KH_CHECKED enum kh_err kh_tree_open(
    struct kh_tree *t, struct kh_tree_file *f, const char *path);

/* Write into it. Errors: KH_EFULL, KH_ESYS. */
KH_CHECKED enum kh_err kh_tree_write(
    struct kh_tree_file *f, const uint8_t *p, size_t n);

/* Sync and close it, and put its line into SHA256SUMS. */
KH_CHECKED enum kh_err kh_tree_close(struct kh_tree_file *f);

/* Close and remove it. */
void kh_tree_drop(struct kh_tree_file *f);

/* Sync all and rename to `name`, a safe name. Errors: KH_EEXIST, KH_EFULL,
 * KH_ESYS; kh_tree_abort must follow then. */
KH_CHECKED enum kh_err kh_tree_commit(struct kh_tree *t, const char *name);

/* Remove what there is, if it was not committed. May be called again. */
void kh_tree_abort(struct kh_tree *t);

#endif
