/*
 * knothole log: the custody log, shown and checked.
 */
#include <inttypes.h>
#include <stdio.h>

#include "client/cmd.h"
#include "client/desk/json_out.h"
#include "client/desk/options.h"
#include "client/desk/vault.h"
#include "client/exit.h"

static const char help[] =
    "usage: knothole [--vault DIR] log [--verify] [--json] "
    "[--passphrase-fd N]\n\n"
    "Shows what was done in this vault, by day and alias. Each entry is bound\n"
    "to those before it; every export signs the last one, also in the "
    "comment\n"
    "of the stick's SHA256SUMS.minisig.\n\n"
    "      --verify           check all hashes and the signature\n"
    "      --json             one JSON object (docs/json.md)\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"verify", no_argument, NULL, 'V'},
    {"json", no_argument, NULL, 'j'},
    KH_DESK_OPTIONS_COMMON,
};

static const struct kh_desk_usage usage = {
    .help = help,
    .shorts = ":h",
    .longs = options,
    .wrong = "takes options only",
};

static json_t *
entry_json(const struct kh_log_entry *e)
{
	const bool shared = e->what == KH_LOG_SHARE;

	return json_pack("{s:s, s:s, s:s, s:I, s:o, s:s*, s:s*}", "day", e->day,
	    "what", kh_log_text(e->what), "alias", e->alias, "count",
	    (json_int_t)e->count, "hash", kh_json_hex(e->hash, sizeof(e->hash)),
	    "to", shared ? e->to : NULL, "by", shared ? e->by : NULL);
}

/* `verified` as a member: true, false, or null when it was not looked at. */
static enum kh_err
print_json(const struct kh_log *l, json_t *verified)
{
	json_t *entries = json_array();
	bool bad = entries == NULL || verified == NULL;
	size_t i;

	for (i = 0; i < l->n; i++)
		kh_json_add(entries, entry_json(&l->entries[i]), &bad);
	if (bad) {
		json_decref(entries);
		json_decref(verified);
		return KH_ENOMEM;
	}
	return kh_json_print(json_pack("{s:o, s:I, s:s, s:o}", "entries",
	    entries, "signed", (json_int_t)l->n_signed, "signature",
	    l->signature, "verified", verified));
}

static void
print_human(const struct kh_log *l)
{
	char by[KH_SHOWN_MAX], to[KH_SHOWN_MAX];
	const struct kh_log_entry *e;
	size_t i;

	for (i = 0; i < l->n; i++) {
		e = &l->entries[i];
		printf("%6zu  %s  %-8s %6" PRIu32 "  %s\n", i + 1, e->day,
		    kh_log_text(e->what), e->count, e->alias);
		if (e->what != KH_LOG_SHARE)
			continue;
		printf("%29s to %s\n", "", kh_shown(e->to, to));
		if (e->by[0] != '\0')
			printf("%29s by %s\n", "", kh_shown(e->by, by));
	}
}

static int
verify(const struct kh_vault *v)
{
	const struct kh_log *l = &v->ix->log;
	size_t bad;
	enum kh_err e;

	e = kh_log_verify(l, &v->room->outlet, &bad);
	if (e == KH_OK) {
		kh_say(v->path,
		    "the log fits together: %zu entries, %zu of "
		    "them signed",
		    l->n, l->n_signed);
		return KH_EXIT_OK;
	}
	if (bad < l->n)
		kh_say(v->path,
		    "THE LOG WAS CHANGED: entry %zu does not "
		    "follow from those before it",
		    bad + 1);
	else
		kh_say(v->path,
		    "THE LOG WAS CHANGED: its signature does not "
		    "fit");
	return KH_EXIT_DATA;
}

int
kh_cmd_log(int argc, char **argv)
{
	struct kh_desk_args a;
	struct kh_vault v;
	json_t *verified = NULL;
	enum kh_err e = KH_OK;
	int code;

	code = kh_desk_args(&a, &usage, argc, argv);
	if (code != KH_EXIT_OK || a.help)
		return code;
	code = kh_vault_open(&v, a.keys.fd, false);
	if (code != KH_EXIT_OK)
		return code;
	if (a.verify)
		code = verify(&v);
	if (a.json) {
		verified =
		    a.verify ? json_boolean(code == KH_EXIT_OK) : json_null();
		e = print_json(&v.ix->log, verified);
	} else {
		print_human(&v.ix->log);
	}
	if (e != KH_OK)
		code = kh_fail(KH_ON_OUTPUT, NULL, e);
	kh_vault_close(&v);
	return code;
}
