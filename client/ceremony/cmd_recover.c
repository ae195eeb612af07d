/*
 * knothole recover: shares brought together open the identity file again, which
 * is then sealed under a new passphrase.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/args.h"
#include "client/ceremony/gather.h"
#include "client/cmd.h"
#include "client/exit.h"
#include "client/holders.h"
#include "client/identity.h"
#include "client/input.h"
#include "client/keys.h"
#include "client/newpass.h"
#include "client/output.h"
#include "client/reseal.h"
#include "client/unlock.h"
#include "knothole/io.h"
#include "knothole/secret.h"

#define CLEAR_NAME "identity.txt"

static const char help[] =
    "usage: knothole recover -o DIR|FILE [-i IDENTITY]\n"
    "                        [--passphrase-fd N | --no-passphrase] "
    "[SHARE]...\n\n"
    "Opens a newsroom's identity file with shares of its key (knothole keygen\n"
    "--shares), and seals it under a new passphrase. A SHARE is a file: a "
    "page\n"
    "as keygen made it, what a QR reader prints, or a page's words; - is\n"
    "standard input. Without any, the words are asked for on the terminal.\n\n"
    "  -o, --output DIR|FILE  the identity file to open and to replace, or "
    "its\n"
    "                         directory. Nothing is replaced before the new "
    "one\n"
    "                         was opened again\n"
    "  -i, --identity FILE    open this one, and write the new one to -o\n"
    "      --passphrase-fd N  read the new passphrase, one line, from "
    "descriptor\n"
    "                         N instead of asking on the terminal (also\n"
    "                         --new-passphrase-fd)\n"
    "      --no-passphrase    write it in clear, to identity.txt\n"
    "  -h, --help             this text\n\n"
    "Without -i, and when there is none at -o, it is looked for beside the\n"
    "shares and one directory above them.\n";

static const struct option options[] = {
    {"output", required_argument, NULL, 'o'},
    {"identity", required_argument, NULL, 'i'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"new-passphrase-fd", required_argument, NULL, 'P'},
    {"no-passphrase", no_argument, NULL, 'N'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct recover {
	const char *out, *in;
	struct kh_args_keys keys; /* the descriptor only */
	bool clear, help;
	char **share;
	int n_shares;
	bool is_dir; /* -o */
	char identity[PATH_MAX]; /* what is to be written */
	char found[PATH_MAX]; /* what was opened; "" if nothing was */
	char seen[PATH_MAX]; /* what was there and did not open */
	struct kh_gather *g;
	struct kh_keyring *kr; /* the joined key */
	struct kh_unlocked id;
};

static int
parse(struct recover *r, int argc, char **argv)
{
	int c;

	while ((c = kh_args_next(argc, argv, ":o:i:h", options)) != -1) {
		switch (c) {
		case 'o':
			r->out = optarg;
			break;
		case 'i':
			r->in = optarg;
			break;
		case 'P':
			if (!kh_args_key(&r->keys, c, optarg))
				return KH_EXIT_USAGE;
			break;
		case 'N':
			r->clear = true;
			break;
		case 'h':
			r->help = true;
			return KH_EXIT_OK;
		default:
			return KH_EXIT_USAGE;
		}
	}
	if (r->out == NULL || r->out[0] == '\0')
		return kh_fail_usage("recover",
		    "-o DIR or FILE is needed: where the identity file is, and "
		    "the new one goes");
	if (r->clear && r->keys.fd >= 0)
		return kh_fail_usage("recover",
		    "--passphrase-fd and --no-passphrase exclude each other");
	r->share = argv + optind;
	r->n_shares = argc - optind;
	return KH_EXIT_OK;
}

/* --- where things are --------------------------------------------------------- */

/* Is -o a directory, or is it to become one? */
static bool
names_dir(const char *path)
{
	const char *dot = strrchr(path, '.');
	struct stat sb;

	if (stat(path, &sb) == 0)
		return S_ISDIR(sb.st_mode);
	return dot == NULL ||
	    (strcmp(dot, ".age") != 0 && strcmp(dot, ".txt") != 0);
}

static int
join_path(char out[static PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX ? KH_EXIT_OK
				     : kh_fail(KH_ON_OUTPUT, dir, KH_ENAME);
}

static int
place_output(struct recover *r)
{
	const char *name = r->clear ? CLEAR_NAME : KH_IDENTITY_NAME;
	size_t n = strlen(r->out);

	r->is_dir = names_dir(r->out);
	if (r->is_dir)
		return join_path(r->identity, r->out, name);
	if (n >= PATH_MAX)
		return kh_fail(KH_ON_OUTPUT, r->out, KH_ENAME);
	memcpy(r->identity, r->out, n + 1);
	return KH_EXIT_OK;
}

/* --- opening ------------------------------------------------------------------ */

/* Try a file; that it is not there, or is for somebody else, is no error. */
static int
try_file(struct recover *r, const char *path)
{
	char *text = NULL;
	struct stat sb;
	enum kh_err e;
	size_t n = 0;
	int fd, code = KH_EXIT_OK;

	if (r->found[0] != '\0' || stat(path, &sb) != 0 || !S_ISREG(sb.st_mode))
		return KH_EXIT_OK;
	(void)snprintf(r->seen, sizeof(r->seen), "%s", path);
	code = kh_input_open(path, &fd);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_input_all(fd, KH_IDENTITY_FILE_MAX, &text, &n);
	kh_input_close(fd);
	if (e == KH_OK && kh_sealed_how(text, n) == KH_SEALED_KEYS)
		e = kh_unlock_bytes(r->kr, text, n, &r->id);
	else if (e == KH_OK)
		e = KH_ENOKEY; /* in clear, or under a passphrase */
	kh_secret_free(text);
	if (e == KH_OK)
		(void)snprintf(r->found, sizeof(r->found), "%s", path);
	return e == KH_OK || e == KH_ENOKEY ? KH_EXIT_OK
					    : kh_fail(KH_ON_KEY, path, e);
}

/* An identity file, or what is for its shares. */
static int
try_both(struct recover *r, const char *path)
{
	char beside[PATH_MAX];
	int code = KH_EXIT_OK;

	if (kh_reseal_recovery(path, beside))
		code = try_file(r, beside);
	return code == KH_EXIT_OK ? try_file(r, path) : code;
}

/* Beside a share, and one directory above it. */
static int
try_near(struct recover *r, const char *share)
{
	static const char *const places[] = {
	    KH_IDENTITY_NAME, "../" KH_IDENTITY_NAME};
	const char *slash = strrchr(share, '/');
	int n = slash != NULL ? (int)(slash - share) + 1 : 0;
	char path[PATH_MAX];
	int code = KH_EXIT_OK, len;
	size_t i;

	for (i = 0; i < 2 && code == KH_EXIT_OK; i++) {
		len =
		    snprintf(path, sizeof(path), "%.*s%s", n, share, places[i]);
		if (len > 0 && len < PATH_MAX)
			code = try_both(r, path);
	}
	return code;
}

static int
open_identity(struct recover *r)
{
	char in_dir[PATH_MAX];
	int code = KH_EXIT_OK, i;

	if (r->in != NULL) {
		code = try_both(r, r->in);
	} else {
		if (r->is_dir)
			code = join_path(in_dir, r->out, KH_IDENTITY_NAME);
		if (code == KH_EXIT_OK)
			code = try_both(r, r->is_dir ? in_dir : r->out);
		/* Never another one's in the place of what is there. */
		for (i = 0; i < r->n_shares && code == KH_EXIT_OK &&
		     r->seen[0] == '\0';
		     i++)
			code = try_near(r, r->share[i]);
	}
	if (code != KH_EXIT_OK || r->found[0] != '\0')
		return code;
	if (r->seen[0] != '\0') {
		kh_say(r->seen,
		    "is not sealed to this set of shares; give the identity "
		    "file that it was made with (-i)");
		return KH_EXIT_NOKEY;
	}
	kh_say(r->in != NULL ? r->in : r->out,
	    "there is no identity file to open; give the sealed one with -i: "
	    "shares are of its key, not of what is in it");
	return KH_EXIT_NOINPUT;
}

/* --- writing ------------------------------------------------------------------ */

/* A passphrase stands alone: editors are let in again one by one. */
static int
drop_editors(struct recover *r)
{
	char *text = NULL;
	enum kh_err e;
	size_t n, editors;

	e = kh_holders_drop_editors(r->id.text, r->id.n, &text, &n, &editors);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, r->found, e);
	kh_secret_free(r->id.text);
	r->id.text = text;
	r->id.n = n;
	if (editors > 0)
		kh_say(r->found,
		    "%zu editor%s had keys to it; let each in again with "
		    "`knothole editor add`",
		    editors, editors == 1 ? "" : "s");
	return KH_EXIT_OK;
}

static int
write_clear(struct recover *r)
{
	struct kh_output o;
	enum kh_err e;

	e = kh_output_open(&o, r->identity, 0600);
	if (e == KH_OK) {
		e = kh_write_all(o.fd, r->id.text, r->id.n);
		if (e == KH_OK)
			e = kh_output_commit(&o);
		else
			kh_output_abort(&o);
	}
	if (e != KH_OK)
		return kh_fail(KH_ON_OUTPUT, r->identity, e);
	kh_say(r->identity,
	    "WARNING: NOT UNDER A PASSPHRASE. Whoever reads this file reads "
	    "every submission, past and future");
	return KH_EXIT_OK;
}

static int
write_sealed(struct recover *r)
{
	struct kh_passphrase pass = {0};
	struct kh_reseal how = {.pass = &pass, .proof = r->kr};
	int code;

	code = kh_newpass(r->keys.fd, "recover", "--passphrase-fd", &pass);
	how.text = r->id.text;
	how.n = r->id.n;
	if (code == KH_EXIT_OK)
		code = kh_reseal_replace(r->identity, &how);
	kh_passphrase_free(&pass);
	return code;
}

/* Only what was opened is replaced. */
static int
check_target(const struct recover *r)
{
	char beside[PATH_MAX];
	struct stat sb;

	if (stat(r->identity, &sb) != 0 || strcmp(r->identity, r->found) == 0 ||
	    (kh_reseal_recovery(r->identity, beside) &&
		strcmp(beside, r->found) == 0))
		return KH_EXIT_OK;
	return kh_fail(KH_ON_OUTPUT, r->identity, KH_EEXIST);
}

static int
write_identity(struct recover *r)
{
	int code;

	code = check_target(r);
	if (code != KH_EXIT_OK)
		return code;
	if (r->is_dir && mkdir(r->out, 0700) != 0 && errno != EEXIST) {
		(void)kh_fail(KH_ON_OUTPUT, r->out, KH_ESYS);
		return KH_EXIT_CREATE;
	}
	code = drop_editors(r);
	if (code == KH_EXIT_OK)
		code = r->clear ? write_clear(r) : write_sealed(r);
	return code;
}

static int
gather(struct recover *r)
{
	int code = KH_EXIT_OK, i;

	if (r->n_shares == 0)
		code = isatty(STDIN_FILENO) ? kh_gather_ask(r->g)
					    : kh_gather_file(r->g, "-");
	for (i = 0; i < r->n_shares && code == KH_EXIT_OK; i++)
		code = kh_gather_file(r->g, r->share[i]);
	return code == KH_EXIT_OK ? kh_gather_join(r->g) : code;
}

static int
recover(struct recover *r)
{
	char shown[KH_SHOWN_MAX], set[KH_SHARE_SET_TEXT_LEN];
	enum kh_err e;
	int code;

	kh_keys_probe();
	r->g = kh_gather_new();
	if (r->g == NULL)
		return kh_fail(KH_ON_KEY, NULL, KH_ENOMEM);
	code = place_output(r);
	if (code == KH_EXIT_OK)
		code = gather(r);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_keyring_new(&r->kr);
	if (e == KH_OK)
		e = kh_keyring_add(r->kr, &r->g->key);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, NULL, e);
	code = open_identity(r);
	if (code == KH_EXIT_OK)
		code = write_identity(r);
	if (code != KH_EXIT_OK)
		return code;
	kh_share_set_text(r->g->share[0].set, set);
	printf("%-12s %s\n", "opened", kh_shown(r->found, shown));
	printf("%-12s %s\n", "share set", set);
	printf("%-12s %s\n", "identity", kh_shown(r->identity, shown));
	return code;
}

int
kh_cmd_recover(int argc, char **argv)
{
	static struct recover r; /* 12 KiB; there is one */
	int code;

	r.keys.fd = -1;
	code = parse(&r, argc, argv);
	if (code == KH_EXIT_OK && r.help)
		fputs(help, stdout);
	else if (code == KH_EXIT_OK)
		code = recover(&r);
	kh_unlocked_free(&r.id);
	kh_keyring_free(r.kr);
	kh_secret_free(r.g);
	return code;
}
