/*
 * knothole list: what is in a submission, read from its directory and manifest
 * alone. Separate because nothing that it prints comes from us.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/bridge.h"
#include "client/cmd.h"
#include "client/desk/json_out.h"
#include "client/desk/vault.h"
#include "client/exit.h"
#include "client/keys.h"
#include "client/object.h"
#include "client/progress.h"
#include "knothole/name.h"

/* The longest raw name with every byte as \u{NNNN}, cannot be longer. */
#define NAME_SHOWN_MAX (8 * KH_RAW_NAME_MAX + 1)

static const char help[] =
    "usage: knothole list [--json] [-i IDENTITY] [--passphrase-fd N] "
    "OBJECT...\n\n"
    "Says what is in sealed submissions, reading only what that takes. The\n"
    "rest of an object is not checked: `knothole extract` does that.\n\n"
    "  -i, --identity FILE    identity file, under a passphrase or not;\n"
    "                         repeatable; the vault's if there is one\n"
    "  -i openpgp:FINGERPRINT the OpenPGP key that gpg has, on a card or not\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "      --json             one JSON object a line, ASCII only\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"identity", required_argument, NULL, 'i'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct list {
	struct kh_args_keys keys;
	bool json;
	bool help;
};

static int
parse(struct list *l, int argc, char **argv)
{
	const struct kh_args_to to[] = {
	    {'j', .flag = &l->json},
	    {'h', .flag = &l->help},
	    {0},
	};
	const struct kh_args_spec spec = {":i:h", options, to, &l->keys};
	int c = kh_args_read(&spec, argc, argv);

	if (c != KH_EXIT_OK || l->help)
		return c;
	if (optind == argc)
		return kh_fail_usage("list", "no OBJECT given");
	c = kh_vault_default_key(&l->keys);
	kh_bridge_default(&l->keys, argv[optind]);
	if (c == KH_EXIT_OK && l->keys.n == 0)
		return kh_fail_usage("list", "no key; give -i IDENTITY");
	return c;
}

static const struct kh_bundle_entry *
message_of(const struct kh_bundle_reader *b)
{
	const struct kh_bundle_entry *e;
	size_t i;

	/* The first entry, but behind the files when it was sent so. */
	for (i = 0; i < kh_bundle_count(b); i++) {
		e = kh_bundle_at(b, i);
		if (strcmp(e->path, "message.txt") == 0)
			return e;
	}
	return NULL;
}

static void
print_file(const struct kh_manifest_file *f)
{
	char shown[NAME_SHOWN_MAX];

	/* "files/001-NAME": the number, and the name as it was sent. */
	kh_text_escape(f->name, f->name_len, shown, sizeof(shown));
	printf("  %.3s  %15" PRIu64 "  %s%s\n", f->entry + strlen("files/"),
	    f->size, shown, f->complete ? "" : "  [CUT OFF]");
}

static void
print_human(const char *path, const struct kh_object *o)
{
	const struct kh_manifest *m = kh_bundle_manifest(o->bundle);
	const struct kh_bundle_entry *message = message_of(o->bundle);
	char shown[KH_SHOWN_MAX], amount[KH_AMOUNT_LEN];
	size_t i;

	kh_amount(o->src.size, amount);
	printf("%s\n", kh_shown(path, shown));
	printf("  complete  %s\n",
	    m->complete ? "yes" : "NO: the upload was cut off");
	printf("  day       %s\n", m->day);
	printf("  language  %s\n", m->language);
	printf("  sealed    %s, for %zu newsroom%s\n", amount, m->n_recipients,
	    m->n_recipients == 1 ? "" : "s");
	if (message != NULL)
		printf("  message   %" PRIu64 " bytes\n", message->size);
	else
		printf("  message   none\n");
	printf("  files     %zu\n", m->n_files);
	for (i = 0; i < m->n_files; i++)
		print_file(&m->files[i]);
}

/* The manifest's own members but the slot key, which is secret and belongs on
 * no terminal, and `object`, `size` and `message`. */
static enum kh_err
print_json(const char *path, const struct kh_object *o)
{
	const struct kh_bundle_entry *message = message_of(o->bundle);
	char shown[KH_SHOWN_MAX];
	json_t *root;
	const char *json;
	size_t n;
	int bad;

	json = kh_bundle_manifest_json(o->bundle, &n);
	root =
	    json_loadb(json, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (root == NULL)
		return KH_EFORMAT;
	(void)json_object_del(root, "slot_key");
	if (!kh_utf8_valid((const uint8_t *)path, strlen(path)))
		path = kh_shown(path, shown);
	bad = json_object_set_new(root, "object", json_string(path));
	bad |= json_object_set_new(
	    root, "size", json_integer((json_int_t)o->src.size));
	bad |= json_object_set_new(root, "message",
	    message != NULL ? json_integer((json_int_t)message->size)
			    : json_null());
	if (bad == 0)
		return kh_json_print(root);
	json_decref(root);
	return KH_ENOMEM;
}

static int
list_one(const struct list *l, const struct kh_keyring *kr, const char *path)
{
	struct kh_object o;
	enum kh_err e = KH_OK;
	int code;

	code = kh_object_open(&o, path, kr);
	if (code != KH_EXIT_OK)
		return code;
	if (l->json)
		e = print_json(path, &o);
	else
		print_human(path, &o);
	kh_object_close(&o);
	return e == KH_OK ? code : kh_fail(KH_ON_OBJECT, path, e);
}

int
kh_cmd_list(int argc, char **argv)
{
	struct list l = {.keys = {.fd = -1}};
	struct kh_keyring *kr = NULL;
	int i, one, code;

	code = parse(&l, argc, argv);
	if (code != KH_EXIT_OK)
		return code;
	if (l.help) {
		fputs(help, stdout);
		return KH_EXIT_OK;
	}
	i = optind;
	code = kh_keys_open(&l.keys, &kr);
	if (code != KH_EXIT_OK)
		return code;
	for (; i < argc; i++) {
		one = list_one(&l, kr, argv[i]);
		if (code == KH_EXIT_OK)
			code = one;
	}
	kh_keyring_free(kr);
	return code;
}
