/*
 * One role: started, told what it needs, stopped. Separate from the watching
 * of all of them.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "knothole/secret.h"
#include "server/keeper/keeper.h"
#include "server/role/role.h"

#define START_MS 20000 /* a role that is not ready by then has failed */
#define STOP_MS 25000 /* one that has not ended by then is killed */

void
kh_child_dismiss(struct kh_child *c)
{
	if (c->control >= 0)
		close(c->control);
	c->control = -1;
}

void
kh_child_stop(struct kh_child *c)
{
	static const struct timespec step = {0, 20000000};
	int waited;

	kh_child_dismiss(c);
	if (c->pid <= 0)
		return;
	for (waited = 0; waitpid(c->pid, NULL, WNOHANG) == 0; waited += 20) {
		if (waited >= STOP_MS)
			(void)kill(c->pid, SIGKILL);
		nanosleep(&step, NULL);
	}
	c->pid = -1;
}

/* Did it end because it could not be confined? Say so; true then. */
static bool
unconfined(struct kh_child *c)
{
	const char *why = NULL;
	int status;

	if (waitpid(c->pid, &status, 0) != c->pid)
		return false;
	c->pid = -1;
	if (WIFEXITED(status))
		why = kh_confine_failure(WEXITSTATUS(status));
	if (why != NULL)
		kh_say("the %s did not start, because it cannot be confined: "
		       "%s",
		    kh_role_name(c->role), why);
	return why != NULL;
}

/* Wait for KH_MSG_READY; its first test comes before. KH_EUNSUP: why not has been said. */
static enum kh_err
await_ready(const struct kh_keeper *k, struct kh_child *c)
{
	struct pollfd pfd = {.fd = c->control, .events = POLLIN};
	struct kh_msg m;
	enum kh_err e;
	int fd;

	c->reported = 0;
	c->bad_key = false;
	do {
		if (poll(&pfd, 1, START_MS) != 1)
			return KH_EPROTO;
		e = kh_ipc_recv(c->control, c->role, KH_ROLE_KEEPER, &m, &fd);
		if (e == KH_OK && m.type == KH_MSG_REPORT)
			kh_child_report(c, &m.u.report);
		if (e == KH_OK && m.type == KH_MSG_WRAP_KEY &&
		    !kh_wrap_key(k, &m.u.wrap_key))
			c->bad_key = true;
	} while (e == KH_OK &&
	    (m.type == KH_MSG_REPORT || m.type == KH_MSG_WRAP_KEY));
	if (e == KH_OK && m.type != KH_MSG_READY)
		return KH_EPROTO;
	/* From here on nobody waits for it. */
	if (e == KH_OK && fcntl(c->control, F_SETFL, O_NONBLOCK) != 0)
		return KH_ESYS;
	return e != KH_OK && unconfined(c) ? KH_EUNSUP : e;
}

static enum kh_err
tell_store(const struct kh_keeper *k, const struct kh_child *c)
{
	struct kh_msg m = {.type = KH_MSG_STORE_DIR};

	m.u.store_dir.max_visits = k->config.max_visits;
	m.u.store_dir.uid = (uint32_t)k->uids[KH_ROLE_STORE];
	m.u.store_dir.retention_days = k->config.retention_days;
	m.u.store_dir.settle_minutes = k->config.settle_minutes;
	m.u.store_dir.selftest_minutes = k->config.selftest_minutes;
	m.u.store_dir.collectors = k->collectors;
	return kh_ipc_send(c->control, &m, k->store_dir);
}

/* The site and the newsrooms. */
static enum kh_err
tell_door(const struct kh_keeper *k, const struct kh_child *c, bool wrap)
{
	struct kh_msg m = {.type = KH_MSG_SITE};
	enum kh_err e;
	uint32_t i;

	m.u.site = k->site;
	m.u.site.uid = (uint32_t)k->uids[KH_ROLE_DOOR];
	m.u.site.wrap = wrap ? 1 : 0;
	e = kh_ipc_send(c->control, &m, k->listen);
	kh_wipe(&m, sizeof(m));
	m.type = KH_MSG_OUTLET;
	for (i = 0; e == KH_OK && i < k->site.n_outlets; i++) {
		m.u.outlet = k->outlets[i];
		e = kh_ipc_send(c->control, &m, -1);
	}
	return e;
}

static enum kh_err
tell_health(const struct kh_keeper *k, const struct kh_child *c)
{
	struct kh_msg m = {.type = KH_MSG_HEALTH};

	m.u.health = k->health;
	/* Whoever was silent is being started, and is not told that it is. */
	if (m.u.health.fault == KH_FAULT_SILENT)
		m.u.health.fault = KH_FAULT_NONE;
	return kh_ipc_send(c->control, &m, -1);
}

static enum kh_err
tell_keys(const struct kh_keeper *k, const struct kh_child *c)
{
	struct kh_msg m = {.type = KH_MSG_FORM_KEYS};
	enum kh_err e;

	m.u.form_keys.keys = k->form_keys;
	m.u.form_keys.ratchet_at = k->ratchet_at;
	e = kh_ipc_send(c->control, &m, k->turns);
	kh_wipe(&m, sizeof(m));
	m.type = KH_MSG_TABLE;
	if (e == KH_OK)
		e = kh_ipc_send(c->control, &m, k->table);
	return e;
}

/* The tokens, and the cards that they came with. */
static enum kh_err
tell_courier(const struct kh_keeper *k, const struct kh_child *c)
{
	struct kh_msg m = {.type = KH_MSG_TOKENS};
	enum kh_err e;
	uint32_t i;

	m.u.tokens = k->tokens;
	m.u.tokens.uid = (uint32_t)k->uids[KH_ROLE_COURIER];
	e = kh_ipc_send(c->control, &m, k->courier_listen);
	m.type = KH_MSG_OUTLET;
	for (i = 0; e == KH_OK && i < k->site.n_outlets; i++) {
		if (!k->outlets[i].card.has_courier)
			continue;
		m.u.outlet = k->outlets[i];
		e = kh_ipc_send(c->control, &m, -1);
	}
	return e;
}

/* An end of a new channel for each. */
static enum kh_err
link_both(const struct kh_child *a, enum kh_msg_type to_a,
    const struct kh_child *b, enum kh_msg_type to_b)
{
	struct kh_msg m = {.type = to_a};
	enum kh_err e;
	int link[2];

	e = kh_ipc_pair(link);
	if (e != KH_OK)
		return e;
	e = kh_ipc_send(a->control, &m, link[0]);
	m.type = to_b;
	if (e == KH_OK)
		e = kh_ipc_send(b->control, &m, link[1]);
	close(link[0]);
	close(link[1]);
	return e;
}

enum kh_err
kh_child_link_wrap(const struct kh_child *door, const struct kh_child *wrap)
{
	if (door->control < 0 || wrap->control < 0)
		return KH_OK;
	return link_both(wrap, KH_MSG_DOOR_LINK, door, KH_MSG_WRAP_LINK);
}

/* A channel between this role and the store. */
static enum kh_err
link_to(const struct kh_child *c, const struct kh_child *store)
{
	return link_both(store,
	    c->role == KH_ROLE_DOOR ? KH_MSG_DOOR_LINK : KH_MSG_COURIER_LINK, c,
	    KH_MSG_STORE_LINK);
}

static void
say_failed(const struct kh_keeper *k, enum kh_role role, enum kh_err e)
{
	if (role == KH_ROLE_STORE)
		kh_say("the store did not start: is the file system of %s one "
		       "that can make files without a name (O_TMPFILE), and "
		       "writable?",
		    k->config.store);
	else
		kh_say("the %s did not start: %s", kh_role_name(role),
		    kh_err_text(e));
}

/* Does wrap run, and so is linked to a door from its start? */
static bool
has_wrap(const struct kh_child *peers)
{
	return peers[KH_WHICH_WRAP].control >= 0;
}

/* What a role is told before it is ready. */
static enum kh_err
tell(const struct kh_keeper *k, const struct kh_child *c,
    const struct kh_child *peers)
{
	enum kh_err e;

	if (c->role == KH_ROLE_STORE)
		return tell_store(k, c);
	if (c->role == KH_ROLE_WRAP)
		return kh_wrap_tell(k, c);
	if (c->role == KH_ROLE_DOOR) {
		e = tell_door(k, c, has_wrap(peers));
		if (e == KH_OK)
			e = tell_keys(k, c);
	} else {
		e = tell_courier(k, c);
	}
	if (e == KH_OK)
		e = tell_health(k, c);
	if (e == KH_OK)
		e = link_to(c, &peers[KH_WHICH_STORE]);
	if (e == KH_OK && c->role == KH_ROLE_DOOR)
		e = kh_child_link_wrap(c, &peers[KH_WHICH_WRAP]);
	return e;
}

enum kh_err
kh_child_start(
    const struct kh_keeper *k, struct kh_child *c, const struct kh_child *peers)
{
	enum kh_err e;

	e = kh_role_spawn(c->role, &c->pid, &c->control);
	if (e == KH_OK)
		e = tell(k, c, peers);
	if (e == KH_OK)
		e = await_ready(k, c);
	if (e != KH_OK && e != KH_EUNSUP)
		say_failed(k, c->role, e);
	if (e != KH_OK)
		kh_child_stop(c);
	return e;
}
