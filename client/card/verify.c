/*
 * knothole card verify: may this card be used today? Separate from showing it,
 * because scripts go by its exit status.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/card/card.h"
#include "client/desk/json_out.h"
#include "client/exit.h"
#include "client/input.h"
#include "knothole/secret.h"

static const char help[] =
    "usage: knothole card verify [--json] CARD\n\n"
    "Checks the signature in a newsroom's card and the one beside it\n"
    "(CARD.minisig), that it has a key for today, and that its OpenPGP key, "
    "if\n"
    "there is one, can be used. Whether it is the newsroom's card is what the\n"
    "fingerprint, compared by another way, is for.\n\n"
    "Exit status 0: all of that; 65: not signed, or changed; 78: not to be\n"
    "used today; 69: the OpenPGP key cannot be examined here.\n\n"
    "      --json   one JSON object, ASCII only\n"
    "  -h, --help   this text\n";

/* The signature beside the card; one that is missing is said and no fault. */
static int
check_beside(const char *path, const struct kh_card *card,
    const struct kh_card_text *text)
{
	char name[KH_PATH_MAX + 1], sig[KH_SIGNATURE_TEXT_MAX];
	size_t n = 0;
	enum kh_err e;
	int fd;

	if (strcmp(path, "-") == 0)
		return KH_EXIT_OK;
	if (snprintf(name, sizeof(name), "%s.minisig", path) >=
	    (int)sizeof(name))
		return kh_fail_usage(path, "the name is too long");
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		kh_say(name,
		    "is not there; the signature in the card itself is good");
		return KH_EXIT_OK;
	}
	if (fd < 0)
		return kh_fail_open(name);
	e = kh_read_upto(fd, sig, sizeof(sig), &n);
	close(fd);
	if (e == KH_OK)
		e = kh_sign_verify(&card->signing_key, (const uint8_t *)text->p,
		    text->n, sig, n);
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_KEY, name, e);
}

static int
check_today(const char *path, const struct kh_card *card)
{
	char day[KH_DAY_LEN + 1];
	struct kh_recipient to;
	enum kh_err e;

	e = kh_card_recipient_on(card, kh_card_today(day), &to);
	return e == KH_OK ? KH_EXIT_OK
			  : kh_fail(KH_ON_KEY, kh_input_name(path), e);
}

static int
check_openpgp(
    const char *path, const struct kh_card *card, struct kh_openpgp_key *key)
{
	enum kh_err e;

	if (card->openpgp_n == 0)
		return KH_EXIT_OK;
	e = kh_card_examine(card, key);
	if (e == KH_OK)
		return kh_card_judge(kh_input_name(path), key);
	kh_say(kh_input_name(path),
	    "the OpenPGP key cannot be examined here: %s",
	    e == KH_EUNSUP ? "there is no gpg" : kh_err_text(e));
	return KH_EXIT_UNREACHED;
}

static int
print(const struct kh_card *card, const struct kh_openpgp_key *key, int code,
    bool json)
{
	char words[KH_CODE_WORDS_TEXT_LEN], shown[KH_SHOWN_MAX];
	json_t *o;
	bool bad = false;
	enum kh_err e;

	kh_card_fingerprint(card, words);
	if (!json) {
		if (code == KH_EXIT_OK)
			printf("%s: in order\n%s\n",
			    kh_shown(card->name, shown), words);
		return code;
	}
	o = json_object();
	kh_json_set(o, "name", json_string(card->name), &bad);
	kh_json_set(o, "fingerprint", json_string(words), &bad);
	kh_json_set(o, "usable", json_boolean(code == KH_EXIT_OK), &bad);
	kh_json_set(o, "openpgp",
	    card->openpgp_n == 0
		? json_null()
		: json_string(kh_openpgp_verdict_word(key->verdict)),
	    &bad);
	e = kh_json_print(bad ? NULL : o);
	if (bad)
		json_decref(o);
	return e == KH_OK ? code : kh_fail(KH_ON_OUTPUT, "standard output", e);
}

int
kh_card_verify(int argc, char **argv)
{
	static struct kh_card card;
	static const int one[2] = {1, 1};
	struct kh_openpgp_key key = {.verdict = KH_OPENPGP_OK};
	struct kh_card_text text;
	struct kh_card_args a;
	int code;

	code = kh_card_args(&a, argc, argv, help, one);
	if (code != KH_EXIT_OK || a.help)
		return code;
	code = kh_card_load(a.arg[0], &card, &text);
	if (code != KH_EXIT_OK)
		return code;
	code = check_beside(a.arg[0], &card, &text);
	kh_secret_free(text.p);
	if (code != KH_EXIT_OK)
		return code;
	code = check_today(a.arg[0], &card);
	if (code == KH_EXIT_OK)
		code = check_openpgp(a.arg[0], &card, &key);
	return print(&card, &key, code, a.json);
}
