/*
 * Passphrases: from a descriptor or from the terminal, never from the command
 * line or the environment, where other processes could read them.
 */
#ifndef KNOTHOLE_CLIENT_PASSPHRASE_H
#define KNOTHOLE_CLIENT_PASSPHRASE_H

#include <stddef.h>

#include "knothole/err.h"

/* Secret: `text` is kh_secret_alloc memory, not NUL-terminated. */
struct kh_passphrase {
	char *text;
	size_t n;
};

/*
 * The first line of `fd`, without its newline; not a byte more is read.
 * Errors: KH_ESYS; KH_EFORMAT empty, with a NUL, or with a carriage return at
 * its end; KH_ELIMIT longer than KH_PASSPHRASE_MAX; KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_passphrase_read(int fd, struct kh_passphrase *out);

/*
 * Ask on the controlling terminal, without echo. `prompt` is our own text.
 * Errors: as above, and KH_ENOENT when there is no terminal.
 */
KH_CHECKED enum kh_err kh_passphrase_ask(
    const char *prompt, struct kh_passphrase *out);

/* Wipe and free; may be called again. */
void kh_passphrase_free(struct kh_passphrase *p);

/* Are they the same? Constant time in the text. */
int kh_passphrase_same(
    const struct kh_passphrase *a, const struct kh_passphrase *b);

#endif
