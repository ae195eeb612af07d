/*
 * What the commands for cards share: their command line, a card from a file,
 * and its OpenPGP key examined.
 */
#include <stdio.h>
#include <time.h>

#include "client/card/card.h"
#include "client/exit.h"
#include "client/input.h"
#include "knothole/secret.h"

#define DAY 86400

static const struct option options[] = {
    {"identity", required_argument, NULL, 'i'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int
kh_card_args(struct kh_card_args *a, int argc, char **argv, const char *help,
    const int n[2])
{
	const struct kh_args_to to[] = {
	    {'j', .flag = &a->json},
	    {'h', .flag = &a->help},
	    {0},
	};
	const struct kh_args_spec spec = {":i:h", options, to, &a->keys};
	int code;

	*a = (struct kh_card_args){.keys = {.fd = -1}};
	code = kh_args_read(&spec, argc, argv);
	if (a->help)
		fputs(help, stdout);
	if (code != KH_EXIT_OK || a->help)
		return code;
	a->n = argc - optind;
	a->arg = argv + optind;
	if (a->n < n[0] || a->n > n[1])
		return kh_fail_usage(
		    argv[0], "wrong number of arguments; see --help");
	return KH_EXIT_OK;
}

int
kh_card_load(const char *path, struct kh_card *card, struct kh_card_text *text)
{
	char shown[KH_SHOWN_MAX];
	unsigned line = 0;
	char *p = NULL;
	size_t n = 0;
	enum kh_err e;
	int fd, code;

	if (text != NULL)
		*text = (struct kh_card_text){0};
	code = kh_input_open(path, &fd);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_input_all(fd, KH_CARD_MAX, &p, &n);
	kh_input_close(fd);
	if (e == KH_OK)
		e = kh_card_read(p, n, card, &line);
	if (e == KH_OK && text != NULL)
		*text = (struct kh_card_text){p, n};
	else
		kh_secret_free(p);
	if (e == KH_OK)
		return code;
	if (line == 0)
		return kh_fail(KH_ON_KEY, kh_input_name(path), e);
	kh_say(NULL, "%s: line %u: not a valid newsroom card: %s",
	    kh_shown(kh_input_name(path), shown), line, kh_err_text(e));
	return kh_exit_code(KH_ON_KEY, e);
}

enum kh_err
kh_card_examine(const struct kh_card *card, struct kh_openpgp_key *key)
{
	struct kh_openpgp *g;
	enum kh_err e;

	e = kh_openpgp_new(&g, NULL);
	if (e == KH_OK)
		e = kh_openpgp_examine(g, card->openpgp, card->openpgp_n, key);
	kh_openpgp_free(g);
	return e;
}

const char *
kh_card_day(int64_t t, char out[static KH_DAY_LEN + 1])
{
	kh_day_of(t < 0 ? 0 : t, out);
	return out;
}

const char *
kh_card_today(char out[static KH_DAY_LEN + 1])
{
	kh_day_today(out);
	return out;
}

int
kh_card_judge(const char *subject, const struct kh_openpgp_key *key)
{
	char day[KH_DAY_LEN + 1];

	if (key->verdict != KH_OPENPGP_OK) {
		kh_say(subject, "the OpenPGP key cannot be used: %s",
		    kh_openpgp_verdict_text(key->verdict));
		return KH_EXIT_CONFIG;
	}
	if (key->expires != 0 &&
	    key->expires - (int64_t)time(NULL) <
		(int64_t)KH_OPENPGP_WARN_DAYS * DAY)
		kh_say(subject,
		    "warning: the OpenPGP key ends on %s, and with it "
		    "submissions: extend it (gpg --quick-set-expire), and put "
		    "it on the card again",
		    kh_card_day(key->expires, day));
	return KH_EXIT_OK;
}
