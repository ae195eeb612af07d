/*
 * Sealing to the OpenPGP key on a card. Separate from the commands that seal:
 * with gpg there is more that can go wrong, and each of them has to say so.
 */
#include <stddef.h>

#include "client/card/card.h"
#include "client/exit.h"
#include "lib/base/precond.h"

static int
fail(const char *path, enum kh_err e)
{
	kh_say(path, "its OpenPGP key cannot be sealed to here: %s",
	    e == KH_EUNSUP ? "there is no gpg; install it" : kh_err_text(e));
	return KH_EXIT_UNREACHED;
}

int
kh_card_gpg_open(
    struct kh_card_gpg *g, const char *path, const struct kh_card *card)
{
	enum kh_err e;
	int code;

	PRECOND(g != NULL && path != NULL && card != NULL);
	g->gpg = NULL;
	if (card->openpgp_n == 0)
		return KH_EXIT_OK;
	e = kh_openpgp_new(&g->gpg, NULL);
	if (e == KH_OK)
		e = kh_openpgp_examine(
		    g->gpg, card->openpgp, card->openpgp_n, &g->who);
	code = e == KH_OK ? kh_card_judge(path, &g->who) : KH_EXIT_OK;
	if (e == KH_OK && code == KH_EXIT_OK)
		e = kh_openpgp_place(g->gpg, card->openpgp, card->openpgp_n);
	if (e != KH_OK)
		code = fail(path, e);
	if (code != KH_EXIT_OK)
		kh_card_gpg_close(g);
	return code;
}

int
kh_card_gpg_bridge(
    const struct kh_card_gpg *g, const char *path, struct kh_bridge *out)
{
	enum kh_err e;

	PRECOND(g != NULL && g->gpg != NULL && out != NULL);
	e = kh_openpgp_bridge(g->gpg, 0, &g->who, out);
	return e == KH_OK ? KH_EXIT_OK : fail(path, e);
}

void
kh_card_gpg_close(struct kh_card_gpg *g)
{
	kh_openpgp_free(g->gpg);
	g->gpg = NULL;
}
