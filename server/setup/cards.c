/*
 * Cards: looked at before they are copied, so that none lies in the service's
 * directory that would keep it from starting.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "knothole/card.h"
#include "server/setup/setup.h"

#define SUFFIX ".card"
#define SUFFIX_LEN 5

static bool
is_card_name(const char *name)
{
	size_t n = strlen(name);

	return n > SUFFIX_LEN && strcmp(name + n - SUFFIX_LEN, SUFFIX) == 0 &&
	    kh_card_id_valid(name, n - SUFFIX_LEN);
}

bool
kh_setup_has_cards(const char *dir)
{
	const struct dirent *de;
	bool found = false;
	DIR *d = opendir(dir);

	while (d != NULL && !found && (de = readdir(d)) != NULL)
		found = is_card_name(de->d_name);
	if (d != NULL)
		closedir(d);
	return found;
}

/* Signed, and with a key for today. */
static enum kh_exit
check(const char *path, const char *text, size_t n)
{
	char day[KH_DAY_LEN + 1];
	struct kh_recipient r;
	struct kh_card card;
	unsigned line = 0;
	time_t now = time(NULL);
	enum kh_err e;

	e = kh_card_read(text, n, &card, &line);
	if (e != KH_OK) {
		kh_say("%s: not a valid newsroom card (line %u): %s", path,
		    line, kh_err_text(e));
		return KH_EXIT_DATAERR;
	}
	kh_day_of(now < 0 ? 0 : (int64_t)now, day);
	if (kh_card_recipient_on(&card, day, &r) == KH_OK)
		return KH_EXIT_OK;
	kh_say("%s: no key on this card is valid today (%s): ask the newsroom "
	       "for a new card",
	    path, day);
	return KH_EXIT_DATAERR;
}

/* What is to become of it, where there is one of that name? */
static enum kh_exit
put(struct kh_setup *s, const char *to, const char *text, size_t n)
{
	char *old;
	enum kh_err e;
	size_t n_old;
	bool differs;

	e = kh_setup_read(to, KH_CARD_MAX, &old, &n_old);
	if (e == KH_OK || e == KH_ELIMIT) {
		differs = e != KH_OK || n != n_old || memcmp(old, text, n) != 0;
		free(old);
		if (!differs)
			return KH_EXIT_OK;
		if (!s->overwrite) {
			kh_say("%s is another card than the one named: it was "
			       "left as it is (--overwrite replaces it)",
			    to);
			return KH_EXIT_OK;
		}
	} else if (e != KH_ENOENT)
		goto fail;
	if (kh_setup_replace(to, text, n, e != KH_ENOENT) != KH_OK)
		goto fail;
	s->changed = true;
	kh_say("card: %s", to);
	return KH_EXIT_OK;
fail:
	kh_say("%s: cannot write it: %s", to, strerror(errno));
	return KH_EXIT_CANTCREAT;
}

static enum kh_exit
take(struct kh_setup *s, const char *path)
{
	const char *name = strrchr(path, '/');
	char to[KH_PATH_MAX + 1];
	char *text = NULL;
	enum kh_exit x;
	enum kh_err e;
	size_t n;
	int r;

	name = name == NULL ? path : name + 1;
	if (!is_card_name(name)) {
		kh_say("%s: a card's name must be lower-case letters, digits "
		       "and dashes, then .card",
		    path);
		return KH_EXIT_DATAERR;
	}
	e = kh_setup_read(path, KH_CARD_MAX, &text, &n);
	if (e != KH_OK) {
		kh_say("%s: cannot read this card: %s", path,
		    e == KH_ELIMIT ? kh_err_text(e) : strerror(errno));
		return e == KH_ELIMIT ? KH_EXIT_DATAERR : KH_EXIT_NOINPUT;
	}
	x = check(path, text, n);
	r = snprintf(to, sizeof(to), "%s/%s", s->dir, name);
	if (x == KH_EXIT_OK && (r < 0 || (size_t)r >= sizeof(to))) {
		kh_say("%s: the path is too long", s->dir);
		x = KH_EXIT_CANTCREAT;
	}
	if (x == KH_EXIT_OK)
		x = put(s, to, text, n);
	free(text);
	return x;
}

enum kh_exit
kh_setup_cards(struct kh_setup *s)
{
	enum kh_exit x = KH_EXIT_OK;
	size_t i;

	if (kh_setup_mkdir(s->dir) != KH_OK) {
		kh_say("%s: cannot make this directory: %s", s->dir,
		    strerror(errno));
		return KH_EXIT_CANTCREAT;
	}
	for (i = 0; i < s->n_cards && x == KH_EXIT_OK; i++)
		x = take(s, s->card[i]);
	return x;
}
