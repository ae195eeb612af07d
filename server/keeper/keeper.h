/*
 * The keeper: reads configuration and cards, opens what the roles need,
 * starts them, and starts them again. It reads no byte from the network, and
 * is the only process of knotholed that may print.
 */
#ifndef KNOTHOLED_KEEPER_H
#define KNOTHOLED_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>

#include "server/config/config.h"
#include "server/ipc/ipc.h"

#define KH_HEALTH_NAME_MAX 200 /* with ".new" it fits every file system */

/* Exit status, from sysexits. */
enum kh_exit {
	KH_EXIT_OK = 0,
	KH_EXIT_FOUND = 1, /* by the drill: something that should not be */
	KH_EXIT_USAGE = 64,
	KH_EXIT_DATAERR = 65,
	KH_EXIT_NOINPUT = 66,
	KH_EXIT_SOFTWARE = 70,
	KH_EXIT_OSERR = 71,
	KH_EXIT_CANTCREAT = 73,
	KH_EXIT_CONFIG = 78
};

struct kh_health_file {
	int dir;
	mode_t mode;
	char name[KH_HEALTH_NAME_MAX + 1];
};

/* Whom to tell how the service is; fd = -1: nobody. */
struct kh_notify {
	int fd;
	struct sockaddr_un to;
	socklen_t len;
	int64_t every; /* ms between two signs of life; 0: none is waited for */
	int64_t said; /* ms: the last one */
};

/* What the roles are started with. In locked memory. */
struct kh_keeper {
	struct kh_config config;
	struct kh_msg_site site;
	struct kh_msg_outlet *outlets; /* site.n_outlets */
	struct kh_msg_tokens tokens; /* of the newsrooms that gave one */
	struct kh_collectors collectors; /* the same, in the same order */
	struct kh_form_keys form_keys;
	int64_t ratchet_at; /* ms */
	int turns; /* at the key derivation, server/visit/turns.h */
	int table; /* of the visits' counters, server/door/table.h */
	struct kh_msg_health health; /* as it was last told */
	struct kh_health_file health_file;
	struct kh_notify notify; /* the service manager */
	int listen;
	int courier_listen; /* -1: no couriers */
	int store_dir;
	int wrap_home; /* gpg's directory; -1: no card has an OpenPGP key */
	uint32_t openpgp; /* bit i: the card in place i has one */
	uid_t uids[KH_ROLE_N]; /* what the roles become; 0: what we are */
};

/* A role that runs, or is to run again. */
struct kh_child {
	enum kh_role role;
	pid_t pid; /* -1: it does not run */
	int control;
	int64_t due; /* ms: not to be started before */
	int64_t began; /* ms: when it was started */
	unsigned pause; /* seconds before the next start */
	struct kh_msg_report report; /* the last one */
	int64_t reported; /* ms: when it came; 0: never */
	bool off; /* it is not needed here */
	bool bad_key; /* of wrap: a card's key was found wanting at its start */
	/* Of what it forks, and of those that it has replaced: */
	int64_t crashed; /* ms: when one last has; 0: none has */
	int64_t replace_at; /* ms: it is to be replaced for that; or 0 */
	unsigned replace_pause; /* seconds before the next replacement */
};

/* "knotholed: ..." on stderr, one line; every byte of it printable. */
__attribute__((format(printf, 1, 2))) void kh_say(const char *fmt, ...);

/*
 * Read every NAME.card of the directory, in the order of their names. Says
 * what is wrong with a card, and returns an exit status.
 *	outlets	receives *n of them, in memory that the caller frees
 * A directory without a card, a card that is malformed or not signed, or one
 * key or courier's token on two cards is KH_EXIT_CONFIG: no start with fewer
 * newsrooms than were meant. kh_outlets_valid looks at the days.
 */
enum kh_exit kh_outlets_load(
    const char *dir, struct kh_msg_outlet **outlets, uint32_t *n);

/*
 * Put cards that couriers brought in the place of those that they renew
 * (kh_card_compare). Says which are not used, and why.
 *	store	the store's directory
 * Returns which outlets have another card now: 1 << i.
 */
uint32_t kh_outlets_renew(int store, struct kh_msg_outlet *outlets, uint32_t n);

/* The same at the start. `where` is the store as configured; there may be none
 * yet. */
void kh_outlets_received(
    const char *where, struct kh_msg_outlet *outlets, uint32_t n);

/* Has each newsroom a key today? KH_EXIT_CONFIG if not. Warns of those whose
 * keys end within KH_DAYS_WARNED. `dir`: that of the cards, for people. */
#define KH_DAYS_WARNED 30
enum kh_exit kh_outlets_valid(
    const char *dir, const struct kh_msg_outlet *outlets, uint32_t n);

/* Who may collect: fills in k->tokens and k->collectors. */
void kh_outlets_couriers(struct kh_keeper *k);

/*
 * Open the listening socket (non-blocking, close-on-exec). A unix socket that
 * nobody answers on is replaced; one in use is not.
 *	text	receives where, for people: "unix:/path", "tcp:127.0.0.1:8080"
 */
enum kh_exit kh_listen_open(
    const struct kh_listen *l, int *fd, char *text, size_t cap);

/*
 * The instance's salt, in DIR/instance.salt: made at the first start, 0400.
 * Losing it means that no return code leads anywhere any more.
 */
enum kh_exit kh_salt_load(const char *dir, uint8_t salt[static KH_SALT_LEN]);

/* Make (if need be) and open the store's directory. `owner` becomes who the
 * store will run as, 0: us. */
enum kh_exit kh_store_dir_open(const char *where, uid_t owner, int *fd);

/* Choose the users of the roles; all 0 when we are not root ourselves. */
enum kh_exit kh_users_choose(uid_t uids[static KH_ROLE_N]);

/*
 * Could the service change what it runs (L39): the program, or the directory that
 * it is in? Then KH_EXIT_CONFIG. Somebody who tries what he has built, as himself,
 * may.
 *	uids	of the roles, by kh_users_choose
 */
enum kh_exit kh_program_check(const uid_t uids[static KH_ROLE_N]);

/* May a role change this file? `self`, `group`: of this process. */
bool kh_program_open(const struct stat *sb, const uid_t uids[static KH_ROLE_N],
    uid_t self, gid_t group);

/*
 * Is there swap that is not encrypted? Then it is said, and unless `allowed`
 * it is KH_EXIT_CONFIG.
 *	swaps	a file in the form of /proc/swaps (proc(5)), or NULL for that
 */
enum kh_exit kh_swap_check(const char *swaps, bool allowed);

/* Call `each` for every swap that is not encrypted, until it returns an error,
 * which is returned. `swaps` as above. */
KH_CHECKED enum kh_err kh_swap_each(const char *swaps,
    enum kh_err (*each)(void *ctx, const char *device), void *ctx);

/* Give a directory and what is in it, two levels deep, to a user. */
enum kh_exit kh_hand_over(int dir, uid_t uid);

/*
 * Start a role: fork, exec this program again, its end of a new channel as
 * descriptor KH_ROLE_CONTROL_FD and nothing else inherited. Fresh address
 * layout, no memory in common.
 * Errors: KH_ESYS.
 */
KH_CHECKED enum kh_err kh_role_spawn(
    enum kh_role role, pid_t *pid, int *control);

/*
 * Start a role, tell it what it needs, and wait until it is ready. Says what
 * has failed; then nothing of it is left.
 *	peers	the store's and the wrap's children: those are linked to that
 *		are running, and that it has to do with
 */
KH_CHECKED enum kh_err kh_child_start(const struct kh_keeper *k,
    struct kh_child *c, const struct kh_child *peers);

/* A channel between the wrap's child and the door's, if both run. Errors:
 * KH_ESYS, KH_EPROTO. */
KH_CHECKED enum kh_err kh_child_link_wrap(
    const struct kh_child *door, const struct kh_child *wrap);

/* --- wrap.c: the process that runs gpg -------------------------------------- */

/* Which cards have an OpenPGP key: fills in k->openpgp. */
void kh_wrap_count(struct kh_keeper *k);

/* Is this a gpg to run, and nobody else's to change? Says what is wrong. */
enum kh_exit kh_wrap_check_gpg(const char *path);

/* The directory that gpg reads, "gpg" below the state directory, made anew; and
 * its end. Says what is wrong. */
enum kh_exit kh_wrap_home_make(struct kh_keeper *k);
void kh_wrap_home_remove(struct kh_keeper *k);

/* Tell wrap what it needs. */
KH_CHECKED enum kh_err kh_wrap_tell(
    const struct kh_keeper *k, const struct kh_child *c);

/* What wrap says of a key: say it, if it is bad or ends soon; false when it
 * cannot be used. */
bool kh_wrap_key(const struct kh_keeper *k, const struct kh_msg_wrap_key *m);

/* Are all OpenPGP keys usable? For --check-config: starts wrap, and ends it. */
enum kh_exit kh_wrap_try(struct kh_keeper *k);

/* Let it end, and wait for that. It is as if it had never run. */
void kh_child_stop(struct kh_child *c);

/* Tell it to end, without waiting. */
void kh_child_dismiss(struct kh_child *c);

/* Take over a report; one that is out of bounds is none. */
void kh_child_report(struct kh_child *c, const struct kh_msg_report *r);

/* The health file's text: KH_HEALTH_LEN bytes and a NUL. */
void kh_health_text(
    const struct kh_msg_health *h, bool up, char out[static KH_HEALTH_LEN + 1]);

/* Open the directory of the health file: `path`, or if that is empty the state
 * directory. */
enum kh_exit kh_health_open(
    const char *path, const char *state, struct kh_health_file *f);

/* Replace the health file. Errors: KH_ESYS, KH_EFULL: the old one stays. */
KH_CHECKED enum kh_err kh_health_write(
    struct kh_health_file *f, const struct kh_msg_health *h, bool up);

/* --- notify.c: how a service manager is told -------------------------------- */

/* Look for NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID in the environment
 * (sd_notify(3), sd_watchdog_enabled(3)). What is malformed is not there. */
void kh_notify_open(struct kh_notify *n);

/* Send "KEY=VALUE", such as "READY=1". Who does not listen is not waited for. */
void kh_notify_say(struct kh_notify *n, const char *what);

/* A sign of life, if it is time for one. */
void kh_notify_alive(struct kh_notify *n, int64_t now);

/* How long none is due, ms. */
int64_t kh_notify_calm(const struct kh_notify *n, int64_t now);

void kh_notify_close(struct kh_notify *n);

/* --- watch.c: what the keeper does while the service runs ------------------ */

/* Replaced doors, and replaced couriers, with visits or errands that go on. */
#define KH_OLD_MAX 8

/* In the order of their start. */
enum kh_which {
	KH_WHICH_STORE,
	KH_WHICH_WRAP, /* when a card has an OpenPGP key */
	KH_WHICH_DOOR,
	KH_WHICH_COURIER,
	KH_WHICH_N
};

struct kh_watch {
	struct kh_keeper *k;
	struct kh_child child[KH_WHICH_N];
	size_t n; /* without the courier when there is none */
	struct kh_child old[2 * KH_OLD_MAX]; /* that were replaced */
	size_t n_old;
	int64_t written; /* ms: the health file; 0: not yet */
	bool late; /* it has changed, and was written just now */
	bool file_fails; /* and it has been said */
	unsigned told; /* who knows the health as it is: 1 << which */
	bool cards_due; /* the store has a renewed card */
	int64_t looked; /* ms: at the cards; 0: not yet */
	uint32_t renewed[KH_WHICH_N]; /* outlets to tell each role: 1 << i */
};

/* A message of a child's is there. */
void kh_watch_input(struct kh_watch *w, struct kh_child *c);

/* Replace door and courier, if it is time to. */
void kh_watch_replace(struct kh_watch *w, int64_t now);

/* Work out the health; tell it and write it down where it has changed. */
void kh_watch_publish(struct kh_watch *w, int64_t now, bool up);

/* Look at renewed cards, if there are any, and tell door and courier of what
 * has changed: received.c. */
void kh_watch_cards(struct kh_watch *w, int64_t now);

/* Is there anything of that left to do? */
bool kh_watch_cards_wait(const struct kh_watch *w);

/* How long nothing of this need be looked at again, ms. */
int64_t kh_watch_calm(const struct kh_watch *w, int64_t now);

/* Run the service until SIGTERM, SIGINT or SIGHUP. */
enum kh_exit kh_keeper_run(struct kh_keeper *k);

#endif
