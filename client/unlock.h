/*
 * An identity file's plain text: as it is, or opened with a passphrase, with
 * an editor's own key, or with what shares of a key gave.
 */
#ifndef KNOTHOLE_CLIENT_UNLOCK_H
#define KNOTHOLE_CLIENT_UNLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "client/holders.h"
#include "client/passphrase.h"
#include "knothole/age.h"

enum kh_sealed {
	KH_SEALED_NOT, /* in clear */
	KH_SEALED_PASSPHRASE,
	KH_SEALED_KEYS /* to editors, to shares, or to both */
};

/* How these bytes are sealed, going by their beginning. Armor counts as a
 * passphrase: what we seal to keys is binary. */
enum kh_sealed kh_sealed_how(const char *text, size_t n);

/* Keys of editors, from --editor-key: files, opened when they are needed. The
 * string is kept. False when there are too many, which has been said then. */
bool kh_unlock_editor_key(const char *path);

/* Is there such a key, from there or from KNOTHOLE_EDITOR_KEY? */
bool kh_unlock_has_editor_key(void);

/* What opens files, kept from one to the next. */
struct kh_unlock {
	int fd; /* of the passphrase, or -1 to ask */
	struct kh_passphrase pass; /* the last one, or that of the descriptor */
	struct kh_keyring *editors; /* NULL: not needed yet */
	const struct kh_keyring *also; /* tried too, or NULL; the caller's */
};

/* What came out. Secret. */
struct kh_unlocked {
	char *text; /* kh_secret_alloc memory, `n` bytes and a NUL */
	size_t n;
	enum kh_sealed how;
	char who[KH_EDITOR_NAME_MAX + 1]; /* whose key it was, if it was one */
};

/*
 * Open the file.
 *	u	begun as {.fd = N}; kh_unlock_end when there are no more files
 *	out	kh_unlocked_free it
 * Says what is wrong; returns the exit status. *out is empty then.
 */
int kh_unlock_file(
    struct kh_unlock *u, const char *path, struct kh_unlocked *out);

/*
 * The same for bytes that are sealed, with these keys and no others. `how` and
 * `who` stay. Errors: those of kh_opener_write and kh_opener_finish; KH_ELIMIT.
 */
KH_CHECKED enum kh_err kh_unlock_bytes(const struct kh_keyring *kr,
    const char *text, size_t n, struct kh_unlocked *out);

void kh_unlocked_free(struct kh_unlocked *o);
void kh_unlock_end(struct kh_unlock *u);

#endif
