/*
 * Starting the roles and watching them. A role that ends is started again,
 * with a growing pause; when the store ends, so does the door: the store's
 * memory of what was sealed is gone, so old forms must not be taken.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "knothole/secret.h"
#include "server/keeper/keeper.h"
#include "server/role/role.h"

#define START_MS 20000 /* a role that is not ready by then has failed */
#define STOP_MS 25000 /* a door that has not ended by then is killed */
#define PAUSE_MAX 32 /* seconds between two starts */

struct child {
	pid_t pid; /* -1: none */
	int control;
};

static void
child_reap(struct child *c, int ms)
{
	static const struct timespec step = {0, 20000000};
	int waited;

	if (c->pid <= 0)
		return;
	for (waited = 0; waitpid(c->pid, NULL, WNOHANG) == 0; waited += 20) {
		if (waited >= ms)
			(void)kill(c->pid, SIGKILL);
		nanosleep(&step, NULL);
	}
	c->pid = -1;
}

static void
child_close(struct child *c)
{
	if (c->control >= 0)
		close(c->control);
	c->control = -1;
}

/* Did it end because it could not be confined? Say so; true then. */
static bool
unconfined(struct child *c, enum kh_role role)
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
		    kh_role_name(role), why);
	return why != NULL;
}

/* Wait for KH_MSG_READY. KH_EUNSUP: why not has been said. */
static enum kh_err
await_ready(struct child *c, enum kh_role role)
{
	struct pollfd pfd = {.fd = c->control, .events = POLLIN};
	struct kh_msg m;
	enum kh_err e;
	int fd;

	if (poll(&pfd, 1, START_MS) != 1)
		return KH_EPROTO;
	e = kh_ipc_recv(c->control, role, KH_ROLE_KEEPER, &m, &fd);
	if (e == KH_OK && m.type != KH_MSG_READY)
		return KH_EPROTO;
	return e != KH_OK && unconfined(c, role) ? KH_EUNSUP : e;
}

static enum kh_err
start_store(const struct kh_keeper *k, struct child *c)
{
	struct kh_msg m = {.type = KH_MSG_STORE_DIR};
	enum kh_err e;

	e = kh_role_spawn(KH_ROLE_STORE, &c->pid, &c->control);
	if (e != KH_OK)
		return e;
	m.u.store_dir.max_visits = k->config.max_visits;
	m.u.store_dir.uid = (uint32_t)k->uids[KH_ROLE_STORE];
	e = kh_ipc_send(c->control, &m, k->store_dir);
	if (e == KH_OK)
		e = await_ready(c, KH_ROLE_STORE);
	if (e != KH_OK && e != KH_EUNSUP)
		kh_say("the store did not start: is the file system of %s one "
		       "that can make files without a name (O_TMPFILE), and "
		       "writable?",
		    k->config.store);
	return e;
}

/* The site, the newsrooms, and its channel to the store. */
static enum kh_err
tell_door(const struct kh_keeper *k, const struct child *c, int store)
{
	struct kh_msg m = {.type = KH_MSG_SITE};
	enum kh_err e;
	uint32_t i;

	m.u.site = k->site;
	m.u.site.uid = (uint32_t)k->uids[KH_ROLE_DOOR];
	e = kh_ipc_send(c->control, &m, k->listen);
	kh_wipe(&m, sizeof(m));
	m.type = KH_MSG_OUTLET;
	for (i = 0; e == KH_OK && i < k->site.n_outlets; i++) {
		m.u.outlet = k->outlets[i];
		e = kh_ipc_send(c->control, &m, -1);
	}
	m.type = KH_MSG_STORE_LINK;
	if (e == KH_OK)
		e = kh_ipc_send(c->control, &m, store);
	return e;
}

static enum kh_err
start_door(
    const struct kh_keeper *k, struct child *c, const struct child *store)
{
	struct kh_msg m = {.type = KH_MSG_DOOR_LINK};
	enum kh_err e;
	int link[2];

	e = kh_role_spawn(KH_ROLE_DOOR, &c->pid, &c->control);
	if (e != KH_OK)
		return e;
	e = kh_ipc_pair(link);
	if (e != KH_OK)
		return e;
	e = kh_ipc_send(store->control, &m, link[0]);
	if (e == KH_OK)
		e = tell_door(k, c, link[1]);
	close(link[0]);
	close(link[1]);
	if (e == KH_OK)
		e = await_ready(c, KH_ROLE_DOOR);
	if (e != KH_OK && e != KH_EUNSUP)
		kh_say("the door did not start: %s", kh_err_text(e));
	return e;
}

/* The door first, so that its visits can still commit what they hold. */
static void
stop(struct child *door, struct child *store)
{
	child_close(door);
	child_reap(door, STOP_MS);
	child_close(store);
	child_reap(store, STOP_MS);
}

static enum kh_err
start(const struct kh_keeper *k, struct child *door, struct child *store)
{
	enum kh_err e = KH_OK;

	if (store->pid < 0)
		e = start_store(k, store);
	if (e == KH_OK)
		e = start_door(k, door, store);
	if (e != KH_OK)
		stop(door, store);
	return e;
}

/* Returns the signal that ends the service, or 0 when a role has ended. */
static int
wait_for_news(const sigset_t *set, struct child *door, struct child *store)
{
	siginfo_t si;
	pid_t pid;

	for (;;) {
		if (sigwaitinfo(set, &si) < 0)
			continue;
		if (si.si_signo != SIGCHLD)
			return si.si_signo;
		pid = waitpid(-1, NULL, WNOHANG);
		if (pid > 0 && pid == door->pid) {
			door->pid = -1;
			child_close(door);
			kh_say("the door has ended: starting it again");
			return 0;
		}
		if (pid > 0 && pid == store->pid) {
			store->pid = -1;
			stop(door, store);
			kh_say("the store has ended: starting all again");
			return 0;
		}
	}
}

/* Sleep, unless a signal ends the service: that signal, or 0. */
static int
pause_for(const sigset_t *set, unsigned seconds)
{
	struct timespec ts = {.tv_sec = (time_t)seconds};
	sigset_t ends = *set;
	siginfo_t si;
	int sig;

	/* The start that failed has left one behind: it would end the pause. */
	sigdelset(&ends, SIGCHLD);
	sig = sigtimedwait(&ends, &si, &ts);
	return sig > 0 ? sig : 0;
}

enum kh_exit
kh_keeper_run(struct kh_keeper *k)
{
	struct child door = {-1, -1}, store = {-1, -1};
	struct sigaction hangup;
	time_t began = 0;
	unsigned pause = 1;
	sigset_t set;
	int sig = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	/* A terminal that hangs up, unless nohup(1) says to stay. */
	if (sigaction(SIGHUP, NULL, &hangup) == 0 &&
	    hangup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return KH_EXIT_OSERR;
	if (start(k, &door, &store) != KH_OK)
		return KH_EXIT_CONFIG;
	kh_say("ready");
	while (sig == 0) {
		began = time(NULL);
		sig = wait_for_news(&set, &door, &store);
		if (time(NULL) - began > PAUSE_MAX)
			pause = 1;
		while (sig == 0 && door.pid < 0) {
			sig = pause_for(&set, pause);
			pause = pause < PAUSE_MAX ? 2 * pause : PAUSE_MAX;
			if (sig == 0 && start(k, &door, &store) == KH_OK)
				kh_say("ready again");
		}
	}
	stop(&door, &store);
	return KH_EXIT_OK;
}
