/*
 * Reading the command line. Separate so that every command refuses the same
 * things in the same words, and prints nothing unescaped.
 */
#include <ctype.h>
#include <string.h>

#include "client/args.h"
#include "client/exit.h"
#include "lib/base/precond.h"

#define FD_MAX 1048576 /* what Linux allows a process by default */
#define OPTIONS_MAX 32 /* of one command; the most have 15 */

static const struct option *also;
static bool (*take_also)(int letter, const char *value);

void
kh_args_also(
    const struct option *longs, bool (*take)(int letter, const char *value))
{
	also = longs;
	take_also = take;
}

/* A command's options, and those that all have. */
static void
join(struct option out[static OPTIONS_MAX], const struct option *longs)
{
	const struct option *part[] = {longs, also};
	size_t n = 0, i, k;

	for (i = 0; i < 2; i++)
		for (k = 0; part[i] != NULL && part[i][k].name != NULL; k++) {
			PRECOND(n < OPTIONS_MAX - 1);
			out[n++] = part[i][k];
		}
}

/* getopt_long, past the options that all commands have; '?' when one of them
 * was refused, and *said then. */
static int
next(int argc, char **argv, const char *shorts, const struct option *longs,
    bool *said)
{
	struct option all[OPTIONS_MAX] = {0};
	int c;

	join(all, longs);
	*said = false;
	do {
		c = getopt_long(argc, argv, shorts, all, NULL);
		if (c >= KH_ARGS_ALSO_MIN && !take_also(c, optarg)) {
			*said = true;
			return '?';
		}
	} while (c >= KH_ARGS_ALSO_MIN);
	return c;
}

int
kh_args_next(
    int argc, char **argv, const char *shorts, const struct option *longs)
{
	char letter[3] = "-";
	const char *what;
	bool said;
	int c;

	opterr = 0;
	c = next(argc, argv, shorts, longs, &said);
	if (said)
		return '?';
	if (c != '?' && c != ':')
		return c;
	what = optind > 0 && optind <= argc ? argv[optind - 1] : "option";
	if (strncmp(what, "--", 2) != 0 && isgraph((unsigned char)optopt)) {
		letter[1] = (char)optopt;
		what = letter;
	}
	if (c == ':')
		kh_say(what, "needs a value; see --help");
	else
		kh_say(what, "no such option, or used wrongly; see --help");
	return '?';
}

void
kh_args_reset(void)
{
	optind = 0; /* getopt(3), NOTES: glibc starts over */
}

bool
kh_args_number(const char *text, unsigned min, unsigned max, unsigned *out)
{
	unsigned v = 0, digit;
	size_t i;

	*out = 0;
	for (i = 0; text[i] != '\0'; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		digit = (unsigned)(text[i] - '0');
		if (digit > max || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	if (i == 0 || v < min)
		return false;
	*out = v;
	return true;
}

bool
kh_args_key(struct kh_args_keys *k, int letter, const char *value)
{
	unsigned fd;

	if (letter == 'i') {
		if (k->n == KH_ARGS_KEYS_MAX) {
			kh_say("-i", "given too often; at most %d times",
			    KH_ARGS_KEYS_MAX);
			return false;
		}
		k->path[k->n++] = value;
		return true;
	}
	if (!kh_args_number(value, 0, FD_MAX, &fd)) {
		kh_say("--passphrase-fd",
		    "not a descriptor; give the number of an open one");
		return false;
	}
	k->fd = (int)fd;
	return true;
}

static bool
hand_over(const struct kh_args_to *to, int letter)
{
	for (; to->letter != 0; to++) {
		if (to->letter != letter)
			continue;
		if (to->flag != NULL)
			*to->flag = true;
		if (to->text != NULL)
			*to->text = optarg;
		return true;
	}
	return false; /* '?', which has been said */
}

int
kh_args_read(const struct kh_args_spec *spec, int argc, char **argv)
{
	int c;

	while (
	    (c = kh_args_next(argc, argv, spec->shorts, spec->longs)) != -1) {
		if (c == 'i' || c == 'P') {
			if (!kh_args_key(spec->keys, c, optarg))
				return KH_EXIT_USAGE;
			continue;
		}
		if (!hand_over(spec->to, c))
			return KH_EXIT_USAGE;
		if (c == 'h')
			break;
	}
	return KH_EXIT_OK;
}
