/*
 * knotholed setup: from an installed program to a configuration, cards in their
 * place and tor in front. Run by the administrator; no part of the service. It
 * adds what is missing, and changes nothing that is there unless it is told to.
 */
#ifndef KNOTHOLED_SETUP_H
#define KNOTHOLED_SETUP_H

#include "server/keeper/keeper.h"

#define KH_SETUP_STEPS_MAX 12
#define KH_SETUP_STEP_MAX 512

/* What was asked for, and what was found. Strings are the caller's argv, or
 * NULL when nothing was said. */
struct kh_setup {
	/* asked */
	const char *config_path;
	const char *site_name;
	const char *store;
	const char *state;
	const char *newsrooms;
	const char *sockets; /* directory of both sockets */
	const char *torrc;
	const char *card[KH_OUTLETS_MAX];
	size_t n_cards;
	int courier; /* 1 yes, 0 no, -1 not said */
	bool interactive;
	bool overwrite;
	bool json;
	/* answers of the terminal: what site_name and card may point to */
	char answer[KH_SETUP_STEP_MAX];
	char paths[4096];
	/* found */
	bool had_config;
	struct kh_config config; /* as it is on the disk in the end */
	char dir[KH_PATH_MAX + 1]; /* of the cards */
	uint32_t n_newsrooms;
	bool changed; /* something was written */
	struct kh_setup_tor {
		bool there; /* the torrc could be read */
		bool source, courier; /* it has the sockets */
		bool exports; /* circuit ids, for the source's */
		char source_dir[KH_PATH_MAX + 1];
		char courier_dir[KH_PATH_MAX + 1];
		char onion[KH_ONION_LEN + 1]; /* "": not yet, or not readable */
		char courier_onion[KH_ONION_LEN + 1];
		int verified; /* 1 tor takes it, 0 it does not, -1 not tried */
	} tor;
	/* to tell */
	char step[KH_SETUP_STEPS_MAX][KH_SETUP_STEP_MAX];
	size_t n_steps;
};

/* "knotholed setup": argv from "setup" on. Returns an exit status. */
enum kh_exit kh_setup_main(int argc, char **argv);

/* --- ask.c: at most three questions, on the terminal ----------------------- */

/* Ask for what was not said by option nor found. KH_EXIT_NOINPUT at the end of
 * the input. */
enum kh_exit kh_setup_ask(struct kh_setup *s, bool need_cards);

/* --- cards.c ---------------------------------------------------------------- */

/* Is there a card in the directory? */
bool kh_setup_has_cards(const char *dir);

/* Check each card that was named, and copy it into s->dir, which is made. One of
 * that name with other content stays, unless s->overwrite.
 * KH_EXIT_NOINPUT, KH_EXIT_DATAERR, KH_EXIT_CANTCREAT; said. */
enum kh_exit kh_setup_cards(struct kh_setup *s);

/* --- settings.c ------------------------------------------------------------- */

/* Load the configuration if it is there; work out s->dir. KH_EXIT_CONFIG when it
 * is there and not in order; said. */
enum kh_exit kh_setup_load(struct kh_setup *s);

/* Write the configuration, or add what is missing in the one that is there.
 * What differs from what was asked for is said, and stays unless s->overwrite;
 * then the old file is kept beside it. */
enum kh_exit kh_setup_write(struct kh_setup *s);

/* Add the onion address, once it is known; tell of one that is another. */
enum kh_exit kh_setup_onion(struct kh_setup *s);

/* --- wish.c ----------------------------------------------------------------- */

#define KH_WISHES_MAX 6

/* A line of the configuration that was asked for, and is there otherwise. */
struct kh_wish {
	const char *key;
	char value[KH_PATH_MAX + 16]; /* "": there is to be no such line */
};

/* Compare what was asked for with s->config; says what differs. Returns how
 * many do. */
size_t kh_wishes(const struct kh_setup *s, struct kh_wish wish[KH_WISHES_MAX]);

/*
 * A configuration's text with these lines changed: a key's line is replaced, or
 * made a comment, or comes last when there was none. All else stays to the
 * byte.
 *	out	receives *n bytes, and a NUL
 * Returns false when `cap` is too little.
 */
KH_CHECKED bool kh_wishes_grant(const char *text, const struct kh_wish *wish,
    size_t n_wishes, char *out, size_t cap, size_t *n);

/* --- file.c ----------------------------------------------------------------- */

/* A whole small file. *text is NUL-terminated, the caller's to free.
 * Errors: KH_ENOENT, KH_ESYS, KH_ELIMIT, KH_ENOMEM; errno is the system's. */
KH_CHECKED enum kh_err kh_setup_read(
    const char *path, size_t max, char **text, size_t *n);

/* Replace, or make, a file (0644) durably. With `keep` what was there gets the
 * name PATH.old, and must not be lost: an older one is PATH.old.1 and so on.
 * Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_setup_replace(
    const char *path, const char *text, size_t n, bool keep);

/* Make a directory and what leads to it, 0755. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_setup_mkdir(const char *path);

/* The directory part of a path, "." if it has none. */
void kh_setup_dir_of(const char *path, char out[static KH_PATH_MAX + 1]);

/* --- tor.c ------------------------------------------------------------------ */

/* Look at the torrc and at what tor has made of it; fills in s->tor. */
void kh_setup_tor(struct kh_setup *s);

/* --- tell.c ----------------------------------------------------------------- */

/* Work out what is to be done next. */
void kh_setup_steps(struct kh_setup *s);

/* The onion addresses and the steps, on stdout. Errors: KH_ESYS, KH_ENOMEM. */
KH_CHECKED enum kh_err kh_setup_tell(const struct kh_setup *s);

#endif
