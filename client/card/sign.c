/*
 * A card signed and written, with the signature beside it. Separate because
 * every change of a card ends with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/card/card.h"
#include "client/card/replace.h"
#include "client/exit.h"

int
kh_card_sign(const char *path, const struct kh_card *card,
    const struct kh_sign_secret *sk)
{
	char sig[KH_SIGNATURE_TEXT_MAX], comment[KH_CARD_ID_MAX + 64];
	char beside[KH_PATH_MAX + 1], id[KH_CARD_ID_MAX + 1];
	char *text = NULL;
	size_t n = 0;
	enum kh_err e;

	if (snprintf(beside, sizeof(beside), "%s.minisig", path) >=
	    (int)sizeof(beside))
		return kh_fail_usage(path, "the name is too long");
	kh_card_id(card->name, id);
	(void)snprintf(comment, sizeof(comment), "%s.card", id);
	e = kh_card_write(card, sk, &text, &n);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, path, e);
	e = kh_sign(sk, (const uint8_t *)text, n,
	    "signature of a knothole card", comment, sig);
	if (e == KH_OK)
		e = kh_card_replace(path, text, n);
	if (e == KH_OK)
		e = kh_card_replace(beside, sig, strlen(sig));
	free(text);
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_OUTPUT, path, e);
}
