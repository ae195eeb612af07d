/*
 * One switch for the options of all commands of the desk: each has its own
 * table, which decides what can get here.
 */
#include <stdio.h>
#include <string.h>

#include "client/desk/options.h"
#include "client/exit.h"

static int
take(struct kh_desk_args *a, int c)
{
	switch (c) {
	case 'i':
	case 'P':
		return kh_args_key(&a->keys, c, optarg) ? KH_EXIT_OK
							: KH_EXIT_USAGE;
	case 'j':
		a->json = true;
		return KH_EXIT_OK;
	case 'a':
		a->all = true;
		return KH_EXIT_OK;
	case 'V':
		a->verify = true;
		return KH_EXIT_OK;
	case 'c':
		a->card = optarg;
		return KH_EXIT_OK;
	case 'm':
		a->text = optarg;
		return KH_EXIT_OK;
	case 'f':
		a->file = optarg;
		return KH_EXIT_OK;
	case 'h':
		a->help = true;
		return KH_EXIT_OK;
	default:
		return KH_EXIT_USAGE;
	}
}

int
kh_desk_args(struct kh_desk_args *a, const struct kh_desk_usage *u, int argc,
    char **argv)
{
	int c, code;

	memset(a, 0, sizeof(*a));
	a->keys.fd = -1;
	while ((c = kh_args_next(argc, argv, u->shorts, u->longs)) != -1) {
		code = take(a, c);
		if (code != KH_EXIT_OK)
			return code;
		if (a->help) {
			fputs(u->help, stdout);
			return KH_EXIT_OK;
		}
	}
	if (argc - optind < u->min || argc - optind > u->max)
		return kh_fail_usage(argv[0], u->wrong);
	return KH_EXIT_OK;
}

int
kh_desk_thread_name(int n, char **words, char out[static KH_DESK_NAME_LEN])
{
	int len = snprintf(out, KH_DESK_NAME_LEN, "%s%s%s", words[0],
	    n > 1 ? " " : "", n > 1 ? words[1] : "");

	if (len > 0 && len < KH_DESK_NAME_LEN)
		return KH_EXIT_OK;
	return kh_fail_usage("THREAD", len == 0 ? "is empty" : "is too long");
}
