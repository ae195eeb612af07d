/*
 * Days of the Gregorian calendar, as text: YYYY-MM-DD, so that the order of
 * strings is the order of time. UTC; no time zone is ever consulted.
 */
#ifndef KNOTHOLE_DAY_H
#define KNOTHOLE_DAY_H

#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

/* Is it a real day of the form YYYY-MM-DD, from 0001-01-01 on? */
int kh_day_valid(const char *day);

/* The day (UTC) of a time in seconds since 1970; 0 <= t < year 10000. */
void kh_day_of(int64_t t, char out[static KH_DAY_LEN + 1]);

/* Today (UTC), by the machine's clock, which may say anything: the nearest day
 * that there is. */
void kh_day_today(char out[static KH_DAY_LEN + 1]);

/*
 * The day `n` days after `day` (before it, if n < 0); a real day is a
 * precondition. Takes time in proportion to n.
 * Errors: KH_ELIMIT before 0001-01-01 or after 9999-12-31; out is "" then.
 */
KH_CHECKED enum kh_err kh_day_add(
    const char *day, int n, char out[static KH_DAY_LEN + 1]);

/*
 * An epoch of a newsroom's keys: what is left of a calendar month (FORMAT.md,
 * section 9). Its label is that month, YYYY-MM.
 */
struct kh_epoch {
	char label[KH_EPOCH_LEN + 1];
	char first[KH_DAY_LEN + 1]; /* both inclusive */
	char last[KH_DAY_LEN + 1];
};

/* The epoch that begins on `first`, a real day (precondition), and ends with
 * its month. */
void kh_epoch_from(const char *first, struct kh_epoch *out);

/* The label of the month of `day`, a real day (precondition). */
void kh_epoch_of(const char *day, char out[static KH_EPOCH_LEN + 1]);

/* Are `n` bytes a label: a real month, YYYY-MM, from 0001-01 on? */
int kh_epoch_valid(const char *label, size_t n);

#endif
