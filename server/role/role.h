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

#include "server/ipc/ipc.h"

/* The descriptor of a role's channel to the keeper, at exec. */
#define KH_ROLE_CONTROL_FD 3

/*
 * Confine the calling process as `role`. On failure the caller must exit:
 * there is no half-confined state to go on in.
 * Errors: KH_ESYS.
 */
KH_CHECKED enum kh_err kh_role_confine(enum kh_role role);

/* "keeper", "door", "visit", "store", "courier". */
const char *kh_role_name(enum kh_role role);

/* A role's main. Returns its exit status. */
int kh_door_main(void);
int kh_store_main(void);
int kh_courier_main(void);

#endif
