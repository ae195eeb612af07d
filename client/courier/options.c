/*
 * The courier's command line: what it says, and whether it may be done.
 */
#include <stdio.h>
#include <string.h>

#include "client/args.h"
#include "client/courier/courier.h"
#include "client/exit.h"
#include "commit.h"
#include "lib/base/precond.h"

#define RETRIES 5
#define RETRIES_MAX 1000
#define TIMEOUT 120 /* seconds; tor takes up to two minutes to find a service */
#define TIMEOUT_MAX 86400

static const struct option longs[] = {
    {"server", required_argument, NULL, 's'},
    {"token-file", required_argument, NULL, 't'},
    {"proxy", required_argument, NULL, 'p'},
    {"retries", required_argument, NULL, 'r'},
    {"timeout", required_argument, NULL, 'T'},
    {"keep", no_argument, NULL, 'k'},
    {"quiet", no_argument, NULL, 'q'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

static void
usage(FILE *f)
{
	fputs(
	    "usage: knothole-courier fetch|push|status --server SERVER\n"
	    "           --token-file FILE [--proxy PROXY] [OPTION]... STICK\n"
	    "       knothole-courier --help | --version\n\n"
	    "Carry sealed objects and replies between a server and a stick.\n\n"
	    "commands:\n"
	    "  fetch   what the server has and the stick lacks\n"
	    "  push    replies, and what was collected, to the server\n"
	    "  status  how the server is, and what there is to carry\n\n"
	    "options:\n"
	    "  --server SERVER    http://ADDRESS.onion, unix:/PATH or\n"
	    "                     http://127.0.0.1:PORT\n"
	    "  --token-file FILE  the newsroom's courier.token\n"
	    "  --proxy PROXY      socks5h://127.0.0.1:9050; needed for names\n"
	    "  --keep             push: leave on the stick what was pushed\n"
	    "  --json             status: print JSON\n"
	    "  --retries N        tries after a failed connection; 5\n"
	    "  --timeout N        seconds without a byte; 120\n"
	    "  -q, --quiet        say only what is wrong\n\n"
	    "exit status: 0 done; 64 wrong use; 65 the server answered "
	    "nonsense, or data\ndoes not fit; 66 no such stick or token "
	    "file; 69 the server is not reached or\nrefuses; 73 cannot "
	    "create; 74 reading or writing failed; 75 interrupted, run\nit "
	    "again; 77 the server does not know the token. See "
	    "knothole-courier(1).\n",
	    f);
}

static int
number(const char *name, unsigned min, unsigned max, unsigned *out)
{
	if (kh_args_number(optarg, min, max, out))
		return -1;
	kh_say(name, "a number from %u to %u is needed", min, max);
	return KH_EXIT_USAGE;
}

static int
take(struct kh_options *o, int c)
{
	const char *wrong = NULL;

	switch (c) {
	case 's':
		o->server_text = optarg;
		wrong = kh_address_server(optarg, &o->server);
		break;
	case 't':
		o->token_file = optarg;
		break;
	case 'p':
		o->has_proxy = true;
		wrong = kh_address_proxy(optarg, &o->proxy);
		break;
	case 'r':
		return number("--retries", 0, RETRIES_MAX, &o->retries);
	case 'T':
		return number("--timeout", 1, TIMEOUT_MAX, &o->timeout);
	case 'k':
		o->keep = true;
		break;
	case 'q':
		o->quiet = true;
		break;
	case 'j':
		o->json = true;
		break;
	case 'h':
		usage(stdout);
		return KH_EXIT_OK;
	case 'V':
		puts("knothole-courier " KH_VERSION " (" KH_COMMIT ")");
		return KH_EXIT_OK;
	default:
		return KH_EXIT_USAGE;
	}
	return wrong == NULL ? -1 : kh_fail_usage(optarg, wrong);
}

static bool
known(const char *command)
{
	return strcmp(command, "fetch") == 0 || strcmp(command, "push") == 0 ||
	    strcmp(command, "status") == 0;
}

/* Is all there that is needed, and nothing else? */
static int
check(const struct kh_options *o)
{
	const char *wrong;

	if (o->server_text == NULL)
		return kh_fail_usage("--server", "is needed; see --help");
	if (o->token_file == NULL)
		return kh_fail_usage("--token-file",
		    "is needed: the courier.token that `knothole keygen` "
		    "wrote");
	if (o->keep && strcmp(o->command, "push") != 0)
		return kh_fail_usage("--keep", "is for push");
	if (o->json && strcmp(o->command, "status") != 0)
		return kh_fail_usage("--json", "is for status");
	wrong = kh_address_way(&o->server, o->has_proxy ? &o->proxy : NULL);
	if (wrong != NULL)
		return kh_fail_usage(o->server_text, wrong);
	if (!o->server.onion && !o->server.loopback &&
	    o->server.path[0] == '\0')
		kh_say(o->server_text,
		    "warning: not an onion service; whoever carries the "
		    "connection can read the token");
	return -1;
}

int
kh_options_read(struct kh_options *o, int argc, char **argv)
{
	int c, code;

	PRECOND(o != NULL);
	memset(o, 0, sizeof(*o));
	o->retries = RETRIES;
	o->timeout = TIMEOUT;
	while ((c = kh_args_next(argc, argv, ":hVq", longs)) != -1) {
		code = take(o, c);
		if (code >= 0)
			return code;
	}
	if (optind == argc) {
		usage(stderr);
		return KH_EXIT_USAGE;
	}
	o->command = argv[optind];
	if (!known(o->command))
		return kh_fail_usage(o->command,
		    "no such command; there are fetch, push and status");
	if (argc - optind != 2)
		return kh_fail_usage(o->command,
		    "takes one STICK, the directory where it is mounted");
	o->stick = argv[optind + 1];
	return check(o);
}
