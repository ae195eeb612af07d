/*
 * knothole passphrase: another passphrase for an identity file.
 */
#include <stdio.h>

#include "client/args.h"
#include "client/cmd.h"
#include "client/desk/vault.h"
#include "client/exit.h"
#include "client/holders.h"
#include "client/keys.h"
#include "client/newpass.h"
#include "client/reseal.h"
#include "client/unlock.h"
#include "knothole/secret.h"

static const char help[] =
    "usage: knothole passphrase [-i IDENTITY] [--passphrase-fd N]\n"
    "                           [--new-passphrase-fd N] [--drop-editors]\n\n"
    "Seals an identity file under another passphrase, in its place. The old\n"
    "file is replaced when the new one has been opened again, and overwritten\n"
    "as far as the disk lets it; copies elsewhere keep the old passphrase.\n\n"
    "  -i, --identity FILE        the identity file; the vault's if there is "
    "one\n"
    "      --passphrase-fd N      read the old passphrase, one line, from\n"
    "                             descriptor N instead of asking\n"
    "      --new-passphrase-fd N  the same for the new one; N may be the same\n"
    "                             descriptor, with two lines\n"
    "      --drop-editors         of a file that is sealed to editors' keys:\n"
    "                             take these away, and use a passphrase\n"
    "  -h, --help                 this text\n";

static const struct option options[] = {
    {"identity", required_argument, NULL, 'i'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"new-passphrase-fd", required_argument, NULL, 'Q'},
    {"drop-editors", no_argument, NULL, 'D'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct change {
	struct kh_args_keys keys, fresh; /* of `fresh` the descriptor only */
	bool drop, help;
	const char *path;
	struct kh_unlocked id;
	struct kh_passphrase pass; /* the new one */
};

static int
parse(struct change *p, int argc, char **argv)
{
	int c;

	while ((c = kh_args_next(argc, argv, ":i:h", options)) != -1) {
		switch (c) {
		case 'i':
		case 'P':
			if (!kh_args_key(&p->keys, c, optarg))
				return KH_EXIT_USAGE;
			break;
		case 'Q':
			if (!kh_args_key(&p->fresh, 'P', optarg))
				return KH_EXIT_USAGE;
			break;
		case 'D':
			p->drop = true;
			break;
		case 'h':
			p->help = true;
			return KH_EXIT_OK;
		default:
			return KH_EXIT_USAGE;
		}
	}
	if (optind < argc)
		return kh_fail_usage(
		    argv[optind], "passphrase takes options only");
	c = kh_vault_default_key(&p->keys);
	if (c != KH_EXIT_OK)
		return c;
	if (p->keys.n != 1)
		return kh_fail_usage(
		    "passphrase", "one identity is needed; give -i IDENTITY");
	p->path = p->keys.path[0];
	return KH_EXIT_OK;
}

/* Without editors: a passphrase stands alone. */
static int
drop_editors(struct change *p)
{
	char *text = NULL;
	enum kh_err e;
	size_t n, editors;

	e = kh_holders_drop_editors(p->id.text, p->id.n, &text, &n, &editors);
	if (e == KH_OK && editors > 0 && !p->drop) {
		kh_secret_free(text);
		kh_say(p->path,
		    "is sealed to the keys of editors (%zu) and has no "
		    "passphrase; --drop-editors takes their keys away and sets "
		    "one",
		    editors);
		return KH_EXIT_USAGE;
	}
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, p->path, e);
	kh_secret_free(p->id.text);
	p->id.text = text;
	p->id.n = n;
	return KH_EXIT_OK;
}

static int
change(struct change *p)
{
	struct kh_unlock u = {.fd = p->keys.fd};
	struct kh_reseal how = {.pass = &p->pass};
	char shown[KH_SHOWN_MAX];
	int code;

	kh_keys_probe();
	code = kh_unlock_file(&u, p->path, &p->id);
	if (code == KH_EXIT_OK)
		code = drop_editors(p);
	if (code == KH_EXIT_OK)
		code = kh_newpass(
		    p->fresh.fd, "passphrase", "--new-passphrase-fd", &p->pass);
	how.text = p->id.text;
	how.n = p->id.n;
	how.proof = u.editors;
	if (code == KH_EXIT_OK)
		code = kh_reseal_replace(p->path, &how);
	kh_unlock_end(&u);
	if (code != KH_EXIT_OK)
		return code;
	printf("%s\n", kh_shown(p->path, shown));
	if (p->id.how == KH_SEALED_NOT)
		kh_reseal_was_clear(p->path);
	kh_say(NULL,
	    "copies of the old file, on other disks and in backups, still open "
	    "with what opened them before; replace them too");
	return code;
}

int
kh_cmd_passphrase(int argc, char **argv)
{
	struct change p = {.keys = {.fd = -1}, .fresh = {.fd = -1}};
	int code;

	code = parse(&p, argc, argv);
	if (code == KH_EXIT_OK && p.help)
		fputs(help, stdout);
	else if (code == KH_EXIT_OK)
		code = change(&p);
	kh_unlocked_free(&p.id);
	kh_passphrase_free(&p.pass);
	return code;
}
