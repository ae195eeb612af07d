/*
 * knothole import: what the courier brought. Separate, as every command is.
 */
#include <stdio.h>

#include "client/bridge.h"
#include "client/cmd.h"
#include "client/desk/alias.h"
#include "client/desk/import.h"
#include "client/desk/json_out.h"
#include "client/desk/options.h"
#include "client/exit.h"

static const char help[] =
    "usage: knothole [--vault DIR] import [--json] [-i openpgp:FINGERPRINT]\n"
    "                [--passphrase-fd N] STICK\n\n"
    "Takes the objects of STICK/knothole-stick that are new into the vault,\n"
    "checks those that are for this newsroom to the last byte, and prepares\n"
    "an answer for each that says it was received (`knothole export`). What\n"
    "is for other newsrooms is kept as it is. Nothing on the stick is "
    "changed.\n\n"
    "Exit status 65: something on the stick was refused, and said; all the\n"
    "rest was imported.\n\n"
    "      --json             one JSON object (docs/json.md)\n"
    "  -i openpgp:FINGERPRINT open with the OpenPGP key that gpg has, too\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"json", no_argument, NULL, 'j'},
    {"identity", required_argument, NULL, 'i'},
    KH_DESK_OPTIONS_COMMON,
};

static const struct kh_desk_usage usage = {
    .help = help,
    .shorts = ":i:h",
    .longs = options,
    .min = 1,
    .max = 1,
    .wrong = "takes one STICK, the directory where it is mounted",
};

static void
print_object(const struct kh_index *ix, const struct kh_desk_object *o)
{
	char alias[KH_ALIAS_MAX + 1], hex[2 * KH_OBJECT_ID_LEN + 1];
	char amount[KH_AMOUNT_LEN];

	sodium_bin2hex(hex, sizeof(hex), o->id, sizeof(o->id));
	kh_amount(o->size, amount);
	if (o->thread == KH_NO_THREAD) {
		printf("sealed  %s  %10s  for others\n", hex, amount);
		return;
	}
	kh_alias(ix->threads[o->thread].mailbox, alias);
	printf("opened  %s  %10s  %s%s%s\n", hex, amount, alias,
	    o->complete ? "" : "  [CUT OFF]",
	    o->keys_differ ? "  [OTHER KEYS]" : "");
}

static enum kh_err
print_json(struct kh_import *im)
{
	json_t *v;

	if (im->json_bad || im->report.bad)
		return KH_ENOMEM;
	v = json_pack("{s:O, s:O, s:O, s:I, s:I, s:I, s:I}", "opened",
	    im->opened, "sealed", im->sealed, "refused", im->report.refused,
	    "refused_count", (json_int_t)im->report.n, "known",
	    (json_int_t)im->n_known, "partial", (json_int_t)im->n_parts,
	    "without_receipt", (json_int_t)im->n_unreceipted);
	return kh_json_print(v);
}

/* Pulling the stick out now would leave the sources without a word. */
static void
say_waiting(const struct kh_index *ix, const char *path)
{
	size_t i, waiting = 0;

	for (i = 0; i < ix->n_answers; i++)
		waiting += !ix->answers[i].exported;
	if (waiting > 0)
		kh_say(path,
		    "%zu answers wait, those that say \"received\" included; "
		    "`knothole export` puts them onto the stick",
		    waiting);
}

static void
say_sums(const struct kh_import *im, const char *path)
{
	kh_say(path,
	    "%zu opened, %zu sealed for others, %zu known before, %zu refused",
	    im->n_opened, im->n_sealed, im->n_known, im->report.n);
	if (im->n_parts > 0)
		kh_say(path,
		    "%zu not fetched to the end were passed over; let the "
		    "courier go on",
		    im->n_parts);
	if (im->n_unreceipted > 0)
		kh_say(path,
		    "%zu get no \"received\" answer: their sources' streams "
		    "have only the reserve left, they came with other keys, or "
		    "from a server without answers",
		    im->n_unreceipted);
}

static int
import(struct kh_vault *v, const struct kh_desk_args *a, const char *path)
{
	struct kh_import im = {.v = v};
	size_t i, first = v->ix->n_objects;
	int code;

	kh_report_start(&im.report, a->json);
	im.opened = a->json ? json_array() : NULL;
	im.sealed = a->json ? json_array() : NULL;
	code = kh_import_run(&im, path);
	for (i = first; !a->json && i < im.first_object; i++)
		print_object(v->ix, &v->ix->objects[i]);
	if (code == KH_EXIT_OK) {
		say_sums(&im, path);
		say_waiting(v->ix, path);
	}
	if (code == KH_EXIT_OK && a->json && print_json(&im) != KH_OK)
		code = kh_fail(KH_ON_OUTPUT, NULL, KH_ENOMEM);
	if (code == KH_EXIT_OK && im.report.n > 0)
		code = KH_EXIT_DATA;
	kh_import_free(&im);
	return code;
}

int
kh_cmd_import(int argc, char **argv)
{
	struct kh_desk_args a;
	struct kh_vault v;
	int code;

	code = kh_desk_args(&a, &usage, argc, argv);
	if (code != KH_EXIT_OK || a.help)
		return code;
	argv += optind;
	if (a.keys.n > 0 && !kh_bridge_only(&a.keys))
		return kh_fail_usage(
		    "-i", "the vault has its identity; only openpgp: here");
	code = kh_vault_open(&v, a.keys.fd, true);
	if (code != KH_EXIT_OK)
		return code;
	code = kh_bridge_use(v.kr, &a.keys);
	if (code == KH_EXIT_OK)
		code = import(&v, &a, argv[0]);
	kh_vault_close(&v);
	return code;
}
