/*
 * knothole epoch: the table of what can be done with the epochs of an identity,
 * and the command line that they share.
 */
#include <stdio.h>
#include <string.h>

#include "client/cmd.h"
#include "client/desk/vault.h"
#include "client/epoch/epoch.h"
#include "client/exit.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
    {"list", kh_epoch_list, "say which epochs an identity has keys for"},
    {"burn", kh_epoch_burn, "destroy the key of one that is over"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct option options[] = {
    {"identity", required_argument, NULL, 'i'},
    {"passphrase-fd", required_argument, NULL, 'P'},
    {"vault", required_argument, NULL, 'v'},
    {"json", no_argument, NULL, 'j'},
    {"yes", no_argument, NULL, 'y'},
    {"force", no_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void
usage(FILE *f)
{
	size_t i;

	fputs("usage: knothole epoch COMMAND [OPTION]... [ARGUMENT]...\n"
	      "       knothole epoch COMMAND --help\n\n"
	      "The months that an identity has a key of its own for "
	      "(keygen --epochs).\n\ncommands:\n",
	    f);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(
		    f, "  %-6s %s\n", commands[i].name, commands[i].summary);
}

int
kh_epoch_args(struct kh_epoch_args *a, int argc, char **argv, const char *help)
{
	const char *vault = NULL;
	const struct kh_args_to to[] = {
	    {'v', .text = &vault},
	    {'j', .flag = &a->json},
	    {'y', .flag = &a->yes},
	    {'f', .flag = &a->force},
	    {'h', .flag = &a->help},
	    {0},
	};
	const struct kh_args_spec spec = {":i:h", options, to, &a->keys};
	int code;

	*a = (struct kh_epoch_args){.keys = {.fd = -1}};
	code = kh_args_read(&spec, argc, argv);
	if (a->help)
		fputs(help, stdout);
	if (code != KH_EXIT_OK || a->help)
		return code;
	if (vault != NULL)
		kh_vault_use(vault);
	if (a->keys.n > 1)
		return kh_fail_usage("-i", "one identity at a time");
	if (a->keys.n == 0 && kh_vault_path() == NULL)
		return kh_fail_usage(argv[0], "give -i IDENTITY, or a vault");
	return KH_EXIT_OK;
}

enum kh_epoch_state
kh_epoch_state(const struct kh_epoch_key *k, const char *day)
{
	if (k->burnt[0] != '\0')
		return KH_EPOCH_BURNT;
	if (k->epoch.label[0] == '\0')
		return KH_EPOCH_NONE;
	if (strcmp(k->epoch.last, day) < 0)
		return KH_EPOCH_PAST;
	return strcmp(k->epoch.first, day) > 0 ? KH_EPOCH_FUTURE
					       : KH_EPOCH_CURRENT;
}

int
kh_cmd_epoch(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	if (argc > 1 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		usage(stdout);
		return KH_EXIT_OK;
	}
	if (argc > 1)
		return kh_fail_usage(argv[1],
		    "no such command; `knothole epoch --help` lists them");
	usage(stderr);
	return KH_EXIT_USAGE;
}
