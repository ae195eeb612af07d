/*
 * Opening identity files. Separate from making keyrings of them: editors and
 * passphrases are changed in the text, of which a keyring holds only the keys.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client/bridge.h"
#include "client/exit.h"
#include "client/identity.h"
#include "client/input.h"
#include "client/keys.h"
#include "client/unlock.h"
#include "knothole/secret.h"
#include "lib/age/keyring.h"
#include "lib/base/precond.h"

#define EDITOR_KEYS_MAX 16 /* one person has one or two */

static const char *editor_keys[EDITOR_KEYS_MAX];
static size_t n_editor_keys;
/* Those of them that gpg has. Static: the keyring refers to it. */
static struct kh_args_keys bridges = {.fd = -1};

enum kh_sealed
kh_sealed_how(const char *text, size_t n)
{
	if (!kh_input_is_age(text, n))
		return KH_SEALED_NOT;
	return kh_keys_sealed_to_keys(text, n) ? KH_SEALED_KEYS
					       : KH_SEALED_PASSPHRASE;
}

bool
kh_unlock_editor_key(const char *path)
{
	if (n_editor_keys == EDITOR_KEYS_MAX) {
		kh_say("--editor-key", "given too often; at most %d times",
		    EDITOR_KEYS_MAX);
		return false;
	}
	editor_keys[n_editor_keys++] = path;
	return true;
}

/* The file that KNOTHOLE_EDITOR_KEY names, or NULL. */
static const char *
from_environment(void)
{
	const char *env = getenv("KNOTHOLE_EDITOR_KEY");

	return env != NULL && env[0] != '\0' ? env : NULL;
}

bool
kh_unlock_has_editor_key(void)
{
	return n_editor_keys > 0 || from_environment() != NULL;
}

static int
read_sealed(const char *path, char **text, size_t *n)
{
	enum kh_err e;
	int in, code;

	code = kh_input_open(path, &in);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_input_all(in, KH_IDENTITY_FILE_MAX, text, n);
	if (e != KH_OK)
		code = kh_fail(KH_ON_KEY, path, e);
	kh_input_close(in);
	return code;
}

/* --- opening ---------------------------------------------------------------- */

static enum kh_err
take_text(void *ctx, const uint8_t *p, size_t n)
{
	struct kh_unlocked *o = ctx;

	if (n > KH_IDENTITY_FILE_MAX - o->n)
		return KH_ELIMIT;
	memcpy(o->text + o->n, p, n);
	o->n += n;
	return KH_OK;
}

enum kh_err
kh_unlock_bytes(const struct kh_keyring *kr, const char *text, size_t n,
    struct kh_unlocked *out)
{
	struct kh_opener *opener = NULL;
	enum kh_err e;

	out->n = 0;
	out->text = kh_secret_alloc(KH_IDENTITY_FILE_MAX + 1);
	if (out->text == NULL)
		return KH_ENOMEM;
	e = kh_opener_new(
	    &opener, kr, (struct kh_sink){.write = take_text, .ctx = out});
	if (e == KH_OK)
		e = kh_opener_write(opener, (const uint8_t *)text, n);
	if (e == KH_OK)
		e = kh_opener_finish(opener);
	kh_opener_free(opener);
	if (e == KH_OK)
		out->text[out->n] = '\0';
	else
		kh_unlocked_free(out);
	return e;
}

static int
open_passphrase(struct kh_unlock *u, const char *path, const char *text,
    size_t n, struct kh_unlocked *out)
{
	struct kh_keyring *kr = NULL;
	enum kh_err e;
	int code;

	code = kh_keys_passphrase_for(path, u->fd, &u->pass);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_keyring_new(&kr);
	if (e == KH_OK)
		e = kh_keyring_passphrase(kr, u->pass.text, u->pass.n);
	if (e == KH_OK)
		e = kh_unlock_bytes(kr, text, n, out);
	kh_keyring_free(kr);
	out->how = KH_SEALED_PASSPHRASE;
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_KEY, path, e);
}

/* One of the files of --editor-key. */
static int
load_editor_key(struct kh_unlock *u, const char *path)
{
	struct kh_unlocked key = {0};
	char *text = NULL;
	size_t n = 0;
	enum kh_err e;
	int code;

	if (kh_bridge_is(path)) {
		if (bridges.n < KH_ARGS_KEYS_MAX)
			bridges.path[bridges.n++] = path;
		return KH_EXIT_OK;
	}
	code = read_sealed(path, &text, &n);
	if (code != KH_EXIT_OK)
		return code;
	if (kh_sealed_how(text, n) == KH_SEALED_KEYS) {
		kh_say(path,
		    "is itself sealed to a key; an editor's key is an age "
		    "identity file, in clear or under a passphrase");
		code = KH_EXIT_DATA;
	} else if (kh_sealed_how(text, n) == KH_SEALED_PASSPHRASE) {
		code = open_passphrase(u, path, text, n, &key);
	}
	if (code == KH_EXIT_OK) {
		e = key.text != NULL
		    ? kh_keyring_add_file(u->editors, key.text, key.n)
		    : kh_keyring_add_file(u->editors, text, n);
		if (e != KH_OK)
			code = kh_fail(KH_ON_KEY, path, e);
	}
	kh_unlocked_free(&key);
	kh_secret_free(text);
	return code;
}

/* Those of the command line; without any, that of the environment. */
static int
load_editor_keys(struct kh_unlock *u)
{
	int code = KH_EXIT_OK;
	size_t i;

	if (u->editors != NULL)
		return KH_EXIT_OK;
	bridges.n = 0;
	if (kh_keyring_new(&u->editors) != KH_OK)
		return kh_fail(KH_ON_KEY, NULL, KH_ENOMEM);
	for (i = 0; i < n_editor_keys && code == KH_EXIT_OK; i++)
		code = load_editor_key(u, editor_keys[i]);
	if (n_editor_keys == 0 && from_environment() != NULL)
		code = load_editor_key(u, from_environment());
	if (code == KH_EXIT_OK)
		code = kh_bridge_use(u->editors, &bridges);
	return code;
}

/* The editor whose OpenPGP key was asked for; without a fingerprint the only
 * one that has such a key. h->n if it cannot be told. */
static size_t
bridged(const struct kh_holders *h)
{
	size_t i, k, found = h->n, n = 0;
	const char *want;

	for (k = 0; k < bridges.n; k++)
		for (i = 0; i < h->n; i++) {
			want = strchr(bridges.path[k], ':') + 1;
			if (h->editor[i].bridge.n == 0 ||
			    (want[0] != '\0' &&
				strcasecmp(want, h->editor[i].bridge.fpr) != 0))
				continue;
			found = i;
			n++;
		}
	return n == 1 ? found : h->n;
}

/* Whose key is it that opened? */
static void
find_who(const struct kh_keyring *kr, struct kh_unlocked *out)
{
	struct kh_holders *h = malloc(sizeof(*h));
	size_t i, at = 0;

	if (h == NULL || kh_holders_read(out->text, out->n, h) != KH_OK) {
		free(h);
		return;
	}
	for (at = h->n, i = 0; i < kr->n && at == h->n; i++)
		at = kh_holders_with(h, &kr->pairs[i].pub);
	if (at == h->n)
		at = bridged(h);
	if (at < h->n)
		memcpy(out->who, h->editor[at].name, sizeof(out->who));
	free(h);
}

static int
no_key(const char *path, bool any)
{
	kh_say(path,
	    any ? "is sealed to keys of editors, and none that was given is "
		  "one of them; give yours with --editor-key FILE, or bring "
		  "shares together (knothole recover)"
		: "is sealed to keys of editors; give yours with --editor-key "
		  "FILE, or bring shares together (knothole recover)");
	return KH_EXIT_NOKEY;
}

static int
open_for_keys(struct kh_unlock *u, const char *path, const char *text, size_t n,
    struct kh_unlocked *out)
{
	const struct kh_keyring *kr;
	enum kh_err e;
	int code;

	code = load_editor_keys(u);
	if (code != KH_EXIT_OK)
		return code;
	kr = u->editors;
	e = kh_unlock_bytes(kr, text, n, out);
	if (e == KH_ENOKEY && u->also != NULL) {
		kr = u->also;
		e = kh_unlock_bytes(kr, text, n, out);
	}
	/* Few identities are as long as the shortest object. */
	if (e == KH_ENOKEY && n >= KH_OBJECT_LEN_MIN) {
		kh_say(path,
		    "is sealed to a key, not under a passphrase: an object, "
		    "and no identity; give the newsroom's identity file");
		return KH_EXIT_DATA;
	}
	if (e == KH_ENOKEY)
		return no_key(
		    path, kr->n > 0 || kh_keyring_count(u->editors) > 0);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, path, e);
	find_who(kr, out);
	out->how = KH_SEALED_KEYS;
	return KH_EXIT_OK;
}

int
kh_unlock_file(struct kh_unlock *u, const char *path, struct kh_unlocked *out)
{
	char *text = NULL;
	size_t n = 0;
	int code;

	PRECOND(u != NULL && path != NULL && out != NULL);
	memset(out, 0, sizeof(*out));
	code = read_sealed(path, &text, &n);
	if (code != KH_EXIT_OK)
		return code;
	switch (kh_sealed_how(text, n)) {
	case KH_SEALED_NOT:
		out->text = text; /* with a NUL: there is one byte more */
		out->n = n;
		text[n] = '\0';
		text = NULL;
		break;
	case KH_SEALED_PASSPHRASE:
		code = open_passphrase(u, path, text, n, out);
		break;
	case KH_SEALED_KEYS:
		code = open_for_keys(u, path, text, n, out);
		break;
	}
	kh_secret_free(text);
	return code;
}

void
kh_unlocked_free(struct kh_unlocked *o)
{
	kh_secret_free(o->text);
	o->text = NULL;
	o->n = 0;
}

void
kh_unlock_end(struct kh_unlock *u)
{
	kh_passphrase_free(&u->pass);
	kh_keyring_free(u->editors);
	u->editors = NULL;
}
