/*
 * Sealing an identity's text: under a passphrase, or to its holders
 * (client/holders.h). A passphrase stands alone in an age file (C2SP age,
 * "scrypt recipient stanza"), so shares beside one need a file of their own:
 *
 *	identity.age		under the passphrase, or to editors and shares
 *	identity-recovery.age	to the shares, only beside a passphrase
 */
#ifndef KNOTHOLE_CLIENT_RESEAL_H
#define KNOTHOLE_CLIENT_RESEAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/passphrase.h"
#include "knothole/age.h"
#include "knothole/err.h"

#define KH_IDENTITY_NAME "identity.age"
#define KH_RECOVERY_NAME "identity-recovery.age"

/* A sealed file. */
struct kh_sealed_file {
	uint8_t *p; /* memory to free with free; NULL when there is none */
	size_t n;
};

/*
 * Seal `n` bytes of text, in memory.
 *	pass	the passphrase, or NULL: to the editors and shares that the text
 *		names; at least one
 *	id	receives what becomes identity.age
 *	rec	receives what becomes identity-recovery.age, if that is to be
 *	proof	opens what is sealed to keys, or NULL: it is then not tried
 * Both have been opened again, and are the same, as far as there is a key for
 * it. Errors: KH_EFORMAT the text's holders; KH_ENOKEY it names none; KH_EAUTH
 * what was sealed does not open as it should; KH_ENOMEM.
 */
struct kh_reseal {
	const char *text;
	size_t n;
	const struct kh_passphrase *pass;
	const struct kh_keyring *proof;
};
KH_CHECKED enum kh_err kh_reseal(const struct kh_reseal *r,
    struct kh_sealed_file *id, struct kh_sealed_file *rec);
void kh_sealed_file_free(struct kh_sealed_file *f);

/*
 * The same, and replace the file `path`, and the one for its shares beside it
 * (kh_reseal_recovery), or remove that when it has no use any more. Says what is wrong; returns the exit status.
 */
int kh_reseal_replace(const char *path, const struct kh_reseal *r);

/* Say what follows from the file's having been in clear. */
void kh_reseal_was_clear(const char *path);

/* The file for the shares of the identity file `path`: "X.age" has
 * "X-recovery.age". False if that is too long. */
bool kh_reseal_recovery(const char *path, char out[static PATH_MAX]);

#endif
