/*
 * knotholed drill: options, the places in their order, and what became of it.
 */
#include "server/drill/drill.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "server/drill/places.h"
#include "server/drill/print.h"

#define DEFAULT_CONFIG "/etc/knothole/knotholed.conf"

static const char usage[] =
    "usage: knotholed drill [-c FILE] [--json] [--proc DIR]\n"
    "\n"
    "What somebody who takes this host away now would hold of it: files, "
    "sizes,\n"
    "times, keys, and what each of them tells. Run it as root. It reads and "
    "changes\n"
    "nothing, whether the service runs or not.\n"
    "\n"
    "  -c, --config FILE  configuration (default " DEFAULT_CONFIG ")\n"
    "      --json         for programs\n"
    "      --proc DIR     where proc(5) is (default /proc); an empty "
    "directory for\n"
    "                     the disk of another host\n"
    "      --help         print this\n"
    "\n"
    "Exit status: 0 when all that is found is on the list of "
    "docs/THREATS.md, 1 when\n"
    "anything else is, or could not be looked at, 78 when the configuration "
    "is not in\n"
    "order. Do not keep the output where a seizure finds it.\n";

struct drill {
	const char *path;
	const char *proc;
	bool json;
	bool help;
};

enum option_code {
	OPT_JSON = 256,
	OPT_PROC,
	OPT_HELP
};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, OPT_JSON},
    {"proc", required_argument, NULL, OPT_PROC},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static enum kh_exit
parse(int argc, char **argv, struct drill *d)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			d->path = optarg;
			break;
		case OPT_JSON:
			d->json = true;
			break;
		case OPT_PROC:
			d->proc = optarg;
			break;
		case 'h':
		case OPT_HELP:
			d->help = true;
			break;
		default:
			fputs("Try \"knotholed drill --help\".\n", stderr);
			return KH_EXIT_USAGE;
		}
	}
	if (optind == argc && strlen(d->proc) <= KH_PATH_MAX)
		return KH_EXIT_OK;
	kh_say("unexpected argument; try drill --help");
	return KH_EXIT_USAGE;
}

static enum kh_err
look(struct kh_report *r, const char *proc)
{
	enum kh_err e;

	e = kh_drill_store(r);
	if (e == KH_OK)
		e = kh_drill_state(r);
	if (e == KH_OK)
		e = kh_drill_settings(r);
	if (e == KH_OK)
		e = kh_drill_beside(r);
	if (e == KH_OK)
		e = kh_drill_host(r, proc);
	return e;
}

/* A report that did not come out whole is none. */
static enum kh_exit
tell(const struct kh_report *r, bool json)
{
	enum kh_err e;

	e = json ? kh_drill_json(stdout, r) : kh_drill_text(stdout, r);
	if (e == KH_OK && fflush(stdout) != 0)
		e = KH_ESYS;
	if (e != KH_OK) {
		kh_say("the report could not be written: %s", kh_err_text(e));
		return KH_EXIT_OSERR;
	}
	return r->n_odd == 0 ? KH_EXIT_OK : KH_EXIT_FOUND;
}

static enum kh_exit
run(const struct drill *d, const struct kh_config *config)
{
	struct kh_report *r;
	enum kh_exit x = KH_EXIT_OSERR;
	enum kh_err e;

	e = kh_report_new(&r);
	if (e == KH_OK) {
		r->config = config;
		r->config_path = d->path;
		e = look(r, d->proc);
	}
	if (e == KH_OK) {
		kh_report_sort(r);
		x = tell(r, d->json);
	} else
		kh_say("the drill was not finished: %s", kh_err_text(e));
	kh_report_free(r);
	return x;
}

enum kh_exit
kh_drill_main(int argc, char **argv)
{
	struct drill d = {.path = DEFAULT_CONFIG, .proc = "/proc"};
	struct kh_config_fault fault;
	struct kh_config config;
	enum kh_exit x;

	x = parse(argc, argv, &d);
	if (x != KH_EXIT_OK)
		return x;
	if (d.help) {
		fputs(usage, stdout);
		return KH_EXIT_OK;
	}
	if (kh_config_load(d.path, &config, &fault) == KH_OK)
		return run(&d, &config);
	if (fault.line > 0)
		kh_say("%s:%u: %s", d.path, fault.line, fault.text);
	else
		kh_say("%s: %s", d.path, fault.text);
	return KH_EXIT_CONFIG;
}
