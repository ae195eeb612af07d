/*
 * Cards: looked at before they are copied, so that none lies in the service's
 * directory that would keep it from starting.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	enum kh_err e;

	e = kh_card_read(text, n, &card, &line);
	if (e != KH_OK) {
		kh_say("%s: not a valid newsroom card (line %u): %s", path,
		    line, kh_err_text(e));
		return KH_EXIT_DATAERR;
	}
	kh_day_today(day);
	if (kh_card_recipient_on(&card, day, &r) == KH_OK)
		return KH_EXIT_OK;
	kh_say("%s: no key on this card is valid today (%s): ask the newsroom "
	       "for a new card",
	    path, day);
	return KH_EXIT_DATAERR;
}

/* A card that is replaced is kept beside the configuration: in the directory of
 * the cards it would be one file too many. */
static enum kh_err
keep(const struct kh_setup *s, const char *name, const char *text, size_t n)
{
	char dir[KH_PATH_MAX + 1], path[KH_PATH_MAX + 1];
	int r;

	kh_setup_dir_of(s->config_path, dir);
	r = snprintf(path, sizeof(path), "%s/%s.old", dir, name);
	if (r < 0 || (size_t)r >= sizeof(path))
		return KH_ELIMIT;
	return kh_setup_replace(path, text, n, true);
}

/* What is to become of it, where there is one of that name? */
static enum kh_exit
put(struct kh_setup *s, const char *name, const char *text, size_t n)
{
	char to[2 * KH_PATH_MAX + 2], *old = NULL;
	enum kh_exit x = KH_EXIT_CANTCREAT;
	enum kh_err e;
	size_t n_old;

	(void)snprintf(to, sizeof(to), "%s/%s", s->dir, name);
	e = kh_setup_read(to, 4 * KH_CARD_MAX, &old, &n_old);
	if (e == KH_OK && n == n_old && memcmp(old, text, n) == 0) {
		x = KH_EXIT_OK;
		goto out;
	}
	if (e == KH_OK && !s->overwrite) {
		kh_say("%s is another card than the one named: it was left as "
		       "it is (--overwrite replaces it)",
		    to);
		x = KH_EXIT_OK;
		goto out;
	}
	if (e == KH_OK)
		e = keep(s, name, old, n_old);
	else if (e == KH_ENOENT)
		e = KH_OK;
	if (e == KH_OK)
		e = kh_setup_replace(to, text, n, false);
	if (e != KH_OK) {
		kh_say("%s: cannot write it: %s", to,
		    e == KH_ESYS ? strerror(errno) : kh_err_text(e));
		goto out;
	}
	s->changed = true;
	kh_say("card: %s", to);
	x = KH_EXIT_OK;
out:
	free(old);
	return x;
}

static enum kh_exit
take(struct kh_setup *s, const char *path)
{
	const char *name = strrchr(path, '/');
	char *text = NULL;
	enum kh_exit x;
	enum kh_err e;
	size_t n;

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
	if (x == KH_EXIT_OK && strlen(s->dir) + strlen(name) >= KH_PATH_MAX) {
		kh_say("%s: the path is too long", s->dir);
		x = KH_EXIT_CANTCREAT;
	}
	if (x == KH_EXIT_OK)
		x = put(s, name, text, n);
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
