/*
 * knothole export: answers onto a stick. Separate, as every command is.
 */
#include <stdio.h>

#include "client/cmd.h"
#include "client/desk/export.h"
#include "client/desk/json_out.h"
#include "client/desk/options.h"
#include "client/exit.h"

static const char help[] =
    "usage: knothole [--vault DIR] export [--all] [--card CARD] [--json]\n"
    "                [--passphrase-fd N] STICK\n"
    "       knothole export --card CARD STICK\n\n"
    "Writes to STICK/knothole-stick, for the courier: the sealed answers that\n"
    "wait, the list of what was collected, and signed hashes. Only when all "
    "of\n"
    "that is on the stick does the vault count it as exported. A card that "
    "was\n"
    "renewed in the vault goes with them. Without a vault, --card puts a card\n"
    "there and nothing else.\n\n"
    "      --all              again what was exported before, for a stick "
    "that\n"
    "                         was lost\n"
    "      --card FILE        this newsroom's card, for the server\n"
    "      --json             one JSON object (docs/json.md)\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"all", no_argument, NULL, 'a'},
    {"card", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    KH_DESK_OPTIONS_COMMON,
};

static const struct kh_desk_usage usage = {
    .help = help,
    .shorts = ":h",
    .longs = options,
    .min = 1,
    .max = 1,
    .wrong = "takes one STICK, the directory where it is mounted",
};

static enum kh_err
print_json(const struct kh_export *x)
{
	if (x->report.bad)
		return KH_ENOMEM;
	return kh_json_print(json_pack("{s:I, s:I, s:o, s:I, s:O, s:I}",
	    "again", (json_int_t)x->n_again, "answers",
	    (json_int_t)x->n_answers, "card",
	    x->card_id[0] != '\0' ? json_string(x->card_id) : json_null(),
	    "collected", (json_int_t)x->n_collected, "refused",
	    x->report.refused, "refused_count", (json_int_t)x->report.n));
}

static int export(
    struct kh_vault *v, const struct kh_desk_args *a, const char *path)
{
	struct kh_export x = {.v = v, .all = a->all, .card = a->card};
	int code;

	x.stick = (struct kh_stick){path, -1, -1, -1};
	kh_report_start(&x.report, a->json);
	code = v != NULL ? kh_export_run(&x, path)
			 : kh_export_card_alone(&x, path);
	if (code == KH_EXIT_OK && a->json && print_json(&x) != KH_OK)
		code = kh_fail(KH_ON_OUTPUT, NULL, KH_ENOMEM);
	if (code == KH_EXIT_OK && !a->json && x.card_id[0] != '\0')
		printf("card       %s.card\n", x.card_id);
	if (code == KH_EXIT_OK && !a->json && v != NULL)
		printf("answers    %zu\ncollected  %zu\n", x.n_answers,
		    x.n_collected);
	if (code == KH_EXIT_OK && x.n_again > 0 && !a->json)
		printf("again      %zu answers that had been exported\n",
		    x.n_again);
	if (code == KH_EXIT_OK && x.report.n > 0)
		code = KH_EXIT_DATA;
	kh_export_free(&x);
	return code;
}

int
kh_cmd_export(int argc, char **argv)
{
	struct kh_desk_args a;
	struct kh_vault v;
	int code;

	code = kh_desk_args(&a, &usage, argc, argv);
	if (code != KH_EXIT_OK || a.help)
		return code;
	argv += optind;
	if (a.card != NULL && kh_vault_path() == NULL)
		return export(NULL, &a, argv[0]);
	code = kh_vault_open(&v, a.keys.fd, true);
	if (code != KH_EXIT_OK)
		return code;
	code = export(&v, &a, argv[0]);
	kh_vault_close(&v);
	return code;
}
