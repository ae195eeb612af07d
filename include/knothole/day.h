/*
 * Days of the Gregorian calendar, as text: YYYY-MM-DD, so that the order of
 * strings is the order of time. UTC; no time zone is ever consulted.
 */
#ifndef KNOTHOLE_DAY_H
#define KNOTHOLE_DAY_H

#include <stdint.h>

#include "knothole/limits.h"

/* Is it a real day of the form YYYY-MM-DD, from 0001-01-01 on? */
int kh_day_valid(const char *day);

/* The day (UTC) of a time in seconds since 1970; 0 <= t < year 10000. */
void kh_day_of(int64_t t, char out[static KH_DAY_LEN + 1]);

#endif
