/*
 * A newsroom's public key as a file, for sources who seal before they send:
 * `age -R ID.age`. Lines with '#' are comments to age.
 */
#include <stdlib.h>

#include "knothole/card.h"
#include "knothole/openpgp.h"
#include "lib/base/precond.h"
#include "server/page/layout.h"

#define ARMOR_LEN 12288 /* of every OpenPGP key, with blanks behind it */
#define KEY_LEN 1024 /* bytes of every key file: names are at most 120 */

void
kh_page_key(struct kh_html *h, const struct kh_site *site, uint32_t outlet,
    const char *day)
{
	const struct kh_msg_outlet *o = &site->outlets[outlet];
	char words[KH_CODE_WORDS_TEXT_LEN];
	char text[KH_RECIPIENT_TEXT_LEN + 1];
	struct kh_recipient to;

	kh_card_fingerprint(&o->card, words);
	kh_html_raw(h, "# ");
	kh_html_raw(h, o->card.name); /* text/plain: nothing to escape */
	kh_html_raw(h, "\n# ");
	kh_html_raw(h, words);
	kh_html_raw(h, "\n");
	if (kh_card_recipient_on(&o->card, day, &to) == KH_OK) {
		kh_recipient_format(&to, text);
		kh_html_raw(h, text);
		kh_html_raw(h, "\n");
	}
	kh_html_raw(h, "#");
	kh_html_blanks(h, KEY_LEN - h->n - 1);
	kh_html_raw(h, "\n");
}

_Static_assert(KH_OPENPGP_ARMOR_MAX < ARMOR_LEN, "the longest key");

enum kh_err
kh_page_openpgp(struct kh_html *h, const struct kh_site *site, uint32_t outlet)
{
	const struct kh_card *card = &site->outlets[outlet].card;
	char *text;

	PRECOND(card->openpgp_n > 0);
	text = malloc(KH_OPENPGP_ARMOR_MAX + 1);
	if (text == NULL)
		return KH_ENOMEM;
	(void)kh_openpgp_armor(card->openpgp, card->openpgp_n, text);
	kh_html_raw(h, text);
	free(text);
	kh_html_blanks(h, ARMOR_LEN - h->n - 1);
	kh_html_raw(h, "\n");
	return KH_OK;
}
