/*
 * Newsroom cards and signatures. An input is read as a whole card, and again
 * as a body that is signed here, so that the fuzzer gets past the signature.
 * A body that is accepted must be the one way to write that card.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "knothole/card.h"
#include "knothole/secret.h"

#define REQUIRE(x)               \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The key of the seeds' signing_key lines. */
static const struct kh_sign_secret *
fixed_key(void)
{
	static struct kh_sign_secret sk;

	memset(sk.key_id, 0x42, sizeof(sk.key_id));
	memset(sk.seed, 0x17, sizeof(sk.seed));
	return &sk;
}

static void
check_card(const struct kh_card *c, const char *body, size_t n)
{
	char id[KH_CARD_ID_MAX + 1], words[KH_CODE_WORDS_TEXT_LEN];
	struct kh_recipient to;
	char *text = NULL;
	size_t len, i;

	REQUIRE(c->n_languages >= 1 && c->n_recipients >= 1);
	REQUIRE(c->n_languages <= KH_CARD_LANGUAGES_MAX);
	REQUIRE(c->n_recipients <= KH_CARD_RECIPIENTS_MAX);
	REQUIRE(strlen(c->name) >= 1);
	kh_card_id(c->name, id);
	REQUIRE(kh_card_id_valid(id, strlen(id)));
	kh_card_fingerprint(c, words);
	for (i = 0; i < c->n_recipients; i++) {
		REQUIRE(kh_card_recipient_on(c, c->recipients[i].first, &to) ==
		    KH_OK);
		REQUIRE(kh_card_recipient_on(c, c->recipients[i].last, &to) ==
		    KH_OK);
	}
	REQUIRE(kh_card_write(c, fixed_key(), &text, &len) == KH_OK);
	REQUIRE(len > n && memcmp(text, body, n) == 0);
	free(text);
}

static void
check_result(enum kh_err e, const struct kh_card *c, unsigned line)
{
	static const struct kh_card zero;

	if (e == KH_OK) {
		REQUIRE(line == 0);
		return;
	}
	REQUIRE(e == KH_EFORMAT || e == KH_EKEY || e == KH_EAUTH ||
	    e == KH_ELIMIT || e == KH_EUNSUP);
	REQUIRE(memcmp(c, &zero, sizeof(zero)) == 0);
}

/* A card says what it says; less of it never renews it. */
static void
check_order(const struct kh_card *c)
{
	static struct kh_card less;
	static const char *const days[] = {
	    "0001-01-01", "2026-11-26", "9999-12-31"};
	size_t i;

	less = *c;
	less.n_recipients--;
	for (i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		REQUIRE(kh_card_compare(c, c, days[i]) == KH_CARD_SAME);
		REQUIRE(kh_card_days_left(c, days[i], 40) <= 40);
		REQUIRE(kh_card_epochs_left(c, days[i]) <= c->n_recipients);
		if (less.n_recipients > 0)
			REQUIRE(kh_card_compare(c, &less, days[i]) !=
			    KH_CARD_RENEWS);
	}
}

static void
read_signed_body(const uint8_t *data, size_t size)
{
	char sig[KH_SIGNATURE_TEXT_MAX], *text;
	struct kh_card c;
	unsigned line;
	enum kh_err e;
	size_t n;

	REQUIRE(kh_sign(fixed_key(), data, size, "u", "t", sig) == KH_OK);
	n = strlen(sig);
	text = malloc(size + n);
	REQUIRE(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	memcpy(text + size, sig, n);
	e = kh_card_read(text, size + n, &c, &line);
	check_result(e, &c, line);
	if (e == KH_OK) {
		check_card(&c, text, size);
		check_order(&c);
	}
	free(text);
}

/* Any text has an id; any public key has one text. */
static void
check_fields(const uint8_t *data, size_t size)
{
	char id[KH_CARD_ID_MAX + 1], key[KH_SIGN_PUBLIC_TEXT_LEN + 1];
	struct kh_sign_public pk;
	char *name;

	name = malloc(size + 1);
	REQUIRE(name != NULL);
	if (size > 0)
		memcpy(name, data, size);
	name[size] = '\0';
	kh_card_id(name, id);
	REQUIRE(kh_card_id_valid(id, strlen(id)));
	free(name);
	if (kh_sign_public_parse((const char *)data, size, &pk) == KH_OK) {
		kh_sign_public_format(&pk, key);
		REQUIRE(size == strlen(key) && memcmp(key, data, size) == 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kh_sign_public pk;
	struct kh_card c;
	unsigned line = 0;
	enum kh_err e;

	REQUIRE(kh_init() == KH_OK);
	e = kh_card_read((const char *)data, size, &c, &line);
	check_result(e, &c, line);
	read_signed_body(data, size);
	kh_sign_public(fixed_key(), &pk);
	e = kh_sign_verify(&pk, data, 0, (const char *)data, size);
	REQUIRE(
	    e == KH_OK || e == KH_EFORMAT || e == KH_EAUTH || e == KH_EUNSUP);
	check_fields(data, size);
	return 0;
}
