/*
 * knothole epoch list: which keys an identity file has, without showing them.
 */
#include <stdio.h>

#include "client/desk/json_out.h"
#include "client/desk/vault.h"
#include "client/epoch/epoch.h"
#include "client/exit.h"
#include "client/newkeys.h"
#include "knothole/secret.h"

static const char help[] =
    "usage: knothole epoch list [--json] [-i IDENTITY] [--vault DIR]\n"
    "                           [--passphrase-fd N]\n\n"
    "Lists the keys of an identity: epoch, first and last day, whether that\n"
    "is past, current or future, or when the key was burnt, and the public\n"
    "key. Keys without an epoch are listed, too.\n\n"
    "  -i, --identity FILE    the newsroom's identity; that of the vault if "
    "none\n"
    "                         is given\n"
    "      --vault DIR        the vault (also before the command)\n"
    "      --json             one JSON object (docs/json.md)\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

static const char *const states[] = {
    [KH_EPOCH_PAST] = "past",
    [KH_EPOCH_CURRENT] = "current",
    [KH_EPOCH_FUTURE] = "future",
    [KH_EPOCH_BURNT] = "burnt",
    [KH_EPOCH_NONE] = "none",
};

static json_t *
text_or_null(const char *s)
{
	return s[0] != '\0' ? json_string(s) : json_null();
}

static enum kh_err
print_json(const struct kh_epochs *e, const char *today)
{
	char to[KH_RECIPIENT_TEXT_LEN + 1];
	json_t *list = json_array();
	bool bad = list == NULL;
	size_t i;

	for (i = 0; i < e->n; i++) {
		const struct kh_epoch_key *k = &e->key[i];

		kh_recipient_format(&k->to, to);
		kh_json_add(list,
		    json_pack("{s:o, s:o, s:o, s:s, s:o, s:s}", "epoch",
			text_or_null(k->epoch.label), "first",
			text_or_null(k->epoch.first), "last",
			text_or_null(k->epoch.last), "state",
			states[kh_epoch_state(k, today)], "burnt",
			text_or_null(k->burnt), "recipient", to),
		    &bad);
	}
	if (bad) {
		json_decref(list);
		return KH_ENOMEM;
	}
	return kh_json_print(json_pack("{s:o}", "epochs", list));
}

static void
print_human(const struct kh_epochs *e, const char *today)
{
	char to[KH_RECIPIENT_TEXT_LEN + 1];
	size_t i;

	for (i = 0; i < e->n; i++) {
		const struct kh_epoch_key *k = &e->key[i];
		bool named = k->epoch.label[0] != '\0';

		kh_recipient_format(&k->to, to);
		printf("%-7s  %-10s  %-10s  %-7s  %-10s  %s\n",
		    named ? k->epoch.label : "-", named ? k->epoch.first : "-",
		    named ? k->epoch.last : "-",
		    states[kh_epoch_state(k, today)],
		    k->burnt[0] != '\0' ? k->burnt : "-", to);
	}
}

static int
list(const struct kh_epoch_args *a)
{
	struct kh_args_keys keys = a->keys;
	char today[KH_DAY_LEN + 1];
	struct kh_idfile *f;
	int code;

	code = kh_vault_default_key(&keys);
	if (code != KH_EXIT_OK)
		return code;
	f = kh_secret_alloc(sizeof(*f));
	if (f == NULL)
		return kh_fail(KH_ON_KEY, NULL, KH_ENOMEM);
	kh_day_today(today);
	code = kh_idfile_open(f, keys.path[0], keys.fd, NULL);
	if (code == KH_EXIT_OK && a->json &&
	    print_json(&f->epochs, today) != KH_OK)
		code = kh_fail(KH_ON_OUTPUT, NULL, KH_ENOMEM);
	if (code == KH_EXIT_OK && !a->json)
		print_human(&f->epochs, today);
	kh_idfile_close(f);
	kh_secret_free(f);
	return code;
}

int
kh_epoch_list(int argc, char **argv)
{
	struct kh_epoch_args a;
	int code;

	code = kh_epoch_args(&a, argc, argv, help);
	if (code != KH_EXIT_OK || a.help)
		return code;
	if (optind < argc)
		return kh_fail_usage(argv[optind], "list takes options only");
	return list(&a);
}
