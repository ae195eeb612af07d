/*
 * knothole identity inspect: what is in an identity file, without its secrets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/args.h"
#include "client/cmd.h"
#include "client/desk/json_out.h"
#include "client/epochs.h"
#include "client/exit.h"
#include "client/holders_json.h"
#include "client/identity.h"
#include "client/input.h"
#include "client/keys.h"
#include "client/unlock.h"
#include "knothole/card.h"
#include "knothole/secret.h"
#include "knothole/share.h"
#include "lib/age/header.h"
#include "lib/age/stanza.h"

#define LOGN_ARG 2 /* of a scrypt stanza */
#define LOGN_LEN 2 /* digits, at most */

static const char help[] =
    "usage: knothole identity inspect [--open] [--passphrase-fd N] [--json] "
    "FILE\n\n"
    "Says what is in an identity file, and none of its secrets: how it is\n"
    "sealed, and, if it is opened, the newsroom's public keys, its epochs,\n"
    "editors and shares, and the fingerprint of the card that was made with "
    "it.\n\n"
    "      --open             open it, and ask for a passphrase if it takes "
    "one\n"
    "      --editor-key FILE  open it with an editor's own key\n"
    "      --passphrase-fd N  open it with the passphrase, one line, from\n"
    "                         descriptor N\n"
    "      --json             one JSON object (docs/json.md)\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"open", no_argument, NULL, 'O'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct inspect {
	struct kh_args_keys keys; /* the descriptor only */
	bool open, json, help;
	const char *path;
	/* What anybody sees. */
	enum kh_sealed how;
	bool armor;
	unsigned logn; /* 0: no scrypt stanza that can be read */
	unsigned n_keys; /* X25519 stanzas */
	/* What who opens it sees; nothing secret. */
	bool opened, has_room;
	char who[KH_EDITOR_NAME_MAX + 1];
	char newsroom[KH_CARD_NAME_MAX + 1];
	char signing_key[KH_SIGN_PUBLIC_TEXT_LEN + 1];
	char words[KH_CODE_WORDS_TEXT_LEN];
	struct kh_epochs epochs;
	struct kh_holders holders;
};

/* --- the outside ---------------------------------------------------------------- */

static void
read_stanza(struct inspect *in, const struct kh_age_header *h,
    const struct kh_stanza *s)
{
	const uint8_t *arg;
	char digits[LOGN_LEN + 1] = "";
	size_t n;

	if (kh_stanza_is(h, s, KH_STANZA_X25519))
		in->n_keys++;
	if (!kh_stanza_is(h, s, KH_STANZA_SCRYPT) || s->n_args <= LOGN_ARG)
		return;
	arg = kh_stanza_arg(h, s, LOGN_ARG, &n);
	if (n > LOGN_LEN)
		return;
	memcpy(digits, arg, n);
	(void)kh_args_number(digits, 1, 99, &in->logn);
}

static enum kh_err
read_header(struct inspect *in, const char *text, size_t n)
{
	struct kh_age_header *h = NULL;
	size_t i, used;
	enum kh_err e;

	e = kh_age_header_new(&h);
	if (e == KH_OK)
		e = kh_age_header_feed(h, (const uint8_t *)text, n, &used);
	for (i = 0; e == KH_OK && i < kh_age_header_stanzas(h); i++)
		read_stanza(in, h, kh_age_header_stanza(h, i));
	kh_age_header_free(h);
	return e == KH_EAGAIN ? KH_ETRUNC : e;
}

static int
look(struct inspect *in)
{
	char *text = NULL;
	enum kh_err e;
	size_t n = 0;
	int fd, code;

	code = kh_input_open(in->path, &fd);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_input_all(fd, KH_IDENTITY_FILE_MAX, &text, &n);
	kh_input_close(fd);
	if (e == KH_OK) {
		in->how = kh_sealed_how(text, n);
		in->armor = in->how != KH_SEALED_NOT && text[0] == '-';
	}
	if (e == KH_OK && in->how == KH_SEALED_KEYS && n >= KH_OBJECT_LEN_MIN) {
		kh_say(in->path, "is an object, and no identity file");
		code = KH_EXIT_DATA;
	} else if (e == KH_OK && in->how != KH_SEALED_NOT && !in->armor) {
		e = read_header(in, text, n);
	}
	kh_secret_free(text);
	return e == KH_OK ? code : kh_fail(KH_ON_KEY, in->path, e);
}

/* --- the inside ------------------------------------------------------------------ */

/* The fingerprint of a card with these keys, and without an OpenPGP key. */
static void
fingerprint(struct inspect *in, const struct kh_newsroom *room)
{
	struct kh_card *card = calloc(1, sizeof(*card));
	size_t i;

	if (card == NULL)
		return;
	card->signing_key = room->outlet;
	for (i = 0; i < in->epochs.n && i < KH_CARD_RECIPIENTS_MAX; i++)
		card->recipients[card->n_recipients++].to =
		    in->epochs.key[i].to;
	kh_card_fingerprint(card, in->words);
	free(card);
}

static enum kh_err
read_room(struct inspect *in, const struct kh_unlocked *o)
{
	struct kh_newsroom *room;
	struct kh_keyring *kr = NULL;
	enum kh_err e;

	room = kh_secret_alloc((sizeof(*room) + 15) / 16 * 16);
	if (room == NULL)
		return KH_ENOMEM;
	e = kh_keyring_new(&kr);
	if (e == KH_OK)
		e = kh_identity_file_newsroom(kr, o->text, o->n, NULL, room);
	if (e == KH_OK) {
		in->has_room = true;
		memcpy(in->newsroom, room->name, sizeof(in->newsroom));
		kh_sign_public_format(&room->outlet, in->signing_key);
		fingerprint(in, room);
	}
	kh_keyring_free(kr);
	kh_secret_free(room);
	return e == KH_EKEY ? KH_OK : e; /* an identity of another program */
}

static int
open_it(struct inspect *in)
{
	struct kh_unlock u = {.fd = in->keys.fd};
	struct kh_unlocked o;
	enum kh_err e;
	int code;

	kh_keys_probe();
	code = kh_unlock_file(&u, in->path, &o);
	if (code == KH_EXIT_OK) {
		e = kh_epochs_parse(o.text, o.n, &in->epochs);
		if (e == KH_OK)
			e = kh_holders_read(o.text, o.n, &in->holders);
		if (e == KH_OK)
			e = read_room(in, &o);
		if (e != KH_OK)
			code = kh_fail(KH_ON_KEY, in->path, e);
		in->opened = code == KH_EXIT_OK;
		memcpy(in->who, o.who, sizeof(in->who));
	}
	kh_unlocked_free(&o);
	kh_unlock_end(&u);
	return code;
}

/* --- telling ----------------------------------------------------------------------- */

static void
print_outside(const struct inspect *in)
{
	char shown[KH_SHOWN_MAX];

	printf("%-12s %s\n", "file", kh_shown(in->path, shown));
	switch (in->how) {
	case KH_SEALED_NOT:
		printf("%-12s no: in clear\n", "sealed");
		break;
	case KH_SEALED_PASSPHRASE:
		if (in->logn > 0)
			printf("%-12s under a passphrase (scrypt, log2 N = "
			       "%u)\n",
			    "sealed", in->logn);
		else
			printf(
			    "%-12s yes; armor does not show how\n", "sealed");
		break;
	case KH_SEALED_KEYS:
		printf("%-12s to %u keys\n", "sealed", in->n_keys);
		break;
	}
}

static void
print_holders(const struct kh_holders *h)
{
	char shown[KH_SHOWN_MAX], set[KH_SHARE_SET_TEXT_LEN];
	uint8_t id[KH_SHARE_SET_LEN];
	size_t i;

	for (i = 0; i < h->n; i++)
		printf(
		    "%-12s %s\n", "editor", kh_shown(h->editor[i].name, shown));
	if (!h->shared)
		return;
	kh_share_set(&h->shares, id);
	kh_share_set_text(id, set);
	printf("%-12s any %u of %u, set \"%s\"\n", "shares", h->threshold,
	    h->count, set);
}

static void
print_inside(const struct inspect *in)
{
	char to[KH_RECIPIENT_TEXT_LEN + 1], shown[KH_SHOWN_MAX];
	const struct kh_epoch_key *k;
	size_t i;

	if (in->has_room)
		printf("%-12s %s\n%-12s %s\n", "newsroom",
		    kh_shown(in->newsroom, shown), "signing key",
		    in->signing_key);
	for (i = 0; i < in->epochs.n; i++) {
		k = &in->epochs.key[i];
		kh_recipient_format(&k->to, to);
		printf("%-12s %s\n",
		    k->burnt[0] != '\0' ? "burnt" : "recipient", to);
		if (k->epoch.label[0] != '\0')
			printf("%-12s %s, %s to %s\n", "", k->epoch.label,
			    k->epoch.first, k->epoch.last);
	}
	print_holders(&in->holders);
	if (in->has_room)
		printf("%-12s %s\n", "fingerprint", in->words);
}

static json_t *
key_json(const struct kh_epoch_key *k)
{
	char to[KH_RECIPIENT_TEXT_LEN + 1];
	bool epoch = k->epoch.label[0] != '\0';

	kh_recipient_format(&k->to, to);
	return json_pack("{s:s, s:s?, s:s?, s:s?, s:s?}", "recipient", to,
	    "epoch", epoch ? k->epoch.label : NULL, "first",
	    epoch ? k->epoch.first : NULL, "last", epoch ? k->epoch.last : NULL,
	    "burnt", k->burnt[0] != '\0' ? k->burnt : NULL);
}

static void
inside_json(const struct inspect *in, json_t *o, bool *bad)
{
	json_t *keys = json_array();
	size_t i;

	for (i = 0; i < in->epochs.n; i++)
		kh_json_add(keys, key_json(&in->epochs.key[i]), bad);
	kh_json_set(o, "recipients", keys, bad);
	kh_holders_json(&in->holders, o, bad);
	if (!in->has_room)
		return;
	kh_json_set(o, "newsroom",
	    kh_json_text((const uint8_t *)in->newsroom, strlen(in->newsroom)),
	    bad);
	kh_json_set(o, "signing_key", json_string(in->signing_key), bad);
	kh_json_set(o, "fingerprint", json_string(in->words), bad);
}

static int
print_json(const struct inspect *in)
{
	static const char *const how[] = {
	    [KH_SEALED_NOT] = "no",
	    [KH_SEALED_PASSPHRASE] = "passphrase",
	    [KH_SEALED_KEYS] = "keys",
	};
	json_t *o = json_object();
	bool bad = false;
	enum kh_err e;

	kh_json_set(o, "file",
	    kh_json_text((const uint8_t *)in->path, strlen(in->path)), &bad);
	kh_json_set(o, "sealed", json_string(how[in->how]), &bad);
	kh_json_set(o, "armor", json_boolean(in->armor), &bad);
	kh_json_set(o, "scrypt_logn",
	    in->logn > 0 ? json_integer(in->logn) : json_null(), &bad);
	kh_json_set(o, "key_stanzas", json_integer(in->n_keys), &bad);
	kh_json_set(o, "opened", json_boolean(in->opened), &bad);
	if (in->opened)
		inside_json(in, o, &bad);
	if (bad) {
		json_decref(o);
		o = NULL;
	}
	e = kh_json_print(o);
	return e == KH_OK ? KH_EXIT_OK
			  : kh_fail(KH_ON_OUTPUT, "standard output", e);
}

/* --- command line -------------------------------------------------------------------- */

static int
parse(struct inspect *in, int argc, char **argv)
{
	int c;

	while ((c = kh_args_next(argc, argv, ":h", options)) != -1) {
		switch (c) {
		case 'O':
			in->open = true;
			break;
		case 'P':
			if (!kh_args_key(&in->keys, c, optarg))
				return KH_EXIT_USAGE;
			break;
		case 'j':
			in->json = true;
			break;
		case 'h':
			in->help = true;
			return KH_EXIT_OK;
		default:
			return KH_EXIT_USAGE;
		}
	}
	if (argc - optind != 1)
		return kh_fail_usage("inspect", "takes one identity FILE");
	in->path = argv[optind];
	return KH_EXIT_OK;
}

static int
inspect(struct inspect *in)
{
	bool wanted;
	int code;

	code = look(in);
	if (code != KH_EXIT_OK)
		return code;
	wanted = in->open || in->how == KH_SEALED_NOT ||
	    (in->how == KH_SEALED_PASSPHRASE && in->keys.fd >= 0) ||
	    (in->how == KH_SEALED_KEYS && kh_unlock_has_editor_key());
	if (wanted)
		code = open_it(in);
	if (code != KH_EXIT_OK)
		return code;
	if (in->json)
		return print_json(in);
	print_outside(in);
	if (in->opened)
		print_inside(in);
	else
		kh_say(in->path,
		    "was not opened; --open, --passphrase-fd or --editor-key "
		    "do that");
	return code;
}

int
kh_cmd_identity(int argc, char **argv)
{
	static struct inspect in; /* 90 KiB; there is one */
	int code;

	in.keys.fd = -1;
	if (argc < 2 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0) {
		fputs(help, argc < 2 ? stderr : stdout);
		return argc < 2 ? KH_EXIT_USAGE : KH_EXIT_OK;
	}
	if (strcmp(argv[1], "inspect") != 0)
		return kh_fail_usage(
		    argv[1], "no such command; inspect is the one");
	code = parse(&in, argc - 1, argv + 1);
	if (code != KH_EXIT_OK)
		return code;
	if (in.help) {
		fputs(help, stdout);
		return KH_EXIT_OK;
	}
	return inspect(&in);
}
