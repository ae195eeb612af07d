/*
 * knothole share: what a source sent, for one more newsroom. The file key is
 * wrapped once more; what the source sent stays as it is, sealed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/args.h"
#include "client/card/card.h"
#include "client/cmd.h"
#include "client/desk/alias.h"
#include "client/desk/options.h"
#include "client/desk/pick.h"
#include "client/desk/share.h"
#include "client/desk/vault.h"
#include "client/exit.h"
#include "client/keys.h"
#include "client/object.h"
#include "client/output.h"

static const char help[] =
    "usage: knothole [--vault DIR] share --to CARD [-o FILE|DIR]\n"
    "                [--passphrase-fd N] OBJECT|THREAD\n"
    "       knothole share -i IDENTITY --to CARD [-o FILE] OBJECT\n\n"
    "Makes a copy of what a source sent that the newsroom of CARD can open, "
    "too:\n"
    "its keys are added to the sealed object, whose content stays the same "
    "bytes.\n"
    "With a vault, OBJECT may be one of its ids, and THREAD is all that a "
    "source\n"
    "sent; the custody log then says with whom it was shared. The partner "
    "sees\n"
    "everything that this newsroom sees, and can answer the source.\n\n"
    "  -t, --to CARD          the partner's card; compare its fingerprint "
    "first\n"
    "  -o, --output FILE|DIR  where to; the current directory if it is not "
    "given\n"
    "  -i, --identity FILE    without a vault: what opens it\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"to", required_argument, NULL, 't'},
    {"output", required_argument, NULL, 'o'},
    {"identity", required_argument, NULL, 'i'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct sharing {
	struct kh_args_keys keys;
	const char *card, *out;
	bool help;
	char arg[KH_DESK_NAME_LEN > PATH_MAX ? KH_DESK_NAME_LEN : PATH_MAX];
	bool with_vault;
	struct kh_vault vault;
	struct kh_keyring *kr; /* without a vault */
	struct kh_recipient to;
	struct kh_card_gpg gpg;
	char words[KH_CODE_WORDS_TEXT_LEN];
	struct kh_pick pick;
	struct kh_share_job *job;
	size_t n;
	char dir[PATH_MAX];
	struct kh_share_out dest;
};

static int
parse(struct sharing *s, int argc, char **argv)
{
	int c, n;

	while ((c = kh_args_next(argc, argv, ":t:o:i:h", options)) != -1) {
		switch (c) {
		case 't':
			s->card = optarg;
			break;
		case 'o':
			s->out = optarg;
			break;
		case 'i':
		case 'P':
			if (!kh_args_key(&s->keys, c, optarg))
				return KH_EXIT_USAGE;
			break;
		case 'h':
			s->help = true;
			return KH_EXIT_OK;
		default:
			return KH_EXIT_USAGE;
		}
	}
	if (s->card == NULL)
		return kh_fail_usage("share",
		    "whom with? give --to CARD, the other newsroom's card");
	if (argc - optind < 1 || argc - optind > 2)
		return kh_fail_usage("share", "takes one OBJECT or THREAD");
	n = snprintf(s->arg, sizeof(s->arg), "%s%s%s", argv[optind],
	    argc - optind > 1 ? " " : "",
	    argc - optind > 1 ? argv[optind + 1] : "");
	if (n <= 0 || (size_t)n >= sizeof(s->arg))
		return kh_fail_usage("share", "that name is too long");
	s->with_vault = s->keys.n == 0 && kh_vault_path() != NULL;
	if (!s->with_vault && s->keys.n == 0)
		return kh_fail_usage("share",
		    "no key; give -i IDENTITY, or a vault (--vault DIR)");
	return KH_EXIT_OK;
}

/* The partner's key for today, and its OpenPGP key. */
static int
read_card(struct sharing *s)
{
	struct kh_card *card = calloc(1, sizeof(*card));
	char today[KH_DAY_LEN + 1];
	enum kh_err e;
	int code;

	if (card == NULL)
		return kh_fail(KH_ON_KEY, s->card, KH_ENOMEM);
	code = kh_card_load(s->card, card, NULL);
	if (code == KH_EXIT_OK) {
		kh_card_fingerprint(card, s->words);
		e = kh_card_recipient_on(card, kh_card_today(today), &s->to);
		if (e != KH_OK)
			code = kh_fail(KH_ON_KEY, s->card, e);
	}
	if (code == KH_EXIT_OK)
		code = kh_card_gpg_open(&s->gpg, s->card, card);
	free(card);
	return code;
}

/* --- which ------------------------------------------------------------------------ */

/* One file, by its path. */
static int
pick_file(struct sharing *s)
{
	char stem[KH_NAME_MAX + 1];

	if (strlen(s->arg) >= PATH_MAX)
		return kh_fail(KH_ON_OBJECT, s->arg, KH_ENAME);
	s->n = 1;
	(void)snprintf(s->job[0].from, PATH_MAX, "%s", s->arg);
	kh_object_stem(s->arg, stem);
	(void)snprintf(
	    s->job[0].name, sizeof(s->job[0].name), "%s-shared.age", stem);
	return KH_EXIT_OK;
}

/* Objects of the vault, but not those that were sealed for others. */
static int
pick_objects(struct sharing *s)
{
	const struct kh_desk_object *o;
	char name[KH_VAULT_NAME_LEN + 1];
	size_t i;

	for (i = 0; i < s->pick.n; i++) {
		o = &s->vault.ix->objects[s->pick.objects[i]];
		if (!kh_vault_object_path(&s->vault, o, s->job[s->n].from))
			return kh_fail(KH_ON_OBJECT, s->vault.path, KH_ENAME);
		kh_vault_object_name(o, false, name);
		(void)snprintf(
		    s->job[s->n].name, sizeof(s->job[s->n].name), "%s", name);
		s->n++;
	}
	return KH_EXIT_OK;
}

static int
pick(struct sharing *s)
{
	int code = KH_EXIT_OK;

	if (s->with_vault)
		code = kh_pick(&s->vault, s->arg, &s->pick);
	if (code != KH_EXIT_OK)
		return code;
	s->job = calloc(s->pick.n + 1, sizeof(s->job[0]));
	if (s->job == NULL)
		return kh_fail(KH_ON_OBJECT, NULL, KH_ENOMEM);
	return s->pick.n > 0 ? pick_objects(s) : pick_file(s);
}

/* --- where to ---------------------------------------------------------------------- */

/* -o is the one new file: its directory, and its name there. */
static int
name_file(struct sharing *s)
{
	const char *slash = strrchr(s->out, '/');
	const char *name = slash != NULL ? slash + 1 : s->out;
	int n = slash == NULL ? 0 : slash == s->out ? 1 : (int)(slash - s->out);

	if (strlen(name) > NAME_MAX || name[0] == '\0')
		return kh_fail(KH_ON_OUTPUT, s->out, KH_ENAME);
	(void)snprintf(s->job[0].name, sizeof(s->job[0].name), "%s", name);
	(void)snprintf(s->dir, sizeof(s->dir), "%.*s", n, s->out);
	return KH_EXIT_OK;
}

static int
place(struct sharing *s)
{
	bool is_dir = false;
	struct stat sb;
	int code = KH_EXIT_OK;

	if (s->out != NULL && strlen(s->out) >= PATH_MAX)
		return kh_fail(KH_ON_OUTPUT, s->out, KH_ENAME);
	if (s->out != NULL)
		is_dir =
		    s->n > 1 || (stat(s->out, &sb) == 0 && S_ISDIR(sb.st_mode));
	if (is_dir && mkdir(s->out, 0700) != 0 && errno != EEXIST) {
		(void)kh_fail(KH_ON_OUTPUT, s->out, KH_ESYS);
		return KH_EXIT_CREATE;
	}
	if (is_dir)
		(void)snprintf(s->dir, sizeof(s->dir), "%s", s->out);
	else if (s->out != NULL)
		code = name_file(s);
	if (code != KH_EXIT_OK)
		return code;
	s->dest.dir = s->dir;
	s->dest.dir_fd = open(s->dir[0] != '\0' ? s->dir : ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dest.dir_fd >= 0)
		return KH_EXIT_OK;
	(void)kh_fail(KH_ON_OUTPUT, s->dir, KH_ESYS);
	return KH_EXIT_CREATE;
}

/* --- sharing ------------------------------------------------------------------------ */

/* Before anything has its name: what is not in the log was not shared. */
static int
record(struct sharing *s)
{
	struct kh_log_shared what = {
	    .count = s->n, .to = s->words, .by = "", .alias = ""};
	char alias[KH_ALIAS_MAX + 1] = "";
	size_t thread = KH_NO_THREAD;
	enum kh_err e;

	if (!s->with_vault) {
		kh_say(NULL,
		    "without a vault, this is in no custody log: write down "
		    "that you shared with \"%s\"",
		    s->words);
		return KH_EXIT_OK;
	}
	if (s->pick.n > 0)
		thread = s->vault.ix->objects[s->pick.objects[0]].thread;
	if (thread != KH_NO_THREAD)
		kh_alias(s->vault.ix->threads[thread].mailbox, alias);
	what.alias = alias;
	what.by = s->vault.room->who;
	e = kh_log_share(&s->vault.ix->log, s->vault.today, &what);
	return e == KH_OK ? kh_vault_commit(&s->vault)
			  : kh_fail(KH_ON_OUTPUT, s->vault.path, e);
}

static int
share(struct sharing *s)
{
	int code = KH_EXIT_OK, one;
	size_t i;

	s->dest.kr = s->with_vault ? s->vault.kr : s->kr;
	s->dest.card = s->card;
	s->dest.to = &s->to;
	s->dest.gpg = &s->gpg;
	for (i = 0; i < s->n && code == KH_EXIT_OK; i++)
		code = kh_share_check(&s->dest, &s->job[i]);
	if (code == KH_EXIT_OK)
		code = record(s);
	if (code != KH_EXIT_OK)
		return code;
	for (i = 0; i < s->n; i++) {
		one = kh_share_write(&s->dest, &s->job[i]);
		if (code == KH_EXIT_OK)
			code = one;
	}
	if (code != KH_EXIT_OK && s->with_vault)
		kh_say(NULL,
		    "the custody log says that it was shared, and not all of "
		    "it is; share it again");
	else if (code == KH_EXIT_OK)
		kh_say(NULL,
		    "shared with \"%s\"%s; each file is %s than before, which "
		    "shows that one more can open it",
		    s->words, s->gpg.gpg != NULL ? " and its OpenPGP key" : "",
		    s->gpg.gpg != NULL ? "longer" : "98 bytes longer");
	return code;
}

static int
run(struct sharing *s)
{
	int code;

	code = read_card(s);
	if (code != KH_EXIT_OK)
		return code;
	if (s->with_vault) {
		code = kh_vault_open(&s->vault, s->keys.fd, true);
		s->with_vault = code == KH_EXIT_OK;
	} else {
		code = kh_keys_open(&s->keys, &s->kr);
	}
	if (code == KH_EXIT_OK)
		code = pick(s);
	if (code == KH_EXIT_OK)
		code = place(s);
	if (code == KH_EXIT_OK)
		code = share(s);
	if (s->with_vault)
		kh_vault_close(&s->vault);
	return code;
}

int
kh_cmd_share(int argc, char **argv)
{
	static struct sharing s; /* 12 KiB; there is one */
	int code;

	s.keys.fd = -1;
	s.dest.dir_fd = -1;
	code = parse(&s, argc, argv);
	if (code == KH_EXIT_OK && s.help)
		fputs(help, stdout);
	else if (code == KH_EXIT_OK)
		code = run(&s);
	if (s.dest.dir_fd >= 0)
		close(s.dest.dir_fd);
	kh_card_gpg_close(&s.gpg);
	kh_keyring_free(s.kr);
	free(s.pick.objects);
	free(s.job);
	return code;
}
