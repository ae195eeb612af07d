/*
 * Opening by way of gpg-agent. Separate from the other keys, because here
 * somebody may be asked for a card and a PIN: nothing is tried unless it was
 * asked for, or there is no other key.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/bridge.h"
#include "client/exit.h"
#include "knothole/io.h"
#include "knothole/openpgp.h"
#include "lib/base/precond.h"

#define PREFIX "openpgp:"
#define PREFIX_LEN (sizeof(PREFIX) - 1)

bool
kh_bridge_is(const char *identity)
{
	return strncmp(identity, PREFIX, PREFIX_LEN) == 0;
}

bool
kh_bridge_only(const struct kh_args_keys *args)
{
	size_t i;

	for (i = 0; i < args->n; i++) {
		if (!kh_bridge_is(args->path[i]))
			return false;
	}
	return args->n > 0;
}

/* Nothing for any key, or 40 hex digits. */
static bool
well_formed(const char *fpr)
{
	size_t n = strlen(fpr);

	return n == 0 ||
	    (n == KH_OPENPGP_FPR_LEN &&
		strspn(fpr, "0123456789abcdefABCDEF") == n);
}

static bool
asked_for(const struct kh_args_keys *args, const char *fpr)
{
	const char *want;
	size_t i;

	for (i = 0; i < args->n; i++) {
		if (!kh_bridge_is(args->path[i]))
			continue;
		want = args->path[i] + PREFIX_LEN;
		if (want[0] == '\0' || strcasecmp(want, fpr) == 0)
			return true;
	}
	return false;
}

/* `fpr` is 40 hex digits, and so may be printed. */
static enum kh_err
open_bridge(void *ctx, const char *fpr, const uint8_t *msg, size_t n,
    struct kh_identity *out)
{
	enum kh_err e;

	if (!asked_for(ctx, fpr))
		return KH_ENOKEY;
	e = kh_openpgp_unbridge(msg, n, out);
	switch (e) {
	case KH_OK:
		return KH_OK;
	case KH_ENOKEY:
		kh_say(fpr,
		    "gpg has no secret key for it, or it was not unlocked");
		return KH_ENOKEY;
	case KH_EUNSUP:
		kh_say(fpr, "there is no gpg on this machine; install gnupg");
		return KH_ENOKEY;
	case KH_EFORMAT:
	case KH_EAUTH:
		kh_say(fpr, "what the object has for this key is no bridge");
		return KH_ENOKEY;
	default:
		kh_say(fpr, "gpg failed: %s", kh_err_text(e));
		return e == KH_EPROTO ? KH_ENOKEY : e;
	}
}

int
kh_bridge_use(struct kh_keyring *kr, const struct kh_args_keys *args)
{
	bool any = false;
	size_t i;

	PRECOND(kr != NULL && args != NULL);
	for (i = 0; i < args->n; i++) {
		if (!kh_bridge_is(args->path[i]))
			continue;
		if (!well_formed(args->path[i] + PREFIX_LEN))
			return kh_fail_usage(args->path[i],
			    "not a fingerprint; 40 hex digits, without blanks, "
			    "as `gpg -K` shows it (a file of that name: "
			    "./openpgp:...)");
		any = true;
	}
	if (any)
		kh_keyring_bridge(kr,
		    (struct kh_bridge_opener){
			open_bridge, (void *)(uintptr_t)args});
	return KH_EXIT_OK;
}

/* Only whether it looks like it: the header is read properly later. */
static bool
has_bridge(const char *path)
{
	static const char stanza[] = "\n-> knothole.example/openpgp ";
	static const char end[] = "\n--- ";
	const char *at, *mac;
	char *head;
	size_t n = 0;
	bool has = false;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	head = malloc(KH_AGE_HEADER_MAX);
	if (head != NULL &&
	    kh_read_upto(fd, head, KH_AGE_HEADER_MAX, &n) == KH_OK) {
		at = memmem(head, n, stanza, sizeof(stanza) - 1);
		mac = memmem(head, n, end, sizeof(end) - 1);
		has = at != NULL && mac != NULL && at < mac;
	}
	free(head);
	close(fd);
	return has;
}

void
kh_bridge_default(struct kh_args_keys *args, const char *path)
{
	if (args->n > 0 || args->fd >= 0 || path == NULL ||
	    strcmp(path, "-") == 0 || !has_bridge(path))
		return;
	args->path[args->n++] = PREFIX;
}
