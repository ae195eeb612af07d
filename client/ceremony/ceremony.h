/*
 * What `knothole keygen --shares` adds: a key of its own that opens the
 * identity file, split into shares, and a page for each.
 */
#ifndef KNOTHOLE_CLIENT_CEREMONY_CEREMONY_H
#define KNOTHOLE_CLIENT_CEREMONY_CEREMONY_H

#include <stdbool.h>
#include <stddef.h>

#include "client/ceremony/page.h"
#include "client/identity.h"
#include "client/output.h"
#include "knothole/share.h"

#define KH_CEREMONY_DIR "shares"

/* Secret: kh_secret_alloc. */
struct kh_ceremony_keys {
	struct kh_identity key;
	struct kh_share share[KH_SHARES_MAX];
};

/* All zeros and kh_ceremony_start to begin with. */
struct kh_ceremony {
	unsigned count; /* 0: no shares */
	unsigned threshold; /* 0: the majority */
	enum kh_page_format format;
	enum kh_page_paper paper;
	bool styled; /* format or paper was given */
	struct kh_ceremony_keys *keys;
	int dir_fd; /* of the pages, or -1 */
	struct kh_output file[KH_SHARES_MAX];
	size_t n_named; /* that have their names */
};

void kh_ceremony_start(struct kh_ceremony *c);
void kh_ceremony_end(struct kh_ceremony *c); /* wipes; removes what is begun */

/* For option tables; the letters are below those of commands. */
#define KH_CEREMONY_OPTIONS                            \
	{"shares", required_argument, NULL, 1},        \
	    {"threshold", required_argument, NULL, 2}, \
	    {"format", required_argument, NULL, 3},    \
	{                                              \
		"paper", required_argument, NULL, 4    \
	}
#define KH_CEREMONY_OPTION_MAX 4

/* Take an option of these. Says what is wrong; returns the exit status. */
int kh_ceremony_option(struct kh_ceremony *c, int letter, const char *value);

/* Do the options fit together? The same. */
int kh_ceremony_check(struct kh_ceremony *c);

/* Make the key and split it. The same. */
int kh_ceremony_make(struct kh_ceremony *c);

/*
 * Write the identity file, with or without shares, and what becomes
 * identity-recovery.age when there are shares and a passphrase.
 *	pass	or NULL
 *	clear	write it as it is: no passphrase and no shares
 * Errors: those of kh_identity_file_write, kh_reseal and kh_write_all.
 */
struct kh_ceremony_identity {
	const struct kh_newsroom_keys *keys;
	const char *name;
	const struct kh_passphrase *pass;
	bool clear;
	int identity_fd, recovery_fd;
};
KH_CHECKED enum kh_err kh_ceremony_identity(
    const struct kh_ceremony *c, const struct kh_ceremony_identity *what);

/*
 * Begin the pages under `dir_fd`, in KH_CEREMONY_DIR; then write them; then
 * give them their names. "share-1-of-5.txt" is the first one's. The same.
 */
int kh_ceremony_begin(struct kh_ceremony *c, int dir_fd);
int kh_ceremony_write(struct kh_ceremony *c, const char *id);
int kh_ceremony_commit(struct kh_ceremony *c);

/* Remove the pages that have their names: something else failed. */
void kh_ceremony_undo(struct kh_ceremony *c);

/* The lines of standard output for the pages in `dir`, escaped already; and
 * what people have to know. */
void kh_ceremony_print(const struct kh_ceremony *c, const char *dir);
void kh_ceremony_hints(const struct kh_ceremony *c, bool passphrase);

#endif
