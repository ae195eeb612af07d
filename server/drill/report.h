/*
 * What the drill has seen: for each kind on the list how many, of which sizes
 * and times; and one by one what is beyond the list.
 */
#ifndef KNOTHOLED_DRILL_REPORT_H
#define KNOTHOLED_DRILL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/card.h"
#include "server/config/config.h"
#include "server/drill/list.h"

#define KH_DRILL_ODDITIES_MAX 1000 /* named; the rest is counted */
#define KH_DRILL_KEYS_MAX KH_AGE_STANZAS_MAX

/* A set of sizes, in their order, and how many files have each. */
struct kh_sizes {
	struct kh_size {
		uint64_t size;
		uint64_t count;
	} * at;
	size_t n, cap;
};

/* Seconds since 1970, the first and the last of them. */
struct kh_span {
	bool any;
	int64_t first, last;
};

struct kh_tally {
	uint64_t n; /* files */
	uint64_t bytes;
	struct kh_sizes sizes;
	struct kh_span modified, changed, born, accessed;
	uint64_t keys[KH_DRILL_KEYS_MAX + 1]; /* files by number of keys */
};

struct kh_oddity {
	enum kh_odd what;
	char *where; /* a path, raw: escape it */
	char detail[80]; /* ASCII; "" */
};

/* A newsroom, from its card. */
struct kh_drill_card {
	char id[KH_CARD_ID_MAX + 1];
	char name[KH_CARD_NAME_MAX + 1];
	char last[KH_DAY_LEN + 1]; /* until when its keys are valid */
};

struct kh_report {
	const struct kh_config *config;
	const char *config_path;
	struct kh_tally tally[KH_TRACE_N];
	struct kh_oddity *odd; /* KH_DRILL_ODDITIES_MAX */
	size_t n_odd;
	uint64_t more; /* oddities beyond that */
	struct kh_drill_card card[KH_OUTLETS_MAX];
	size_t n_cards;
	const char *fs; /* the store's file system, or NULL */
	unsigned waited; /* for times to be set: many must not take hours */
};

/* Errors: KH_ENOMEM; *out is NULL then. */
KH_CHECKED enum kh_err kh_report_new(struct kh_report **out);
void kh_report_free(struct kh_report *r); /* NULL is fine */

/* One more file of this size. Errors: KH_ENOMEM. */
KH_CHECKED enum kh_err kh_sizes_add(struct kh_sizes *s, uint64_t size);

/* One more time. */
void kh_span_add(struct kh_span *s, int64_t t);

/* The day of any time that a file system can hold. */
void kh_drill_day(int64_t t, char out[static KH_DAY_LEN + 1]);

/*
 * Something beyond the list; told once, however often it is found.
 *	dir, name	where: "DIR/NAME", or DIR when name is NULL
 *	detail		printable ASCII, or NULL
 * Errors: KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_report_odd(struct kh_report *r, enum kh_odd what,
    const char *dir, const char *name, const char *detail);

/* Oddities in the order of their places, whatever order directories have. */
void kh_report_sort(struct kh_report *r);

#endif
