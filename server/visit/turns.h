/*
 * Turns at the key derivation, which takes 64 MiB: only so many visits at
 * once. A turn is a record lock, so that the kernel gives it back however its
 * holder ends.
 */
#ifndef KNOTHOLED_VISIT_TURNS_H
#define KNOTHOLED_VISIT_TURNS_H

#include <stdint.h>

#include "knothole/err.h"

#define KH_TURNS 2

/* A descriptor (close-on-exec) for all visits to share, or -1. */
int kh_turns_make(void);

/* What was taken. */
struct kh_turn {
	int which; /* 0 to KH_TURNS - 1 */
	uint32_t share; /* as given, or 0 */
};

/*
 * Wait for a turn.
 *	share	of several with the same one at a time waits for a turn, or
 *		has one, so that they are together as long in the queue as
 *		anybody else; 0: no share
 * Errors: KH_ESYS.
 */
KH_CHECKED enum kh_err kh_turns_take(
    int fd, uint32_t share, struct kh_turn *turn);

/* Give it back. */
void kh_turns_give(int fd, const struct kh_turn *turn);

#endif
