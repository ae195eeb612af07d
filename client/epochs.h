/*
 * Epochs in an identity file: comments that say in which month a key is used,
 * so that it can be destroyed when the month is over (FORMAT.md, section 9):
 *
 *	# epoch 2026-03 2026-03-01 2026-03-31
 *	# public key: age1...
 *	AGE-SECRET-KEY-1...
 *
 * and, where a key was,
 *
 *	# burnt 2026-03 2026-03-01 2026-03-31 2026-05-02 age1...
 *
 * with the day on which it was destroyed. An epoch's comment belongs to the
 * first key that follows it. Everything else in the file stays as it is.
 */
#ifndef KNOTHOLE_CLIENT_EPOCHS_H
#define KNOTHOLE_CLIENT_EPOCHS_H

#include <stdbool.h>
#include <stddef.h>

#include "knothole/age.h"
#include "knothole/day.h"
#include "knothole/err.h"
#include "knothole/limits.h"

/* A key of the file, or what is left of one. Nothing secret. */
struct kh_epoch_key {
	struct kh_epoch epoch; /* all "" for a key without an epoch */
	struct kh_recipient to;
	char burnt[KH_DAY_LEN + 1]; /* the day; "": the key is there */
};

struct kh_epochs {
	size_t n;
	struct kh_epoch_key key[2 * KH_IDENTITIES_MAX]; /* in file order */
};

/* Bytes of the three lines of a key, with NUL. */
#define KH_EPOCH_LINES_LEN 192

/* The three lines. Secret: kh_secret_alloc, wipe. */
void kh_epoch_lines(const struct kh_epoch *epoch, const struct kh_identity *id,
    char out[static KH_EPOCH_LINES_LEN]);

/*
 * Read which keys are in an identity file's plain text. Comments that have not
 * quite this form are somebody's notes.
 * Errors: KH_EFORMAT a line that is neither key nor comment; KH_ELIMIT more
 * keys than an identity file may have; KH_ENOMEM. out->n is 0 then.
 */
KH_CHECKED enum kh_err kh_epochs_parse(
    const char *text, size_t n, struct kh_epochs *out);

/*
 * The same text without the keys of the epoch `label`, each replaced by what
 * is left of it.
 *	day	the day to write down
 *	out	kh_secret_alloc memory, NUL-terminated, that the caller frees;
 *		NULL on error
 * Errors: KH_ENOENT it has none; KH_ENOMEM; as kh_epochs_parse.
 */
KH_CHECKED enum kh_err kh_epochs_burn(
    const char *text, size_t n, const char *label, const char *day, char **out);

/*
 * The keys of the epoch `label` into one keyring, all others into another.
 *	in, out		receive keyrings, which the caller frees; NULL on error
 * Errors: as kh_epochs_parse.
 */
KH_CHECKED enum kh_err kh_epochs_split(const char *text, size_t n,
    const char *label, struct kh_keyring **in, struct kh_keyring **out);

/* The secret key of a recipient, out of the text. Errors: KH_ENOENT; as
 * kh_epochs_parse. */
KH_CHECKED enum kh_err kh_epochs_secret(const char *text, size_t n,
    const struct kh_recipient *of, struct kh_identity *out);

/* From here on a message that no key fits names the epochs that were burnt in
 * this text (kh_exit_burnt). */
void kh_epochs_note(const char *text, size_t n);

/* The keys of the epoch: how many are there, how many were burnt. */
size_t kh_epochs_count(
    const struct kh_epochs *e, const char *label, bool burnt);

/* The line of a key; NULL if there is none. `burnt`: also what is left of
 * one. */
const struct kh_epoch_key *kh_epochs_find(
    const struct kh_epochs *e, bool burnt, const struct kh_recipient *to);

#endif
