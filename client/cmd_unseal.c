/*
 * knothole unseal: an age file's payload as it is. Separate from extract
 * because it streams, and knows nothing of what is inside.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/args.h"
#include "client/bridge.h"
#include "client/cmd.h"
#include "client/desk/vault.h"
#include "client/exit.h"
#include "client/input.h"
#include "client/keys.h"
#include "client/output.h"
#include "client/progress.h"
#include "knothole/age.h"
#include "knothole/io.h"

static const char help[] =
    "usage: knothole unseal -i IDENTITY [--passphrase-fd N] [-o FILE] "
    "[OBJECT]\n"
    "       knothole unseal --passphrase-fd N [-o FILE] [OBJECT]\n\n"
    "Decrypts OBJECT, or standard input, as it is: a submission comes out as\n"
    "a ZIP archive (see `knothole extract`). Without -i and without a vault\n"
    "the passphrase itself is the key.\n\n"
    "  -i, --identity FILE    identity file, under a passphrase or not;\n"
    "                         repeatable; the vault's if there is one\n"
    "  -i openpgp:FINGERPRINT the OpenPGP key that gpg has, on a card or not\n"
    "      --passphrase-fd N  read the passphrase, one line, from descriptor\n"
    "                         N instead of asking on the terminal\n"
    "  -o, --output FILE      write to FILE, which must not exist; it appears\n"
    "                         only if all of OBJECT is authentic. - is\n"
    "                         standard output\n"
    "  -h, --help             this text\n";

static const struct option options[] = {
    {"identity", required_argument, NULL, 'i'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct unseal {
	struct kh_args_keys keys;
	bool help;
	const char *out; /* NULL: standard output */
	const char *in;
};

/* Where the plaintext goes, and whether that failed. */
struct dest {
	int fd;
	uint64_t n;
	enum kh_err failed;
	int err; /* errno of it */
};

static int
parse(struct unseal *u, int argc, char **argv)
{
	const struct kh_args_to to[] = {
	    {'o', .text = &u->out},
	    {'h', .flag = &u->help},
	    {0},
	};
	const struct kh_args_spec spec = {":i:o:h", options, to, &u->keys};
	int c = kh_args_read(&spec, argc, argv);

	if (c != KH_EXIT_OK || u->help)
		return c;
	if (argc - optind > 1)
		return kh_fail_usage(argv[optind + 1], "one OBJECT at a time");
	u->in = optind < argc ? argv[optind] : NULL;
	c = kh_vault_default_key(&u->keys);
	if (c != KH_EXIT_OK)
		return c;
	kh_bridge_default(&u->keys, u->in);
	if (u->keys.n == 0 && u->keys.fd < 0)
		return kh_fail_usage("unseal",
		    "no key; give -i IDENTITY, or "
		    "--passphrase-fd for an object under a passphrase");
	if (u->out == NULL && isatty(STDOUT_FILENO))
		return kh_fail_usage("unseal",
		    "will not write what came from "
		    "outside to a terminal; give -o FILE, or -o - to insist");
	return KH_EXIT_OK;
}

static enum kh_err
deliver(void *ctx, const uint8_t *p, size_t n)
{
	struct dest *d = ctx;

	d->failed = kh_write_all(d->fd, p, n);
	if (d->failed != KH_OK)
		d->err = errno;
	else
		d->n += n;
	return d->failed;
}

static enum kh_err
feed(void *ctx, const uint8_t *p, size_t n)
{
	return kh_opener_write(ctx, p, n);
}

static void
show(void *ctx, uint64_t n)
{
	kh_progress_show(ctx, n);
}

static int
report(const struct unseal *u, const struct dest *d, enum kh_err e)
{
	int code;

	if (d->failed != KH_OK) {
		errno = d->err;
		return kh_fail(KH_ON_OUTPUT,
		    u->out != NULL ? u->out : "standard output", d->failed);
	}
	code = kh_fail(KH_ON_OBJECT, kh_input_name(u->in), e);
	if (u->out == NULL && d->n > 0)
		kh_say("standard output",
		    "what came out is INCOMPLETE; "
		    "discard it");
	return code;
}

/* Open `in` into descriptor `out`. */
static int
unseal_stream(
    const struct unseal *u, const struct kh_keyring *kr, int in, int out)
{
	struct dest d = {.fd = out};
	struct kh_opener *opener = NULL;
	struct kh_progress progress;
	struct kh_input_to to = {
	    .write = feed, .progress = show, .progress_ctx = &progress};
	struct stat sb;
	bool sized = fstat(in, &sb) == 0 && S_ISREG(sb.st_mode);
	enum kh_err e;
	int failed_read = 0, err;

	kh_progress_start(
	    &progress, "unsealing", sized ? (uint64_t)sb.st_size : 0);
	e = kh_opener_new(
	    &opener, kr, (struct kh_sink){.write = deliver, .ctx = &d});
	to.ctx = opener;
	if (e == KH_OK)
		e = kh_input_pump(in, &to, &failed_read);
	if (e == KH_OK)
		e = kh_opener_finish(opener);
	err = errno;
	kh_opener_free(opener);
	kh_progress_end(&progress);
	errno = err;
	return e == KH_OK ? KH_EXIT_OK : report(u, &d, e);
}

static int
unseal_to_file(const struct unseal *u, const struct kh_keyring *kr, int in)
{
	struct kh_output out;
	enum kh_err e;
	int code;

	e = kh_output_open(&out, u->out, 0600);
	if (e != KH_OK) {
		(void)kh_fail(KH_ON_OUTPUT, u->out, e);
		return KH_EXIT_CREATE;
	}
	code = unseal_stream(u, kr, in, out.fd);
	if (code != KH_EXIT_OK) {
		kh_output_abort(&out);
		return code;
	}
	e = kh_output_commit(&out);
	return e == KH_OK ? code : kh_fail(KH_ON_OUTPUT, u->out, e);
}

int
kh_cmd_unseal(int argc, char **argv)
{
	struct unseal u = {.keys = {.fd = -1}};
	struct kh_keyring *kr = NULL;
	int in = -1, code;

	code = parse(&u, argc, argv);
	if (code != KH_EXIT_OK)
		return code;
	if (u.help) {
		fputs(help, stdout);
		return KH_EXIT_OK;
	}
	if (u.out != NULL && strcmp(u.out, "-") == 0)
		u.out = NULL;
	code = kh_input_open(u.in, &in);
	if (code == KH_EXIT_OK)
		code = kh_keys_open(&u.keys, &kr);
	if (code == KH_EXIT_OK)
		code = u.out != NULL ? unseal_to_file(&u, kr, in)
				     : unseal_stream(&u, kr, in, STDOUT_FILENO);
	kh_keyring_free(kr);
	kh_input_close(in);
	return code;
}
