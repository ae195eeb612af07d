/*
 * Who opens an identity file besides a passphrase: comments at its end
 * (FORMAT.md, section 9),
 *
 *	# editor: age1... NAME
 *	# bridge: FPR BASE64
 *	# shares: age1... 3 of 5
 *
 * The second follows the editor that it belongs to, who has an OpenPGP key: the
 * key before is then a one-off one, whose secret half, encrypted to the OpenPGP
 * key FPR, is in BASE64 (FORMAT.md, "Bridge stanza").
 *
 * The file is sealed to these keys. They stand inside so that it can be sealed
 * to all of them again, and so that who opens it can tell who else does.
 */
#ifndef KNOTHOLE_CLIENT_HOLDERS_H
#define KNOTHOLE_CLIENT_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "knothole/age.h"
#include "knothole/err.h"
#include "knothole/limits.h"

struct kh_editor {
	struct kh_recipient to;
	char name[KH_EDITOR_NAME_MAX + 1];
	struct kh_bridge bridge; /* n is 0 for a key of age's */
};

/* Nothing secret. */
struct kh_holders {
	size_t n;
	struct kh_editor editor[KH_EDITORS_MAX];
	bool shared; /* there are shares */
	struct kh_recipient shares; /* the public half of what was split */
	unsigned threshold, count;
};

/* May somebody be called so? As a newsroom, in at most KH_EDITOR_NAME_MAX
 * bytes. */
bool kh_editor_name_ok(const char *name, size_t n);

/* The place of an editor by name or key; h->n if there is none. */
size_t kh_holders_named(const struct kh_holders *h, const char *name);
size_t kh_holders_with(
    const struct kh_holders *h, const struct kh_recipient *to);

/*
 * Read them from an identity file's plain text.
 * Errors: KH_EFORMAT a line is malformed, or somebody is there twice; KH_ELIMIT
 * too many. out->n is 0 then.
 */
KH_CHECKED enum kh_err kh_holders_read(
    const char *text, size_t n, struct kh_holders *out);

/*
 * The same text with these holders instead of its own.
 *	out	kh_secret_alloc memory, NUL-terminated, that the caller frees;
 *		NULL on error
 * Errors: KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_holders_write(const char *text, size_t n,
    const struct kh_holders *h, char **out, size_t *out_n);

/*
 * The same text without editors, as it must be under a passphrase, which stands
 * alone.
 *	*editors	receives how many there were
 * Errors: as kh_holders_read and kh_holders_write; *out is NULL then.
 */
KH_CHECKED enum kh_err kh_holders_drop_editors(
    const char *text, size_t n, char **out, size_t *out_n, size_t *editors);

#endif
