/*
 * knothole, the tool of the offline machine: the table of commands and what
 * comes before any of them. It links no network library.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/cmd.h"
#include "client/exit.h"
#include "client/signals.h"
#include "client/start.h"
#include "knothole/secret.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

static const struct command commands[] = {
    {"keygen", kh_cmd_keygen, "make a newsroom's identity and card"},
    {"seal", kh_cmd_seal, "encrypt a file to newsrooms"},
    {"unseal", kh_cmd_unseal, "decrypt a file as it is"},
    {"list", kh_cmd_list, "say what is in sealed submissions"},
    {"extract", kh_cmd_extract, "open sealed submissions into a directory"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Options that stand before the command; they hold for all of them. */
static const struct option globals[] = {
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static void
usage(FILE *f)
{
	size_t i;

	fputs("usage: knothole COMMAND [OPTION]... [ARGUMENT]...\n"
	      "       knothole COMMAND --help\n"
	      "       knothole --help | --version\n\n"
	      "Keys, sealing and opening for the offline machine of a "
	      "newsroom.\n\ncommands:\n",
	    f);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(
		    f, "  %-8s  %s\n", commands[i].name, commands[i].summary);
	fputs("\nexit status: 0 done; 64 wrong use; 65 malformed, truncated "
	      "or tampered\nwith; 66 no such input; 73 cannot create; 74 "
	      "reading or writing failed;\n77 no key fits; 78 configuration. "
	      "See knothole(1).\n",
	    f);
}

static const struct command *
find(const char *name)
{
	size_t i;

	for (i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Global options. Returns -1 to go on with the command at argv[optind], else
 * the exit status. */
static int
global_options(int argc, char **argv)
{
	int c;

	while ((c = kh_args_next(argc, argv, "+:hV", globals)) != -1) {
		switch (c) {
		case 'h':
			usage(stdout);
			return KH_EXIT_OK;
		case 'V':
			puts("knothole " KH_VERSION);
			return KH_EXIT_OK;
		default:
			return KH_EXIT_USAGE;
		}
	}
	if (optind < argc)
		return -1;
	usage(stderr);
	return KH_EXIT_USAGE;
}

static int
run(int argc, char **argv)
{
	const struct command *cmd;
	int first, code;

	code = global_options(argc, argv);
	if (code >= 0)
		return code;
	first = optind;
	cmd = find(argv[first]);
	if (cmd == NULL)
		return kh_fail_usage(argv[first],
		    "no such command; `knothole --help` lists them");
	kh_args_reset();
	return cmd->run(argc - first, argv + first);
}

int
main(int argc, char **argv)
{
	int code;

	if (kh_start_fds() != 0)
		return KH_EXIT_IO;
	kh_start_hide();
	kh_signals_start();
	if (kh_init() != KH_OK)
		return kh_fail(KH_ON_KEY, "random numbers", KH_ESYS);
	code = run(argc, argv);
	return kh_start_finish(code);
}
