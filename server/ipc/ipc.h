/*
 * What the processes of knotholed say to each other: fixed structs, one a
 * packet, over SOCK_SEQPACKET pairs. A table says for each message who may
 * send it, how long it is and how many descriptors ride with it; anything
 * else is KH_EPROTO and the receiver drops the peer. No length on the wire is
 * ever believed.
 */
#ifndef KNOTHOLED_IPC_H
#define KNOTHOLED_IPC_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/card.h"
#include "knothole/err.h"
#include "knothole/limits.h"
#include "knothole/store.h"

enum kh_role {
	KH_ROLE_KEEPER,
	KH_ROLE_DOOR,
	KH_ROLE_VISIT,
	KH_ROLE_STORE,
	KH_ROLE_COURIER,
	KH_ROLE_ERRAND, /* one connection of a courier's */
	KH_ROLE_WRAP, /* runs gpg */
	KH_ROLE_N
};

enum kh_msg_type {
	KH_MSG_SITE = 1, /* keeper to door; listening socket */
	KH_MSG_OUTLET, /* keeper to door, courier: a newsroom; again, if renewed */
	KH_MSG_STORE_LINK, /* keeper to door, courier; channel to the store */
	KH_MSG_STORE_DIR, /* keeper to store; the store's directory */
	KH_MSG_DOOR_LINK, /* keeper to store; its channel to the door */
	KH_MSG_READY, /* door, store, courier to keeper: it has started */
	KH_MSG_VISIT, /* door, courier to store; channel of a new visit */
	KH_MSG_ROOM, /* visit to store: is there room? */
	KH_MSG_ROOM_ANSWER, /* store to visit */
	KH_MSG_BEGIN, /* visit to store: a draft for this upload */
	KH_MSG_DRAFT, /* store to visit; its write-only descriptor */
	KH_MSG_NO_DRAFT, /* store to visit: why not */
	KH_MSG_COMMIT, /* visit to store: all is written */
	KH_MSG_COMMITTED, /* store to visit: it is durable, or why not */
	KH_MSG_FATE, /* visit to store: what became of this upload? */
	KH_MSG_FATE_ANSWER, /* store to visit */
	KH_MSG_SLOT, /* visit to store: the answer in this slot */
	KH_MSG_ANSWER, /* store to visit; its descriptor, for reading */
	KH_MSG_NO_ANSWER, /* store to visit: the slot is empty, or why not */
	KH_MSG_FORGET, /* visit to store: remove the answer in this slot */
	KH_MSG_FORGOTTEN, /* store to visit */
	KH_MSG_TOKENS, /* keeper to courier; listening socket */
	KH_MSG_COURIER_LINK, /* keeper to store; its channel to the courier */
	KH_MSG_LIST, /* errand to store: which objects are there? */
	KH_MSG_OBJECTS, /* store to errand: a page of them */
	KH_MSG_NO_OBJECTS, /* store to errand: why not */
	KH_MSG_OPEN, /* errand to store: this object */
	KH_MSG_OBJECT, /* store to errand; its descriptor, for reading */
	KH_MSG_NO_OBJECT, /* store to errand: it is not there, or why not */
	KH_MSG_COLLECT, /* errand to store: a newsroom has these objects */
	KH_MSG_COLLECTED, /* store to errand: it is durable, or why not */
	KH_MSG_PUT, /* errand to store: an answer; sealed memory with it */
	KH_MSG_STORED, /* store to errand: it is durable, or why not */
	KH_MSG_REPORT, /* door, store to keeper: how its test went */
	KH_MSG_HEALTH, /* keeper to door, courier: how all of it is */
	KH_MSG_FORM_KEYS, /* keeper to door; the turns of the derivation */
	KH_MSG_TABLE, /* keeper to door: the table of the visits' counters */
	KH_MSG_CRASHED, /* door, courier to keeper: another of us is needed */
	KH_MSG_WRAP_HOME, /* keeper to wrap; the directory that gpg reads */
	KH_MSG_WRAP_KEY, /* wrap to keeper: what became of a card's key */
	KH_MSG_WRAP_LINK, /* keeper to door; channel to wrap */
	KH_MSG_BRIDGE, /* visit to wrap: a bridge to this newsroom */
	KH_MSG_BRIDGED, /* wrap to visit: one that nobody else gets */
	KH_MSG_NO_BRIDGE, /* wrap to visit: why not */
	KH_MSG_RETIRE, /* keeper to door, courier: take no more, end with yours */
	KH_MSG_CARD, /* errand to store: a renewed card; sealed memory with it */
	KH_MSG_CARD_STORED, /* store to errand: it is durable, or why not */
	KH_MSG_CARDS, /* store to keeper: a card has been renewed */
	KH_MSG_WRAP_VISIT, /* door to wrap; channel of a new visit */
	KH_MSG_N
};

struct kh_msg_site {
	char name[KH_SITE_NAME_MAX + 1];
	char onion[KH_ONION_LEN + 1]; /* the site's true address, or "" */
	uint64_t max_upload;
	uint32_t max_message;
	uint32_t max_visits;
	uint32_t n_outlets;
	uint32_t selftest_minutes;
	uint32_t circuit_ids; /* 1: connections begin with tor's PROXY line */
	uint32_t wrap; /* 1: a channel to wrap comes behind the store's */
	uint32_t uid; /* to become, when started as root */
	uint8_t salt[KH_SALT_LEN];
};

struct kh_msg_outlet {
	char id[KH_CARD_ID_MAX + 1];
	struct kh_card card;
};

struct kh_msg_store_dir {
	uint32_t max_visits;
	uint32_t uid; /* to become, when started as root */
	uint32_t retention_days; /* 0: for ever */
	uint32_t settle_minutes; /* 1 to KH_MINUTES_MAX */
	uint32_t selftest_minutes; /* the same */
	struct kh_collectors collectors; /* in the order of the tokens */
};

/* Who may collect: a hash for each newsroom that has given one. */
struct kh_msg_tokens {
	uint32_t n;
	uint32_t uid; /* to become, when started as root */
	uint8_t hash[KH_OUTLETS_MAX][KH_COURIER_HASH_LEN];
};

/* OpenPGP keys: bit i of `keys` for the newsroom in place i, whose key is in
 * "i.pgp" of the directory. */
struct kh_msg_wrap_home {
	uint32_t uid; /* to become, when started as root */
	uint32_t keys;
	uint32_t max_visits;
	uint32_t selftest_minutes;
	char gpg[KH_PATH_MAX + 1];
	uint8_t zero[3];
};

/* One for each of them before READY. */
struct kh_msg_wrap_key {
	uint32_t place;
	uint32_t err; /* enum kh_err: gpg could not be asked, or not wrap */
	uint32_t verdict; /* enum kh_openpgp_verdict */
	char fpr[KH_OPENPGP_FPR_LEN + 1]; /* "" if it is not known */
	uint8_t zero[3];
	int64_t expires; /* seconds since 1970; 0: never */
};

struct kh_msg_bridge {
	uint32_t place; /* of the newsroom */
};

/* The current key of the forms and the one before it, which is still accepted
 * (server/visit/token.h). */
#define KH_FORM_KEY_LEN 32
struct kh_form_keys {
	uint8_t current[KH_FORM_KEY_LEN];
	uint8_t previous[KH_FORM_KEY_LEN];
};

struct kh_msg_room {
	uint64_t bytes; /* of the request's body */
};

/* How the store answers a question. */
enum kh_verdict {
	KH_VERDICT_YES,
	KH_VERDICT_FULL, /* no room */
	KH_VERDICT_SEALED, /* this upload is sealed already, whole */
	KH_VERDICT_BUSY, /* this upload is arriving on another connection */
	KH_VERDICT_FAILED, /* the store failed */
	KH_VERDICT_TAKEN, /* there is an answer in this slot; a newer card */
	KH_VERDICT_NONE, /* there is no such object; not that newsroom's card */
	KH_VERDICT_N
};

struct kh_msg_verdict {
	uint32_t verdict; /* enum kh_verdict */
};

struct kh_msg_begin {
	uint8_t upload[KH_UPLOAD_ID_LEN];
};

struct kh_msg_commit {
	uint32_t complete; /* 1, or 0: the upload was cut */
	uint32_t files; /* that arrived whole */
	uint32_t begun; /* files that began to arrive */
};

/* What became of an upload, as the store remembers it. */
struct kh_msg_fate {
	uint32_t verdict; /* SEALED whole, YES: cut, BUSY: arriving, FAILED:
			   * nothing came of it */
	uint32_t files; /* that arrived whole; of SEALED and YES */
	uint32_t begun;
};

struct kh_msg_slot {
	char name[KH_SLOT_NAME_LEN + 1]; /* NUL-terminated */
	uint8_t last; /* of several to forget: 1, make it durable now */
	uint8_t zero[2];
};

struct kh_msg_list {
	uint32_t limit; /* 1 to KH_OBJECT_PAGE_MAX */
	uint32_t has_after; /* 1, or 0: from the first */
	uint8_t after[KH_OBJECT_ID_LEN];
};

struct kh_msg_open {
	uint8_t id[KH_OBJECT_ID_LEN];
};

struct kh_msg_collect {
	uint32_t newsroom; /* the place of its token */
	struct kh_object_ids ids;
};

/* The bytes travel in a memfd that is sealed against every change, so that
 * reading it ends, and gives what was checked. */
struct kh_msg_put {
	char name[KH_SLOT_NAME_LEN + 1]; /* NUL-terminated */
	uint8_t zero[3];
	uint32_t length; /* at most KH_ANSWER_LEN_MAX */
};

/* The same way. */
struct kh_msg_card {
	uint32_t newsroom; /* the place of its token */
	uint32_t length; /* at most KH_CARD_MAX */
};

/* Why no submission can be taken. */
enum kh_fault {
	KH_FAULT_NONE,
	KH_FAULT_CARDS, /* a newsroom has no key that is valid today */
	KH_FAULT_SEALING, /* something cannot be sealed to a newsroom */
	KH_FAULT_STORE, /* the canary did not come back */
	KH_FAULT_DISK, /* no room for a message */
	KH_FAULT_INODES, /* no inodes for one */
	KH_FAULT_CLOCK, /* it cannot be that time */
	KH_FAULT_SILENT, /* no report has come for long */
	KH_FAULT_OPENPGP, /* a newsroom's OpenPGP key cannot be used */
	KH_FAULT_N
};

/* Of the OpenPGP keys of all newsrooms, the worst. */
enum kh_openpgp_state {
	KH_OPENPGP_NONE, /* there is none */
	KH_OPENPGP_FINE,
	KH_OPENPGP_ENDING, /* within KH_OPENPGP_WARN_DAYS */
	KH_OPENPGP_UNUSABLE,
	KH_OPENPGP_STATE_N
};

/* A self-test: of what it is not about, 0. */
struct kh_msg_report {
	uint32_t fault; /* enum kh_fault */
	uint32_t quarters; /* of the disk that are free, 0 to 4; store */
	uint32_t weeks; /* of key left, 0 to KH_WEEKS_MAX; door, wrap */
	uint32_t epochs; /* left, 0 to KH_CARD_RECIPIENTS_MAX; door */
	uint32_t openpgp; /* enum kh_openpgp_state; wrap */
};

/* What may be known of the whole: in buckets, and nothing of any source. */
struct kh_msg_health {
	uint32_t fault; /* enum kh_fault */
	uint32_t quarters;
	uint32_t weeks;
	uint32_t epochs;
	uint32_t looping; /* 1: something keeps crashing */
	uint32_t openpgp; /* enum kh_openpgp_state */
};

/* Both sides ratchet them when the monotonic clock says so. */
struct kh_msg_form_keys {
	struct kh_form_keys keys;
	int64_t ratchet_at; /* ms */
};

struct kh_msg {
	uint32_t type; /* enum kh_msg_type */
	uint32_t zero; /* must be 0: no byte of a message is undefined */
	union {
		struct kh_msg_site site;
		struct kh_msg_outlet outlet;
		struct kh_msg_store_dir store_dir;
		struct kh_msg_room room;
		struct kh_msg_begin begin;
		struct kh_msg_commit commit;
		struct kh_msg_verdict verdict;
		struct kh_msg_fate fate;
		struct kh_msg_slot slot;
		struct kh_msg_tokens tokens;
		struct kh_msg_list list;
		struct kh_object_page objects;
		struct kh_msg_open open;
		struct kh_msg_collect collect;
		struct kh_msg_put put;
		struct kh_msg_card card;
		struct kh_msg_report report;
		struct kh_msg_health health;
		struct kh_msg_form_keys form_keys;
		struct kh_msg_wrap_home wrap_home;
		struct kh_msg_wrap_key wrap_key;
		struct kh_msg_bridge bridge;
		struct kh_bridge bridged;
	} u;
};

/* A connected pair, close-on-exec. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_ipc_pair(int fds[static 2]);

/*
 * Send a message.
 *	m	type and body; the rest of the union is not sent
 *	fd	the descriptor that rides with it (stays the caller's), or -1
 * Errors: KH_EPROTO the peer is gone; KH_EBUSY its queue is full (only on
 * a non-blocking socket); KH_ESYS. A wrong number of descriptors aborts.
 */
KH_CHECKED enum kh_err kh_ipc_send(int sock, const struct kh_msg *m, int fd);

/*
 * Receive one message that `from` may send to `to`.
 *	m	receives it, zeroed first
 *	fd	receives the descriptor that rode with it, or -1
 * Errors: KH_EPROTO the peer is gone or broke the protocol (descriptors that
 * came along are closed); KH_EBUSY we have no room for the descriptor that rode
 * with it: the message is gone, the peer is not to blame; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_ipc_recv(
    int sock, enum kh_role from, enum kh_role to, struct kh_msg *m, int *fd);

/* Send `m`, then receive the answer. */
KH_CHECKED enum kh_err kh_ipc_ask(
    int sock, enum kh_role me, enum kh_role peer, struct kh_msg *m, int *fd);

/*
 * The check that kh_ipc_recv makes, without the socket: `len` bytes at `m`
 * with `n_fds` descriptors. For the fuzzer too. Errors: KH_EPROTO.
 */
KH_CHECKED enum kh_err kh_ipc_check(const struct kh_msg *m, size_t len,
    int n_fds, enum kh_role from, enum kh_role to);

#endif
