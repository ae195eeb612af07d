/*
 * What of a stick was refused: said at once, and collected for --json.
 */
#ifndef KNOTHOLE_CLIENT_DESK_REPORT_H
#define KNOTHOLE_CLIENT_DESK_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct kh_report {
	json_t *refused; /* an array, or NULL without --json */
	size_t n;
	bool bad; /* no memory for the array */
};

/* Begin. */
void kh_report_start(struct kh_report *r, bool json);

/* Refuse "DIR/NAME" (`dir` may be NULL); `name` is escaped, `why` is our text.
 * After KH_STICK_REFUSED_MAX they are only counted. */
void kh_report_refuse(
    struct kh_report *r, const char *dir, const char *name, const char *why);

/* Say how many were not told one by one. */
void kh_report_end(const struct kh_report *r);

/* Let go of the array. */
void kh_report_free(struct kh_report *r);

#endif
