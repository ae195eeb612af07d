/*
 * How every role of knotholed becomes itself, in one order that never varies:
 *
 *	open	its descriptors arrive from the keeper
 *	jail	no directory, no terminal, no files of its own making
 *	drop	what it will not need again is given up for good
 *	sandbox	the kernel is told what it may still do
 *	input	and only now does it look at a byte from outside
 *
 * kh_role_confine is jail, drop and sandbox; each role calls it exactly once,
 * between its last open and its first input.
 */
#ifndef KNOTHOLED_ROLE_H
#define KNOTHOLED_ROLE_H

#include <sys/types.h>

#include "server/ipc/ipc.h"

/* The descriptor of a role's channel to the keeper, at exec. */
#define KH_ROLE_CONTROL_FD 3

/* What confining needs to know. */
struct kh_filter;
struct kh_grant {
	int fd; /* a file or directory (O_PATH will do), or -1 */
	uint64_t fs; /* Landlock rights */
};
struct kh_confine {
	uid_t uid; /* to become, when started as root; 0: stay root */
	int dir; /* the one directory that is left to it, or -1 */
	const struct kh_grant *also; /* files that it may use besides */
	size_t n_also;
	const struct kh_filter *filter; /* made ahead, or NULL */
};

/* A role that could not be confined exits with this and the number of the
 * step; the keeper says which (kh_confine_failure). */
#define KH_ROLE_UNCONFINED 100

/*
 * Confine the calling process as `role`. On failure the caller must exit, with
 * this status: there is no half-confined state to go on in. 0 when all is
 * done.
 */
KH_CHECKED int kh_role_confine(enum kh_role role, const struct kh_confine *c);

/* The step of privileges alone, for a role that opens its files as who it will
 * be; kh_role_confine takes it again. */
KH_CHECKED int kh_role_become(uid_t uid);

/* What an exit status of a role says of its confinement, or NULL. */
const char *kh_confine_failure(int status);

/* "keeper", "door", "visit", "store", "courier", "errand", "wrap". */
const char *kh_role_name(enum kh_role role);

/* A role's main. Returns its exit status. */
int kh_door_main(void);
int kh_store_main(void);
int kh_courier_main(void);
int kh_wrap_main(void);

#endif
