/*
 * knothole, the tool of the offline machine: the table of commands and what
 * comes before any of them. It links no network library.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/card/card.h"
#include "client/cmd.h"
#include "client/desk/airgap.h"
#include "client/desk/vault.h"
#include "client/exit.h"
#include "client/signals.h"
#include "client/start.h"
#include "client/unlock.h"
#include "commit.h"
#include "knothole/secret.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	enum kh_airgap airgap;
	const char *summary;
};

static const struct command commands[] = {
    {"keygen", kh_cmd_keygen, KH_AIRGAP_WARN,
	"make a newsroom's identity and card"},
    {"recover", kh_cmd_recover, KH_AIRGAP_NEEDED,
	"open an identity with shares of its key"},
    {"editor", kh_cmd_editor, KH_AIRGAP_NEEDED,
	"whose own keys open an identity"},
    {"passphrase", kh_cmd_passphrase, KH_AIRGAP_NEEDED,
	"seal an identity under another passphrase"},
    {"identity", kh_cmd_identity, KH_AIRGAP_NEEDED,
	"say what is in an identity file"},
    {"card", kh_cmd_card, KH_AIRGAP_NEEDED, "show, check or change a card"},
    {"epoch", kh_cmd_epoch, KH_AIRGAP_NEEDED,
	"list the months' keys of an identity, or destroy one"},
    {"seal", kh_cmd_seal, KH_AIRGAP_NONE, "encrypt a file to newsrooms"},
    {"unseal", kh_cmd_unseal, KH_AIRGAP_NEEDED, "decrypt a file as it is"},
    {"list", kh_cmd_list, KH_AIRGAP_NEEDED,
	"say what is in sealed submissions"},
    {"extract", kh_cmd_extract, KH_AIRGAP_NEEDED,
	"open sealed submissions into a directory"},
    {"init", kh_cmd_init, KH_AIRGAP_NEEDED, "make a vault for the desk"},
    {"import", kh_cmd_import, KH_AIRGAP_NEEDED,
	"take what came on a stick into the vault"},
    {"inbox", kh_cmd_inbox, KH_AIRGAP_NEEDED, "list the vault's sources"},
    {"show", kh_cmd_show, KH_AIRGAP_NEEDED, "show a conversation"},
    {"reply", kh_cmd_reply, KH_AIRGAP_NEEDED, "answer a source"},
    {"export", kh_cmd_export, KH_AIRGAP_NEEDED, "put answers onto a stick"},
    {"share", kh_cmd_share, KH_AIRGAP_NEEDED,
	"give a submission to another newsroom, too"},
    {"log", kh_cmd_log, KH_AIRGAP_NEEDED, "show the custody log"},
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Options that stand before the command; they hold for all of them. */
static const struct option globals[] = {
    {"i-am-online", no_argument, NULL, 'O'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* And those that may stand there or behind the command. --i-am-online must not:
 * what is looked for before the command is not to be lifted by its arguments. */
static const struct option everywhere[] = {
    {"editor-key", required_argument, NULL, KH_ARGS_ALSO_MIN},
    {"vault", required_argument, NULL, KH_ARGS_ALSO_MIN + 1},
    {NULL, 0, NULL, 0},
};

static bool online; /* --i-am-online */

static bool
take_everywhere(int letter, const char *value)
{
	if (letter == KH_ARGS_ALSO_MIN)
		return kh_unlock_editor_key(value);
	kh_vault_use(value);
	return true;
}

static void
usage(FILE *f)
{
	size_t i;

	fputs("usage: knothole [--vault DIR] [--editor-key FILE] "
	      "[--i-am-online]\n"
	      "                COMMAND [OPTION]... [ARGUMENT]...\n"
	      "       knothole COMMAND --help\n"
	      "       knothole --help | --version\n\n"
	      "Keys, sealing and opening for the offline machine of a "
	      "newsroom.\n\ncommands:\n",
	    f);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(
		    f, "  %-10s  %s\n", commands[i].name, commands[i].summary);
	fputs("\nWhat opens secrets refuses to while a network interface "
	      "is up;\n--i-am-online lifts that, for rehearsals.\n"
	      "\nexit status: 0 done; 64 wrong use; 65 malformed, truncated "
	      "or tampered\nwith; 66 no such input; 69 a network is in reach; "
	      "73 cannot create;\n74 reading or writing failed; 77 no key "
	      "fits; 78 configuration.\nSee knothole(1).\n",
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
		case 'O':
			online = true;
			break;
		case 'h':
			usage(stdout);
			return KH_EXIT_OK;
		case 'V':
			puts("knothole " KH_VERSION " (" KH_COMMIT ")");
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

/* Telling how a command is used opens nothing. */
static bool
asks_for_help(int argc, char **argv)
{
	const char *last = argv[argc - 1];

	/* `editor add --help` is one word more. */
	return (argc == 2 || argc == 3) &&
	    (strcmp(last, "--help") == 0 || strcmp(last, "-h") == 0);
}

/* What may be asked of a card differs in what it opens. */
static enum kh_airgap
gap_of(const struct command *cmd, int argc, char **argv)
{
	return cmd->run == kh_cmd_card ? kh_card_airgap(argc, argv)
				       : cmd->airgap;
}

static int
run(int argc, char **argv)
{
	const struct command *cmd;
	int first, code;

	kh_args_also(everywhere, take_everywhere);
	code = global_options(argc, argv);
	if (code >= 0)
		return code;
	first = optind;
	cmd = find(argv[first]);
	if (cmd == NULL)
		return kh_fail_usage(argv[first],
		    "no such command; `knothole --help` lists them");
	if (!asks_for_help(argc - first, argv + first)) {
		code = kh_airgap_check(
		    gap_of(cmd, argc - first, argv + first), online);
		if (code != KH_EXIT_OK)
			return code;
	}
	/* Not before: who cannot be looked at cannot write its own id maps. */
	kh_start_hide();
	kh_args_reset();
	return cmd->run(argc - first, argv + first);
}

int
main(int argc, char **argv)
{
	int code;

	if (kh_start_fds() != 0)
		return KH_EXIT_IO;
	kh_signals_start();
	if (kh_init() != KH_OK)
		return kh_fail(KH_ON_KEY, "random numbers", KH_ESYS);
	code = run(argc, argv);
	return kh_start_finish(code);
}
