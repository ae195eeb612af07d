/*
 * A clock for deadlines and pauses, which nobody can set: how much time has
 * passed, never which time it is.
 */
#ifndef KNOTHOLE_CLOCK_H
#define KNOTHOLE_CLOCK_H

#include <stdint.h>

/* Milliseconds since some moment before the start (CLOCK_MONOTONIC). Aborts
 * where there is no such clock. */
int64_t kh_clock_ms(void);

#endif
