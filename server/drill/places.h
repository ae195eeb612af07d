/*
 * The places where something of this drop lies. Each call looks at one of them
 * and adds to the report.
 */
#ifndef KNOTHOLED_DRILL_PLACES_H
#define KNOTHOLED_DRILL_PLACES_H

#include "server/drill/report.h"

/* All of them: Errors: KH_ENOMEM. */

/* Objects, answers, marks. */
KH_CHECKED enum kh_err kh_drill_store(struct kh_report *r);

/* The salt, and the health file if it is there. */
KH_CHECKED enum kh_err kh_drill_state(struct kh_report *r);

/* The configuration, cards, sockets, the health file if it is elsewhere. */
KH_CHECKED enum kh_err kh_drill_settings(struct kh_report *r);

/* What lies beside all these and should not: logs, cores, copies. */
KH_CHECKED enum kh_err kh_drill_beside(struct kh_report *r);

/* Swap and core dumps.
 *	proc	where proc(5) is */
KH_CHECKED enum kh_err kh_drill_host(struct kh_report *r, const char *proc);

/* What the file system of a directory does with what is deleted: for people;
 * NULL when we do not know it. */
const char *kh_drill_fs(int fd);

/* The store's path without its engine and slashes at its end; the state's,
 * without those. */
void kh_drill_path(const char *path, char out[static KH_PATH_MAX + 1]);

#endif
