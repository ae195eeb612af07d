/*
 * What the store process does unasked: it settles what has come, and tests
 * itself. Neither at a moment that a source could choose or somebody could
 * trace back to one.
 */
#ifndef KNOTHOLED_STORE_JANITOR_H
#define KNOTHOLED_STORE_JANITOR_H

#include <stdbool.h>

#include "knothole/store.h"
#include "server/ipc/ipc.h"

struct kh_janitor {
	struct kh_store *store;
	int dir; /* the store's directory */
	uint32_t settle_minutes, selftest_minutes;
	bool mix; /* older objects among the new */
	int64_t settle_at, test_at; /* ms */
	struct kh_settle *settle; /* under way, or NULL */
};

/* Take over what the keeper said. */
void kh_janitor_init(struct kh_janitor *j, const struct kh_msg_store_dir *m);

/* Begin, and test for the first time: the keeper is told before this returns,
 * unless it is gone. */
void kh_janitor_open(struct kh_janitor *j, struct kh_store *st, int dir);

/*
 * Do what is due: a test, a piece of a settle.
 *	reserved	bytes of the room that are promised to visits
 *	leaving		true: nothing any more; a settle is given up
 * Returns how long to wait until the next call (ms), -1 for ever.
 */
int kh_janitor_turn(struct kh_janitor *j, uint64_t reserved, bool leaving);

void kh_janitor_free(struct kh_janitor *j);

/*
 * Can this store take a submission? Writes a sealed canary to a file without a
 * name, reads it back, opens it with an identity of its own.
 *	dir	the store's directory
 *	quarters	receives how many quarters of the disk are free, 0 to 4
 * Returns what is wrong.
 */
enum kh_fault kh_canary(struct kh_store *st, int dir, uint32_t *quarters);

#endif
