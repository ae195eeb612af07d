/*
 * From command line to keyring. Separate because every command that opens
 * something needs it, and it alone decides when a passphrase is asked for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/exit.h"
#include "client/identity.h"
#include "client/input.h"
#include "client/keys.h"
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

/* What to read into, and the passphrase once it is known. */
struct ring {
	struct kh_keyring *kr;
	struct kh_newsroom *room; /* or NULL */
	struct kh_passphrase pass;
};

static int
add_identity(struct ring *r, const char *path, const char *text, size_t n)
{
	enum kh_err e;

	if (r->room == NULL) {
		e = kh_identity_file_read(r->kr, text, n, &r->pass);
		return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_KEY, path, e);
	}
	e = kh_identity_file_newsroom(r->kr, text, n, &r->pass, r->room);
	if (e == KH_OK)
		return KH_EXIT_OK;
	if (e != KH_EKEY)
		return kh_fail(KH_ON_KEY, path, e);
	kh_say(path,
	    "has no signing key, so it can answer nobody; give the identity "
	    "that `knothole keygen` made");
	return KH_EXIT_DATA;
}

static int
read_identity(struct ring *r, const char *path, int fd)
{
	char *text = NULL;
	size_t n = 0;
	enum kh_err e;
	int in, code;

	code = kh_input_open(path, &in);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_input_all(in, KH_IDENTITY_FILE_MAX, &text, &n);
	if (e != KH_OK)
		code = kh_fail(KH_ON_KEY, path, e);
	kh_input_close(in);
	if (code == KH_EXIT_OK && kh_keys_sealed_to_keys(text, n)) {
		kh_say(path,
		    "is sealed to a key, not under a passphrase: an object, "
		    "and no identity; give the newsroom's identity file");
		code = KH_EXIT_DATA;
	}
	if (code == KH_EXIT_OK && kh_input_is_age(text, n))
		code = kh_keys_passphrase_for(path, fd, &r->pass);
	if (code == KH_EXIT_OK)
		code = add_identity(r, path, text, n);
	kh_secret_free(text);
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
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_KEY, NULL, e);
}

static int
end(struct ring *r, struct kh_keyring **kr, int code)
{
	kh_passphrase_free(&r->pass);
	if (code != KH_EXIT_OK) {
		kh_keyring_free(*kr);
		*kr = NULL;
	}
	return code;
}

int
kh_keys_open(const struct kh_args_keys *args, struct kh_keyring **kr)
{
	struct ring r = {0};
	int code;
	size_t i;

	PRECOND(args != NULL && kr != NULL);
	PRECOND(args->n > 0 || args->fd >= 0);
	code = begin(&r, kr);
	if (code == KH_EXIT_OK && args->n == 0)
		code = passphrase_alone(r.kr, args->fd, &r.pass);
	for (i = 0; i < args->n && code == KH_EXIT_OK; i++)
		code = read_identity(&r, args->path[i], args->fd);
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
	struct ring r = {.room = room, .pass = *pass};
	int code;

	PRECOND(path != NULL && kr != NULL && room != NULL);
	code = begin(&r, kr);
	if (code == KH_EXIT_OK)
		code = read_identity(&r, path, fd);
	*pass = r.pass; /* the caller's */
	r.pass = (struct kh_passphrase){0};
	return end(&r, kr, code);
}
