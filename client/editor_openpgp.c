/*
 * From an OpenPGP public key to an editor. Separate because it runs gpg, which
 * nothing else of the editors' does.
 */
#include <string.h>

#include "client/card/card.h"
#include "client/editor_openpgp.h"
#include "client/exit.h"
#include "client/input.h"
#include "knothole/openpgp.h"
#include "knothole/secret.h"

/* A file of a key: third parties' signatures and photographs are in many. */
#define KEY_FILE_MAX 1048576

/* A key's bytes. */
struct key {
	uint8_t p[KH_OPENPGP_KEY_MAX];
	size_t n;
};

static int
read_key(const char *path, struct key *key)
{
	char *p = NULL;
	size_t n = 0;
	enum kh_err e;
	int fd, code;

	key->n = 0;
	code = kh_input_open(path, &fd);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_input_all(fd, KEY_FILE_MAX, &p, &n);
	kh_input_close(fd);
	if (e == KH_OK)
		e = kh_openpgp_read((const uint8_t *)p, n, key->p, &key->n);
	kh_secret_free(p);
	if (e == KH_EKEY) {
		kh_say(kh_input_name(path), "%s",
		    kh_openpgp_verdict_text(KH_OPENPGP_SECRET));
		return KH_EXIT_DATA;
	}
	if (e == KH_EFORMAT) {
		kh_say(kh_input_name(path),
		    "not an OpenPGP public key; `gpg --export` makes one");
		return KH_EXIT_DATA;
	}
	return e == KH_OK ? code : kh_fail(KH_ON_KEY, kh_input_name(path), e);
}

static int
fail_gpg(const char *path, enum kh_err e)
{
	kh_say(kh_input_name(path), "cannot be used here: %s",
	    e == KH_EUNSUP ? "there is no gpg; install it" : kh_err_text(e));
	return KH_EXIT_UNREACHED;
}

int
kh_editor_openpgp(const char *path, struct kh_editor *ed)
{
	struct kh_openpgp *g = NULL;
	struct kh_openpgp_key who;
	struct key key;
	enum kh_err e;
	int code;

	code = read_key(path, &key);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_openpgp_new(&g, NULL);
	if (e == KH_OK)
		e = kh_openpgp_examine(g, key.p, key.n, &who);
	if (e == KH_OK) {
		code = kh_card_judge(kh_input_name(path), &who);
		if (code == KH_EXIT_OK)
			e = kh_openpgp_place(g, key.p, key.n);
		if (code == KH_EXIT_OK && e == KH_OK)
			e = kh_openpgp_bridge(g, 0, &who, &ed->bridge);
	}
	kh_openpgp_free(g);
	if (e != KH_OK)
		return fail_gpg(path, e);
	ed->to = ed->bridge.to;
	return code;
}
