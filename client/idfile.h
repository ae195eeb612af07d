/*
 * An identity file that is changed: opened to its plain text, written anew in
 * the same form under the same name.
 */
#ifndef KNOTHOLE_CLIENT_IDFILE_H
#define KNOTHOLE_CLIENT_IDFILE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "client/epochs.h"
#include "client/passphrase.h"

struct kh_idfile {
	const char *path; /* as given, for messages */
	int dir_fd;
	char name[NAME_MAX + 1]; /* behind every link */
	dev_t dev;
	ino_t ino;
	mode_t mode;
	bool sealed, armored;
	char *text; /* plain; kh_secret_alloc */
	size_t n;
	struct kh_passphrase pass; /* that it is sealed under */
	struct kh_keyring *editors; /* or the key that opened it */
	struct kh_epochs epochs; /* of the text */
};

/*
 * Open an identity file that is in clear, under a passphrase, or sealed to
 * editors' keys (client/unlock.h).
 *	f	in locked memory; all of it is set. kh_idfile_close must follow,
 *		whatever comes of it
 *	path	must outlive f
 *	fd	of the passphrase, or -1 to ask
 *	like	a passphrase to try before, or NULL
 * Says what is wrong and returns the exit status.
 */
int kh_idfile_open(struct kh_idfile *f, const char *path, int fd,
    const struct kh_passphrase *like);
void kh_idfile_close(struct kh_idfile *f); /* wipes */

/* Is it the same file? */
bool kh_idfile_same(const struct kh_idfile *a, const struct kh_idfile *b);

/* Does it lie in a vault (client/desk/vault.h)? */
bool kh_idfile_in_vault(const struct kh_idfile *f);

/*
 * Put another text in its place: a whole file beside it, durable, then under
 * its name; sealed as it was, also the file for its shares, if it has one
 * (client/reseal.h). What f says of the file is as before.
 *	overwrite	write over the bytes of the old one, too, as far as
 *			that goes; said when it cannot be done
 * Says what is wrong and returns the exit status; the old file is there then.
 */
int kh_idfile_replace(
    struct kh_idfile *f, const char *text, size_t n, bool overwrite);

#endif
