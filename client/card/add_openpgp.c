/*
 * knothole card add-openpgp: an OpenPGP public key onto a card, which is signed
 * anew. Separate because it is the one of these that opens an identity.
 */
#include <stdio.h>
#include <string.h>

#include "client/card/card.h"
#include "client/exit.h"
#include "client/input.h"
#include "client/keys.h"
#include "knothole/secret.h"

/* A file of a key: third parties' signatures and photographs are in many. */
#define KEY_FILE_MAX 1048576

static const char help[] =
    "usage: knothole card add-openpgp -i IDENTITY [--passphrase-fd N] CARD "
    "KEYFILE\n\n"
    "Puts the OpenPGP public key in KEYFILE (- for standard input) on a card,\n"
    "in place of one that is there, and signs CARD and CARD.minisig anew with\n"
    "IDENTITY's signing key. What sources send is then sealed to that key as\n"
    "well. The fingerprint of the card changes: publish the new one.\n\n"
    "Make KEYFILE with\n"
    "  gpg --export-options export-minimal --export FINGERPRINT\n\n"
    "  -i, --identity FILE    the newsroom's identity file\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

static int
read_key(const char *path, struct kh_card *card)
{
	char *p = NULL;
	size_t n = 0;
	enum kh_err e;
	int fd, code;

	code = kh_input_open(path, &fd);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_input_all(fd, KEY_FILE_MAX, &p, &n);
	kh_input_close(fd);
	memset(card->openpgp, 0, sizeof(card->openpgp));
	if (e == KH_OK)
		e = kh_openpgp_read(
		    (const uint8_t *)p, n, card->openpgp, &card->openpgp_n);
	kh_secret_free(p);
	switch (e) {
	case KH_OK:
		return KH_EXIT_OK;
	case KH_EKEY:
		kh_say(kh_input_name(path), "%s",
		    kh_openpgp_verdict_text(KH_OPENPGP_SECRET));
		return KH_EXIT_DATA;
	case KH_EFORMAT:
		kh_say(kh_input_name(path),
		    "not an OpenPGP public key; `gpg --export` makes one");
		return KH_EXIT_DATA;
	case KH_ELIMIT:
		kh_say(kh_input_name(path),
		    "larger than %d bytes: export it with `gpg "
		    "--export-options export-minimal`, with few user ids",
		    KH_OPENPGP_KEY_MAX);
		return KH_EXIT_DATA;
	default:
		return kh_fail(KH_ON_KEY, kh_input_name(path), e);
	}
}

static int
examine(
    const char *path, const struct kh_card *card, struct kh_openpgp_key *key)
{
	enum kh_err e;

	e = kh_card_examine(card, key);
	if (e == KH_OK)
		return kh_card_judge(kh_input_name(path), key);
	if (e == KH_EFORMAT)
		return kh_fail(KH_ON_KEY, kh_input_name(path), e);
	kh_say(kh_input_name(path), "cannot be examined here: %s",
	    e == KH_EUNSUP ? "there is no gpg; install it" : kh_err_text(e));
	return KH_EXIT_UNREACHED;
}

static void
print_made(const struct kh_card *card, const struct kh_openpgp_key *key)
{
	char words[KH_CODE_WORDS_TEXT_LEN], uid[KH_SHOWN_MAX];

	kh_card_fingerprint(card, words);
	printf("%-12s %s\n", "openpgp", key->fpr);
	printf("%-12s %s\n", "", kh_shown(key->uid, uid));
	printf("%-12s %s\n", "algorithm", key->algorithm);
	printf("%-12s %s\n", "fingerprint", words);
	kh_say(NULL,
	    "the card's fingerprint has changed: give the card to the server's "
	    "administrator, and tell sources the new fingerprint by another "
	    "way");
}

/* Sign it with the key that has signed it before, and with no other. */
static int
sign(const struct kh_card_args *a, const struct kh_card *card)
{
	struct kh_keyring *kr = NULL;
	struct kh_newsroom *room;
	int code;

	room = kh_secret_alloc(sizeof(*room));
	if (room == NULL)
		return kh_fail(KH_ON_KEY, NULL, KH_ENOMEM);
	memset(room, 0, sizeof(*room));
	code = kh_keys_newsroom(a->keys.path[0], a->keys.fd, &kr, room);
	if (code == KH_EXIT_OK &&
	    memcmp(&room->outlet, &card->signing_key, sizeof(room->outlet)) !=
		0) {
		kh_say(a->keys.path[0],
		    "has not signed this card; give the identity of the card's "
		    "newsroom");
		code = KH_EXIT_NOKEY;
	}
	if (code == KH_EXIT_OK)
		code = kh_card_sign(a->arg[0], card, &room->signing);
	kh_keyring_free(kr);
	kh_secret_free(room);
	return code;
}

int
kh_card_add_openpgp(int argc, char **argv)
{
	static struct kh_card card;
	static const int two[2] = {2, 2};
	struct kh_openpgp_key key;
	struct kh_card_args a;
	int code;

	code = kh_card_args(&a, argc, argv, help, two);
	if (code != KH_EXIT_OK || a.help)
		return code;
	if (a.keys.n != 1)
		return kh_fail_usage(argv[0], "give one -i IDENTITY");
	code = kh_card_load(a.arg[0], &card, NULL);
	if (code == KH_EXIT_OK)
		code = read_key(a.arg[1], &card);
	if (code == KH_EXIT_OK)
		code = examine(a.arg[1], &card, &key);
	if (code == KH_EXIT_OK)
		code = sign(&a, &card);
	if (code == KH_EXIT_OK)
		print_made(&card, &key);
	return code;
}
