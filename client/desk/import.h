/*
 * Taking objects from a stick into a vault.
 */
#ifndef KNOTHOLE_CLIENT_DESK_IMPORT_H
#define KNOTHOLE_CLIENT_DESK_IMPORT_H

#include <jansson.h>
#include <stddef.h>

#include "client/desk/examine.h"
#include "client/desk/report.h"
#include "client/desk/stick.h"
#include "client/desk/vault.h"
#include "client/progress.h"

/* Objects whose files wait for one sync together. */
#define KH_IMPORT_BATCH 256
/* ... or until they are so many bytes: what a cut run has to do again. */
#define KH_IMPORT_BATCH_BYTES (UINT64_C(1) << 28)

struct kh_import {
	struct kh_vault *v;
	struct kh_stick stick;
	struct kh_stick_sums sums;
	struct kh_report report;
	struct kh_found *found; /* locked memory */
	uint8_t *buf; /* of KH_INPUT_LEN */
	/* In the index, but not on disk yet. */
	size_t first_object, first_answer;
	uint64_t batch_bytes;
	/* What came of it. */
	size_t n_opened, n_sealed, n_known, n_parts, n_unreceipted;
	json_t *opened, *sealed; /* arrays, or NULL without --json */
	bool json_bad;
	struct kh_progress progress;
	uint64_t done; /* bytes */
};

/*
 * Import all that is new on the stick at `path`. Every batch is on disk and in
 * the index before the next begins; on a signal the run stops behind what is.
 *	im	all zero; v and the json arrays are set
 * Says what is wrong and returns the exit status; kh_import_free must follow.
 */
int kh_import_run(struct kh_import *im, const char *path);
void kh_import_free(struct kh_import *im);

/*
 * Copy one object from the stick and examine the copy, which is objects/.part-
 * ID then; what is refused has been reported, and leaves none.
 *	id	16 bytes
 *	taken	receives whether im->found has a new object
 * Says what is wrong on this side only; returns the exit status.
 */
int kh_import_copy(struct kh_import *im, const uint8_t *id, bool *taken);

#endif
