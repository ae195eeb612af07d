/*
 * knotholed: options, and the keeper's start. With --role it is one of the
 * roles instead, started by the keeper.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commit.h"
#include "knothole/secret.h"
#include "server/drill/drill.h"
#include "server/keeper/keeper.h"
#include "server/role/role.h"
#include "server/setup/setup.h"

#define LOCKED_MIN 1048576 /* what one visit locks, with room to spare */
#define LOCKED_MAX (64U << 20) /* a visit that shows long answers */
#define DEFAULT_CONFIG "/etc/knothole/knotholed.conf"

static const char usage[] =
    "usage: knotholed [-c FILE] [--check-config]\n"
    "       knotholed setup [--site-name NAME] [--card FILE]... [-c FILE]\n"
    "       knotholed drill [-c FILE] [--json]\n"
    "\n"
    "The source site of a Knothole drop. Runs in the foreground until "
    "SIGTERM.\n"
    "\"setup\" makes a configuration and says what is next; see setup "
    "--help.\n"
    "\"drill\" shows what a seizure of this host would find; see drill "
    "--help.\n"
    "\n"
    "  -c, --config FILE  configuration (default " DEFAULT_CONFIG ")\n"
    "      --check-config say whether configuration and cards are in order,\n"
    "                     and exit with 0 or 78\n"
    "      --version      print the version\n"
    "      --help         print this\n"
    "\n"
    "Keys of the configuration (key = value, '#' begins a comment):\n"
    "  source_listen  unix:/path or tcp:127.0.0.1:PORT\n"
    "  store          directory of the sealed objects\n"
    "  newsrooms      directory of newsroom cards (NAME.card)\n"
    "  state          directory of the instance's salt (default STORE.state)\n"
    "  site_name      shown on every page (default Knothole)\n"
    "  onion_address  the site's own address, shown to who uses a proxy\n"
    "  max_upload     largest request (default 20 GiB)\n"
    "  max_message    longest message, characters (default 100000)\n"
    "  max_visits     connections at once (default 1000)\n"
    "  courier_listen for couriers: as source_listen (default none)\n"
    "  retention_days after which objects go, collected or not (default 0:\n"
    "                 never)\n"
    "  settle_minutes between occasions to hide what came when (default 60)\n"
    "  selftest_minutes between tests of itself (default 10)\n"
    "  health         file that says how the service is (default "
    "STATE/health)\n"
    "  gpg            for newsrooms with an OpenPGP key (default "
    "/usr/bin/gpg)\n"
    "  allow_swap     start although swap is not encrypted (default no)\n"
    "  circuit_id     haproxy: tor says on source_listen which circuit a\n"
    "                 connection came through (default none)\n";

/* A descriptor 0, 1 or 2 that is closed would be given to a socket. */
static int
std_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* What serves neither asks nor prints: only its standard error is left. */
static enum kh_exit
leave_terminal(void)
{
	enum kh_exit x = KH_EXIT_OK;
	int fd;

	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		x = KH_EXIT_OSERR;
	if (fd >= 0)
		close(fd);
	return x;
}

static int
run_role(const char *name)
{
	socklen_t len = sizeof(int);
	int type = 0;

	if (getsockopt(KH_ROLE_CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &len) !=
		0 ||
	    type != SOCK_SEQPACKET) {
		kh_say("--role is for knotholed itself");
		return KH_EXIT_USAGE;
	}
	if (fcntl(KH_ROLE_CONTROL_FD, F_SETFD, FD_CLOEXEC) != 0)
		return KH_EXIT_OSERR;
	if (strcmp(name, kh_role_name(KH_ROLE_DOOR)) == 0)
		return kh_door_main();
	if (strcmp(name, kh_role_name(KH_ROLE_STORE)) == 0)
		return kh_store_main();
	if (strcmp(name, kh_role_name(KH_ROLE_COURIER)) == 0)
		return kh_courier_main();
	if (strcmp(name, kh_role_name(KH_ROLE_WRAP)) == 0)
		return kh_wrap_main();
	return KH_EXIT_USAGE;
}

/* A visit needs one descriptor in the door, three in the store; what breaks
 * first under load is this limit, so it is looked at before. */
static enum kh_exit
raise_descriptors(uint32_t max_visits, bool courier)
{
	rlim_t need = (rlim_t)max_visits * 6 + 64 + KH_SETTLE_GROUP;
	struct rlimit rl;

	if (courier)
		need += (rlim_t)KH_COURIER_VISITS_MAX * 2;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return KH_EXIT_OSERR;
	if (rl.rlim_max != RLIM_INFINITY && rl.rlim_max < need) {
		kh_say("max_visits = %u needs %llu descriptors, and the limit "
		       "is %llu: raise it (LimitNOFILE=) or lower max_visits",
		    max_visits, (unsigned long long)need,
		    (unsigned long long)rl.rlim_max);
		return KH_EXIT_CONFIG;
	}
	if (rl.rlim_cur < need) {
		rl.rlim_cur = need;
		if (setrlimit(RLIMIT_NOFILE, &rl) != 0)
			return KH_EXIT_OSERR;
	}
	return KH_EXIT_OK;
}

/* The roles are not root, and so bound by the limit: as high as may be. */
static void
raise_locked(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_MEMLOCK, &rl) != 0 || rl.rlim_cur >= LOCKED_MAX)
		return;
	if (geteuid() == 0 && rl.rlim_max < LOCKED_MAX)
		rl.rlim_max = LOCKED_MAX;
	rl.rlim_cur = rl.rlim_max < LOCKED_MAX ? rl.rlim_max : LOCKED_MAX;
	(void)setrlimit(RLIMIT_MEMLOCK, &rl); /* the probe tells */
}

static enum kh_exit
load(const char *path, struct kh_keeper *k)
{
	struct kh_config_fault fault;
	enum kh_exit x;
	enum kh_err e;

	e = kh_config_load(path, &k->config, &fault);
	if (e != KH_OK) {
		if (fault.line > 0)
			kh_say("%s:%u: %s", path, fault.line, fault.text);
		else
			kh_say("%s: %s", path, fault.text);
		return KH_EXIT_CONFIG;
	}
	memcpy(k->site.name, k->config.site_name, sizeof(k->site.name));
	memcpy(k->site.onion, k->config.onion, sizeof(k->site.onion));
	k->site.max_upload = k->config.max_upload;
	k->site.max_message = k->config.max_message;
	k->site.max_visits = k->config.max_visits;
	k->site.selftest_minutes = k->config.selftest_minutes;
	k->site.circuit_ids = k->config.circuit_ids;
	x = kh_outlets_load(
	    k->config.newsrooms, &k->outlets, &k->site.n_outlets);
	if (x != KH_EXIT_OK)
		return x;
	kh_outlets_received(k->config.store, k->outlets, k->site.n_outlets);
	x = kh_outlets_valid(
	    k->config.newsrooms, k->outlets, k->site.n_outlets);
	if (x != KH_EXIT_OK)
		return x;
	kh_outlets_couriers(k);
	kh_wrap_count(k);
	if (k->config.has_courier && k->tokens.n < k->site.n_outlets)
		kh_say("warning: %u of %u cards have no courier token: these "
		       "newsrooms cannot collect, and nothing is kept for them",
		    k->site.n_outlets - k->tokens.n, k->site.n_outlets);
	return KH_EXIT_OK;
}

/* The couriers' socket, if there is to be one. */
static enum kh_exit
open_courier(struct kh_keeper *k)
{
	char where[KH_PATH_MAX + 16];
	enum kh_exit x;

	if (!k->config.has_courier)
		return KH_EXIT_OK;
	x = kh_listen_open(&k->config.courier_listen, &k->courier_listen, where,
	    sizeof(where));
	if (x == KH_EXIT_OK)
		kh_say("couriers on %s", where);
	return x;
}

static void
remove_socket(const struct kh_listen *l, int fd)
{
	if (fd >= 0 && l->kind == KH_LISTEN_UNIX)
		(void)unlink(l->path);
}

static enum kh_exit
serve(struct kh_keeper *k)
{
	char where[KH_PATH_MAX + 16];
	enum kh_exit x;

	raise_locked();
	if (kh_secret_probe(LOCKED_MIN) != KH_OK)
		kh_say("warning: memory cannot be locked here, so what passes "
		       "through may reach swap: raise LimitMEMLOCK=");
	x = kh_swap_check(NULL, k->config.allow_swap);
	if (x == KH_EXIT_OK)
		x = raise_descriptors(
		    k->config.max_visits, k->config.has_courier);
	if (x == KH_EXIT_OK)
		x = leave_terminal();
	if (x == KH_EXIT_OK)
		x = kh_users_choose(k->uids);
	if (x == KH_EXIT_OK)
		x = kh_program_check(k->uids);
	if (x == KH_EXIT_OK)
		x = kh_store_dir_open(
		    k->config.store, k->uids[KH_ROLE_STORE], &k->store_dir);
	if (x == KH_EXIT_OK)
		x = kh_salt_load(k->config.state, k->site.salt);
	if (x == KH_EXIT_OK)
		x = kh_health_open(
		    k->config.health, k->config.state, &k->health_file);
	if (x == KH_EXIT_OK)
		x = kh_wrap_home_make(k);
	if (x == KH_EXIT_OK)
		x = kh_listen_open(
		    &k->config.source_listen, &k->listen, where, sizeof(where));
	if (x != KH_EXIT_OK)
		return x;
	kh_say("listening on %s, %u newsroom%s", where, k->site.n_outlets,
	    k->site.n_outlets == 1 ? "" : "s");
	x = open_courier(k);
	kh_notify_open(&k->notify);
	if (x == KH_EXIT_OK)
		x = kh_keeper_run(k);
	kh_notify_close(&k->notify);
	remove_socket(&k->config.source_listen, k->listen);
	remove_socket(&k->config.courier_listen, k->courier_listen);
	return x;
}

enum option_code {
	OPT_CHECK = 256,
	OPT_VERSION,
	OPT_HELP,
	OPT_ROLE
};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"check-config", no_argument, NULL, OPT_CHECK},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, OPT_HELP},
    {"role", required_argument, NULL, OPT_ROLE},
    {NULL, 0, NULL, 0},
};

static int
keeper_main(const char *path, bool check)
{
	struct kh_keeper *k;
	enum kh_exit x;

	/* It holds the instance's salt: locked memory, no core, no debugger. */
	k = kh_secret_alloc(sizeof(*k));
	if (k == NULL || kh_role_confine(KH_ROLE_KEEPER, NULL) != 0)
		return KH_EXIT_OSERR;
	memset(k, 0, sizeof(*k));
	k->listen = k->courier_listen = k->store_dir = k->turns = -1;
	k->wrap_home = -1;
	x = load(path, k);
	if (x == KH_EXIT_OK && check)
		x = kh_wrap_try(k);
	if (x == KH_EXIT_OK && check)
		printf("%s: in order, %u newsroom%s\n", path, k->site.n_outlets,
		    k->site.n_outlets == 1 ? "" : "s");
	else if (x == KH_EXIT_OK)
		x = serve(k);
	kh_wrap_home_remove(k);
	free(k->outlets);
	kh_secret_free(k);
	return (int)x;
}

/* No core and no debugger, as for every process that reads this host's files.
 */
static enum kh_exit
command(enum kh_exit (*run)(int, char **), int argc, char **argv)
{
	if (kh_role_confine(KH_ROLE_KEEPER, NULL) != 0)
		return KH_EXIT_OSERR;
	return run(argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
	const char *path = DEFAULT_CONFIG;
	bool check = false;
	int c;

	if (std_descriptors() != 0 || kh_init() != KH_OK)
		return KH_EXIT_OSERR;
	umask(077);
	if (argc > 1 && strcmp(argv[1], "drill") == 0)
		return (int)command(kh_drill_main, argc, argv);
	if (argc > 1 && strcmp(argv[1], "setup") == 0)
		return (int)command(kh_setup_main, argc, argv);
	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case OPT_CHECK:
			check = true;
			break;
		case OPT_VERSION:
			puts("knotholed " KH_VERSION " (" KH_COMMIT ")");
			return KH_EXIT_OK;
		case 'h':
		case OPT_HELP:
			fputs(usage, stdout);
			return KH_EXIT_OK;
		case OPT_ROLE:
			return run_role(optarg);
		default:
			fputs("Try \"knotholed --help\".\n", stderr);
			return KH_EXIT_USAGE;
		}
	}
	if (optind != argc) {
		kh_say("unexpected argument \"%s\"; try --help", argv[optind]);
		return KH_EXIT_USAGE;
	}
	return keeper_main(path, check);
}
