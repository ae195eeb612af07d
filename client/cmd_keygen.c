/*
 * knothole keygen: a newsroom's identity, and the card that everyone else
 * gets. Separate, as every command is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/args.h"
#include "client/ceremony/ceremony.h"
#include "client/cmd.h"
#include "client/courier_token.h"
#include "client/exit.h"
#include "client/identity.h"
#include "client/keys.h"
#include "client/newkeys.h"
#include "client/newpass.h"
#include "client/output.h"
#include "client/reseal.h"
#include "knothole/age.h"
#include "knothole/card.h"
#include "knothole/io.h"
#include "knothole/name.h"
#include "knothole/secret.h"

#define DAYS_DEFAULT 730 /* two years */
#define DAYS_MAX 3660 /* ten: a key should not outlive its purpose */

static const char help[] =
    "usage: knothole keygen -o DIR --name NAME [--language L]...\n"
    "                       [--days N | --epochs N]\n"
    "                       [--passphrase-fd N | --no-passphrase]\n"
    "                       [--shares N [--threshold M] [--format text|pdf]\n"
    "                       [--paper a4|letter]]\n\n"
    "Makes a newsroom's keys in DIR: its identity, which opens submissions "
    "and\n"
    "stays on the offline machine, its card, which the server gets, and a\n"
    "token with which its courier may collect what is sealed.\n\n"
    "  -o, --output DIR       where to; made if it is not there\n"
    "  -n, --name NAME        the newsroom's name as sources will see it\n"
    "  -l, --language L       a language that it reads (en, he, ar, ...);\n"
    "                         repeatable; en if none is given\n"
    "  -d, --days N           days from today that sources may seal to it\n"
    "                         (default 730)\n"
    "  -e, --epochs N         instead: a key of its own for each of N months, "
    "from\n"
    "                         today on (see `knothole epoch`)\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "      --no-passphrase    keep the identity in clear\n"
    "      --shares N         split a key that opens the identity into N "
    "pages\n"
    "                         for N people (2 to 16); there is a passphrase "
    "beside\n"
    "                         them only with --passphrase-fd\n"
    "      --threshold M      how many of them it takes (default: more than "
    "half)\n"
    "      --format F         of the pages: text (default) or pdf\n"
    "      --paper P          a4 (default) or letter, for pdf\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"name", required_argument, NULL, 'n'},
    {"language", required_argument, NULL, 'l'},
    {"days", required_argument, NULL, 'd'},
    {"epochs", required_argument, NULL, 'e'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"no-passphrase", no_argument, NULL, 'N'},
    KH_CEREMONY_OPTIONS,
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

enum what {
	IDENTITY,
	RECOVERY,
	CARD,
	SIGNATURE,
	PUBLIC,
	COURIER,
	N_FILES
};

static const struct {
	const char *label; /* as the output says it */
	const char *name; /* behind the card's id, if it is a suffix */
	bool suffix;
	mode_t mode;
} files[N_FILES] = {
    [IDENTITY] = {"identity", "identity.age", false, 0600},
    [RECOVERY] = {"recovery", KH_RECOVERY_NAME, false, 0600},
    [CARD] = {"card", ".card", true, 0644},
    [SIGNATURE] = {"signature", ".card.minisig", true, 0644},
    [PUBLIC] = {"signing key", ".pub", true, 0644},
    [COURIER] = {"courier", KH_COURIER_TOKEN_FILE, false, 0600},
};

struct keygen {
	const char *dir;
	const char *name;
	unsigned days; /* 0: the default */
	unsigned epochs; /* 0: none */
	struct kh_args_keys keys; /* the descriptor only */
	bool clear;
	bool help;
	struct kh_card card;
	struct kh_passphrase pass;
	struct kh_newsroom_keys *secret;
	char *token; /* of its courier, a line */
	char id[KH_CARD_ID_MAX + 1];
	struct kh_output file[N_FILES];
	struct kh_ceremony ceremony;
};

static int
add_language(struct kh_card *c, const char *text)
{
	size_t i, n = strlen(text);

	for (i = 0; i < n; i++)
		if (text[i] < 'a' || text[i] > 'z')
			break;
	if (n < 2 || n > KH_LANGUAGE_MAX || i < n)
		return kh_fail_usage(text,
		    "not a language code; two letters, such as en, he, ar");
	for (i = 0; i < c->n_languages; i++)
		if (strcmp(c->languages[i], text) == 0)
			return KH_EXIT_OK;
	if (c->n_languages == KH_CARD_LANGUAGES_MAX)
		return kh_fail_usage("--language", "too many; 16 are the most");
	memcpy(c->languages[c->n_languages++], text, n + 1);
	return KH_EXIT_OK;
}

static int
take_option(struct keygen *k, int c)
{
	switch (c) {
	case 'o':
		k->dir = optarg;
		return KH_EXIT_OK;
	case 'n':
		k->name = optarg;
		return KH_EXIT_OK;
	case 'l':
		return add_language(&k->card, optarg);
	case 'd':
		if (kh_args_number(optarg, 1, DAYS_MAX, &k->days))
			return KH_EXIT_OK;
		return kh_fail_usage("--days", "not a number from 1 to 3660");
	case 'e':
		if (kh_args_number(
			optarg, 1, KH_CARD_RECIPIENTS_MAX, &k->epochs))
			return KH_EXIT_OK;
		return kh_fail_usage("--epochs", "not a number from 1 to 120");
	case 'P':
		return kh_args_key(&k->keys, c, optarg) ? KH_EXIT_OK
							: KH_EXIT_USAGE;
	case 'N':
		k->clear = true;
		return KH_EXIT_OK;
	case 'h':
		k->help = true;
		return KH_EXIT_OK;
	default:
		if (c >= 1 && c <= KH_CEREMONY_OPTION_MAX)
			return kh_ceremony_option(&k->ceremony, c, optarg);
		return KH_EXIT_USAGE;
	}
}

static int
parse(struct keygen *k, int argc, char **argv)
{
	size_t n;
	int c, code;

	while ((c = kh_args_next(argc, argv, ":o:n:l:d:e:h", options)) != -1) {
		code = take_option(k, c);
		if (code != KH_EXIT_OK || k->help)
			return code;
	}
	if (optind < argc)
		return kh_fail_usage(argv[optind], "keygen takes options only");
	if (k->dir == NULL || k->name == NULL)
		return kh_fail_usage(
		    "keygen", "-o DIR and --name NAME are both needed");
	if (k->clear && k->keys.fd >= 0)
		return kh_fail_usage("keygen",
		    "--passphrase-fd and "
		    "--no-passphrase exclude each other");
	if (k->days > 0 && k->epochs > 0)
		return kh_fail_usage(
		    "keygen", "--days and --epochs exclude each other");
	n = strlen(k->name);
	if (n == 0 || n > KH_CARD_NAME_MAX)
		return kh_fail_usage("--name", "1 to 120 bytes, please");
	memcpy(k->card.name, k->name, n + 1);
	if (k->card.n_languages == 0 &&
	    add_language(&k->card, "en") != KH_EXIT_OK)
		return KH_EXIT_USAGE;
	code = kh_ceremony_check(&k->ceremony);
	if (k->ceremony.count > 0)
		k->clear = false; /* the shares are in its place */
	return code;
}

/* With shares there is a passphrase only if one is given. */
static int
get_passphrase(struct keygen *k)
{
	if (k->clear || (k->ceremony.count > 0 && k->keys.fd < 0))
		return KH_EXIT_OK;
	return kh_newpass(k->keys.fd, "keygen", "--passphrase-fd", &k->pass);
}

static int
fill_card(struct keygen *k)
{
	enum kh_err e;

	kh_card_id(k->name, k->id);
	k->secret = kh_secret_alloc(sizeof(*k->secret));
	if (k->secret == NULL)
		return kh_fail(KH_ON_KEY, NULL, KH_ENOMEM);
	e = k->epochs > 0 ? kh_newkeys_epochs(k->secret, &k->card, k->epochs)
			  : kh_newkeys_days(k->secret, &k->card,
				k->days > 0 ? k->days : DAYS_DEFAULT);
	if (e == KH_OK)
		e = kh_courier_token_make(&k->card, &k->token);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, NULL, e);
	return k->ceremony.count > 0 ? kh_ceremony_make(&k->ceremony)
				     : KH_EXIT_OK;
}

static void
file_name(const struct keygen *k, enum what w, char *out, size_t cap)
{
	(void)snprintf(out, cap, "%s%s", files[w].suffix ? k->id : "",
	    w == IDENTITY && k->clear ? "identity.txt" : files[w].name);
}

/* Beside a passphrase the shares need a file of their own. */
static bool
is_made(const struct keygen *k, enum what w)
{
	return w != RECOVERY || (k->ceremony.count > 0 && k->pass.text != NULL);
}

/* All files are begun before one is written: what cannot be made is known
 * before there is a key. */
static int
begin_files(struct keygen *k)
{
	char name[NAME_MAX + 1];
	enum kh_err e;
	int dir_fd, w;

	e = kh_output_dir(k->dir, &dir_fd);
	if (e != KH_OK) {
		(void)kh_fail(KH_ON_OUTPUT, k->dir, e);
		return KH_EXIT_CREATE;
	}
	for (w = 0; w < N_FILES && e == KH_OK; w++) {
		if (!is_made(k, (enum what)w))
			continue;
		file_name(k, (enum what)w, name, sizeof(name));
		e = kh_output_open_at(&k->file[w], dir_fd, name, files[w].mode);
		if (e != KH_OK)
			(void)kh_fail(KH_ON_OUTPUT, name, e);
	}
	if (e == KH_OK && k->ceremony.count > 0 &&
	    kh_ceremony_begin(&k->ceremony, dir_fd) != KH_EXIT_OK)
		e = KH_EEXIST; /* or the like: it has been said */
	close(dir_fd);
	return e == KH_OK ? KH_EXIT_OK : KH_EXIT_CREATE;
}

static enum kh_err
write_identity(struct keygen *k)
{
	const struct kh_ceremony_identity what = {.keys = k->secret,
	    .name = k->name,
	    .pass = k->pass.text != NULL ? &k->pass : NULL,
	    .clear = k->clear,
	    .identity_fd = k->file[IDENTITY].fd,
	    .recovery_fd = k->file[RECOVERY].fd};

	return kh_ceremony_identity(&k->ceremony, &what);
}

/* The card, its signature beside it, and the key to verify that with. */
static enum kh_err
write_card(struct keygen *k, const char *card, size_t n)
{
	char sig[KH_SIGNATURE_TEXT_MAX], comment[KH_CARD_ID_MAX + 64];
	char key[KH_SIGN_PUBLIC_TEXT_LEN + 1];
	char public[KH_SIGN_PUBLIC_TEXT_LEN + sizeof(comment) + 64];
	enum kh_err e;
	int len;

	(void)snprintf(comment, sizeof(comment), "%s.card", k->id);
	e = kh_sign(&k->secret->signing, (const uint8_t *)card, n,
	    "signature of a knothole card", comment, sig);
	if (e != KH_OK)
		return e;
	kh_sign_public_format(&k->card.signing_key, key);
	len = snprintf(public, sizeof(public),
	    "untrusted comment: signing key of %s\n%s\n", k->id, key);
	e = kh_write_all(k->file[CARD].fd, card, n);
	if (e == KH_OK)
		e = kh_write_all(k->file[SIGNATURE].fd, sig, strlen(sig));
	if (e == KH_OK)
		e = kh_write_all(k->file[PUBLIC].fd, public, (size_t)len);
	return e;
}

/* Give the files their names; all or none. */
static int
commit_files(struct keygen *k)
{
	char name[NAME_MAX + 1];
	enum kh_err e;
	int w, dir_fd;

	e = kh_output_dir(k->dir, &dir_fd);
	if (e != KH_OK)
		return kh_fail(KH_ON_OUTPUT, k->dir, e);
	for (w = 0; w < N_FILES; w++) {
		if (!is_made(k, (enum what)w))
			continue;
		file_name(k, (enum what)w, name, sizeof(name));
		e = kh_output_commit(&k->file[w]);
		if (e != KH_OK)
			break;
	}
	if (e != KH_OK) {
		(void)kh_fail(KH_ON_OUTPUT, name, e);
		while (w-- > 0) {
			if (!is_made(k, (enum what)w))
				continue;
			file_name(k, (enum what)w, name, sizeof(name));
			(void)unlinkat(dir_fd, name, 0);
		}
		kh_ceremony_undo(&k->ceremony);
	}
	close(dir_fd);
	return kh_exit_code(KH_ON_OUTPUT, e);
}

static int
write_files(struct keygen *k)
{
	char *card = NULL;
	struct stat sb;
	size_t n = 0;
	enum kh_err e;
	int code;

	e = kh_card_write(&k->card, &k->secret->signing, &card, &n);
	if (e == KH_ENAME)
		return kh_fail_usage("--name",
		    "not a name to show: no control "
		    "or direction characters, no blanks at its ends");
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, "card", e);
	code = begin_files(k);
	if (code == KH_EXIT_OK && fstat(k->file[IDENTITY].fd, &sb) == 0 &&
	    (sb.st_mode & 077) != 0)
		kh_say(k->dir,
		    "warning: this file system does not keep other "
		    "users out; use another one");
	if (code == KH_EXIT_OK) {
		e = write_identity(k);
		if (e == KH_OK)
			e = write_card(k, card, n);
		if (e == KH_OK)
			e = kh_write_all(
			    k->file[COURIER].fd, k->token, strlen(k->token));
		if (e != KH_OK)
			code = kh_fail(KH_ON_OUTPUT, k->dir, e);
	}
	if (code == KH_EXIT_OK && k->ceremony.count > 0)
		code = kh_ceremony_write(&k->ceremony, k->id);
	if (code == KH_EXIT_OK && k->ceremony.count > 0)
		code = kh_ceremony_commit(&k->ceremony);
	free(card);
	return code == KH_EXIT_OK ? commit_files(k) : code;
}

static void
print_made(const struct keygen *k)
{
	char dir[KH_SHOWN_MAX], name[NAME_MAX + 1], words[80];
	char to[KH_RECIPIENT_TEXT_LEN + 1];
	const struct kh_card_recipient *r = k->card.recipients;
	size_t i, n = k->card.n_recipients;
	int w;

	kh_shown(k->dir, dir);
	for (w = 0; w < N_FILES; w++) {
		if (!is_made(k, (enum what)w))
			continue;
		file_name(k, (enum what)w, name, sizeof(name));
		printf("%-12s %s/%s\n", files[w].label, dir, name);
	}
	if (k->ceremony.count > 0)
		kh_ceremony_print(&k->ceremony, dir);
	for (i = 0; i < n; i++) {
		kh_recipient_format(&r[i].to, to);
		printf("%-12s %s\n", "recipient", to);
	}
	kh_card_fingerprint(&k->card, words);
	printf("%-12s %s to %s\n", "valid", r->first, r[n - 1].last);
	printf("%-12s %s\n", "fingerprint", words);
}

static void
print_hints(const struct keygen *k)
{
	if (k->clear)
		kh_say("identity.txt",
		    "WARNING: NOT UNDER A PASSPHRASE. Whoever reads this file "
		    "reads every submission, past and future");
	if (k->ceremony.count > 0)
		kh_ceremony_hints(&k->ceremony, k->pass.text != NULL);
	kh_say(NULL,
	    "the identity stays on the offline machine; keep a copy "
	    "of it in another safe place");
	kh_say(NULL,
	    "give %s.card to the server's administrator (directory "
	    "`newsrooms`), and tell sources the fingerprint by "
	    "another way",
	    k->id);
	kh_say(NULL,
	    KH_COURIER_TOKEN_FILE " is for the machine that fetches from the "
				  "server: it lets a "
				  "courier collect what is sealed, and opens "
				  "nothing");
}

static int
generate(struct keygen *k)
{
	int code;

	kh_keys_probe();
	code = get_passphrase(k);
	if (code == KH_EXIT_OK)
		code = fill_card(k);
	if (code == KH_EXIT_OK)
		code = write_files(k);
	if (code != KH_EXIT_OK)
		return code;
	print_made(k);
	print_hints(k);
	return code;
}

int
kh_cmd_keygen(int argc, char **argv)
{
	static struct keygen k; /* 20 KiB; there is one */
	int code, w;

	k.keys.fd = -1;
	kh_ceremony_start(&k.ceremony);
	for (w = 0; w < N_FILES; w++)
		k.file[w].fd = k.file[w].dir_fd = -1;
	code = parse(&k, argc, argv);
	if (code == KH_EXIT_OK && k.help)
		fputs(help, stdout);
	else if (code == KH_EXIT_OK)
		code = generate(&k);
	for (w = 0; w < N_FILES; w++)
		kh_output_abort(&k.file[w]);
	kh_ceremony_end(&k.ceremony);
	kh_passphrase_free(&k.pass);
	kh_secret_free(k.secret);
	kh_secret_free(k.token);
	return code;
}
