/*
 * knotholed setup: options, and the order of its parts.
 */
#include "server/setup/setup.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CONFIG "/etc/knothole/knotholed.conf"
#define DEFAULT_TORRC "/etc/tor/torrc"

static const char usage[] =
    "usage: knotholed setup [--site-name NAME] [--card FILE]...\n"
    "                       [--courier | --no-courier] [-c FILE] [OPTION]...\n"
    "\n"
    "Makes the configuration and puts the newsrooms' cards in their place, "
    "looks at\n"
    "tor, and prints the onion address and what is to be done next. Asks what "
    "no\n"
    "option says. Run it as root, and again whenever you like: it adds what "
    "is\n"
    "missing, and leaves what is there.\n"
    "\n"
    "  -c, --config FILE    configuration (default " DEFAULT_CONFIG ")\n"
    "      --site-name NAME what every page shows\n"
    "      --card FILE      a newsroom's card; may be repeated\n"
    "      --courier        newsrooms fetch through tor, from a second "
    "address\n"
    "      --no-courier     they do not\n"
    "      --newsrooms DIR  where cards are kept (default newsrooms, beside "
    "the\n"
    "                       configuration)\n"
    "      --store DIR      sealed objects (default /var/lib/knothole/store)\n"
    "      --state DIR      the salt (default /var/lib/knothole/state)\n"
    "      --sockets DIR    where tor connects to (default /run/knothole)\n"
    "      --torrc FILE     tor's configuration (default " DEFAULT_TORRC ")\n"
    "      --overwrite      change what is there and differs; the old file is "
    "kept\n"
    "      --non-interactive ask nothing\n"
    "      --json           for programs\n"
    "      --help           print this\n"
    "\n"
    "Exit status: 0; 64 wrong use; 65 a card is not valid; 66 a card or an "
    "answer is\n"
    "not there; 73 something cannot be written; 78 the configuration is not in "
    "order,\n"
    "or there is no card yet.\n";

enum option_code {
	OPT_NAME = 256,
	OPT_CARD,
	OPT_COURIER,
	OPT_NO_COURIER,
	OPT_NEWSROOMS,
	OPT_STORE,
	OPT_STATE,
	OPT_SOCKETS,
	OPT_TORRC,
	OPT_OVERWRITE,
	OPT_NON_INTERACTIVE,
	OPT_JSON,
	OPT_HELP
};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"site-name", required_argument, NULL, OPT_NAME},
    {"card", required_argument, NULL, OPT_CARD},
    {"courier", no_argument, NULL, OPT_COURIER},
    {"no-courier", no_argument, NULL, OPT_NO_COURIER},
    {"newsrooms", required_argument, NULL, OPT_NEWSROOMS},
    {"store", required_argument, NULL, OPT_STORE},
    {"state", required_argument, NULL, OPT_STATE},
    {"sockets", required_argument, NULL, OPT_SOCKETS},
    {"torrc", required_argument, NULL, OPT_TORRC},
    {"overwrite", no_argument, NULL, OPT_OVERWRITE},
    {"non-interactive", no_argument, NULL, OPT_NON_INTERACTIVE},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static enum kh_exit
add_card(struct kh_setup *s, const char *path)
{
	if (s->n_cards == KH_OUTLETS_MAX) {
		kh_say("more than %d cards", KH_OUTLETS_MAX);
		return KH_EXIT_USAGE;
	}
	s->card[s->n_cards++] = path;
	return KH_EXIT_OK;
}

/* Where an option's argument belongs, or NULL. */
static const char **
place_of(struct kh_setup *s, int c)
{
	switch (c) {
	case 'c':
		return &s->config_path;
	case OPT_NAME:
		return &s->site_name;
	case OPT_NEWSROOMS:
		return &s->newsrooms;
	case OPT_STORE:
		return &s->store;
	case OPT_STATE:
		return &s->state;
	case OPT_SOCKETS:
		return &s->sockets;
	case OPT_TORRC:
		return &s->torrc;
	default:
		return NULL;
	}
}

static enum kh_exit
take(struct kh_setup *s, int c, bool *help)
{
	const char **where = place_of(s, c);

	if (where != NULL)
		*where = optarg;
	else if (c == OPT_CARD)
		return add_card(s, optarg);
	else if (c == OPT_COURIER || c == OPT_NO_COURIER)
		s->courier = c == OPT_COURIER;
	else if (c == OPT_OVERWRITE)
		s->overwrite = true;
	else if (c == OPT_NON_INTERACTIVE)
		s->interactive = false;
	else if (c == OPT_JSON)
		s->json = true;
	else if (c == OPT_HELP || c == 'h')
		*help = true;
	else {
		fputs("Try \"knotholed setup --help\".\n", stderr);
		return KH_EXIT_USAGE;
	}
	return KH_EXIT_OK;
}

/* Long ones would not fit what they are put into; and all but the
 * configuration's are written into a file that is read elsewhere. */
static enum kh_exit
check_values(const struct kh_setup *s)
{
	const char *const path[] = {s->config_path, s->torrc, s->newsrooms,
	    s->store, s->state, s->sockets};
	size_t i;

	if (s->site_name != NULL && strpbrk(s->site_name, "\r\n") != NULL) {
		kh_say("the site's name must be one line");
		return KH_EXIT_USAGE;
	}
	for (i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
		if (path[i] == NULL)
			continue;
		if (strlen(path[i]) > KH_PATH_MAX - sizeof("/newsrooms")) {
			kh_say("%s: this path is too long", path[i]);
			return KH_EXIT_USAGE;
		}
		if (i >= 2 && path[i][0] != '/') {
			kh_say("%s: must be a path from the root on", path[i]);
			return KH_EXIT_USAGE;
		}
	}
	return KH_EXIT_OK;
}

static enum kh_exit
parse(int argc, char **argv, struct kh_setup *s, bool *help)
{
	enum kh_exit x = KH_EXIT_OK;
	int c;

	while (x == KH_EXIT_OK &&
	    (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1)
		x = take(s, c, help);
	/* "--card a.card b.card": the shell's *.card. */
	for (; x == KH_EXIT_OK && s->n_cards > 0 && optind < argc; optind++)
		x = add_card(s, argv[optind]);
	if (x == KH_EXIT_OK && optind != argc) {
		kh_say("unexpected argument \"%s\"; try setup --help",
		    argv[optind]);
		x = KH_EXIT_USAGE;
	}
	return x == KH_EXIT_OK ? check_values(s) : x;
}

/* As the service itself will look at them. */
static enum kh_exit
check_newsrooms(struct kh_setup *s)
{
	struct kh_msg_outlet *outlets = NULL;
	enum kh_exit x;

	if (!kh_setup_has_cards(s->dir)) {
		kh_say("%s: there is no card yet, and without one the service "
		       "does not start",
		    s->dir);
		return KH_EXIT_CONFIG;
	}
	x = kh_outlets_load(s->dir, &outlets, &s->n_newsrooms);
	if (x == KH_EXIT_OK)
		x = kh_outlets_valid(s->dir, outlets, s->n_newsrooms);
	free(outlets);
	return x;
}

static enum kh_exit
run(struct kh_setup *s)
{
	bool need_cards;
	enum kh_exit x, cards;

	x = kh_setup_load(s);
	if (x != KH_EXIT_OK)
		return x;
	need_cards = !kh_setup_has_cards(s->dir);
	if (s->interactive)
		x = kh_setup_ask(s, need_cards);
	else if (s->site_name == NULL && !s->had_config) {
		kh_say("--site-name is missing, and nothing may be asked");
		x = KH_EXIT_USAGE;
	}
	if (x == KH_EXIT_OK)
		x = kh_setup_cards(s);
	if (x == KH_EXIT_OK)
		x = kh_setup_write(s);
	if (x != KH_EXIT_OK)
		return x;
	cards = check_newsrooms(s);
	kh_setup_tor(s);
	x = kh_setup_onion(s);
	if (x != KH_EXIT_OK)
		return x;
	kh_setup_steps(s);
	if (kh_setup_tell(s) != KH_OK)
		return KH_EXIT_OSERR;
	return cards;
}

enum kh_exit
kh_setup_main(int argc, char **argv)
{
	struct kh_setup *s = calloc(1, sizeof(*s));
	bool help = false;
	enum kh_exit x;

	if (s == NULL)
		return KH_EXIT_OSERR;
	s->config_path = DEFAULT_CONFIG;
	s->torrc = DEFAULT_TORRC;
	s->courier = -1;
	s->interactive = true;
	x = parse(argc, argv, s, &help);
	if (x == KH_EXIT_OK && help)
		fputs(usage, stdout);
	else if (x == KH_EXIT_OK)
		x = run(s);
	free(s);
	return x;
}
