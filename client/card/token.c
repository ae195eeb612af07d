/*
 * A new token for a newsroom's courier. Separate from renewing keys: a token
 * opens nothing.
 */
#include <stdio.h>
#include <string.h>

#include "client/card/card.h"
#include "client/courier_token.h"
#include "client/exit.h"
#include "client/replace.h"
#include "knothole/secret.h"

int
kh_card_token(struct kh_card *card, const char *path)
{
	char shown[KH_SHOWN_MAX], *line;
	enum kh_err e;
	int code;

	e = kh_courier_token_make(card, &line);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, NULL, e);
	code = kh_replace_file(path, line, strlen(line));
	kh_secret_free(line);
	if (code != KH_EXIT_OK)
		return code;
	printf("%-12s %s\n", "courier", kh_shown(path, shown));
	kh_say(path,
	    "give it to the machine that fetches from the server: the old "
	    "token ends with the old card");
	return code;
}
