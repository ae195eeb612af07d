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

/* The passphrase for the identity file `path`: `have` if it is set. */
static int
passphrase_for(const char *path, int fd, struct kh_passphrase *have)
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

/* Is this sealed to keys? A passphrase is alone in its header (C2SP age,
 * "scrypt recipient stanza"), so the first stanza tells; armor does not. */
static bool
sealed_to_keys(const char *text, size_t n)
{
	static const char first[] = "age-encryption.org/v1\n-> ";
	static const char scrypt[] = "scrypt ";
	const size_t len = sizeof(first) - 1, more = sizeof(scrypt) - 1;

	return n >= len + more && memcmp(text, first, len) == 0 &&
	    memcmp(text + len, scrypt, more) != 0;
}

static int
read_identity(
    struct kh_keyring *kr, const char *path, int fd, struct kh_passphrase *pass)
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
	if (code == KH_EXIT_OK && sealed_to_keys(text, n)) {
		kh_say(path,
		    "is sealed to a key, not under a passphrase: an object, "
		    "and no identity; give the newsroom's identity file");
		code = KH_EXIT_DATA;
	}
	if (code == KH_EXIT_OK && kh_input_is_age(text, n))
		code = passphrase_for(path, fd, pass);
	if (code == KH_EXIT_OK) {
		e = kh_identity_file_read(kr, text, n, pass);
		if (e != KH_OK)
			code = kh_fail(KH_ON_KEY, path, e);
	}
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

int
kh_keys_open(const struct kh_args_keys *args, struct kh_keyring **kr)
{
	struct kh_passphrase pass = {0};
	enum kh_err e;
	int code = KH_EXIT_OK;
	size_t i;

	PRECOND(args != NULL && kr != NULL);
	PRECOND(args->n > 0 || args->fd >= 0);
	kh_keys_probe();
	e = kh_keyring_new(kr);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, NULL, e);
	if (args->n == 0)
		code = passphrase_alone(*kr, args->fd, &pass);
	for (i = 0; i < args->n && code == KH_EXIT_OK; i++)
		code = read_identity(*kr, args->path[i], args->fd, &pass);
	kh_passphrase_free(&pass);
	if (code != KH_EXIT_OK) {
		kh_keyring_free(*kr);
		*kr = NULL;
	}
	return code;
}
