/*
 * What door and courier have in common: a process that accepts connections,
 * forks for each, shuts down who is late, and tells the keeper when one of its
 * children has crashed. It ends when the keeper goes, or when another of its
 * kind has taken over and its last child has ended.
 */
#ifndef KNOTHOLED_LOOP_H
#define KNOTHOLED_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "server/door/door.h"
#include "server/ipc/ipc.h"

#define KH_LOOP_TICK_MS 1000

struct kh_loop {
	/* Set before kh_loop_open: */
	enum kh_role role; /* which of the two */
	int listen; /* -1 once nobody is to be let in any more */
	int store;
	int wrap; /* channel to the wrap process, or -1; the keeper renews it */
	int64_t dismiss_ms; /* how long children have when we are to end */
	enum kh_phase spared; /* who gives way when few places are left */
	/* In what follows `ctx` is what kh_loop_run and kh_loop_fork are given: */
	void (*accept)(void *ctx); /* somebody is at the door */
	/* At another descriptor that `epoll` watches. NULL: there is none. */
	void (*other)(void *ctx, int fd);
	void (*told)(void *ctx, const struct kh_msg *m); /* by the keeper */
	/* Once a second or less, ms. NULL: there is nothing to do then. */
	void (*tick)(void *ctx, int64_t now);
	/* Whenever something has happened. Returns after how many ms, of `max`,
	 * at the latest again. NULL: there is nothing to do in between. */
	int (*soon)(void *ctx, int64_t now, int max);
	/* In the child, which closes all that is not its own, and ends.
	 *	link	its channels: to the store; to wrap, or -1 */
	void (*child)(void *ctx, size_t place, int conn, const int link[2]);
	struct kh_guests guests; /* by kh_guests_init */
	size_t waiting; /* connections that are no guests yet */
	/* Its own: */
	int epoll, signals;
	bool leaving; /* children too */
	int64_t leave_at;
	bool retired; /* no more children, but these go on */
	bool held; /* who comes waits until a child has ended, or a second */
};

/* Receive the keeper's message that must come next, while we are started.
 * Errors: as of kh_ipc_recv; KH_EPROTO it is another one. */
KH_CHECKED enum kh_err kh_loop_receive(
    const struct kh_loop *l, enum kh_msg_type type, struct kh_msg *m, int *fd);

/* Receive the channel to the store, for sending without waiting: a store that
 * waits for its disk must not hold up the deadlines. Errors: as above; KH_ESYS. */
KH_CHECKED enum kh_err kh_loop_receive_store(struct kh_loop *l);

/* Take over a channel to wrap, in place of the one before. */
void kh_loop_link_wrap(struct kh_loop *l, int fd);

/* Begin to watch socket, keeper and children. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_loop_open(struct kh_loop *l);

/*
 * Fork for a connection. The store learns of it first.
 *	place	from kh_guests_place; given up again on an error
 *	conn	becomes the table's, on KH_OK only
 * Errors: KH_ESYS; KH_EBUSY the store is late; KH_EPROTO it is gone.
 */
KH_CHECKED enum kh_err kh_loop_fork(
    struct kh_loop *l, void *ctx, size_t place, int conn);

/* A place for who comes, from kh_guests_place, or -1: where few are left, one who
 * can be spared is shut down for it. */
ptrdiff_t kh_loop_place(struct kh_loop *l);

/*
 * Let in who is at the door.
 *	place	receives one for him, or -1: then there is none
 * Returns the connection, or -1: he has gone; or a place is about to be free, and
 * he waits in the kernel's queue until a child has ended, or the next tick.
 */
int kh_loop_accept(struct kh_loop *l, ptrdiff_t *place);

/* In the child: put these descriptors at 3, 4 and so on, in their order, and
 * close all others but the first three. Signals are as before the loop, but for
 * SIGTERM: who ends a service may signal all of its processes, and a child ends
 * when its connection is shut. False: it must end. */
KH_CHECKED bool kh_loop_only(int *fds, int n);

/* Serve, until there is nothing left to do. Returns the exit status. */
int kh_loop_run(struct kh_loop *l, void *ctx);

#endif
