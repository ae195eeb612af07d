/*
 * knothole card renew: keys for further months, in the identity and on the
 * card. The identity is written first: a card must never name a key that
 * nobody has; and a run that was cut takes up the keys that it finds there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/card/card.h"
#include "client/desk/vault.h"
#include "client/desk/vault_files.h"
#include "client/exit.h"
#include "client/file.h"
#include "client/idfile.h"
#include "client/input.h"
#include "client/keys.h"
#include "client/newkeys.h"
#include "knothole/secret.h"

#define EPOCHS_DEFAULT 12

static const char help[] =
    "usage: knothole card renew [-i IDENTITY] [--epochs N] [--vault DIR]\n"
    "                           [--all-new] [--new-token FILE]\n"
    "                           [--passphrase-fd N] CARD\n\n"
    "Adds keys for N further months to IDENTITY and CARD, behind the last one\n"
    "that is there, drops those from CARD that have ended, and signs CARD and\n"
    "CARD.minisig anew with the same signing key. IDENTITY keeps old keys "
    "until\n"
    "they are burnt (`knothole epoch burn`). With a vault its own copies are\n"
    "renewed as well, and its next export puts the card onto the stick. The\n"
    "fingerprint of the card changes: publish the new one.\n\n"
    "  -i, --identity FILE    the newsroom's identity; that of the vault if "
    "none\n"
    "                         is given\n"
    "  -e, --epochs N         months to add (default 12)\n"
    "      --all-new          put none of the card's present keys on the new "
    "one:\n"
    "                         somebody has left who knows them "
    "(docs/leaver.md)\n"
    "      --new-token FILE   make a new token for the courier, too\n"
    "      --vault DIR        the vault (also before the command)\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"identity", required_argument, NULL, 'i'},
    {"epochs", required_argument, NULL, 'e'},
    {"vault", required_argument, NULL, 'v'},
    {"all-new", no_argument, NULL, 'A'},
    {"new-token", required_argument, NULL, 'T'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum which {
	MAIN, /* whose keys decide */
	OTHER, /* the vault's copy of it */
	N_FILES
};

/* In locked memory. */
struct renew {
	struct kh_args_keys keys;
	unsigned n; /* months */
	bool help, all_new;
	const char *token; /* where a new one goes, or NULL */
	const char *path; /* of the card */
	char today[KH_DAY_LEN + 1];
	struct kh_card card;
	struct kh_idfile file[N_FILES];
	unsigned n_files;
	struct kh_newsroom room;
	struct kh_vault vault;
	bool has_vault;
	char vault_path[PATH_MAX]; /* of its identity */
	struct kh_epoch epoch[KH_CARD_RECIPIENTS_MAX];
	struct kh_identity key[KH_CARD_RECIPIENTS_MAX];
	struct kh_identity missed;
	char lines[KH_EPOCH_LINES_LEN];
};

static int
parse(struct renew *r, int argc, char **argv)
{
	int c;

	while ((c = kh_args_next(argc, argv, ":i:e:h", options)) != -1) {
		switch (c) {
		case 'i':
		case 'P':
			if (!kh_args_key(&r->keys, c, optarg))
				return KH_EXIT_USAGE;
			break;
		case 'e':
			if (!kh_args_number(
				optarg, 1, KH_CARD_RECIPIENTS_MAX, &r->n))
				return kh_fail_usage(
				    "--epochs", "not a number from 1 to 120");
			break;
		case 'v':
			kh_vault_use(optarg);
			break;
		case 'A':
			r->all_new = true;
			break;
		case 'T':
			r->token = optarg;
			break;
		case 'h':
			r->help = true;
			fputs(help, stdout);
			return KH_EXIT_OK;
		default:
			return KH_EXIT_USAGE;
		}
	}
	if (argc - optind != 1)
		return kh_fail_usage("renew", "give one CARD");
	r->path = argv[optind];
	if (r->keys.n > 1)
		return kh_fail_usage("-i", "one identity at a time");
	if (r->keys.n == 0 && kh_vault_path() == NULL)
		return kh_fail_usage("renew", "give -i IDENTITY, or a vault");
	return KH_EXIT_OK;
}

static int
open_vault(struct renew *r, struct kh_passphrase *pass)
{
	int code;

	code = kh_vault_open_with(&r->vault, r->keys.fd, pass, true);
	if (code != KH_EXIT_OK)
		return code;
	r->has_vault = true;
	return kh_vault_identity_path(
	    r->vault.path, r->vault.dir_fd, r->vault_path);
}

/* The identity, and the vault's copy if that is another file. */
static int
open_files(struct renew *r)
{
	struct kh_passphrase pass = {0};
	const char *path = r->keys.n > 0 ? r->keys.path[0] : r->vault_path;
	int code = KH_EXIT_OK;

	if (kh_vault_path() != NULL)
		code = open_vault(r, &pass);
	if (code == KH_EXIT_OK) {
		r->n_files = 1;
		code = kh_idfile_open(&r->file[MAIN], path, r->keys.fd, &pass);
	}
	if (code == KH_EXIT_OK && r->has_vault && r->keys.n > 0) {
		r->n_files = N_FILES;
		code = kh_idfile_open(
		    &r->file[OTHER], r->vault_path, r->keys.fd, &pass);
		if (code == KH_EXIT_OK &&
		    kh_idfile_same(&r->file[MAIN], &r->file[OTHER])) {
			kh_idfile_close(&r->file[OTHER]);
			r->n_files = 1;
		}
	}
	kh_passphrase_free(&pass);
	return code;
}

/* The identity of this card, complete, and if there is a vault, its own? */
static int
check_files(struct renew *r)
{
	const struct kh_idfile *f = &r->file[MAIN];
	struct kh_keyring *kr = NULL;
	enum kh_err e;

	e = kh_keyring_new(&kr);
	if (e == KH_OK)
		e = kh_identity_file_newsroom(
		    kr, f->text, f->n, NULL, &r->room);
	kh_keyring_free(kr);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, f->path, e);
	if (memcmp(&r->room.outlet, &r->card.signing_key,
		sizeof(r->room.outlet)) != 0 ||
	    (r->has_vault &&
		memcmp(&r->room.outlet, &r->vault.room->outlet,
		    sizeof(r->room.outlet)) != 0)) {
		kh_say(f->path,
		    "has not signed this card%s; give the identity of the "
		    "card's newsroom",
		    r->has_vault ? ", or is not that of the vault" : "");
		return KH_EXIT_NOKEY;
	}
	return kh_card_renew_check(f, &r->card, r->all_new);
}

/* Where the card's epochs end. A key without an epoch does not count: it stays
 * in reserve for days on which there is no epoch. "": there are none. */
static void
last_epoch(const struct renew *r, char out[static KH_DAY_LEN + 1])
{
	const struct kh_epoch_key *k;
	size_t i;

	out[0] = '\0';
	for (i = 0; i < r->card.n_recipients && !r->all_new; i++) {
		k = kh_epochs_find(
		    &r->file[MAIN].epochs, false, &r->card.recipients[i].to);
		if (k != NULL && k->epoch.label[0] != '\0' &&
		    strcmp(r->card.recipients[i].last, out) > 0)
			memcpy(out, r->card.recipients[i].last, KH_DAY_LEN + 1);
	}
}

/* A key of this epoch that an earlier run has left, or a new one. */
static enum kh_err
make_key(struct renew *r, unsigned i)
{
	const struct kh_idfile *f = &r->file[MAIN];
	const struct kh_epoch_key *k;
	size_t at;

	for (at = 0; at < f->epochs.n && !r->all_new; at++) {
		k = &f->epochs.key[at];
		if (k->burnt[0] == '\0' &&
		    memcmp(&k->epoch, &r->epoch[i], sizeof(k->epoch)) == 0)
			return kh_epochs_secret(
			    f->text, f->n, &k->to, &r->key[i]);
	}
	kh_identity_generate(&r->key[i]);
	return KH_OK;
}

/* Is one more month needed? Without the old keys the card must last longer than
 * before, or the server takes it for an older one (kh_card_compare). */
static bool
one_more(const struct renew *r, unsigned made)
{
	size_t i;

	if (made < r->n || !r->all_new || made == KH_CARD_RECIPIENTS_MAX)
		return made < r->n;
	for (i = 0; i < r->card.n_recipients; i++)
		if (strcmp(r->epoch[made - 1].last,
			r->card.recipients[i].last) <= 0)
			return true;
	return false;
}

static enum kh_err
make_keys(struct renew *r)
{
	struct kh_epoch before = {{0}, {0}, {0}};
	enum kh_err e = KH_OK;
	unsigned i;

	last_epoch(r, before.last);
	for (i = 0; e == KH_OK && one_more(r, i); i++) {
		if (i == 0 && strcmp(before.last, r->today) < 0)
			e = kh_newkeys_first(&r->epoch[i]);
		else
			e = kh_newkeys_next(
			    i == 0 ? &before : &r->epoch[i - 1], &r->epoch[i]);
		if (e == KH_OK)
			e = make_key(r, i);
	}
	r->n = i;
	return e;
}

/* What has ended goes, the new ones come. */
static int
change_card(struct renew *r)
{
	struct kh_card_recipient *to = r->card.recipients;
	size_t i, n = 0;

	for (i = 0; i < r->card.n_recipients; i++) {
		if (strcmp(to[i].last, r->today) >= 0 && !r->all_new)
			to[n++] = to[i];
	}
	if (n + r->n > KH_CARD_RECIPIENTS_MAX)
		return kh_fail_usage("--epochs",
		    "the card would have more than 120 keys; add fewer");
	for (i = 0; i < r->n; i++, n++) {
		kh_identity_recipient(&r->key[i], &to[n].to);
		memcpy(to[n].first, r->epoch[i].first, sizeof(to[n].first));
		memcpy(to[n].last, r->epoch[i].last, sizeof(to[n].last));
	}
	r->card.n_recipients = n;
	return KH_EXIT_OK;
}

/* A text that grows; `room` keys more fit. */
struct growing {
	char *text;
	size_t n;
	size_t room;
};

static enum kh_err
append(struct renew *r, struct growing *g, const struct kh_epoch *epoch,
    const struct kh_identity *key)
{
	size_t n;

	if (g->room == 0)
		return KH_ELIMIT;
	kh_epoch_lines(epoch, key, r->lines);
	n = strlen(r->lines);
	memcpy(g->text + g->n, r->lines, n);
	g->n += n;
	g->room--;
	return KH_OK;
}

/* Keys of earlier months that a copy has missed. */
static enum kh_err
catch_up(struct renew *r, const struct kh_idfile *f, struct growing *g)
{
	const struct kh_idfile *from = &r->file[MAIN];
	const struct kh_epoch_key *k;
	enum kh_err e = KH_OK;
	size_t i;

	for (i = 0; i < from->epochs.n && e == KH_OK; i++) {
		k = &from->epochs.key[i];
		if (k->burnt[0] != '\0' || k->epoch.label[0] == '\0' ||
		    kh_epochs_find(&f->epochs, true, &k->to) != NULL)
			continue;
		e = kh_epochs_secret(from->text, from->n, &k->to, &r->missed);
		if (e == KH_OK)
			e = append(r, g, &k->epoch, &r->missed);
	}
	return e;
}

static enum kh_err
add_new(struct renew *r, struct growing *g)
{
	struct kh_recipient to;
	enum kh_err e = KH_OK;
	unsigned i;

	for (i = 0; i < r->n && e == KH_OK; i++) {
		kh_identity_recipient(&r->key[i], &to);
		/* What the first file had already, the other has caught up. */
		if (kh_epochs_find(&r->file[MAIN].epochs, true, &to) == NULL)
			e = append(r, g, &r->epoch[i], &r->key[i]);
	}
	return e;
}

/* Its text with the keys that it lacks. */
static int
change_file(struct renew *r, struct kh_idfile *f)
{
	struct growing g = {.n = f->n};
	int code = KH_EXIT_OK;
	enum kh_err e;

	if (f->epochs.n < KH_IDENTITIES_MAX)
		g.room = KH_IDENTITIES_MAX - f->epochs.n;
	g.text =
	    kh_secret_alloc(f->n + 1 + g.room * (size_t)KH_EPOCH_LINES_LEN + 1);
	if (g.text == NULL)
		return kh_fail(KH_ON_KEY, f->path, KH_ENOMEM);
	memcpy(g.text, f->text, f->n);
	if (g.n > 0 && g.text[g.n - 1] != '\n')
		g.text[g.n++] = '\n';
	e = f == &r->file[MAIN] ? KH_OK : catch_up(r, f, &g);
	if (e == KH_OK)
		e = add_new(r, &g);
	if (e == KH_ELIMIT || (e == KH_OK && g.n > KH_IDENTITY_FILE_MAX)) {
		kh_say(f->path,
		    "would have too many keys; burn what is over first");
		code = KH_EXIT_DATA;
	} else if (e != KH_OK) {
		code = kh_fail(KH_ON_KEY, f->path, e);
	} else {
		code = kh_idfile_replace(f, g.text, g.n, false);
	}
	kh_secret_free(g.text);
	return code;
}

/* The vault's card, and that it is to be exported. */
static int
change_vault(struct renew *r)
{
	static const char *const names[] = {KH_VAULT_RENEWED, KH_VAULT_CARD};
	char *text = NULL;
	size_t n, i;
	enum kh_err e;

	e = kh_card_write(&r->card, &r->room.signing, &text, &n);
	for (i = 0; i < 2 && e == KH_OK; i++)
		e = kh_file_put(r->vault.dir_fd, KH_PART_PREFIX "card",
		    names[i], (struct kh_file_bytes){text, n});
	/* As kh_newsroom will have it: to the last key. */
	kh_identity_recipient(&r->key[r->n - 1], &r->vault.room->to);
	if (e == KH_OK)
		e = kh_vault_save(&r->vault); /* which syncs the directory */
	free(text);
	return e == KH_OK ? KH_EXIT_OK
			  : kh_fail(KH_ON_OUTPUT, r->vault.path, e);
}

static void
print_made(const struct renew *r)
{
	char words[KH_CODE_WORDS_TEXT_LEN];
	unsigned i;

	for (i = 0; i < r->n; i++)
		printf("%-12s %s  %s to %s\n", "epoch", r->epoch[i].label,
		    r->epoch[i].first, r->epoch[i].last);
	kh_card_fingerprint(&r->card, words);
	printf("%-12s %s\n", "fingerprint", words);
	kh_say(NULL,
	    "replace every copy of the identity by this one; the card goes to "
	    "the server by stick and courier (`knothole export%s STICK`), or "
	    "to its administrator; tell sources the new fingerprint by "
	    "another way",
	    r->has_vault ? "" : " --card CARD");
}

static int
renew(struct renew *r)
{
	enum kh_err e;
	int code;

	kh_day_today(r->today);
	code = kh_card_load(r->path, &r->card, NULL);
	if (code == KH_EXIT_OK)
		code = open_files(r);
	if (code == KH_EXIT_OK)
		code = check_files(r);
	if (code != KH_EXIT_OK)
		return code;
	e = make_keys(r);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, r->file[MAIN].path, e);
	code = change_card(r);
	if (code == KH_EXIT_OK)
		code = change_file(r, &r->file[MAIN]);
	if (code == KH_EXIT_OK && r->n_files == N_FILES)
		code = change_file(r, &r->file[OTHER]);
	if (code == KH_EXIT_OK && r->token != NULL)
		code = kh_card_token(&r->card, r->token);
	if (code == KH_EXIT_OK)
		code = kh_card_sign(r->path, &r->card, &r->room.signing);
	if (code == KH_EXIT_OK && r->has_vault)
		code = change_vault(r);
	if (code == KH_EXIT_OK)
		print_made(r);
	return code;
}

int
kh_card_renew(int argc, char **argv)
{
	struct renew *r = kh_secret_alloc(sizeof(*r));
	unsigned i;
	int code;

	if (r == NULL)
		return kh_fail(KH_ON_KEY, NULL, KH_ENOMEM);
	memset(r, 0, sizeof(*r));
	r->keys.fd = -1;
	r->n = EPOCHS_DEFAULT;
	code = parse(r, argc, argv);
	if (code == KH_EXIT_OK && !r->help) {
		kh_keys_probe();
		code = renew(r);
	}
	for (i = 0; i < r->n_files; i++)
		kh_idfile_close(&r->file[i]);
	if (r->has_vault)
		kh_vault_close(&r->vault);
	kh_secret_free(r);
	return code;
}
