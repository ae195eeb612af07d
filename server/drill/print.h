/*
 * The report, for people and for programs. What came from outside (names of
 * files, of newsrooms) is escaped in both.
 */
#ifndef KNOTHOLED_DRILL_PRINT_H
#define KNOTHOLED_DRILL_PRINT_H

#include <stdio.h>

#include "server/drill/report.h"

#define KH_DRILL_COLUMNS 80

/*
 * Print words in lines of at most KH_DRILL_COLUMNS.
 *	label	stands in front of the first line
 *	indent	of all lines: the label is brought to it
 *	text	valid UTF-8, escaped; a word that is too long is cut
 * Errors: KH_ESYS.
 */
KH_CHECKED enum kh_err kh_drill_wrap(
    FILE *to, const char *label, size_t indent, const char *text);

/* An escaped copy, which the caller frees. NULL when there is no memory. */
char *kh_drill_escape(const char *text);

/* The whole report. Errors: KH_ENOMEM; KH_ESYS it could not be written. */
KH_CHECKED enum kh_err kh_drill_text(FILE *to, const struct kh_report *r);
KH_CHECKED enum kh_err kh_drill_json(FILE *to, const struct kh_report *r);

#endif
