/*
 * What is to be done next, and telling it: commands to copy, in their order.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/setup/setup.h"

__attribute__((format(printf, 2, 3))) static void
step(struct kh_setup *s, const char *format, ...)
{
	va_list ap;

	if (s->n_steps == KH_SETUP_STEPS_MAX)
		return;
	va_start(ap, format);
	(void)vsnprintf(s->step[s->n_steps++], KH_SETUP_STEP_MAX, format, ap);
	va_end(ap);
}

/* Beside this program: PREFIX/sbin/knotholed, PREFIX/share/knothole. */
static void
shared(const char *name, char *out, size_t cap)
{
	char own[KH_PATH_MAX + 1] = "";
	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash = n > 0 ? strrchr(own, '/') : NULL;

	if (slash != NULL) {
		*slash = '\0';
		slash = strrchr(own, '/');
	}
	if (slash != NULL) {
		*slash = '\0';
		(void)snprintf(out, cap, "%s/share/knothole/%s", own, name);
		if (access(out, R_OK) == 0)
			return;
	}
	(void)snprintf(out, cap, "/usr/share/knothole/%s", name);
}

/* Does somebody answer at the socket? */
static bool
runs(const struct kh_listen *l)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	bool answers;
	int fd;

	if (l->kind != KH_LISTEN_UNIX || strlen(l->path) >= sizeof(a.sun_path))
		return false;
	memcpy(a.sun_path, l->path, strlen(l->path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	answers = connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return answers;
}

static void
steps_tor(struct kh_setup *s)
{
	const struct kh_setup_tor *t = &s->tor;
	bool courier = s->config.has_courier && !t->courier;
	char torrc[KH_PATH_MAX + 64];

	if (!t->source || courier) {
		shared("tor/torrc", torrc, sizeof(torrc));
		step(s,
		    "Tell tor of %s: cp %s %s (on a host that does nothing "
		    "else; otherwise copy the lines from HiddenServiceDir "
		    "on), then systemctl restart tor@default",
		    t->source ? "the couriers' socket" : "the service", torrc,
		    s->torrc);
	} else if (t->verified == 0)
		step(s,
		    "tor refuses %s: put right what it says above, then "
		    "systemctl restart tor",
		    s->torrc);
	else if (t->onion[0] == '\0')
		step(s,
		    "Let tor make its keys: systemctl restart tor@default "
		    "(run this as root, so that %s/hostname can be read)",
		    t->source_dir);
	if (t->source && t->exports != s->config.circuit_ids)
		step(s,
		    t->exports
			? "Add circuit_id = haproxy to %s: tor names circuits"
			: "Remove circuit_id from %s, or have tor name "
			  "circuits "
			  "(HiddenServiceExportCircuitID haproxy): both, or "
			  "neither",
		    s->config_path);
}

static enum kh_err
found(void *ctx, const char *device)
{
	(void)device;
	*(bool *)ctx = true;
	return KH_OK;
}

/* What the service would refuse to start for, or tor to connect for. */
static void
steps_host(struct kh_setup *s)
{
	static const char local[] = "/etc/apparmor.d/local/system_tor";
	bool swap = false;
	char rules[KH_PATH_MAX + 64], *text;
	size_t n;

	if (!s->config.allow_swap &&
	    kh_swap_each(NULL, found, &swap) == KH_OK && swap)
		step(s,
		    "Turn swap off, which is not encrypted: swapoff -a, and "
		    "remove its line from /etc/fstab (or encrypt it, or say "
		    "allow_swap = yes in %s)",
		    s->config_path);
	if (access("/sys/kernel/security/apparmor/profiles", F_OK) != 0 ||
	    access("/etc/apparmor.d/system_tor", F_OK) != 0)
		return;
	if (kh_setup_read(local, 65536, &text, &n) != KH_OK)
		text = NULL;
	if (text == NULL ||
	    strstr(text, s->config.source_listen.path) == NULL) {
		shared("apparmor/system_tor", rules, sizeof(rules));
		step(s,
		    "Let AppArmor have tor connect: cat %s >>%s, then "
		    "systemctl reload apparmor",
		    rules, local);
	}
	free(text);
}

void
kh_setup_steps(struct kh_setup *s)
{
	const struct kh_setup_tor *t = &s->tor;
	bool up = runs(&s->config.source_listen);

	if (s->n_newsrooms == 0)
		step(s,
		    "Bring the newsrooms' cards: knotholed setup --card "
		    "NAME.card (on each newsroom's offline machine, "
		    "\"knothole keygen\" makes one)");
	steps_host(s);
	steps_tor(s);
	if (!up)
		step(s, "Start the service: systemctl enable --now knotholed");
	else if (s->changed)
		step(s,
		    "Let it read its configuration: systemctl restart "
		    "knotholed");
	if (t->onion[0] == '\0')
		step(s,
		    "Run \"knotholed setup\" again: it then shows the onion "
		    "address and adds it to %s",
		    s->config_path);
	if (s->config.has_courier && t->courier)
		step(s,
		    "Give each newsroom's courier access: its public key "
		    "belongs into %s/authorized_clients/ (docs/tor.md), its "
		    "address is below",
		    t->courier_dir);
	if (t->onion[0] != '\0' && up)
		step(s,
		    "Open the address in Tor Browser, send a message to "
		    "yourself and have every newsroom open it; then back up "
		    "the keys (knotholed-backup) and look at knotholed "
		    "drill");
}

static enum kh_err
tell_json(const struct kh_setup *s)
{
	json_t *steps = json_array(), *root;
	const struct kh_setup_tor *t = &s->tor;
	enum kh_err e = KH_ENOMEM;
	char *text = NULL;
	size_t i;

	for (i = 0; i < s->n_steps; i++)
		json_array_append_new(steps, json_string(s->step[i]));
	root = json_pack("{s:s, s:s?, s:s?, s:i, s:b, s:o}", "config",
	    s->config_path, "onion", t->onion[0] != '\0' ? t->onion : NULL,
	    "courier_onion",
	    t->courier_onion[0] != '\0' ? t->courier_onion : NULL, "newsrooms",
	    (int)s->n_newsrooms, "changed", s->changed ? 1 : 0, "steps", steps);
	if (root != NULL)
		text = json_dumps(root, JSON_INDENT(2));
	if (text != NULL)
		e = puts(text) >= 0 ? KH_OK : KH_ESYS;
	free(text);
	json_decref(root);
	return e;
}

enum kh_err
kh_setup_tell(const struct kh_setup *s)
{
	const struct kh_setup_tor *t = &s->tor;
	enum kh_err e = KH_OK;
	size_t i;

	if (s->json) {
		e = tell_json(s);
		return e == KH_OK && fflush(stdout) != 0 ? KH_ESYS : e;
	}
	for (i = 0; i < s->n_steps; i++)
		printf("%s%zu. %s\n", i == 0 ? "What is next:\n" : "", i + 1,
		    s->step[i]);
	if (t->onion[0] != '\0')
		printf("The onion address: http://%s\n", t->onion);
	else
		printf("The onion address: not there yet\n");
	if (t->courier_onion[0] != '\0')
		printf("The couriers' address: http://%s\n", t->courier_onion);
	return fflush(stdout) == 0 && !ferror(stdout) ? KH_OK : KH_ESYS;
}
