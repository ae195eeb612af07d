/*
 * The configuration file: made, or added to. Lines that are there belong to the
 * administrator: none is changed unless that was asked for, and then the old
 * file stays beside the new one.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/setup/setup.h"

/* A text that grows; full: it did not fit. */
struct text {
	char p[KH_CONFIG_MAX + 1];
	size_t n;
	bool full;
};

__attribute__((format(printf, 2, 3))) static void
add(struct text *t, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = vsnprintf(t->p + t->n, sizeof(t->p) - t->n, format, ap);
	va_end(ap);
	if (r < 0 || (size_t)r >= sizeof(t->p) - t->n)
		t->full = true;
	else
		t->n += (size_t)r;
}

static enum kh_exit
load(struct kh_setup *s)
{
	struct kh_config_fault fault;

	if (kh_config_load(s->config_path, &s->config, &fault) != KH_OK) {
		if (fault.line > 0)
			kh_say("%s:%u: %s", s->config_path, fault.line,
			    fault.text);
		else
			kh_say("%s: %s", s->config_path, fault.text);
		return KH_EXIT_CONFIG;
	}
	return KH_EXIT_OK;
}

/* Beside the configuration, and from the root on: the service starts elsewhere.
 */
static void
default_dir(struct kh_setup *s)
{
	char dir[KH_PATH_MAX + 1], cwd[KH_PATH_MAX + 1];

	kh_setup_dir_of(s->config_path, dir);
	if (dir[0] == '/' || getcwd(cwd, sizeof(cwd)) == NULL)
		cwd[0] = '\0';
	(void)snprintf(s->dir, sizeof(s->dir), "%.*s%s%.*s/newsrooms",
	    (int)(sizeof(s->dir) / 2 - 8), cwd, cwd[0] != '\0' ? "/" : "",
	    (int)(sizeof(s->dir) / 2 - 8), strcmp(dir, "/") == 0 ? "" : dir);
}

enum kh_exit
kh_setup_load(struct kh_setup *s)
{
	enum kh_exit x = KH_EXIT_OK;
	char *text;
	enum kh_err e;
	size_t n;

	e = kh_setup_read(s->config_path, KH_CONFIG_MAX, &text, &n);
	free(text);
	s->had_config = e != KH_ENOENT;
	if (s->had_config)
		x = load(s);
	if (x != KH_EXIT_OK) {
		kh_say("nothing was written: put this right first, or move the "
		       "file away");
		return x;
	}
	if (s->had_config && !(s->overwrite && s->newsrooms != NULL))
		memcpy(s->dir, s->config.newsrooms, sizeof(s->dir));
	else if (s->newsrooms != NULL)
		(void)snprintf(s->dir, sizeof(s->dir), "%s", s->newsrooms);
	else
		default_dir(s);
	return x;
}

static const char *
or_else(const char *given, const char *otherwise)
{
	return given != NULL ? given : otherwise;
}

/* What a first configuration is. */
static void
compose(const struct kh_setup *s, struct text *t)
{
	const char *run = or_else(s->sockets, "/run/knothole");

	add(t,
	    "# Written by \"knotholed setup\". Change what you like: it "
	    "changes nothing again\n# without saying so. All keys: "
	    "knotholed.conf(5)\n\n");
	add(t, "site_name = %s\n\n", or_else(s->site_name, "Knothole"));
	add(t,
	    "# Where tor connects to (HiddenServicePort in torrc), with a "
	    "line before each\n# connection that names its circuit "
	    "(HiddenServiceExportCircuitID haproxy).\n");
	add(t, "source_listen = unix:%s/source.sock\ncircuit_id = haproxy\n\n",
	    run);
	if (s->courier == 1)
		add(t, "courier_listen = unix:%s/courier.sock\n\n", run);
	add(t,
	    "# Sealed objects, and apart from them what the instance must "
	    "keep. Back up both\n# (knotholed-backup).\n");
	add(t, "store = %s\nstate = %s\n\n",
	    or_else(s->store, "/var/lib/knothole/store"),
	    or_else(s->state, "/var/lib/knothole/state"));
	add(t, "newsrooms = %s\n\n# For whatever watches this host.\n", s->dir);
	add(t, "health = %s/health\n", run);
}

static enum kh_exit
replace(struct kh_setup *s, const struct text *t, bool keep)
{
	struct kh_config_fault fault;
	char dir[KH_PATH_MAX + 1];
	struct kh_config config;

	if (t->full) {
		kh_say("%s: what is to be written is too long", s->config_path);
		return KH_EXIT_CANTCREAT;
	}
	/* What was asked for may be no valid setting. */
	if (kh_config_parse(t->p, t->n, &config, &fault) != KH_OK) {
		kh_say(
		    "%s: %s: nothing was written", s->config_path, fault.text);
		return KH_EXIT_CONFIG;
	}
	kh_setup_dir_of(s->config_path, dir);
	if (kh_setup_mkdir(dir) != KH_OK ||
	    kh_setup_replace(s->config_path, t->p, t->n, keep) != KH_OK) {
		kh_say(
		    "%s: cannot write it: %s", s->config_path, strerror(errno));
		return KH_EXIT_CANTCREAT;
	}
	s->changed = true;
	s->config = config;
	return KH_EXIT_OK;
}

/* Lines behind what is there. */
static enum kh_exit
append(struct kh_setup *s, const char *lines)
{
	struct text *t = calloc(1, sizeof(*t));
	enum kh_exit x = KH_EXIT_OSERR;
	char *text = NULL;
	size_t n;

	if (t != NULL &&
	    kh_setup_read(s->config_path, KH_CONFIG_MAX, &text, &n) == KH_OK) {
		add(t, "%s%s%s", text, n > 0 && text[n - 1] != '\n' ? "\n" : "",
		    lines);
		x = replace(s, t, false);
	} else
		kh_say(
		    "%s: cannot read it: %s", s->config_path, strerror(errno));
	free(text);
	free(t);
	return x;
}

static enum kh_exit
add_courier(struct kh_setup *s)
{
	char lines[KH_PATH_MAX + 64], dir[KH_PATH_MAX + 1];
	enum kh_exit x;

	if (s->courier != 1 || s->config.has_courier ||
	    s->config.source_listen.kind != KH_LISTEN_UNIX)
		return KH_EXIT_OK;
	kh_setup_dir_of(s->config.source_listen.path, dir);
	(void)snprintf(lines, sizeof(lines),
	    "\ncourier_listen = unix:%s/courier.sock\n", dir);
	x = append(s, lines);
	if (x == KH_EXIT_OK)
		kh_say("added to %s: courier_listen", s->config_path);
	return x;
}

/* The lines that differ from what was asked for, and no others. */
static enum kh_exit
change(struct kh_setup *s, const struct kh_wish *wish, size_t n_wishes)
{
	struct text *t = calloc(1, sizeof(*t));
	enum kh_exit x = KH_EXIT_OSERR;
	char *text = NULL;
	size_t n;

	if (t != NULL &&
	    kh_setup_read(s->config_path, KH_CONFIG_MAX, &text, &n) == KH_OK) {
		t->full = !kh_wishes_grant(
		    text, wish, n_wishes, t->p, sizeof(t->p), &t->n);
		x = replace(s, t, true);
	} else
		kh_say(
		    "%s: cannot read it: %s", s->config_path, strerror(errno));
	free(text);
	free(t);
	if (x == KH_EXIT_OK)
		kh_say("changed: %s; what it was is kept beside it (.old)",
		    s->config_path);
	return x;
}

static enum kh_exit
write_first(struct kh_setup *s)
{
	struct text *t = calloc(1, sizeof(*t));
	enum kh_exit x = KH_EXIT_OSERR;

	if (t != NULL) {
		compose(s, t);
		x = replace(s, t, false);
	}
	free(t);
	if (x == KH_EXIT_OK)
		kh_say("configuration: %s", s->config_path);
	return x;
}

enum kh_exit
kh_setup_write(struct kh_setup *s)
{
	struct kh_wish wish[KH_WISHES_MAX];
	enum kh_exit x = KH_EXIT_OK;
	size_t n;

	if (!s->had_config)
		return write_first(s);
	n = kh_wishes(s, wish);
	if (n > 0 && s->overwrite)
		x = change(s, wish, n);
	return x == KH_EXIT_OK ? add_courier(s) : x;
}

enum kh_exit
kh_setup_onion(struct kh_setup *s)
{
	const char *onion = s->tor.onion, *have = s->config.onion;
	struct kh_wish wish = {.key = "onion_address"};
	char lines[KH_ONION_LEN + 128];
	enum kh_exit x;

	if (onion[0] == '\0' || strcmp(onion, have) == 0)
		return KH_EXIT_OK;
	if (have[0] != '\0' && s->overwrite) {
		(void)snprintf(wish.value, sizeof(wish.value), "%s", onion);
		return change(s, &wish, 1);
	}
	if (have[0] != '\0') {
		kh_say(
		    "warning: %s has onion_address = %s, but tor serves %s: "
		    "sources would be told that they are on a wrong site. "
		    "Which is right? It was left as it is (--overwrite takes "
		    "tor's)",
		    s->config_path, have, onion);
		return KH_EXIT_OK;
	}
	(void)snprintf(lines, sizeof(lines),
	    "\n# Who comes by another name is told to stop.\n"
	    "onion_address = %s\n",
	    onion);
	x = append(s, lines);
	if (x == KH_EXIT_OK)
		kh_say("added to %s: onion_address", s->config_path);
	return x;
}
