/*
 * The keeper's side of the wrap process: the directory that gpg reads, and what
 * is said of the keys on the cards. Separate, because none of it is needed where
 * no newsroom has an OpenPGP key.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "knothole/openpgp.h"
#include "server/keeper/keeper.h"

#define HOME "gpg"
#define DAY INT64_C(86400)

void
kh_wrap_count(struct kh_keeper *k)
{
	uint32_t i;

	k->openpgp = 0;
	for (i = 0; i < k->site.n_outlets; i++) {
		if (k->outlets[i].card.openpgp_n > 0)
			k->openpgp |= UINT32_C(1) << i;
	}
}

/* L39: a program that somebody else can change is not run. */
enum kh_exit
kh_wrap_check_gpg(const char *path)
{
	struct stat sb;

	if (stat(path, &sb) != 0) {
		kh_say("gpg = %s: %s; a card has an OpenPGP key: install gpg, "
		       "or say where it is",
		    path, strerror(errno));
		return KH_EXIT_CONFIG;
	}
	if (!S_ISREG(sb.st_mode) || (sb.st_mode & 0111) == 0) {
		kh_say("gpg = %s: not a program", path);
		return KH_EXIT_CONFIG;
	}
	if ((sb.st_uid != 0 && sb.st_uid != geteuid()) ||
	    (sb.st_mode & 022) != 0) {
		kh_say("gpg = %s: others than root may change this program "
		       "(chown root, chmod go-w)",
		    path);
		return KH_EXIT_CONFIG;
	}
	return KH_EXIT_OK;
}

static enum kh_err
fill(const struct kh_keeper *k, int dir)
{
	const struct kh_card *card;
	enum kh_err e;
	uint32_t i;

	e = kh_openpgp_home_fill(dir);
	for (i = 0; e == KH_OK && i < k->site.n_outlets; i++) {
		card = &k->outlets[i].card;
		if (card->openpgp_n > 0)
			e = kh_openpgp_home_key(
			    dir, i, card->openpgp, card->openpgp_n);
	}
	/* Read by wrap's user, below a directory that is ours alone. */
	if (e == KH_OK && fchmod(dir, 0755) != 0)
		e = KH_ESYS;
	return e;
}

/* The directory whose path is `state`. */
static enum kh_exit
make_at(struct kh_keeper *k, const char *state, const char *name)
{
	int at;

	at = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (at >= 0 && (mkdirat(at, name, 0700) == 0 || errno == EEXIST))
		k->wrap_home = openat(
		    at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (at >= 0)
		close(at);
	if (k->wrap_home < 0 || fill(k, k->wrap_home) != KH_OK) {
		kh_say("state = %s: cannot make %s/%s for gpg: %s", state,
		    state, name, strerror(errno));
		return KH_EXIT_CONFIG;
	}
	return KH_EXIT_OK;
}

enum kh_exit
kh_wrap_home_make(struct kh_keeper *k)
{
	enum kh_exit x;

	if (k->openpgp == 0)
		return KH_EXIT_OK;
	x = kh_wrap_check_gpg(k->config.gpg);
	return x == KH_EXIT_OK ? make_at(k, k->config.state, HOME) : x;
}

static void
empty(int dir)
{
	static const char *const names[] = {"gpg.conf", "trustdb.gpg"};
	char name[16];
	unsigned i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(dir, names[i], 0);
	for (i = 0; i < KH_OUTLETS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "%u.pgp", i);
		(void)unlinkat(dir, name, 0);
	}
}

void
kh_wrap_home_remove(struct kh_keeper *k)
{
	char path[KH_PATH_MAX + sizeof(HOME) + 2];

	if (k->wrap_home < 0)
		return;
	empty(k->wrap_home);
	close(k->wrap_home);
	k->wrap_home = -1;
	(void)snprintf(path, sizeof(path), "%s/" HOME, k->config.state);
	(void)rmdir(path);
}

enum kh_err
kh_wrap_tell(const struct kh_keeper *k, const struct kh_child *c)
{
	struct kh_msg m = {.type = KH_MSG_WRAP_HOME};

	m.u.wrap_home.uid = (uint32_t)k->uids[KH_ROLE_WRAP];
	m.u.wrap_home.keys = k->openpgp;
	m.u.wrap_home.max_visits = k->config.max_visits;
	m.u.wrap_home.selftest_minutes = k->config.selftest_minutes;
	memcpy(m.u.wrap_home.gpg, k->config.gpg, sizeof(m.u.wrap_home.gpg));
	return kh_ipc_send(c->control, &m, k->wrap_home);
}

static const char *
why_not(enum kh_err e)
{
	if (e == KH_EUNSUP)
		return "gpg cannot be run";
	if (e == KH_EKEY)
		return "gpg does not take it";
	return e == KH_EFORMAT ? "gpg cannot read it"
			       : "gpg did not answer as it should";
}

bool
kh_wrap_key(const struct kh_keeper *k, const struct kh_msg_wrap_key *m)
{
	const char *dir = k->config.newsrooms, *id;
	char day[KH_DAY_LEN + 1];

	if (m->place >= k->site.n_outlets ||
	    m->verdict >= KH_OPENPGP_VERDICT_N || m->expires < 0)
		return false;
	id = k->outlets[m->place].id;
	/* What a fingerprint is, wrap says: 40 characters, escaped by kh_say. */
	if (m->err != KH_OK) {
		kh_say("%s/%s.card: its OpenPGP key cannot be used: %s (gpg = "
		       "%s)",
		    dir, id, why_not((enum kh_err)m->err), k->config.gpg);
		return false;
	}
	if (m->verdict != KH_OPENPGP_OK) {
		kh_say("%s/%s.card: its OpenPGP key %.40s cannot be used: %s: "
		       "ask the newsroom for a new card",
		    dir, id, m->fpr,
		    kh_openpgp_verdict_text(
			(enum kh_openpgp_verdict)m->verdict));
		return false;
	}
	if (m->expires != 0 &&
	    m->expires - (int64_t)time(NULL) < DAY * KH_OPENPGP_WARN_DAYS) {
		kh_day_of(m->expires, day);
		kh_say("warning: %s/%s.card: its OpenPGP key %.40s ends on %s, "
		       "and then no submissions are taken: ask the newsroom "
		       "for a new card",
		    dir, id, m->fpr, day);
	}
	return true;
}

/* In a directory of its own, as the state may not be there yet. */
enum kh_exit
kh_wrap_try(struct kh_keeper *k)
{
	struct kh_child wrap = {.role = KH_ROLE_WRAP, .pid = -1, .control = -1};
	char path[] = "/tmp/knotholed-check-XXXXXX";
	enum kh_exit x;

	if (k->openpgp == 0)
		return KH_EXIT_OK;
	x = kh_wrap_check_gpg(k->config.gpg);
	if (x == KH_EXIT_OK)
		x = kh_users_choose(k->uids);
	if (x != KH_EXIT_OK)
		return x;
	if (mkdtemp(path) == NULL)
		return KH_EXIT_OSERR;
	k->wrap_home = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (k->wrap_home < 0 || fill(k, k->wrap_home) != KH_OK)
		x = KH_EXIT_OSERR;
	else if (kh_child_start(k, &wrap, NULL) != KH_OK || wrap.bad_key)
		x = KH_EXIT_CONFIG;
	kh_child_stop(&wrap);
	if (k->wrap_home >= 0) {
		empty(k->wrap_home);
		close(k->wrap_home);
		k->wrap_home = -1;
	}
	(void)rmdir(path);
	return x;
}
