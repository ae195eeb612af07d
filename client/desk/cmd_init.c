/*
 * knothole init: a vault around an identity. Separate from opening one,
 * because only here there is nothing yet to trust.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cmd.h"
#include "client/desk/options.h"
#include "client/desk/vault.h"
#include "client/desk/vault_files.h"
#include "client/exit.h"
#include "client/file.h"
#include "client/input.h"
#include "client/keys.h"
#include "knothole/card.h"
#include "knothole/day.h"
#include "knothole/io.h"
#include "knothole/secret.h"

static const char help[] =
    "usage: knothole --vault DIR init -i IDENTITY [--card CARD]\n"
    "                                 [--passphrase-fd N]\n\n"
    "Makes a vault: the directory in which the desk keeps what came, and its\n"
    "conversations with sources. DIR can also come from KNOTHOLE_VAULT.\n\n"
    "  -i, --identity FILE    the newsroom's identity as `knothole keygen` "
    "made\n"
    "                         it; it is copied as it is, a passphrase stays\n"
    "      --card FILE        the newsroom's card; checked against the "
    "identity\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"identity", required_argument, NULL, 'i'},
    {"card", required_argument, NULL, 'c'},
    KH_DESK_OPTIONS_COMMON,
};

static const struct kh_desk_usage usage = {
    .help = help,
    .shorts = ":i:h",
    .longs = options,
    .wrong = "takes options only",
};

/* A file from outside that becomes one of the vault's. */
struct copy {
	char *text; /* locked memory */
	size_t n;
};

struct making {
	struct kh_vault v;
	struct copy identity, card;
};

static int
read_copy(const char *path, size_t cap, struct copy *c)
{
	enum kh_err e;
	int fd, code;

	code = kh_input_open(path, &fd);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_input_all(fd, cap, &c->text, &c->n);
	if (e != KH_OK)
		code = kh_fail(KH_ON_KEY, path, e);
	kh_input_close(fd);
	return code;
}

/* Is it the card of this identity? */
static int
check_card(struct making *m, const char *path)
{
	struct kh_card *card;
	unsigned line;
	bool same;
	enum kh_err e;
	size_t i;
	int code;

	code = read_copy(path, KH_CARD_MAX, &m->card);
	if (code != KH_EXIT_OK)
		return code;
	card = calloc(1, sizeof(*card));
	if (card == NULL)
		return kh_fail(KH_ON_KEY, path, KH_ENOMEM);
	e = kh_card_read(m->card.text, m->card.n, card, &line);
	same = e == KH_OK &&
	    memcmp(&card->signing_key, &m->v.room->outlet,
		sizeof(card->signing_key)) == 0;
	for (i = 0; same && i < card->n_recipients; i++)
		if (kh_keyring_has(m->v.kr, &card->recipients[i].to))
			break;
	same = same && i < card->n_recipients;
	free(card);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, path, e);
	if (same)
		return KH_EXIT_OK;
	kh_say(path,
	    "is not the card of this identity; give the one that "
	    "`knothole keygen` made with it");
	return KH_EXIT_DATA;
}

static bool
is_ours(const char *name)
{
	static const char *const names[] = {".", "..", KH_VAULT_IDENTITY_AGE,
	    KH_VAULT_IDENTITY_TXT, KH_VAULT_CARD, KH_VAULT_RENEWED,
	    KH_VAULT_EXPORTED, KH_VAULT_OBJECTS, KH_VAULT_OUTBOX, KH_VAULT_LOCK,
	    KH_VAULT_INDEX_NEW};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return strncmp(name, KH_PART_PREFIX, strlen(KH_PART_PREFIX)) == 0;
}

/* Empty, or what a cut run left? */
static int
check_empty(const struct kh_vault *v)
{
	int fd = fcntl(v->dir_fd, F_DUPFD_CLOEXEC, 3);
	const struct dirent *entry;
	int code = KH_EXIT_OK;
	DIR *dir;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return kh_fail(KH_ON_OUTPUT, v->path, KH_ESYS);
	}
	rewinddir(dir);
	while (code == KH_EXIT_OK && (entry = readdir(dir)) != NULL) {
		if (is_ours(entry->d_name))
			continue;
		kh_say(v->path,
		    strcmp(entry->d_name, KH_VAULT_INDEX) == 0
			? "is a vault already; nothing was replaced"
			: "is not empty; choose another directory");
		code = KH_EXIT_CREATE;
	}
	closedir(dir);
	if (code != KH_EXIT_OK || !kh_vault_used(v->dir_fd))
		return code;
	/* A new index would count answers from the first place again, which
	 * is taken: the server would pass them over. */
	kh_say(v->path,
	    "is a vault that has lost its " KH_VAULT_INDEX
	    "; restore that from a copy, or choose another directory");
	return KH_EXIT_CREATE;
}

static int
make_dirs(struct kh_vault *v)
{
	static const char *const names[] = {KH_VAULT_OBJECTS, KH_VAULT_OUTBOX};
	size_t i;
	int code;

	if (mkdir(v->path, 0700) != 0 && errno != EEXIST)
		goto failed;
	v->dir_fd = open(v->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (v->dir_fd < 0)
		goto failed;
	code = check_empty(v);
	if (code != KH_EXIT_OK)
		return code;
	if (fchmod(v->dir_fd, 0700) != 0)
		goto failed;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (mkdirat(v->dir_fd, names[i], 0700) != 0 && errno != EEXIST)
			goto failed;
	v->lock_fd = openat(v->dir_fd, KH_VAULT_LOCK,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (v->lock_fd >= 0)
		return KH_EXIT_OK;
failed:
	(void)kh_fail(KH_ON_OUTPUT, v->path, kh_io_error());
	return KH_EXIT_CREATE;
}

static enum kh_err
put(const struct kh_vault *v, const char *name, const struct copy *c)
{
	return kh_file_put(v->dir_fd, KH_PART_PREFIX "copy", name,
	    (struct kh_file_bytes){c->text, c->n});
}

static int
fill(struct making *m)
{
	struct kh_vault *v = &m->v;
	bool sealed = kh_input_is_age(m->identity.text, m->identity.n);
	enum kh_err e;

	/* Of a cut run with another identity. */
	(void)unlinkat(v->dir_fd,
	    sealed ? KH_VAULT_IDENTITY_TXT : KH_VAULT_IDENTITY_AGE, 0);
	(void)unlinkat(v->dir_fd, KH_VAULT_CARD, 0);
	(void)unlinkat(v->dir_fd, KH_VAULT_RENEWED, 0);
	(void)unlinkat(v->dir_fd, KH_VAULT_EXPORTED, 0);
	e = put(v, sealed ? KH_VAULT_IDENTITY_AGE : KH_VAULT_IDENTITY_TXT,
	    &m->identity);
	if (e == KH_OK && m->card.n > 0)
		e = put(v, KH_VAULT_CARD, &m->card);
	if (e == KH_OK)
		e = kh_index_new(&v->room->outlet, &v->ix);
	if (e == KH_OK)
		e = kh_log_add(&v->ix->log, KH_LOG_INIT, v->today, "", 0);
	if (e == KH_OK)
		e = kh_file_sync_dir(v->dir_fd);
	if (e == KH_OK)
		e = kh_vault_save(v);
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_OUTPUT, v->path, e);
}

static int
make(struct making *m, const struct kh_desk_args *a)
{
	const char *identity = a->keys.path[0];
	struct kh_vault *v = &m->v;
	int code;

	kh_day_today(v->today);
	v->room = kh_secret_alloc(KH_VAULT_ROOM_LEN);
	if (v->room == NULL)
		return kh_fail(KH_ON_KEY, NULL, KH_ENOMEM);
	code = read_copy(identity, KH_IDENTITY_FILE_MAX, &m->identity);
	if (code == KH_EXIT_OK)
		code = kh_keys_newsroom(identity, a->keys.fd, &v->kr, v->room);
	if (code == KH_EXIT_OK && a->card != NULL)
		code = check_card(m, a->card);
	if (code == KH_EXIT_OK)
		code = make_dirs(v);
	if (code == KH_EXIT_OK)
		code = fill(m);
	return code;
}

int
kh_cmd_init(int argc, char **argv)
{
	struct making m = {.v = {.dir_fd = -1,
			       .objects_fd = -1,
			       .outbox_fd = -1,
			       .lock_fd = -1}};
	struct kh_desk_args a;
	char shown[KH_SHOWN_MAX];
	int code;

	code = kh_desk_args(&a, &usage, argc, argv);
	if (code != KH_EXIT_OK || a.help)
		return code;
	if (a.keys.n != 1)
		return kh_fail_usage("init",
		    "one identity is needed; give -i "
		    "IDENTITY");
	m.v.path = kh_vault_path();
	if (m.v.path == NULL)
		return kh_fail_usage("init",
		    "no vault; put --vault DIR before the command, or set "
		    "KNOTHOLE_VAULT");
	code = make(&m, &a);
	if (code == KH_EXIT_OK)
		printf("%s\n", kh_shown(m.v.path, shown));
	if (code == KH_EXIT_OK && m.identity.n > 0 &&
	    !kh_input_is_age(m.identity.text, m.identity.n))
		kh_say(m.v.path,
		    "warning: the identity in it is not under a passphrase: "
		    "whoever reads this directory reads all of it");
	kh_secret_free(m.identity.text);
	kh_secret_free(m.card.text);
	kh_vault_close(&m.v);
	return code;
}
