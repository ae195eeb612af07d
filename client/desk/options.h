/*
 * The command lines of the desk's commands, which share their options.
 */
#ifndef KNOTHOLE_CLIENT_DESK_OPTIONS_H
#define KNOTHOLE_CLIENT_DESK_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>

#include "client/args.h"

/* What a command takes. */
struct kh_desk_usage {
	const char *help;
	const char *shorts; /* as kh_args_next */
	const struct option *longs;
	int min, max; /* arguments */
	const char *wrong; /* said when there are fewer or more */
};

struct kh_desk_args {
	struct kh_args_keys keys; /* -i of init; the passphrase's descriptor */
	bool help, json, all, verify;
	const char *card, *text, *file;
};

/* For option tables: what nearly all of them have. */
#define KH_DESK_OPTIONS_COMMON                           \
	{"passphrase-fd", required_argument, NULL, 'P'}, \
	    {"help", no_argument, NULL, 'h'},            \
	{                                                \
		NULL, 0, NULL, 0                         \
	}

/*
 * Read a command line; its arguments begin at optind then. Prints the help if
 * that was asked for. Says what is wrong and returns the exit status.
 */
int kh_desk_args(struct kh_desk_args *a, const struct kh_desk_usage *u,
    int argc, char **argv);

/* One THREAD that the shell took apart into `n` (1 or 2) words. Says what is
 * wrong and returns the exit status. */
#define KH_DESK_NAME_LEN 256 /* with NUL; an alias is far shorter */
int kh_desk_thread_name(int n, char **words, char out[static KH_DESK_NAME_LEN]);

#endif
