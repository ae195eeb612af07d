/*
 * A card that is always the same, for the tests of cards.
 */
#ifndef KH_TESTS_CARD_FIXED_H
#define KH_TESTS_CARD_FIXED_H

#include "knothole/card.h"

#define KEY_TEXT "RWRCQkJCQkJCQjHevlXTfHInaLE3ExyqYIcICy4LYLlL14XRRXXPpJi8"
#define AGE_1 "age15nsf9y4k28p83wth93tf7hafhvfajp45d2mge80ems45gz0c5gys3me64l"
#define AGE_2 "age1e6xn45wvkce7c7msc9upffw8dmxs9959q5xng369hgzcwrjc04vszex59m"

/* Fixed seed: the key of KEY_TEXT. */
static inline void
fixed_key(struct kh_sign_secret *sk)
{
	memset(sk->key_id, 0x42, sizeof(sk->key_id));
	memset(sk->seed, 0x17, sizeof(sk->seed));
}

static void
recipient(uint8_t fill, struct kh_recipient *out)
{
	struct kh_identity id;

	memset(id.sk, fill, sizeof(id.sk));
	kh_identity_recipient(&id, out);
}

static void
fixed_card(struct kh_card *c)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->name, "The Example Times", 18);
	memcpy(c->languages[0], "en", 3);
	memcpy(c->languages[1], "he", 3);
	c->n_languages = 2;
	recipient(1, &c->recipients[0].to);
	memcpy(c->recipients[0].first, "2026-11-21", 11);
	memcpy(c->recipients[0].last, "2027-11-21", 11);
	recipient(2, &c->recipients[1].to);
	memcpy(c->recipients[1].first, "2027-11-01", 11);
	memcpy(c->recipients[1].last, "2028-11-21", 11);
	c->n_recipients = 2;
}

#endif
