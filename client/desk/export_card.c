/*
 * A renewed card, onto a stick: cards/ID.card. Separate from the answers
 * because it needs no vault, and is signed by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/desk/export.h"
#include "client/desk/vault_files.h"
#include "client/exit.h"
#include "client/file.h"
#include "client/input.h"
#include "knothole/card.h"
#include "knothole/io.h"
#include "knothole/secret.h"

#define SUFFIX ".card"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)

/* ID.card is called what it is on the server; else as its name has it. */
static void
name_it(const char *path, const struct kh_card *card,
    char id[static KH_CARD_ID_MAX + 1])
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	size_t n = strlen(name);

	kh_card_id(card->name, id);
	if (n <= SUFFIX_LEN || strcmp(name, KH_VAULT_CARD) == 0 ||
	    strcmp(name + n - SUFFIX_LEN, SUFFIX) != 0 ||
	    !kh_card_id_valid(name, n - SUFFIX_LEN))
		return;
	memcpy(id, name, n - SUFFIX_LEN);
	id[n - SUFFIX_LEN] = '\0';
}

static enum kh_err
put(const struct kh_export *x, const char *text, size_t n)
{
	char name[KH_CARD_ID_MAX + SUFFIX_LEN + 1];
	enum kh_err e;
	int fd;

	(void)snprintf(name, sizeof(name), "%s" SUFFIX, x->card_id);
	if (mkdirat(x->stick.top_fd, KH_STICK_CARDS, 0700) != 0 &&
	    errno != EEXIST)
		return kh_io_error();
	fd = openat(x->stick.top_fd, KH_STICK_CARDS, KH_VAULT_DIR_FLAGS);
	if (fd < 0)
		return kh_io_error();
	e = kh_file_put(
	    fd, KH_PART_PREFIX "card", name, (struct kh_file_bytes){text, n});
	if (e == KH_OK)
		e = kh_file_sync_dir(fd);
	close(fd);
	if (e == KH_OK)
		e = kh_file_sync_dir(x->stick.top_fd);
	return e;
}

/* Is it a card, and this newsroom's? */
static int
put_checked(struct kh_export *x, const char *path, const char *text, size_t n)
{
	struct kh_card *card = malloc(sizeof(*card));
	unsigned line;
	enum kh_err e = KH_ENOMEM;

	if (card != NULL)
		e = kh_card_read(text, n, card, &line);
	if (e != KH_OK) {
		free(card);
		return kh_fail(KH_ON_KEY, path, e);
	}
	if (x->v != NULL &&
	    memcmp(&card->signing_key, &x->v->room->outlet,
		sizeof(card->signing_key)) != 0) {
		kh_say(path, "is not the card of this vault's newsroom");
		free(card);
		return KH_EXIT_DATA;
	}
	name_it(path, card, x->card_id);
	free(card);
	e = put(x, text, n);
	return e == KH_OK ? KH_EXIT_OK
			  : kh_fail(KH_ON_OUTPUT, x->stick.path, e);
}

static int
put_given(struct kh_export *x)
{
	char *text = NULL;
	size_t n = 0;
	enum kh_err e;
	int fd, code;

	code = kh_input_open(x->card, &fd);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_input_all(fd, KH_CARD_MAX, &text, &n);
	kh_input_close(fd);
	code = e == KH_OK ? put_checked(x, x->card, text, n)
			  : kh_fail(KH_ON_KEY, x->card, e);
	kh_secret_free(text);
	return code;
}

/* The vault's renewed one, or for a stick that was lost, once more. */
static int
put_own(struct kh_export *x)
{
	const char *name = KH_VAULT_RENEWED;
	char *text = NULL;
	size_t n = 0;
	enum kh_err e;
	int code;

	e = kh_stick_read(x->v->dir_fd, name, KH_CARD_MAX, &text, &n);
	x->renewed = e == KH_OK;
	if (e == KH_ENOENT && x->all) {
		name = KH_VAULT_EXPORTED;
		e = kh_stick_read(x->v->dir_fd, name, KH_CARD_MAX, &text, &n);
	}
	if (e == KH_ENOENT)
		return KH_EXIT_OK;
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, name, e);
	/* Its name in the vault is not that on the server. */
	code = put_checked(x, "", text, n);
	free(text);
	return code;
}

int
kh_export_card(struct kh_export *x)
{
	if (x->card != NULL)
		return put_given(x);
	return x->v != NULL ? put_own(x) : KH_EXIT_OK;
}

int
kh_export_card_done(struct kh_export *x)
{
	if (!x->renewed)
		return KH_EXIT_OK;
	if (renameat(x->v->dir_fd, KH_VAULT_RENEWED, x->v->dir_fd,
		KH_VAULT_EXPORTED) != 0)
		return kh_fail(KH_ON_OUTPUT, x->v->path, KH_ESYS);
	return KH_EXIT_OK;
}

int
kh_export_card_alone(struct kh_export *x, const char *path)
{
	int code;

	code = kh_stick_open(&x->stick, path, true);
	if (code == KH_EXIT_OK)
		code = kh_export_card(x);
	if (code == KH_EXIT_OK && syncfs(x->stick.top_fd) != 0)
		code = kh_fail(KH_ON_OUTPUT, path, kh_io_error());
	return code;
}
