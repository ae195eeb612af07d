/*
 * From command line to keyring. Separate because every command that opens
 * something needs it, and it alone decides when a passphrase is asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/bridge.h"
#include "client/exit.h"
#include "client/identity.h"
#include "client/keys.h"
#include "client/unlock.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

/* What keys, chunks and text take together, less than half a megabyte. */
#define LOCKED_MAX 524288

void
kh_keys_probe(void)
{
	if (kh_secret_probe(LOCKED_MAX) != KH_OK)
		kh_say(NULL,
		    "warning: memory cannot be locked, so secrets "
		    "may reach swap; raise `ulimit -l`, or turn "
		    "swap off");
}

int
kh_keys_passphrase(int fd, struct kh_passphrase *out)
{
	enum kh_err e = kh_passphrase_read(fd, out);

	switch (e) {
	case KH_OK:
		return KH_EXIT_OK;
	case KH_EFORMAT:
		return kh_fail_usage("--passphrase-fd",
		    "the first line is empty, holds a NUL byte or ends in a "
		    "carriage return (a Windows line); write the passphrase "
		    "and a newline to it");
	case KH_ELIMIT:
		return kh_fail_usage("--passphrase-fd",
		    "the first line is too long for a passphrase; "
		    "1024 bytes are the most");
	case KH_ESYS:
		if (errno == EBADF)
			return kh_fail_usage("--passphrase-fd",
			    "that descriptor is not open for reading; "
			    "redirect it, for example `3<FILE`");
		/* fall through */
	default:
		return kh_fail(KH_ON_KEY, "--passphrase-fd", e);
	}
}

int
kh_keys_passphrase_for(const char *path, int fd, struct kh_passphrase *have)
{
	char prompt[KH_SHOWN_MAX + 32], shown[KH_SHOWN_MAX];
	enum kh_err e;

	if (fd >= 0 && have->text != NULL)
		return KH_EXIT_OK;
	if (fd >= 0)
		return kh_keys_passphrase(fd, have);
	kh_passphrase_free(have);
	(void)snprintf(prompt, sizeof(prompt),
	    "Passphrase for %s: ", kh_shown(path, shown));
	e = kh_passphrase_ask(prompt, have);
	if (e == KH_ENOENT)
		return kh_fail_usage(path,
		    "is under a passphrase and there is no terminal to ask "
		    "on; use --passphrase-fd");
	if (e == KH_EFORMAT)
		return kh_fail_usage(path, "no passphrase was given");
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_KEY, path, e);
}

/* A passphrase is alone in its header (C2SP age, "scrypt recipient stanza"), so
 * the first stanza tells. */
bool
kh_keys_sealed_to_keys(const char *text, size_t n)
{
	static const char first[] = "age-encryption.org/v1\n-> ";
	static const char scrypt[] = "scrypt ";
	const size_t len = sizeof(first) - 1, more = sizeof(scrypt) - 1;

	return n >= len + more && memcmp(text, first, len) == 0 &&
	    memcmp(text + len, scrypt, more) != 0;
}

/* What to read into, and what opens it. */
struct ring {
	struct kh_keyring *kr;
	struct kh_newsroom *room; /* or NULL */
	struct kh_unlock unlock;
};

static int
add_identity(struct ring *r, const char *path, const struct kh_unlocked *o)
{
	enum kh_err e;

	if (r->room == NULL) {
		e = kh_identity_file_read(r->kr, o->text, o->n, NULL);
		return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_KEY, path, e);
	}
	e = kh_identity_file_newsroom(r->kr, o->text, o->n, NULL, r->room);
	if (e == KH_OK) {
		memcpy(r->room->who, o->who, sizeof(r->room->who));
		return KH_EXIT_OK;
	}
	if (e != KH_EKEY)
		return kh_fail(KH_ON_KEY, path, e);
	kh_say(path,
	    "has no signing key, so it can answer nobody; give the identity "
	    "that `knothole keygen` made");
	return KH_EXIT_DATA;
}

static int
read_identity(struct ring *r, const char *path)
{
	struct kh_unlocked o;
	int code;

	code = kh_unlock_file(&r->unlock, path, &o);
	if (code == KH_EXIT_OK)
		code = add_identity(r, path, &o);
	kh_unlocked_free(&o);
	return code;
}

/* Those in clear and under a passphrase first: among them may be the editor's
 * key that the others are sealed to. */
static bool
is_later(const char *path)
{
	char head[64];
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0) {
		n = pread(fd, head, sizeof(head), 0);
		close(fd);
	}
	return n > 0 && kh_sealed_how(head, (size_t)n) == KH_SEALED_KEYS;
}

static int
read_identities(struct ring *r, const struct kh_args_keys *args)
{
	int code = KH_EXIT_OK, turn;
	size_t i;

	for (turn = 0; turn < 2; turn++)
		for (i = 0; i < args->n && code == KH_EXIT_OK; i++)
			if (!kh_bridge_is(args->path[i]) &&
			    is_later(args->path[i]) == (turn == 1))
				code = read_identity(r, args->path[i]);
	return code;
}

static int
passphrase_alone(struct kh_keyring *kr, int fd, struct kh_passphrase *pass)
{
	enum kh_err e;
	int code = kh_keys_passphrase(fd, pass);

	if (code != KH_EXIT_OK)
		return code;
	e = kh_keyring_passphrase(kr, pass->text, pass->n);
	return e == KH_OK ? code : kh_fail(KH_ON_KEY, "--passphrase-fd", e);
}

/* Begin a ring; the keyring is the caller's. */
static int
begin(struct ring *r, struct kh_keyring **kr)
{
	enum kh_err e;

	kh_keys_probe();
	e = kh_keyring_new(kr);
	r->kr = *kr;
	r->unlock.also = *kr;
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_KEY, NULL, e);
}

static int
end(struct ring *r, struct kh_keyring **kr, int code)
{
	kh_unlock_end(&r->unlock);
	if (code != KH_EXIT_OK) {
		kh_keyring_free(*kr);
		*kr = NULL;
	}
	return code;
}

int
kh_keys_open(const struct kh_args_keys *args, struct kh_keyring **kr)
{
	struct ring r = {.unlock = {.fd = args->fd}};
	int code;

	PRECOND(args != NULL && kr != NULL);
	PRECOND(args->n > 0 || args->fd >= 0);
	code = begin(&r, kr);
	if (code == KH_EXIT_OK && args->n == 0)
		code = passphrase_alone(r.kr, args->fd, &r.unlock.pass);
	/* Before: an identity file may be sealed to such a key itself. */
	if (code == KH_EXIT_OK)
		code = kh_bridge_use(r.kr, args);
	if (code == KH_EXIT_OK)
		code = read_identities(&r, args);
	return end(&r, kr, code);
}

int
kh_keys_newsroom(
    const char *path, int fd, struct kh_keyring **kr, struct kh_newsroom *room)
{
	struct kh_passphrase pass = {0};
	int code = kh_keys_newsroom_with(path, fd, &pass, kr, room);

	kh_passphrase_free(&pass);
	return code;
}

int
kh_keys_newsroom_with(const char *path, int fd, struct kh_passphrase *pass,
    struct kh_keyring **kr, struct kh_newsroom *room)
{
	struct ring r = {.room = room, .unlock = {.fd = fd, .pass = *pass}};
	int code;

	PRECOND(path != NULL && kr != NULL && room != NULL);
	code = begin(&r, kr);
	if (code == KH_EXIT_OK)
		code = read_identity(&r, path);
	*pass = r.unlock.pass; /* the caller's */
	r.unlock.pass = (struct kh_passphrase){0};
	return end(&r, kr, code);
}
