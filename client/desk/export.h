/*
 * Putting answers, and what was collected, onto a stick.
 */
#ifndef KNOTHOLE_CLIENT_DESK_EXPORT_H
#define KNOTHOLE_CLIENT_DESK_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/desk/report.h"
#include "client/desk/stick.h"
#include "client/desk/vault.h"

#define KH_STICK_PATH_MAX 80 /* "replies/<64 hex>.age" fits */

/* A line of SHA256SUMS. */
struct kh_sum_line {
	char path[KH_STICK_PATH_MAX]; /* under knothole-stick */
	uint8_t sum[KH_SUM_LEN];
};

struct kh_export {
	struct kh_vault *v;
	bool all; /* what was exported before, too */
	const char *card; /* to be put onto the stick, or NULL */
	char card_id[KH_CARD_ID_MAX + 1]; /* of the card there; "": none */
	bool renewed; /* it is the vault's renewed one */
	struct kh_stick stick;
	struct kh_report report;
	size_t n_answers, n_collected; /* newly exported */
	size_t n_again; /* answers that had been exported before */
	struct kh_sum_line *sums;
	size_t n_sums, cap_sums;
};

/*
 * Write everything, durably, then mark it in the vault. A run that is cut
 * anywhere is made good by the next.
 *	x	all zero; v, all and report are set
 * Says what is wrong and returns the exit status; kh_export_free must follow.
 */
int kh_export_run(struct kh_export *x, const char *path);

/* Put `card` onto the stick and nothing else; x->v is NULL. The same. */
int kh_export_card_alone(struct kh_export *x, const char *path);
void kh_export_free(struct kh_export *x);

/* Put the card there that was given, or that the vault has renewed, or with
 * `all` the last one that it had exported; then, when all is on the stick and in the vault, it
 * counts as exported. Say what is wrong and return the exit status. */
int kh_export_card(struct kh_export *x);
int kh_export_card_done(struct kh_export *x);

/* Write collected.txt: the ids that are there and those of the vault. Errors:
 * KH_EFULL, KH_ESYS, KH_ENOMEM. */
KH_CHECKED enum kh_err kh_export_collected(struct kh_export *x);

/* Ids from a text of lines, appended to ids (16 bytes each). False: what is
 * not a line of 32 digits is among them, and passed over. */
struct kh_ids {
	uint8_t *p;
	size_t n, cap;
};
KH_CHECKED enum kh_err kh_ids_parse(
    struct kh_ids *ids, const char *text, size_t n, bool *clean);

/* Write SHA256SUMS and its signature. Errors: the same. */
KH_CHECKED enum kh_err kh_export_sums(struct kh_export *x);

#endif
