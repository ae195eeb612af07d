/*
 * The newsrooms: from a directory of cards to what the door is told.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "knothole/card.h"
#include "knothole/io.h"
#include "server/keeper/keeper.h"

#define SUFFIX ".card"
#define SUFFIX_LEN 5

/* Is it NAME.card? Sets the id. */
static int
is_card(const char *file, char id[static KH_CARD_ID_MAX + 1])
{
	size_t n = strlen(file);

	if (n <= SUFFIX_LEN || strcmp(file + n - SUFFIX_LEN, SUFFIX) != 0)
		return 0;
	n -= SUFFIX_LEN;
	if (!kh_card_id_valid(file, n))
		return 0;
	memcpy(id, file, n);
	id[n] = '\0';
	return 1;
}

static enum kh_exit
read_card(int dirfd, const char *dir, const char *file, struct kh_card *card)
{
	char *text;
	enum kh_err e;
	unsigned line = 0;
	size_t n = 0;
	int fd;

	fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		kh_say("%s/%s: cannot read this card: %s", dir, file,
		    strerror(errno));
		return KH_EXIT_CONFIG;
	}
	text = malloc(KH_CARD_MAX + 1);
	if (text == NULL) {
		close(fd);
		return KH_EXIT_OSERR;
	}
	e = kh_read_upto(fd, text, KH_CARD_MAX + 1, &n);
	close(fd);
	if (e == KH_OK && n > KH_CARD_MAX)
		e = KH_ELIMIT;
	if (e == KH_OK)
		e = kh_card_read(text, n, card, &line);
	free(text);
	if (e == KH_OK)
		return KH_EXIT_OK;
	if (line > 0)
		kh_say("%s/%s:%u: not a valid newsroom card: %s", dir, file,
		    line, kh_err_text(e));
	else
		kh_say("%s/%s: not a valid newsroom card: %s", dir, file,
		    kh_err_text(e));
	return KH_EXIT_CONFIG;
}

/* Two cards of one newsroom would show one key under two names. */
static enum kh_exit
check_unique(const char *dir, const struct kh_msg_outlet *o, uint32_t n)
{
	uint32_t i;

	for (i = 0; i + 1 < n; i++) {
		if (memcmp(o[i].card.signing_key.pk,
			o[n - 1].card.signing_key.pk, KH_SIGN_PUBLIC_LEN) != 0)
			continue;
		kh_say("%s: %s.card and %s.card are the same newsroom: remove "
		       "one",
		    dir, o[i].id, o[n - 1].id);
		return KH_EXIT_CONFIG;
	}
	return KH_EXIT_OK;
}

/* Nor may two newsrooms share a token (L35): who leaves one would still have
 * the other's. */
static enum kh_exit
check_token(const char *dir, const struct kh_msg_outlet *o, uint32_t n)
{
	const struct kh_card *card = &o[n - 1].card;
	uint32_t i;

	for (i = 0; i + 1 < n; i++) {
		if (!card->has_courier || !o[i].card.has_courier ||
		    memcmp(o[i].card.courier_hash, card->courier_hash,
			sizeof(card->courier_hash)) != 0)
			continue;
		kh_say("%s: %s.card and %s.card have one courier token: each "
		       "newsroom needs its own",
		    dir, o[i].id, o[n - 1].id);
		return KH_EXIT_CONFIG;
	}
	return KH_EXIT_OK;
}

static enum kh_exit
load_one(int dirfd, const char *dir, const char *file,
    struct kh_msg_outlet *outlets, uint32_t *n)
{
	struct kh_msg_outlet *o = &outlets[*n];
	enum kh_exit x;

	if (*n == KH_OUTLETS_MAX) {
		kh_say("%s: more than %d cards", dir, KH_OUTLETS_MAX);
		return KH_EXIT_CONFIG;
	}
	if (!is_card(file, o->id)) {
		kh_say("%s/%s: a card's name must be lower-case letters, "
		       "digits and dashes, then .card",
		    dir, file);
		return KH_EXIT_CONFIG;
	}
	x = read_card(dirfd, dir, file, &o->card);
	if (x != KH_EXIT_OK)
		return x;
	(*n)++;
	x = check_unique(dir, outlets, *n);
	return x == KH_EXIT_OK ? check_token(dir, outlets, *n) : x;
}

/* Only names that end in .card are looked at: signatures, public keys and
 * notes may lie beside them. */
static int
ends_in_card(const struct dirent *de)
{
	size_t n = strlen(de->d_name);

	return n > SUFFIX_LEN &&
	    strcmp(de->d_name + n - SUFFIX_LEN, SUFFIX) == 0;
}

enum kh_exit
kh_outlets_load(const char *dir, struct kh_msg_outlet **outlets, uint32_t *n)
{
	struct dirent **list = NULL;
	enum kh_exit x = KH_EXIT_OK;
	int count, i, dirfd;

	*outlets = NULL;
	*n = 0;
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	count = dirfd < 0
	    ? -1
	    : scandirat(dirfd, ".", &list, ends_in_card, alphasort);
	if (count < 0) {
		kh_say("newsrooms = %s: %s", dir, strerror(errno));
		if (dirfd >= 0)
			close(dirfd);
		return KH_EXIT_CONFIG;
	}
	*outlets = calloc(KH_OUTLETS_MAX, sizeof(**outlets));
	if (*outlets == NULL)
		x = KH_EXIT_OSERR;
	for (i = 0; i < count; i++) {
		if (x == KH_EXIT_OK)
			x = load_one(dirfd, dir, list[i]->d_name, *outlets, n);
		free(list[i]);
	}
	free(list);
	close(dirfd);
	if (x == KH_EXIT_OK && *n == 0) {
		kh_say("newsrooms = %s: there is no NAME.card in it; make one "
		       "with \"knothole keygen\" on the newsroom's offline "
		       "machine",
		    dir);
		x = KH_EXIT_CONFIG;
	}
	return x;
}

void
kh_outlets_couriers(struct kh_keeper *k)
{
	const struct kh_card *card;
	uint32_t i, n = 0;

	for (i = 0; i < k->site.n_outlets; i++) {
		card = &k->outlets[i].card;
		if (!card->has_courier)
			continue;
		memcpy(k->tokens.hash[n], card->courier_hash,
		    sizeof(k->tokens.hash[n]));
		kh_collector_id(card->signing_key.pk, k->collectors.id[n]);
		n++;
	}
	k->tokens.n = k->collectors.n = n;
}
