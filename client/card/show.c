/*
 * knothole card show: what is on a card. Separate because nothing that it
 * prints comes from us.
 */
#include <stdio.h>
#include <string.h>

#include "client/card/card.h"
#include "client/desk/json_out.h"
#include "client/exit.h"
#include "client/input.h"

static const char help[] =
    "usage: knothole card show [--json] CARD\n\n"
    "Says what is on a newsroom's card. Its own signature is checked; whether\n"
    "the card can be used today is for `knothole card verify` to say.\n\n"
    "      --json   one JSON object, ASCII only\n"
    "  -h, --help   this text\n";

/* The OpenPGP key of the card being shown. */
struct shown_key {
	struct kh_openpgp_key key;
	enum kh_err e;
};

static void
print_openpgp(const struct shown_key *k)
{
	char uid[KH_SHOWN_MAX], day[KH_DAY_LEN + 1];

	if (k->e != KH_OK) {
		printf("%-12s cannot be examined: %s\n", "openpgp",
		    k->e == KH_EUNSUP ? "there is no gpg on this machine"
				      : kh_err_text(k->e));
		return;
	}
	printf("%-12s %s\n", "openpgp", k->key.fpr);
	printf("%-12s %s\n", "", kh_shown(k->key.uid, uid));
	printf("%-12s %s, %s%s\n", "", k->key.algorithm,
	    k->key.expires != 0 ? "ends on " : "does not end",
	    k->key.expires != 0 ? kh_card_day(k->key.expires, day) : "");
	printf("%-12s %s\n", "", kh_openpgp_verdict_text(k->key.verdict));
}

static void
print_card(const struct kh_card *c, const struct shown_key *k)
{
	char shown[KH_SHOWN_MAX], words[KH_CODE_WORDS_TEXT_LEN];
	char key[KH_SIGN_PUBLIC_TEXT_LEN + 1], to[KH_RECIPIENT_TEXT_LEN + 1];
	size_t i;

	printf("%-12s %s\n", "name", kh_shown(c->name, shown));
	for (i = 0; i < c->n_languages; i++)
		printf("%-12s %s\n", "language", c->languages[i]);
	kh_sign_public_format(&c->signing_key, key);
	printf("%-12s %s\n", "signing key", key);
	for (i = 0; i < c->n_recipients; i++) {
		kh_recipient_format(&c->recipients[i].to, to);
		printf("%-12s %s\n%-12s %s to %s\n", "recipient", to, "",
		    c->recipients[i].first, c->recipients[i].last);
	}
	printf(
	    "%-12s %s\n", "courier", c->has_courier ? "may collect" : "none");
	if (c->openpgp_n > 0)
		print_openpgp(k);
	kh_card_fingerprint(c, words);
	printf("%-12s %s\n", "fingerprint", words);
}

static json_t *
json_openpgp(const struct shown_key *k, bool *bad)
{
	char day[KH_DAY_LEN + 1];
	json_t *o = json_object();

	if (k->e != KH_OK) {
		kh_json_set(o, "verdict", json_string("unknown"), bad);
		return o;
	}
	kh_json_set(o, "verdict",
	    json_string(kh_openpgp_verdict_word(k->key.verdict)), bad);
	kh_json_set(o, "fingerprint", json_string(k->key.fpr), bad);
	kh_json_set(o, "user_id",
	    kh_json_text((const uint8_t *)k->key.uid, strlen(k->key.uid)), bad);
	kh_json_set(o, "algorithm", json_string(k->key.algorithm), bad);
	kh_json_set(o, "ends",
	    k->key.expires != 0 ? json_string(kh_card_day(k->key.expires, day))
				: json_null(),
	    bad);
	return o;
}

static json_t *
json_recipients(const struct kh_card *c, bool *bad)
{
	char to[KH_RECIPIENT_TEXT_LEN + 1];
	json_t *all = json_array(), *o;
	size_t i;

	for (i = 0; i < c->n_recipients; i++) {
		kh_recipient_format(&c->recipients[i].to, to);
		o = json_object();
		kh_json_set(o, "recipient", json_string(to), bad);
		kh_json_set(
		    o, "first", json_string(c->recipients[i].first), bad);
		kh_json_set(o, "last", json_string(c->recipients[i].last), bad);
		kh_json_add(all, o, bad);
	}
	return all;
}

static enum kh_err
print_json(const struct kh_card *c, const struct shown_key *k)
{
	char key[KH_SIGN_PUBLIC_TEXT_LEN + 1], words[KH_CODE_WORDS_TEXT_LEN];
	json_t *o = json_object(), *languages = json_array();
	bool bad = false;
	size_t i;

	kh_sign_public_format(&c->signing_key, key);
	kh_card_fingerprint(c, words);
	for (i = 0; i < c->n_languages; i++)
		kh_json_add(languages, json_string(c->languages[i]), &bad);
	kh_json_set(o, "name", json_string(c->name), &bad);
	kh_json_set(o, "languages", languages, &bad);
	kh_json_set(o, "signing_key", json_string(key), &bad);
	kh_json_set(o, "recipients", json_recipients(c, &bad), &bad);
	kh_json_set(o, "courier", json_boolean(c->has_courier), &bad);
	kh_json_set(o, "openpgp",
	    c->openpgp_n > 0 ? json_openpgp(k, &bad) : json_null(), &bad);
	kh_json_set(o, "fingerprint", json_string(words), &bad);
	if (bad) {
		json_decref(o);
		return KH_ENOMEM;
	}
	return kh_json_print(o);
}

int
kh_card_show(int argc, char **argv)
{
	static struct kh_card card; /* 16 KiB */
	static const int one[2] = {1, 1};
	struct shown_key k = {.e = KH_OK};
	struct kh_card_args a;
	enum kh_err e;
	int code;

	code = kh_card_args(&a, argc, argv, help, one);
	if (code != KH_EXIT_OK || a.help)
		return code;
	code = kh_card_load(a.arg[0], &card, NULL);
	if (code != KH_EXIT_OK)
		return code;
	if (card.openpgp_n > 0)
		k.e = kh_card_examine(&card, &k.key);
	if (!a.json) {
		print_card(&card, &k);
		return KH_EXIT_OK;
	}
	e = print_json(&card, &k);
	return e == KH_OK ? code : kh_fail(KH_ON_OUTPUT, "standard output", e);
}
