/*
 * A vault: the directory of a newsroom's desk on the offline machine.
 *
 *	VAULT/				0700
 *		identity.age		the identity, as it was given (or .txt)
 *		newsroom.card		if one was given
 *		renewed.card		the same, renewed, until it was exported;
 *					exported.card from then on
 *		index.age		index.h, sealed to the identity
 *		objects/<32 hex>.age	as they came
 *		outbox/<64 hex>.age	sealed answers, by slot
 *		lock			for one writer at a time
 *
 * What the index does not know is not there: files are made durable first and
 * then named in the index, which is replaced as a whole. So a run that is cut
 * anywhere leaves the state before its last save, and files that the next run
 * writes again.
 */
#ifndef KNOTHOLE_CLIENT_DESK_VAULT_H
#define KNOTHOLE_CLIENT_DESK_VAULT_H

#include <limits.h>

#include "client/args.h"
#include "client/desk/index.h"
#include "client/identity.h"
#include "knothole/age.h"
#include "knothole/err.h"

struct kh_vault {
	const char *path; /* as given, for messages */
	int dir_fd, objects_fd, outbox_fd, lock_fd;
	struct kh_keyring *kr;
	struct kh_newsroom *room; /* locked memory */
	struct kh_index *ix;
	char today[KH_DAY_LEN + 1];
};

/* Where --vault points; NULL when it was not given. */
void kh_vault_use(const char *path);

/* That, else KNOTHOLE_VAULT, else NULL. */
const char *kh_vault_path(void);

/* Without any -i, take the vault's identity if there is a vault. Says what is
 * wrong; returns the exit status. */
int kh_vault_default_key(struct kh_args_keys *keys);

/*
 * Open the vault of kh_vault_path.
 *	v		all of it is set; nothing is open after an error
 *	pass_fd		as in struct kh_args_keys
 *	write		take the lock
 * Says what is wrong; returns the exit status.
 */
int kh_vault_open(struct kh_vault *v, int pass_fd, bool write);
void kh_vault_close(struct kh_vault *v);

/* The same; `pass` receives the passphrase of its identity, if there is one,
 * and the caller frees it, also after an error. */
int kh_vault_open_with(
    struct kh_vault *v, int pass_fd, struct kh_passphrase *pass, bool write);

/* The path of the identity file in a vault whose directory is open. Says what
 * is wrong; returns the exit status. */
int kh_vault_identity_path(
    const char *vault, int dir_fd, char out[static PATH_MAX]);

/* Write the index, durably. The state is the old one after any error.
 * Errors: KH_EFULL, KH_ESYS, KH_ELIMIT, KH_ENOMEM. */
KH_CHECKED enum kh_err kh_vault_save(struct kh_vault *v);

/* The same; says what is wrong and returns the exit status. */
int kh_vault_commit(struct kh_vault *v);

/*
 * Seal an answer that the index has (its last one) and write it under a
 * temporary name into outbox/; kh_vault_settle gives it its own.
 * Errors: KH_EKEY; KH_EFULL, KH_ESYS, KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_vault_seal_answer(
    struct kh_vault *v, const struct kh_desk_answer *a);

/* Make everything under temporary names in objects/ and outbox/ durable, then
 * give each name of `objects` (ids) and of the answers from `first` on its
 * own. Errors: KH_EFULL, KH_ESYS. */
KH_CHECKED enum kh_err kh_vault_settle(
    struct kh_vault *v, const struct kh_desk_object *o, size_t n, size_t first);

/* Names: "<32 hex>.age", "<64 hex>.age" and what they are called before. */
#define KH_VAULT_RENEWED "renewed.card" /* waits for an export */
#define KH_VAULT_EXPORTED "exported.card" /* has had one */
#define KH_PART_PREFIX ".part-"
#define KH_VAULT_NAME_LEN (6 + KH_SLOT_NAME_LEN + 4)
void kh_vault_object_name(const struct kh_desk_object *o, bool part,
    char out[static KH_VAULT_NAME_LEN + 1]);
void kh_vault_answer_name(const struct kh_vault *v,
    const struct kh_desk_answer *a, bool part,
    char out[static KH_VAULT_NAME_LEN + 1]);

/* "VAULT/objects/<32 hex>.age". False if it is too long. */
bool kh_vault_object_path(const struct kh_vault *v,
    const struct kh_desk_object *o, char out[static PATH_MAX]);

/* A thread by what was typed. Says what is wrong; returns the exit status. */
int kh_vault_find(const struct kh_vault *v, const char *name, size_t *thread);

#endif
