/*
 * The newsroom's identity file: the secret half of a card. An age identity
 * file, so that stock age opens with it; what age does not know is in
 * comments (knothole(1), FILES):
 *
 *	# created by knothole
 *	# newsroom: The Example Times
 *	# public key: age1...
 *	# signing key: b64(key_id[8] seed[32])
 *	AGE-SECRET-KEY-1...
 *
 * or with a key for each of several epochs (client/epochs.h) behind the rest.
 * No clock in it. Usually sealed under a passphrase (identity.age).
 */
#ifndef KNOTHOLE_CLIENT_IDENTITY_H
#define KNOTHOLE_CLIENT_IDENTITY_H

#include <stddef.h>

#include "client/passphrase.h"
#include "knothole/age.h"
#include "knothole/day.h"
#include "knothole/err.h"
#include "knothole/limits.h"
#include "knothole/minisign.h"

/* Bytes of an identity file, sealed or not: KH_IDENTITIES_MAX lines with as
 * many comments, in armor, fit four times over. */
#define KH_IDENTITY_FILE_MAX 262144

/* Secret: kh_secret_alloc, wipe. */
struct kh_newsroom_keys {
	struct kh_identity identity; /* when there are no epochs */
	struct kh_sign_secret signing;
	size_t n_epochs;
	struct kh_epoch epochs[KH_CARD_RECIPIENTS_MAX];
	struct kh_identity of_epoch[KH_CARD_RECIPIENTS_MAX];
};

/* What a vault needs of the file besides the identities. Secret. */
struct kh_newsroom {
	struct kh_sign_secret signing;
	struct kh_sign_public outlet; /* its public half */
	struct kh_recipient to; /* of the last identity, the newest */
	char name[KH_CARD_NAME_MAX + 1]; /* as written there, "" if it is not */
	/* whose key opened it, "" if it was a passphrase; kh_keys_newsroom */
	char who[KH_EDITOR_NAME_MAX + 1];
};

/*
 * The text above. `name` is a newsroom name as kh_card_write accepts it.
 *	text	kh_secret_alloc memory, NUL-terminated, that the caller frees
 * Errors: KH_ENOMEM, KH_ENAME.
 */
KH_CHECKED enum kh_err kh_identity_file_write(
    const struct kh_newsroom_keys *k, const char *name, char **text, size_t *n);

/*
 * Add the identities of a file to a keyring.
 *	text, n		the file's bytes; at most KH_IDENTITY_FILE_MAX
 *	pass		needed when it is sealed, else not used; or NULL
 * Errors: KH_EFORMAT; KH_ENOKEY the passphrase does not open it (or there is
 * none); KH_EAUTH, KH_ETRUNC damaged; KH_ELIMIT, KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_identity_file_read(struct kh_keyring *kr,
    const char *text, size_t n, const struct kh_passphrase *pass);

/*
 * The plain text of an identity file, sealed or not.
 *	plain	kh_secret_alloc memory, NUL-terminated, that the caller frees;
 *		NULL on error
 * Errors: as kh_identity_file_read, which also looks at what it says.
 */
KH_CHECKED enum kh_err kh_identity_file_plain(const char *text, size_t n,
    const struct kh_passphrase *pass, char **plain, size_t *plain_n);

/*
 * The same as kh_identity_file_read, and what else of the newsroom stands in
 * it.
 *	own	locked memory; wiped on error
 * Errors: as above; KH_EKEY it names no signing key, or two, or one that is
 * malformed.
 */
KH_CHECKED enum kh_err kh_identity_file_newsroom(struct kh_keyring *kr,
    const char *text, size_t n, const struct kh_passphrase *pass,
    struct kh_newsroom *own);

#endif
