/*
 * What tor has been told, and what it has made of it: read from its files, and
 * asked of tor itself. Separate, because nothing here is ours to change.
 */
#include <ctype.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/setup/setup.h"

#define TORRC_MAX 262144 /* some hundred services; ours has a few lines */
#define DEFAULTS "/usr/share/tor/tor-service-defaults-torrc"

/* "Keyword value", without a comment behind it (torrc(5)); false if it is none.
 * Words are cut in place. */
static bool
split(char *line, char **key, char **value)
{
	size_t n;

	line += strspn(line, " \t");
	line[strcspn(line, "#\r\n")] = '\0';
	for (n = strlen(line); n > 0 && isspace((unsigned char)line[n - 1]);)
		line[--n] = '\0';
	n = strcspn(line, " \t");
	if (n == 0)
		return false;
	*key = line;
	*value = line + n + strspn(line + n, " \t");
	line[n] = '\0';
	return true;
}

/* Does a HiddenServicePort lead to this socket? "80 unix:/path", the path
 * perhaps in quotes. */
static bool
leads_to(const char *value, const struct kh_listen *l)
{
	const char *target = value + strcspn(value, " \t");
	size_t n = strlen(l->path);

	target += strspn(target, " \t\"");
	if (l->kind != KH_LISTEN_UNIX || strncmp(target, "unix:", 5) != 0)
		return false;
	target += 5 + strspn(target + 5, "\"");
	return strncmp(target, l->path, n) == 0 &&
	    (target[n] == '\0' || target[n] == '"');
}

static void
copy_dir(char out[static KH_PATH_MAX + 1], const char *dir)
{
	size_t n = strlen(dir);

	while (n > 1 && (dir[n - 1] == '/' || dir[n - 1] == '"'))
		n--;
	(void)snprintf(out, KH_PATH_MAX + 1, "%.*s", (int)n,
	    dir[0] == '"' ? dir + 1 : dir);
}

/* A service of the torrc: the lines from one HiddenServiceDir to the next. */
struct service {
	const char *dir;
	bool source, courier, exports;
};

static void
finish(struct kh_setup_tor *t, const struct service *v)
{
	if (v->dir != NULL && v->source) {
		t->source = true;
		t->exports = v->exports;
		copy_dir(t->source_dir, v->dir);
	}
	if (v->dir != NULL && v->courier) {
		t->courier = true;
		copy_dir(t->courier_dir, v->dir);
	}
}

static void
take(struct kh_setup *s, struct service *v, const char *key, const char *value)
{
	const struct kh_config *c = &s->config;

	if (strcasecmp(key, "HiddenServiceDir") == 0) {
		finish(&s->tor, v);
		*v = (struct service){.dir = value};
	} else if (strcasecmp(key, "HiddenServiceExportCircuitID") == 0)
		v->exports = strcasecmp(value, "haproxy") == 0;
	else if (strcasecmp(key, "HiddenServicePort") == 0) {
		v->source = v->source || leads_to(value, &c->source_listen);
		v->courier = v->courier ||
		    (c->has_courier && leads_to(value, &c->courier_listen));
	}
}

static void
read_torrc(struct kh_setup *s)
{
	char *text, *line, *rest, *key, *value;
	struct service v = {NULL, false, false, false};
	size_t n;

	if (kh_setup_read(s->torrc, TORRC_MAX, &text, &n) != KH_OK)
		return;
	s->tor.there = true;
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (split(line, &key, &value))
			take(s, &v, key, value);
	}
	finish(&s->tor, &v);
	free(text);
}

/* DIR/hostname: 56 characters of base 32 and ".onion" (rend-spec-v3, 6). */
static void
read_onion(const char *dir, char out[static KH_ONION_LEN + 1])
{
	static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
	const size_t label = KH_ONION_LEN - strlen(".onion");
	char path[KH_PATH_MAX + 16];
	char *text;
	size_t n;

	out[0] = '\0';
	if (dir[0] == '\0')
		return;
	(void)snprintf(path, sizeof(path), "%s/hostname", dir);
	if (kh_setup_read(path, 256, &text, &n) != KH_OK)
		return;
	text[strcspn(text, "\r\n")] = '\0';
	if (strlen(text) == KH_ONION_LEN && strspn(text, base32) == label &&
	    strcmp(text + label, ".onion") == 0)
		memcpy(out, text, KH_ONION_LEN + 1);
	free(text);
}

/* "tor --verify-config" as the administrator would type it. */
static int
verify(const char *torrc)
{
	char *argv[] = {(char *)(uintptr_t) "tor",
	    (char *)(uintptr_t) "--verify-config", (char *)(uintptr_t) "--hush",
	    (char *)(uintptr_t) "-f", (char *)(uintptr_t)torrc, NULL, NULL,
	    NULL};
	posix_spawn_file_actions_t quiet;
	pid_t pid = -1;
	int status = -1, r;

	if (access(DEFAULTS, R_OK) == 0) {
		argv[5] = (char *)(uintptr_t) "--defaults-torrc";
		argv[6] = (char *)(uintptr_t)DEFAULTS;
	}
	if (posix_spawn_file_actions_init(&quiet) != 0)
		return -1;
	/* What it says is for people; stdout is ours. */
	r = posix_spawn_file_actions_adddup2(
	    &quiet, STDERR_FILENO, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawnp(&pid, "tor", &quiet, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&quiet);
	if (r != 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == 127)
		return -1;
	return WEXITSTATUS(status) == 0;
}

void
kh_setup_tor(struct kh_setup *s)
{
	s->tor.verified = -1;
	read_torrc(s);
	read_onion(s->tor.source_dir, s->tor.onion);
	read_onion(s->tor.courier_dir, s->tor.courier_onion);
	if (s->tor.source)
		s->tor.verified = verify(s->torrc);
}
