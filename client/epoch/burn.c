/*
 * knothole epoch burn: one key of an identity destroyed. In an order that
 * leaves no vault without its key: first its index is sealed to a key that
 * stays, with the entry in its log, then each file loses the key.
 */
#include <stdio.h>
#include <string.h>

#include "client/confirm.h"
#include "client/desk/vault.h"
#include "client/epoch/epoch.h"
#include "client/epoch/lost.h"
#include "client/exit.h"
#include "client/newkeys.h"
#include "knothole/secret.h"

#define GRACE_DAYS 30 /* after an epoch: objects are still on their way */

static const char help[] =
    "usage: knothole epoch burn YYYY-MM [-i IDENTITY] [--vault DIR] [--yes]\n"
    "                           [--force] [--passphrase-fd N] [OBJECT]...\n\n"
    "Destroys an identity's key of an epoch that is over, so that nobody "
    "opens\n"
    "any more what was sealed in it. Shows first what of the vault, and which\n"
    "of the OBJECTs, nothing else opens, and wants the epoch typed once more.\n"
    "With a vault, its own copy of the identity loses the key as well, and "
    "its\n"
    "custody log says so. Other copies keep it: burn it in each of them.\n\n"
    "  -i, --identity FILE    the newsroom's identity; that of the vault if "
    "none\n"
    "                         is given\n"
    "      --vault DIR        the vault (also before the command)\n"
    "      --yes              do not ask\n"
    "      --force            also an epoch that is not over\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

enum which {
	GIVEN, /* -i */
	VAULT, /* the vault's own copy */
	N_FILES
};

struct burn {
	const struct kh_epoch_args *a;
	const char *label;
	char today[KH_DAY_LEN + 1];
	struct kh_idfile *file[N_FILES]; /* kh_secret_alloc, or NULL */
	char *text[N_FILES]; /* without the key; NULL: it has none */
	char vault_path[PATH_MAX]; /* of its identity */
	struct kh_vault vault;
	bool has_vault;
	struct kh_epoch_key key; /* one that is to go */
};

static int
open_file(struct burn *b, enum which w, const char *path,
    const struct kh_passphrase *like)
{
	b->file[w] = kh_secret_alloc(sizeof(*b->file[w]));
	if (b->file[w] == NULL)
		return kh_fail(KH_ON_KEY, NULL, KH_ENOMEM);
	return kh_idfile_open(b->file[w], path, b->a->keys.fd, like);
}

static void
close_file(struct burn *b, enum which w)
{
	if (b->file[w] != NULL)
		kh_idfile_close(b->file[w]);
	kh_secret_free(b->file[w]);
	kh_secret_free(b->text[w]);
	b->file[w] = NULL;
	b->text[w] = NULL;
}

static int
open_vault(struct burn *b, struct kh_passphrase *pass)
{
	int code;

	code = kh_vault_open_with(&b->vault, b->a->keys.fd, pass, true);
	if (code != KH_EXIT_OK)
		return code;
	b->has_vault = true;
	code = kh_vault_identity_path(
	    b->vault.path, b->vault.dir_fd, b->vault_path);
	return code == KH_EXIT_OK ? open_file(b, VAULT, b->vault_path, pass)
				  : code;
}

/* Have two files a key in common, or had they? */
static bool
related(const struct kh_epochs *a, const struct kh_epochs *b)
{
	size_t i, k;

	for (i = 0; i < a->n; i++) {
		for (k = 0; k < b->n; k++) {
			if (memcmp(&a->key[i].to, &b->key[k].to,
				sizeof(a->key[i].to)) == 0)
				return true;
		}
	}
	return false;
}

/* The files that may have the key, each once. */
static int
open_all(struct burn *b)
{
	struct kh_passphrase pass = {0};
	char shown[KH_SHOWN_MAX];
	int code = KH_EXIT_OK;

	if (kh_vault_path() != NULL)
		code = open_vault(b, &pass);
	if (code == KH_EXIT_OK && b->a->keys.n > 0)
		code = open_file(b, GIVEN, b->a->keys.path[0], &pass);
	kh_passphrase_free(&pass);
	if (code != KH_EXIT_OK || b->file[GIVEN] == NULL)
		return code;
	if (b->has_vault && kh_idfile_same(b->file[GIVEN], b->file[VAULT])) {
		close_file(b, GIVEN);
	} else if (b->has_vault &&
	    !related(&b->file[GIVEN]->epochs, &b->file[VAULT]->epochs)) {
		kh_say(b->a->keys.path[0],
		    "is not the identity of the vault %s; give either without "
		    "the other (--vault, KNOTHOLE_VAULT)",
		    kh_shown(b->vault.path, shown));
		return KH_EXIT_USAGE;
	} else if (kh_idfile_in_vault(b->file[GIVEN])) {
		kh_say(b->a->keys.path[0],
		    "is the identity of a vault, which would not open any "
		    "more; give that with --vault");
		return KH_EXIT_USAGE;
	}
	return KH_EXIT_OK;
}

static size_t
keys_left(const struct kh_epochs *e, const char *label)
{
	size_t i, n = 0;

	for (i = 0; i < e->n; i++)
		n += e->key[i].burnt[0] == '\0' &&
		    strcmp(e->key[i].epoch.label, label) != 0;
	return n;
}

/* What would be left of one of the files. */
static int
prepare(struct burn *b, enum which w)
{
	struct kh_idfile *f = b->file[w];
	enum kh_err e;
	size_t i;

	if (f == NULL || kh_epochs_count(&f->epochs, b->label, false) == 0)
		return KH_EXIT_OK;
	if (keys_left(&f->epochs, b->label) == 0) {
		kh_say(f->path,
		    "has no other key than that of %s: renew the card first, "
		    "or remove the whole file",
		    b->label);
		return KH_EXIT_NOKEY;
	}
	for (i = 0; i < f->epochs.n; i++) {
		if (strcmp(f->epochs.key[i].epoch.label, b->label) == 0 &&
		    f->epochs.key[i].burnt[0] == '\0')
			b->key = f->epochs.key[i];
	}
	e = kh_epochs_burn(f->text, f->n, b->label, b->today, &b->text[w]);
	return e == KH_OK ? KH_EXIT_OK : kh_fail(KH_ON_KEY, f->path, e);
}

/* Nothing to burn: because it was, or never there. */
static int
nothing(const struct burn *b)
{
	int w;

	for (w = 0; w < N_FILES; w++) {
		if (b->file[w] != NULL &&
		    kh_epochs_count(&b->file[w]->epochs, b->label, true) > 0) {
			kh_say(
			    b->file[w]->path, "%s was burnt before", b->label);
			return KH_EXIT_OK;
		}
	}
	kh_say(b->label,
	    "no such epoch in this identity; `knothole epoch list` shows them");
	return KH_EXIT_NOINPUT;
}

static int
check_time(const struct burn *b)
{
	char until[KH_DAY_LEN + 1];
	enum kh_epoch_state s = kh_epoch_state(&b->key, b->today);

	if (s == KH_EPOCH_CURRENT || s == KH_EPOCH_FUTURE) {
		kh_say(b->label,
		    "is not over (it ends %s): what is sealed to it from now "
		    "on would be lost%s",
		    b->key.epoch.last,
		    b->a->force ? "" : "; --force does it all the same");
		return b->a->force ? KH_EXIT_OK : KH_EXIT_NOKEY;
	}
	if (kh_day_add(b->key.epoch.last, GRACE_DAYS, until) == KH_OK &&
	    strcmp(until, b->today) >= 0)
		kh_say(b->label,
		    "ended on %s only: what was sealed then may still lie on "
		    "the server or on a stick; collect and import it first",
		    b->key.epoch.last);
	return KH_EXIT_OK;
}

/* The file that has the key. */
static const struct kh_idfile *
holder(const struct burn *b)
{
	return b->text[VAULT] != NULL ? b->file[VAULT] : b->file[GIVEN];
}

static int
show(const struct burn *b, struct kh_lost *l, int n, char **objects)
{
	const struct kh_idfile *f = holder(b);
	struct kh_keyring *in = NULL, *out = NULL;
	int code = KH_EXIT_OK, i;
	enum kh_err e;

	e = kh_epochs_split(f->text, f->n, b->label, &in, &out);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, f->path, e);
	*l = (struct kh_lost){.in = in, .out = out};
	kh_keyring_bridge(out, (struct kh_bridge_opener){kh_lost_bridge, l});
	if (b->has_vault)
		code = kh_lost_vault(l, &b->vault);
	for (i = 0; i < n && code == KH_EXIT_OK; i++)
		code = kh_lost_file(l, objects[i]);
	l->in = l->out = NULL;
	kh_keyring_free(in);
	kh_keyring_free(out);
	if (code == KH_EXIT_OK)
		printf("%s, %s to %s: %zu object%s would be unreadable\n",
		    b->label, b->key.epoch.first, b->key.epoch.last, l->n,
		    l->n == 1 ? "" : "s");
	if (code == KH_EXIT_OK && l->bridged > 0)
		printf(
		    "%zu of them, sealed to an OpenPGP key as well, open with "
		    "that all the same\n",
		    l->bridged);
	fflush(stdout);
	return code;
}

static bool
logged(const struct burn *b)
{
	const struct kh_log *l = &b->vault.ix->log;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (l->entries[i].what == KH_LOG_BURN &&
		    strcmp(l->entries[i].alias, b->label) == 0)
			return true;
	}
	return false;
}

/* The index must open with what is left; and its log says what is to happen,
 * once, also when this was cut short before. */
static int
save_vault(struct burn *b, size_t n)
{
	const struct kh_epochs *keys = &b->file[VAULT]->epochs;
	enum kh_err e = KH_OK;
	size_t i;

	/* As kh_newsroom: to the last one. */
	for (i = keys->n; i-- > 0;) {
		if (keys->key[i].burnt[0] == '\0' &&
		    strcmp(keys->key[i].epoch.label, b->label) != 0)
			break;
	}
	b->vault.room->to = keys->key[i].to; /* prepare: there is one */
	if (!logged(b))
		e = kh_log_add(
		    &b->vault.ix->log, KH_LOG_BURN, b->today, b->label, n);
	return e == KH_OK ? kh_vault_commit(&b->vault)
			  : kh_fail(KH_ON_OUTPUT, b->vault.path, e);
}

static int
destroy(struct burn *b, size_t n)
{
	int code = KH_EXIT_OK, w;

	if (b->text[VAULT] != NULL)
		code = save_vault(b, n);
	for (w = N_FILES; w-- > 0 && code == KH_EXIT_OK;) {
		if (b->text[w] != NULL)
			code = kh_idfile_replace(
			    b->file[w], b->text[w], strlen(b->text[w]), true);
	}
	if (code != KH_EXIT_OK)
		return code;
	printf("%s burnt\n", b->label);
	kh_say(b->label,
	    "copies of the identity elsewhere (a backup, a stick, a paper) "
	    "still have the key: burn it in each of them%s",
	    b->has_vault ? "" : ", and in the vault (--vault)");
	return code;
}

static int
burn(struct burn *b, int n, char **objects)
{
	char prompt[128];
	struct kh_lost l = {.n = 0};
	int code;

	code = open_all(b);
	if (code == KH_EXIT_OK)
		code = prepare(b, GIVEN);
	if (code == KH_EXIT_OK)
		code = prepare(b, VAULT);
	if (code != KH_EXIT_OK)
		return code;
	if (b->text[GIVEN] == NULL && b->text[VAULT] == NULL)
		return nothing(b);
	code = check_time(b);
	if (code == KH_EXIT_OK)
		code = show(b, &l, n, objects);
	if (code == KH_EXIT_OK && !b->a->yes) {
		(void)snprintf(prompt, sizeof(prompt),
		    "Type %s to burn its key for good: ", b->label);
		code = kh_confirm(prompt, b->label);
	}
	return code == KH_EXIT_OK ? destroy(b, l.in_vault) : code;
}

int
kh_epoch_burn(int argc, char **argv)
{
	static struct burn b;
	struct kh_epoch_args a;
	int code;

	code = kh_epoch_args(&a, argc, argv, help);
	if (code != KH_EXIT_OK || a.help)
		return code;
	argc -= optind;
	argv += optind;
	if (argc == 0)
		return kh_fail_usage("burn", "which epoch? give YYYY-MM");
	if (!kh_epoch_valid(argv[0], strlen(argv[0])))
		return kh_fail_usage(
		    argv[0], "no epoch; give a month, YYYY-MM");
	b.a = &a;
	b.label = argv[0];
	kh_day_today(b.today);
	code = burn(&b, argc - 1, argv + 1);
	close_file(&b, GIVEN);
	close_file(&b, VAULT);
	if (b.has_vault)
		kh_vault_close(&b.vault);
	return code;
}
