/*
 * knothole editor: whose keys open an identity file. Each editor has a key of
 * one's own, so that one who leaves takes nothing along that others use (L35).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "client/args.h"
#include "client/cmd.h"
#include "client/desk/vault.h"
#include "client/editor_openpgp.h"
#include "client/exit.h"
#include "client/holders_json.h"
#include "client/keys.h"
#include "client/reseal.h"
#include "client/unlock.h"
#include "knothole/secret.h"

static const char help[] =
    "usage: knothole editor add --name NAME [-i IDENTITY] RECIPIENT\n"
    "       knothole editor add --name NAME [-i IDENTITY] [openpgp] KEYFILE\n"
    "       knothole editor remove [--name] NAME [-i IDENTITY]\n"
    "       knothole editor list [--json] [-i IDENTITY]\n\n"
    "Whose own keys open a newsroom's identity file. The first one who is "
    "added\n"
    "takes the place of the passphrase, which opens it no longer; then each\n"
    "editor opens with his own key (--editor-key), and nobody shares one.\n"
    "Who is removed cannot open the new file, but still has what he could "
    "read\n"
    "and copy before: renew the newsroom's keys, too (docs/leaver.md).\n\n"
    "RECIPIENT is the editor's public key, age1..., of a key that the editor\n"
    "made (age-keygen -o editor.key). KEYFILE is an OpenPGP public key, as "
    "gpg\n"
    "--export writes it; its owner opens with --editor-key "
    "openpgp:FINGERPRINT.\n\n"
    "  -i, --identity FILE    the identity file; the vault's if there is one\n"
    "      --editor-key FILE  your own key, of a file sealed to editors\n"
    "      --name NAME        how the editor is called in the list\n"
    "      --json             one JSON object (docs/json.md)\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"identity", required_argument, NULL, 'i'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"name", required_argument, NULL, 'n'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct editor {
	struct kh_args_keys keys;
	const char *path, *name, *recipient;
	const char *keyfile; /* of an OpenPGP key, instead of a recipient */
	bool json, help;
	struct kh_unlock unlock;
	struct kh_unlocked id;
	struct kh_holders holders;
};

/* --- add, remove, list --------------------------------------------------------- */

/* Seal to the new holders, in the file's place. */
static int
reseal(struct editor *ed)
{
	struct kh_reseal how = {.proof = ed->unlock.editors};
	char *text;
	enum kh_err e;
	int code;

	e = kh_holders_write(
	    ed->id.text, ed->id.n, &ed->holders, &text, &how.n);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, ed->path, e);
	how.text = text;
	code = kh_reseal_replace(ed->path, &how);
	kh_secret_free(text);
	return code;
}

static int
read_recipient(const char *text, struct kh_recipient *to)
{
	if (kh_recipient_parse(text, strlen(text), to) == KH_OK)
		return KH_EXIT_OK;
	kh_say(text,
	    "not a public key; give age1... as `age-keygen` prints it "
	    "(age-keygen -y shows it again)");
	return KH_EXIT_USAGE;
}

static int
check_new(const struct editor *ed, const struct kh_editor *fresh)
{
	const struct kh_holders *h = &ed->holders;
	size_t same = kh_holders_with(h, &fresh->to);

	if (kh_holders_named(h, fresh->name) < h->n) {
		kh_say(fresh->name,
		    "is in the list already; remove that one first, or take "
		    "another name");
		return KH_EXIT_CREATE;
	}
	if (same < h->n ||
	    (h->shared &&
		memcmp(&h->shares, &fresh->to, sizeof(h->shares)) == 0)) {
		kh_say(fresh->name,
		    "that key is in the list already; every editor has a key "
		    "of one's own");
		return KH_EXIT_CREATE;
	}
	if (h->n == KH_EDITORS_MAX) {
		kh_say(ed->path,
		    "has %d editors, which is as many as it can "
		    "have",
		    KH_EDITORS_MAX);
		return KH_EXIT_CREATE;
	}
	return KH_EXIT_OK;
}

static int
add(struct editor *ed)
{
	struct kh_editor fresh = {.name = ""};
	char shown[KH_SHOWN_MAX];
	int code;

	memcpy(fresh.name, ed->name, strlen(ed->name));
	code = ed->keyfile != NULL ? kh_editor_openpgp(ed->keyfile, &fresh)
				   : read_recipient(ed->recipient, &fresh.to);
	if (code == KH_EXIT_OK)
		code = check_new(ed, &fresh);
	if (code != KH_EXIT_OK)
		return code;
	ed->holders.editor[ed->holders.n++] = fresh;
	code = reseal(ed);
	if (code != KH_EXIT_OK)
		return code;
	printf("%-12s %s\n", "added", kh_shown(ed->name, shown));
	if (ed->id.how == KH_SEALED_NOT)
		kh_reseal_was_clear(ed->path);
	if (ed->id.how == KH_SEALED_PASSPHRASE)
		kh_say(ed->path,
		    "THE PASSPHRASE OPENS IT NO LONGER, only %s's key does; "
		    "add the others now, and remove old copies",
		    kh_shown(ed->name, shown));
	return code;
}

static int
remove_one(struct editor *ed)
{
	struct kh_holders *h = &ed->holders;
	size_t i = kh_holders_named(h, ed->name);
	char shown[KH_SHOWN_MAX];
	int code;

	if (i == h->n) {
		kh_say(ed->name,
		    "is no editor of this file; `knothole editor list` shows "
		    "them");
		return KH_EXIT_NOINPUT;
	}
	if (h->n == 1) {
		kh_say(ed->name,
		    "is the only editor: nobody could open the file any more; "
		    "add another one first, or set a passphrase (knothole "
		    "passphrase --drop-editors)");
		return KH_EXIT_USAGE;
	}
	memmove(&h->editor[i], &h->editor[i + 1],
	    (h->n - i - 1) * sizeof(h->editor[0]));
	h->n--;
	code = reseal(ed);
	if (code != KH_EXIT_OK)
		return code;
	printf("%-12s %s\n", "removed", kh_shown(ed->name, shown));
	kh_say(ed->path,
	    "%s still has what was in reach before, with copies of the old "
	    "file: renew the newsroom's keys and its courier's token "
	    "(docs/leaver.md)",
	    kh_shown(ed->name, shown));
	return code;
}

static int
list_json(const struct editor *ed)
{
	json_t *o = json_object();
	bool bad = false;
	enum kh_err e;

	kh_holders_json(&ed->holders, o, &bad);
	if (bad) {
		json_decref(o);
		o = NULL;
	}
	e = kh_json_print(o);
	return e == KH_OK ? KH_EXIT_OK
			  : kh_fail(KH_ON_OUTPUT, "standard output", e);
}

static int
list(struct editor *ed)
{
	const struct kh_holders *h = &ed->holders;
	char to[KH_RECIPIENT_TEXT_LEN + 1], shown[KH_SHOWN_MAX];
	size_t i;

	if (ed->json)
		return list_json(ed);
	for (i = 0; i < h->n; i++) {
		kh_recipient_format(&h->editor[i].to, to);
		printf("%s  %s\n", to, kh_shown(h->editor[i].name, shown));
	}
	if (h->n == 0)
		kh_say(ed->path,
		    ed->id.how == KH_SEALED_KEYS
			? "only shares of its key open it"
			: "has no editors with keys of their own");
	return KH_EXIT_OK;
}

/* --- command line --------------------------------------------------------------- */

static const struct {
	const char *name;
	int (*run)(struct editor *ed);
	bool takes_name;
	int arguments;
} verbs[] = {
    {"add", add, true, 1},
    {"remove", remove_one, true, 0},
    {"list", list, false, 0},
};
#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static int
take_option(struct editor *ed, int c)
{
	switch (c) {
	case 'i':
	case 'P':
		return kh_args_key(&ed->keys, c, optarg) ? KH_EXIT_OK
							 : KH_EXIT_USAGE;
	case 'n':
		ed->name = optarg;
		if (kh_editor_name_ok(optarg, strlen(optarg)))
			return KH_EXIT_OK;
		return kh_fail_usage("--name",
		    "not a name to show: 1 to 64 bytes, no control or "
		    "direction characters, no blanks at its ends");
	case 'j':
		ed->json = true;
		return KH_EXIT_OK;
	case 'h':
		ed->help = true;
		return KH_EXIT_OK;
	default:
		return KH_EXIT_USAGE;
	}
}

/* What is no age key of either kind and is a file: an OpenPGP key's. */
static bool
is_key_file(const char *text)
{
	struct stat sb;

	return strncasecmp(text, "age", 3) != 0 && stat(text, &sb) == 0 &&
	    S_ISREG(sb.st_mode);
}

static int
parse(struct editor *ed, size_t verb, int argc, char **argv)
{
	int c, code;

	while ((c = kh_args_next(argc, argv, ":i:n:h", options)) != -1) {
		code = take_option(ed, c);
		if (code != KH_EXIT_OK || ed->help)
			return code;
	}
	argc -= optind;
	argv += optind;
	if (verbs[verb].arguments == 0 && verbs[verb].takes_name &&
	    ed->name == NULL && argc == 1) {
		ed->name = argv[0];
		argc = 0;
	}
	if (verbs[verb].arguments == 1 && argc == 2 &&
	    strcmp(argv[0], "openpgp") == 0)
		ed->keyfile = argv[1];
	else if (argc == 1 && is_key_file(argv[0]))
		ed->keyfile = argv[0];
	else if (argc != verbs[verb].arguments)
		return kh_fail_usage(verbs[verb].name,
		    verbs[verb].arguments == 1 ? "takes one RECIPIENT, age1..."
					       : "takes options only");
	ed->recipient = verbs[verb].arguments == 1 ? argv[0] : NULL;
	if (verbs[verb].takes_name && ed->name == NULL)
		return kh_fail_usage(verbs[verb].name, "--name NAME is needed");
	code = kh_vault_default_key(&ed->keys);
	if (code != KH_EXIT_OK)
		return code;
	if (ed->keys.n != 1)
		return kh_fail_usage(verbs[verb].name,
		    "one identity is needed; give -i IDENTITY");
	ed->path = ed->keys.path[0];
	return KH_EXIT_OK;
}

static int
run(struct editor *ed, size_t verb)
{
	enum kh_err e;
	int code;

	kh_keys_probe();
	ed->unlock.fd = ed->keys.fd;
	code = kh_unlock_file(&ed->unlock, ed->path, &ed->id);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_holders_read(ed->id.text, ed->id.n, &ed->holders);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, ed->path, e);
	return verbs[verb].run(ed);
}

int
kh_cmd_editor(int argc, char **argv)
{
	static struct editor ed; /* 80 KiB; there is one */
	size_t verb;
	int code;

	ed.keys.fd = -1;
	for (verb = 0; argc > 1 && verb < N_VERBS; verb++)
		if (strcmp(argv[1], verbs[verb].name) == 0)
			break;
	if (argc < 2 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0) {
		fputs(help, argc < 2 ? stderr : stdout);
		return argc < 2 ? KH_EXIT_USAGE : KH_EXIT_OK;
	}
	if (verb == N_VERBS)
		return kh_fail_usage(
		    argv[1], "no such command; add, remove and list are");
	code = parse(&ed, verb, argc - 1, argv + 1);
	if (code == KH_EXIT_OK && ed.help)
		fputs(help, stdout);
	else if (code == KH_EXIT_OK)
		code = run(&ed, verb);
	kh_unlocked_free(&ed.id);
	kh_unlock_end(&ed.unlock);
	return code;
}
