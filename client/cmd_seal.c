/*
 * knothole seal: any file, encrypted to newsrooms; the result is a plain age
 * file. Separate, as every command is.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/args.h"
#include "client/card/card.h"
#include "client/cmd.h"
#include "client/exit.h"
#include "client/input.h"
#include "client/output.h"
#include "client/progress.h"
#include "knothole/age.h"
#include "knothole/card.h"
#include "knothole/io.h"
#include "knothole/secret.h"

static const char help[] =
    "usage: knothole seal -r RECIPIENT|CARD... [-a] [-o FILE] [FILE]\n\n"
    "Encrypts FILE, or standard input, to one or more newsrooms. The result\n"
    "is an age file: `knothole unseal` and stock age open it.\n\n"
    "  -r, --recipient R  age1..., or a newsroom's card file; repeatable\n"
    "  -a, --armor        write text instead of binary\n"
    "  -o, --output FILE  write to FILE, which must not exist; it appears\n"
    "                     when it is complete. - is standard output\n"
    "  -h, --help         this text\n";

static const struct option options[] = {
    {"recipient", required_argument, NULL, 'r'},
    {"armor", no_argument, NULL, 'a'},
    {"output", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct seal {
	const char *recipient[KH_RECIPIENTS_MAX];
	size_t n;
	bool armor;
	bool help;
	const char *out; /* NULL: standard output */
	const char *in;
	struct kh_recipient to[KH_RECIPIENTS_MAX];
	struct kh_bridge bridge[KH_BRIDGES_MAX];
	size_t n_bridges;
};

static int
take_option(struct seal *s, int c)
{
	switch (c) {
	case 'r':
		if (s->n == KH_RECIPIENTS_MAX)
			return kh_fail_usage("-r",
			    "too many recipients; 64 "
			    "are the most");
		s->recipient[s->n++] = optarg;
		return KH_EXIT_OK;
	case 'a':
		s->armor = true;
		return KH_EXIT_OK;
	case 'o':
		s->out = optarg;
		return KH_EXIT_OK;
	case 'h':
		s->help = true;
		return KH_EXIT_OK;
	default:
		return KH_EXIT_USAGE;
	}
}

static int
parse(struct seal *s, int argc, char **argv)
{
	int c, code = KH_EXIT_OK;

	while ((c = kh_args_next(argc, argv, ":r:ao:h", options)) != -1) {
		code = take_option(s, c);
		if (code != KH_EXIT_OK || s->help)
			return code;
	}
	if (argc - optind > 1)
		return kh_fail_usage(argv[optind + 1],
		    "one FILE at a time; give the options with - or --");
	s->in = optind < argc ? argv[optind] : NULL;
	if (s->n == 0)
		return kh_fail_usage("seal",
		    "no recipient; give -r with an "
		    "age1... key or a card");
	if (s->out == NULL && !s->armor && isatty(STDOUT_FILENO))
		return kh_fail_usage("seal",
		    "will not write binary to a "
		    "terminal; give -o FILE, or -a, "
		    "or -o - to insist");
	return KH_EXIT_OK;
}

/* For a newsroom that has an OpenPGP key, too: never for fewer than its card
 * names. */
static int
bridge_of_card(
    const char *path, const struct kh_card *card, struct kh_bridge *out)
{
	struct kh_card_gpg g;
	int code;

	code = kh_card_gpg_open(&g, path, card);
	if (code == KH_EXIT_OK)
		code = kh_card_gpg_bridge(&g, path, out);
	kh_card_gpg_close(&g);
	return code;
}

static int
recipient_of_card(struct seal *s, const char *path, struct kh_recipient *to)
{
	char today[KH_DAY_LEN + 1], *text = NULL;
	static struct kh_card card;
	unsigned line = 0;
	size_t n = 0;
	enum kh_err e;
	int fd, code;

	code = kh_input_open(path, &fd);
	if (code != KH_EXIT_OK)
		return code;
	e = kh_input_all(fd, KH_CARD_MAX, &text, &n);
	kh_input_close(fd);
	if (e == KH_OK)
		e = kh_card_read(text, n, &card, &line);
	kh_secret_free(text);
	if (e != KH_OK && line > 0)
		kh_say(path, "not an acceptable card, line %u", line);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, path, e);
	kh_day_today(today);
	e = kh_card_recipient_on(&card, today, to);
	if (e != KH_OK)
		return kh_fail(KH_ON_KEY, path, e);
	if (card.openpgp_n == 0)
		return KH_EXIT_OK;
	if (s->n_bridges == KH_BRIDGES_MAX)
		return kh_fail(KH_ON_KEY, path, KH_ELIMIT);
	return bridge_of_card(path, &card, &s->bridge[s->n_bridges++]);
}

static int
recipient_of(struct seal *s, const char *text, struct kh_recipient *to)
{
	static const char secret[] = "AGE-SECRET-KEY-";
	enum kh_err e;

	if (strncasecmp(text, secret, sizeof(secret) - 1) == 0)
		return kh_fail_usage("-r",
		    "that is a secret key, and now in this shell's history; "
		    "consider it lost and give the public one, age1...");
	if (strncasecmp(text, "age1", 4) != 0)
		return recipient_of_card(s, text, to);
	e = kh_recipient_parse(text, strlen(text), to);
	if (e == KH_OK)
		return KH_EXIT_OK;
	return kh_fail_usage(text,
	    "not a well-formed age1... key; copy it "
	    "again (a file of that name: ./age1...)");
}

static enum kh_err
write_sealed(void *ctx, const uint8_t *p, size_t n)
{
	return kh_sealer_write(ctx, p, n);
}

static void
show(void *ctx, uint64_t n)
{
	kh_progress_show(ctx, n);
}

/* Seal `in` into `out`. */
static int
seal_stream(const struct seal *s, int in, int *out)
{
	const char *out_name = s->out != NULL ? s->out : "standard output";
	struct kh_seal_to to = {.recipients = s->to,
	    .n = s->n,
	    .bridges = s->bridge,
	    .n_bridges = s->n_bridges,
	    .armor = s->armor};
	struct kh_sealer *sealer = NULL;
	struct kh_progress progress;
	struct kh_input_to dest = {
	    .write = write_sealed, .progress = show, .progress_ctx = &progress};
	struct stat sb;
	bool sized = fstat(in, &sb) == 0 && S_ISREG(sb.st_mode);
	enum kh_err e;
	int failed_read = 0;

	kh_progress_start(&progress, "sealing",
	    sized && s->out != NULL ? (uint64_t)sb.st_size : 0);
	e = kh_sealer_new(&sealer, &to, kh_sink_fd(out));
	if (e == KH_EKEY) {
		kh_say(NULL,
		    "a recipient is not a usable key; nothing was "
		    "sealed");
		return KH_EXIT_DATA;
	}
	dest.ctx = sealer;
	if (e == KH_OK)
		e = kh_input_pump(in, &dest, &failed_read);
	if (e == KH_OK)
		e = kh_sealer_finish(sealer);
	kh_sealer_free(sealer);
	kh_progress_end(&progress);
	if (e == KH_OK)
		return KH_EXIT_OK;
	if (failed_read)
		return kh_fail(KH_ON_OBJECT, kh_input_name(s->in), e);
	return kh_fail(KH_ON_OUTPUT, out_name, e);
}

static int
seal_to_file(const struct seal *s, int in)
{
	struct kh_output out;
	enum kh_err e;
	int code;

	e = kh_output_open(&out, s->out, 0644);
	if (e != KH_OK) {
		(void)kh_fail(KH_ON_OUTPUT, s->out, e);
		return KH_EXIT_CREATE;
	}
	code = seal_stream(s, in, &out.fd);
	if (code != KH_EXIT_OK) {
		kh_output_abort(&out);
		return code;
	}
	e = kh_output_commit(&out);
	return e == KH_OK ? code : kh_fail(KH_ON_OUTPUT, s->out, e);
}

int
kh_cmd_seal(int argc, char **argv)
{
	static struct seal s; /* 80 KiB; there is one */
	int in, stdout_fd = STDOUT_FILENO, code;
	size_t i;

	code = parse(&s, argc, argv);
	if (code != KH_EXIT_OK)
		return code;
	if (s.help) {
		fputs(help, stdout);
		return KH_EXIT_OK;
	}
	if (s.out != NULL && strcmp(s.out, "-") == 0)
		s.out = NULL;
	for (i = 0; i < s.n; i++) {
		code = recipient_of(&s, s.recipient[i], &s.to[i]);
		if (code != KH_EXIT_OK)
			return code;
	}
	code = kh_input_open(s.in, &in);
	if (code != KH_EXIT_OK)
		return code;
	code = s.out != NULL ? seal_to_file(&s, in)
			     : seal_stream(&s, in, &stdout_fd);
	kh_input_close(in);
	return code;
}
