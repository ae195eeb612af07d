/*
 * knothole card: the table of what can be done with a newsroom's card.
 */
#include <stdio.h>
#include <string.h>

#include "client/card/card.h"
#include "client/cmd.h"
#include "client/exit.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	enum kh_airgap airgap; /* does it open an identity? */
	const char *summary;
} commands[] = {
    {"show", kh_card_show, KH_AIRGAP_NONE, "say what is on a card"},
    {"verify", kh_card_verify, KH_AIRGAP_NONE,
	"check signatures, dates and the OpenPGP key"},
    {"add-openpgp", kh_card_add_openpgp, KH_AIRGAP_NEEDED,
	"put an OpenPGP public key on a card, and sign it anew"},
    {"renew", kh_card_renew, KH_AIRGAP_NEEDED,
	"add keys for further months to identity and card"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
usage(FILE *f)
{
	size_t i;

	fputs("usage: knothole card COMMAND [OPTION]... [ARGUMENT]...\n"
	      "       knothole card COMMAND --help\n\n"
	      "Newsroom cards.\n\ncommands:\n",
	    f);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(
		    f, "  %-12s %s\n", commands[i].name, commands[i].summary);
}

/* The table's line for argv[1], or N_COMMANDS. */
static size_t
find(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, argv[1]) == 0)
			return i;
	}
	return N_COMMANDS;
}

enum kh_airgap
kh_card_airgap(int argc, char **argv)
{
	size_t i = find(argc, argv);
	int k;

	for (k = 1; k < argc; k++) {
		if (strcmp(argv[k], "--help") == 0 ||
		    strcmp(argv[k], "-h") == 0)
			return KH_AIRGAP_NONE;
	}
	return i < N_COMMANDS ? commands[i].airgap : KH_AIRGAP_NONE;
}

int
kh_cmd_card(int argc, char **argv)
{
	size_t i = find(argc, argv);

	if (i < N_COMMANDS)
		return commands[i].run(argc - 1, argv + 1);
	if (argc > 1 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		usage(stdout);
		return KH_EXIT_OK;
	}
	if (argc > 1)
		return kh_fail_usage(argv[1],
		    "no such command; `knothole card --help` lists them");
	usage(stderr);
	return KH_EXIT_USAGE;
}
