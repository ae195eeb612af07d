/*
 * What the parts of the store process share: its loop in store.c, who it serves
 * in clients.c, what visits ask in visits.c.
 */
#ifndef KNOTHOLED_STORE_SERVER_H
#define KNOTHOLED_STORE_SERVER_H

#include <sys/types.h>

#include "knothole/store.h"
#include "server/ipc/ipc.h"
#include "server/store/collecting.h"
#include "server/store/janitor.h"
#include "server/store/uploads.h"

/* What epoll reports; the first member of what its tags point at. */
enum kh_served_kind {
	KH_SERVED_CONTROL,
	KH_SERVED_LINK,
	KH_SERVED_CLIENT
};

/* One visit or errand, as the store sees it. */
struct kh_client {
	enum kh_served_kind kind;
	struct kh_client *next, *prev; /* in the list of all */
	enum kh_role role;
	int fd;
	uint64_t promised; /* room that it was told there is, bytes */
	struct kh_draft *draft; /* handed out, not committed */
	uint8_t upload[KH_UPLOAD_ID_LEN];
};

/* A process that announces clients: a door or a courier. There is more than one
 * door while one that was replaced has visits. */
struct kh_link {
	enum kh_served_kind kind;
	struct kh_link *next;
	int fd;
	enum kh_role role; /* its own */
	enum kh_role clients; /* those of its clients */
};

struct kh_server {
	int epoll;
	struct kh_link *links;
	bool keeper_gone;
	struct kh_collecting collecting;
	struct kh_janitor janitor;
	struct kh_client *clients;
	size_t n_clients;
	size_t clients_max;
	uid_t uid; /* to become */
	int dir; /* the store's directory, st's */
	struct kh_store *store;
	struct kh_uploads *uploads;
};

/* --- clients.c ------------------------------------------------------------- */

/* `tag` begins with an enum kh_served_kind. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_server_watch(
    struct kh_server *s, int fd, enum kh_served_kind *tag);

/* Something has come on a link or from a client. */
void kh_server_link_input(struct kh_server *s, struct kh_link *l);
void kh_server_client_input(struct kh_server *s, struct kh_client *c);

/* Take over a channel to a new door or courier. Closes it on failure. */
void kh_server_link_add(struct kh_server *s, int fd, enum kh_role role);

/* All of them, at the end. */
void kh_server_drop(struct kh_server *s);

/* --- visits.c -------------------------------------------------------------- */

/* Answer a visit. Errors: it is to be dropped. */
KH_CHECKED enum kh_err kh_server_visit(
    struct kh_server *s, struct kh_client *c, const struct kh_msg *m);

/* What was promised to visits and has not been written yet, bytes. */
uint64_t kh_server_outstanding(const struct kh_server *s);

#endif
