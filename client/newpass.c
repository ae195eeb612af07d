/*
 * Asking for a new passphrase. Separate because several commands set one, and
 * must refuse the same.
 */
#include <stdint.h>

#include "client/exit.h"
#include "client/keys.h"
#include "client/newpass.h"
#include "knothole/name.h"

#define PASSPHRASE_MIN 8
#define PASSPHRASE_GOOD 12
#define ASK_MAX 3 /* tries to type the same twice */

/* Ask twice until both are the same. */
static int
ask(const char *command, const char *option, struct kh_passphrase *pass)
{
	struct kh_passphrase second = {0};
	enum kh_err e = KH_OK;
	int i, same = 0;

	for (i = 0; i < ASK_MAX && !same && e == KH_OK; i++) {
		kh_passphrase_free(pass);
		e = kh_passphrase_ask("New passphrase: ", pass);
		if (e == KH_OK)
			e = kh_passphrase_ask("The same again: ", &second);
		if (e == KH_OK)
			same = kh_passphrase_same(pass, &second);
		if (e == KH_OK && !same)
			kh_say(NULL, "the two differ");
		kh_passphrase_free(&second);
	}
	if (e == KH_ENOENT) {
		kh_say(command,
		    "no terminal to ask for a passphrase on; use %s N, or "
		    "--no-passphrase",
		    option);
		return KH_EXIT_USAGE;
	}
	if (e == KH_EFORMAT)
		return kh_fail_usage(command,
		    "no passphrase was given; "
		    "--no-passphrase does without one");
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, "passphrase", e);
	return same ? KH_EXIT_OK
		    : kh_fail_usage(command, "no passphrase was settled on");
}

int
kh_newpass(
    int fd, const char *command, const char *option, struct kh_passphrase *pass)
{
	size_t chars;
	int code;

	code =
	    fd >= 0 ? kh_keys_passphrase(fd, pass) : ask(command, option, pass);
	if (code != KH_EXIT_OK)
		return code;
	chars = pass->n;
	if (kh_utf8_valid((const uint8_t *)pass->text, pass->n))
		chars = kh_utf8_count((const uint8_t *)pass->text, pass->n);
	if (chars < PASSPHRASE_MIN)
		return kh_fail_usage(command,
		    "a passphrase of fewer than 8 "
		    "characters protects nothing; take five random words");
	if (chars < PASSPHRASE_GOOD)
		kh_say(command,
		    "warning: that passphrase is short; five "
		    "random words would be good");
	return KH_EXIT_OK;
}
