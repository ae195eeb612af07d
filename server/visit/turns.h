/*
 * Turns at the key derivation, which takes 64 MiB: only so many visits at
 * once. A turn is a record lock, so that the kernel gives it back however its
 * holder ends.
 */
#ifndef KNOTHOLED_VISIT_TURNS_H
#define KNOTHOLED_VISIT_TURNS_H

#include "knothole/err.h"

#define KH_TURNS 2

/* A descriptor (close-on-exec) for all visits to share, or -1. */
int kh_turns_make(void);

/* Wait for a turn; *turn receives which. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_turns_take(int fd, int *turn);

/* Give it back. */
void kh_turns_give(int fd, int turn);

#endif
