/*
 * A clock for deadlines and pauses, which nobody can set: how much time has
 * passed, never which time it is.
 */
#ifndef KNOTHOLE_CLOCK_H
#define KNOTHOLE_CLOCK_H

#include <stdint.h>

/* A minute of the configuration, as long as a minute. Only what tests build for
 * themselves has another one (Makefile, "hasty"), to see in seconds what takes
 * minutes. */
#ifndef KH_MINUTE_MS
#define KH_MINUTE_MS INT64_C(60000)
#endif

/* Milliseconds since some moment before the start (CLOCK_MONOTONIC). Aborts
 * where there is no such clock. */
int64_t kh_clock_ms(void);

#endif
