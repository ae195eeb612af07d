/*
 * The process that runs gpg: its parts. It hands out bridges to visits, which
 * doors announce, and reads nothing else from anybody.
 */
#ifndef KNOTHOLED_WRAP_H
#define KNOTHOLED_WRAP_H

#include <sys/types.h>

#include "server/role/role.h"
#include "server/wrap/pool.h"

/* What epoll reports; the first member of what its tags point at. */
enum kh_wrap_kind {
	KH_WRAP_CONTROL,
	KH_WRAP_DOOR,
	KH_WRAP_VISIT
};

/* A channel: to a door, or to a visit. */
struct kh_wrap_peer {
	enum kh_wrap_kind kind;
	struct kh_wrap_peer *next, *prev;
	int fd;
	uint32_t had; /* bit i: it has been given a bridge to newsroom i */
	bool waits; /* for one to `place` */
	uint32_t place;
};

struct kh_wrap {
	int epoll;
	bool keeper_gone;
	bool lost; /* a door's channel, which only another start brings again */
	uid_t uid;
	uint32_t keys; /* bit i: newsroom i has one */
	int64_t test_ms; /* between two tests */
	int64_t test_at;
	size_t n, max; /* peers */
	struct kh_wrap_peer *peers;
	struct kh_pools pools;
	struct kh_msg_report report; /* as it was last sent */
};

/* --- peers.c ---------------------------------------------------------------- */

/* `tag` begins with an enum kh_wrap_kind. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_wrap_watch(
    struct kh_wrap *w, int fd, enum kh_wrap_kind *tag);

/* Take over a channel; closes it when there is no room for it, and then false. */
bool kh_wrap_add(struct kh_wrap *w, int fd, enum kh_wrap_kind kind);

/* Something has come from one. */
void kh_wrap_input(struct kh_wrap *w, struct kh_wrap_peer *p);

/* Answer who waits for this newsroom's, as far as that can be done. */
void kh_wrap_serve(struct kh_wrap *w, uint32_t place);

void kh_wrap_drop_all(struct kh_wrap *w);

/* --- grants_linux.c --------------------------------------------------------- */

#define KH_WRAP_GRANTS 9

/*
 * Open what gpg needs to run, for Landlock: itself, the loader, libraries,
 * /dev/null. What is not there is -1.
 * Errors: KH_ENOENT there is no such gpg.
 */
KH_CHECKED enum kh_err kh_wrap_grants(
    const char *gpg, struct kh_grant out[static KH_WRAP_GRANTS]);
void kh_wrap_grants_close(struct kh_grant g[static KH_WRAP_GRANTS]);

#endif
