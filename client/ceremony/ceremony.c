/*
 * The shares of a new identity. Separate from keygen, which makes the keys that
 * they protect.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/args.h"
#include "client/ceremony/ceremony.h"
#include "client/exit.h"
#include "client/holders.h"
#include "client/reseal.h"
#include "knothole/io.h"
#include "knothole/secret.h"
#include "lib/base/precond.h"

#define PAGE_NAME_LEN 64

enum letter {
	SHARES = 1,
	THRESHOLD,
	FORMAT,
	PAPER
};

void
kh_ceremony_start(struct kh_ceremony *c)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	c->dir_fd = -1;
	for (i = 0; i < KH_SHARES_MAX; i++)
		c->file[i].fd = c->file[i].dir_fd = -1;
}

void
kh_ceremony_end(struct kh_ceremony *c)
{
	size_t i;

	for (i = 0; i < KH_SHARES_MAX; i++)
		kh_output_abort(&c->file[i]);
	if (c->dir_fd >= 0)
		close(c->dir_fd);
	c->dir_fd = -1;
	kh_secret_free(c->keys);
	c->keys = NULL;
}

static int
take_format(struct kh_ceremony *c, const char *value)
{
	c->styled = true;
	if (strcmp(value, "text") == 0)
		c->format = KH_PAGE_TEXT;
	else if (strcmp(value, "pdf") == 0)
		c->format = KH_PAGE_PDF;
	else
		return kh_fail_usage("--format", "is text or pdf");
	return KH_EXIT_OK;
}

static int
take_paper(struct kh_ceremony *c, const char *value)
{
	c->styled = true;
	if (strcmp(value, "a4") == 0)
		c->paper = KH_PAGE_A4;
	else if (strcmp(value, "letter") == 0)
		c->paper = KH_PAGE_LETTER;
	else
		return kh_fail_usage("--paper", "is a4 or letter");
	return KH_EXIT_OK;
}

int
kh_ceremony_option(struct kh_ceremony *c, int letter, const char *value)
{
	switch ((enum letter)letter) {
	case SHARES:
		if (kh_args_number(value, KH_SHARE_THRESHOLD_MIN, KH_SHARES_MAX,
			&c->count))
			return KH_EXIT_OK;
		return kh_fail_usage("--shares", "not a number from 2 to 16");
	case THRESHOLD:
		if (kh_args_number(value, KH_SHARE_THRESHOLD_MIN, KH_SHARES_MAX,
			&c->threshold))
			return KH_EXIT_OK;
		return kh_fail_usage("--threshold",
		    "not a number from 2 to 16; one share alone would be a "
		    "copy of the key");
	case FORMAT:
		return take_format(c, value);
	case PAPER:
		return take_paper(c, value);
	}
	return KH_EXIT_USAGE;
}

int
kh_ceremony_check(struct kh_ceremony *c)
{
	if (c->count == 0 && c->threshold == 0 && !c->styled)
		return KH_EXIT_OK;
	if (c->count == 0)
		return kh_fail_usage("keygen",
		    "--threshold, --format and --paper are about shares; give "
		    "--shares N, too");
	if (c->threshold == 0)
		c->threshold = c->count / 2 + 1;
	if (c->threshold > c->count)
		return kh_fail_usage("--threshold",
		    "is larger than --shares: nobody could ever open it");
	return KH_EXIT_OK;
}

int
kh_ceremony_make(struct kh_ceremony *c)
{
	enum kh_err e;

	PRECOND(c != NULL && c->count > 0);
	c->keys = kh_secret_alloc((sizeof(*c->keys) + 15) / 16 * 16);
	if (c->keys == NULL)
		return kh_fail(KH_ON_KEY, NULL, KH_ENOMEM);
	kh_identity_generate(&c->keys->key);
	e = kh_share_split(
	    &c->keys->key, c->threshold, c->count, c->keys->share);
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_KEY, "shares", e);
}

/* The text with its holders in it, if there are shares. */
static enum kh_err
identity_text(const struct kh_ceremony *c,
    const struct kh_ceremony_identity *what, char **text, size_t *n)
{
	struct kh_holders h = {0};
	char *plain;
	enum kh_err e;

	e = kh_identity_file_write(what->keys, what->name, text, n);
	if (e != KH_OK || c->count == 0)
		return e;
	h.shared = true;
	h.threshold = c->threshold;
	h.count = c->count;
	kh_identity_recipient(&c->keys->key, &h.shares);
	plain = *text;
	e = kh_holders_write(plain, *n, &h, text, n);
	kh_secret_free(plain);
	return e;
}

/* Seal, with the key that was split to prove it by. */
static enum kh_err
seal(const struct kh_ceremony *c, const struct kh_ceremony_identity *what,
    const char *text, size_t n)
{
	struct kh_reseal how = {.text = text, .n = n, .pass = what->pass};
	struct kh_sealed_file id = {0}, rec = {0};
	struct kh_keyring *proof = NULL;
	enum kh_err e = KH_OK;

	if (c->count > 0)
		e = kh_keyring_new(&proof);
	if (e == KH_OK && c->count > 0)
		e = kh_keyring_add(proof, &c->keys->key);
	how.proof = proof;
	if (e == KH_OK)
		e = kh_reseal(&how, &id, &rec);
	if (e == KH_OK)
		e = kh_write_all(what->identity_fd, id.p, id.n);
	if (e == KH_OK && rec.p != NULL)
		e = kh_write_all(what->recovery_fd, rec.p, rec.n);
	kh_sealed_file_free(&id);
	kh_sealed_file_free(&rec);
	kh_keyring_free(proof);
	return e;
}

enum kh_err
kh_ceremony_identity(
    const struct kh_ceremony *c, const struct kh_ceremony_identity *what)
{
	char *text = NULL;
	enum kh_err e;
	size_t n;

	PRECOND(c != NULL && what != NULL);
	e = identity_text(c, what, &text, &n);
	if (e == KH_OK)
		e = what->clear ? kh_write_all(what->identity_fd, text, n)
				: seal(c, what, text, n);
	kh_secret_free(text);
	return e;
}

static void
page_name(const struct kh_ceremony *c, size_t i, char out[static PAGE_NAME_LEN])
{
	(void)snprintf(out, PAGE_NAME_LEN, "share-%zu-of-%u.%s", i + 1,
	    c->count, c->format == KH_PAGE_PDF ? "pdf" : "txt");
}

int
kh_ceremony_begin(struct kh_ceremony *c, int dir_fd)
{
	char name[PAGE_NAME_LEN];
	enum kh_err e = KH_OK;
	size_t i;

	PRECOND(c != NULL && dir_fd >= 0);
	if (mkdirat(dir_fd, KH_CEREMONY_DIR, 0700) != 0 && errno != EEXIST)
		e = KH_ESYS;
	if (e == KH_OK)
		c->dir_fd = openat(dir_fd, KH_CEREMONY_DIR,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (c->dir_fd < 0) {
		(void)kh_fail(KH_ON_OUTPUT, KH_CEREMONY_DIR, KH_ESYS);
		return KH_EXIT_CREATE;
	}
	for (i = 0; i < c->count; i++) {
		page_name(c, i, name);
		/* Known now, not when the rest has been written. */
		e = faccessat(c->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
		    ? KH_EEXIST
		    : kh_output_open_at(&c->file[i], c->dir_fd, name, 0600);
		if (e != KH_OK) {
			(void)kh_fail(KH_ON_OUTPUT, name, e);
			return KH_EXIT_CREATE;
		}
	}
	return KH_EXIT_OK;
}

int
kh_ceremony_write(struct kh_ceremony *c, const char *id)
{
	struct kh_page page = {
	    .id = id, .format = c->format, .paper = c->paper};
	enum kh_err e = KH_OK;
	char *text;
	size_t i, n;

	for (i = 0; i < c->count && e == KH_OK; i++) {
		page.share = &c->keys->share[i];
		e = kh_page_make(&page, &text, &n);
		if (e == KH_OK)
			e = kh_write_all(c->file[i].fd, text, n);
		kh_secret_free(text);
	}
	return e == KH_OK ? KH_EXIT_OK
			  : kh_fail(KH_ON_OUTPUT, KH_CEREMONY_DIR, e);
}

int
kh_ceremony_commit(struct kh_ceremony *c)
{
	char name[PAGE_NAME_LEN];
	enum kh_err e;
	size_t i;

	for (i = 0; i < c->count; i++) {
		e = kh_output_commit(&c->file[i]);
		if (e != KH_OK) {
			page_name(c, i, name);
			(void)kh_fail(KH_ON_OUTPUT, name, e);
			kh_ceremony_undo(c);
			return kh_exit_code(KH_ON_OUTPUT, e);
		}
		c->n_named++;
	}
	return KH_EXIT_OK;
}

void
kh_ceremony_undo(struct kh_ceremony *c)
{
	char name[PAGE_NAME_LEN];

	while (c->n_named > 0) {
		page_name(c, --c->n_named, name);
		(void)unlinkat(c->dir_fd, name, 0);
	}
}

void
kh_ceremony_print(const struct kh_ceremony *c, const char *dir)
{
	char name[PAGE_NAME_LEN], set[KH_SHARE_SET_TEXT_LEN];
	size_t i;

	for (i = 0; i < c->count; i++) {
		page_name(c, i, name);
		printf("%-12s %s/" KH_CEREMONY_DIR "/%s\n", "share", dir, name);
	}
	kh_share_set_text(c->keys->share[0].set, set);
	printf("%-12s %s, any %u of %u\n", "share set", set, c->threshold,
	    c->count);
}

void
kh_ceremony_hints(const struct kh_ceremony *c, bool passphrase)
{
	kh_say(NULL,
	    "print the pages in " KH_CEREMONY_DIR ", hand each to its holder, "
	    "and remove the files: any %u of them with the identity file open "
	    "everything (docs/ceremony.md has the steps)",
	    c->threshold);
	if (!passphrase)
		kh_say("identity.age",
		    "has no passphrase: only %u shares open it; `knothole "
		    "recover` sets one, `knothole editor add` lets editors in",
		    c->threshold);
}
