/*
 * The custody log (L40): what was done with what, by day and alias, each entry
 * bound to all before it by a hash. It rests in the index and only grows; its
 * head is signed with every export, so that whoever keeps a stick's signature
 * can tell later whether entries were taken away or changed.
 */
#ifndef KNOTHOLE_CLIENT_DESK_LOG_H
#define KNOTHOLE_CLIENT_DESK_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/code.h"
#include "knothole/err.h"
#include "knothole/limits.h"
#include "knothole/minisign.h"

#define KH_LOG_HASH_LEN 32
/* Entries: four for each object that there can be. */
#define KH_LOG_MAX (4 * KH_VAULT_OBJECTS_MAX)

enum kh_log_what {
	KH_LOG_INIT,
	KH_LOG_IMPORT,
	KH_LOG_EXTRACT,
	KH_LOG_REPLY,
	KH_LOG_EXPORT,
	KH_LOG_REMOVE,
	KH_LOG_SHARE,
	KH_LOG_BURN, /* a key; `alias` is its epoch, `count` what it opened */
	KH_LOG_N
};

struct kh_log_entry {
	char day[KH_DAY_LEN + 1];
	enum kh_log_what what;
	char alias[KH_ALIAS_MAX + 1]; /* or an epoch; "": none in particular */
	uint32_t count; /* of objects or answers */
	/* Of KH_LOG_SHARE only, else "": the fingerprint of the card that it
	 * was shared with, and the editor whose key did, if it was one. */
	char to[KH_CODE_WORDS_TEXT_LEN];
	char by[KH_EDITOR_NAME_MAX + 1];
	uint8_t hash[KH_LOG_HASH_LEN];
};

/* The head that the last export signed: the signature covers
 * kh_log_statement. */
struct kh_log {
	struct kh_log_entry *entries; /* locked memory */
	size_t n, cap;
	size_t n_signed; /* 0: nothing yet */
	char signature[KH_SIGNATURE_TEXT_MAX]; /* "" then */
};

/* "import", or NULL for what is none; and back, KH_LOG_N for what is none. */
const char *kh_log_text(enum kh_log_what what);
enum kh_log_what kh_log_what(const char *text);

/* Append. Errors: KH_ELIMIT, KH_ENOMEM. */
KH_CHECKED enum kh_err kh_log_add(struct kh_log *l, enum kh_log_what what,
    const char *day, const char *alias, size_t count);

/* Append that objects were given to another newsroom: `to` is its card's
 * fingerprint, `by` an editor's name or "". Errors: the same. */
struct kh_log_shared {
	const char *alias;
	size_t count;
	const char *to, *by;
};
KH_CHECKED enum kh_err kh_log_share(
    struct kh_log *l, const char *day, const struct kh_log_shared *what);

/* Append what was read, its hash as it stands. Errors: the same. */
KH_CHECKED enum kh_err kh_log_append(
    struct kh_log *l, const struct kh_log_entry *e);

/* The hash of the last of the first `n` entries, zeros for none. */
void kh_log_head(
    const struct kh_log *l, size_t n, uint8_t out[static KH_LOG_HASH_LEN]);

/* "knothole custody log, N entries, HEX": what is signed, NUL-terminated. */
#define KH_LOG_STATEMENT_LEN 128
void kh_log_statement(
    const struct kh_log *l, size_t n, char out[static KH_LOG_STATEMENT_LEN]);

/* Sign all entries so far. Errors: KH_ENOMEM. */
KH_CHECKED enum kh_err kh_log_sign(
    struct kh_log *l, const struct kh_sign_secret *sk);

/*
 * Does each hash follow from what is before it, and is the signed head one of
 * them?
 *	bad	receives the first entry (from 0) that does not fit
 * Errors: KH_EAUTH.
 */
KH_CHECKED enum kh_err kh_log_verify(
    const struct kh_log *l, const struct kh_sign_public *pk, size_t *bad);

#endif
