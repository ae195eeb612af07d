/*
 * The store: where sealed objects rest. An interface with one engine so far,
 * `dir:`. Only the store process of knotholed calls it.
 *
 *	ROOT/objects/<32 hex>.age	sealed objects, mode 0400
 *	ROOT/replies/<64 hex>		sealed answers, mode 0400
 *	ROOT/collected/<32 hex>-<32 hex>	an object, and a newsroom that
 *					has collected it: empty files
 *	ROOT/settled			empty; when a settle last ended
 *
 * An object is born without a name (O_TMPFILE), so nothing half-written can
 * ever be found: not after a refusal, not after kill -9, not after a power
 * cut. Every object has a random name and every answer that of its slot
 * (answer.h); all have the same time stamp, 1980-01-01T00:00:00Z.
 */
#ifndef KNOTHOLE_STORE_H
#define KNOTHOLE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

struct kh_store;
struct kh_draft;

#define KH_STORE_TIME 315532800 /* 1980-01-01T00:00:00Z */

/*
 * Open a store.
 *	where	"dir:/path", or a plain path; the directory and what is in it
 *		is made (0700) when it is not there
 * Errors: KH_ESYS; KH_ENOMEM; KH_EFORMAT an engine that we do not know;
 * KH_EUNSUP the file system cannot make files without a name; KH_EAUTH the
 * directory is accessible to group or others, or is not ours (L32).
 */
KH_CHECKED enum kh_err kh_store_open(const char *where, struct kh_store **out);

/* The same on a directory that is open already (for reading, not O_PATH);
 * takes `fd` over when it returns KH_OK. For a process that may not open
 * paths. */
KH_CHECKED enum kh_err kh_store_open_at(int fd, struct kh_store **out);

void kh_store_close(struct kh_store *st); /* NULL is fine */

/* Bytes that a new object may take now: what is free less a reserve of 1/64
 * of the disk (at least 64 MiB, at most 1 GiB, and never over 1/8), for
 * directories and to stop before the host suffers. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_store_room(struct kh_store *st, uint64_t *bytes);

/* A new object without a name. Errors: KH_ESYS, KH_EFULL, KH_ENOMEM. */
KH_CHECKED enum kh_err kh_store_draft(
    struct kh_store *st, struct kh_draft **out);

/* Its write-only descriptor; the draft's. A duplicate may be passed on. */
int kh_draft_fd(const struct kh_draft *d);

/*
 * Make it durable, then give it its name, then make that durable. Frees the
 * draft, whatever happens.
 *	id	receives the object's id; after an error there is no object
 *		(if only the last step failed, its name is taken back)
 * Errors: KH_EFULL, KH_ESYS.
 */
KH_CHECKED enum kh_err kh_store_commit(struct kh_store *st, struct kh_draft *d,
    uint8_t id[static KH_OBJECT_ID_LEN]);

/* Give it up: it never was. NULL is fine. */
void kh_store_abort(struct kh_draft *d);

/* Remove an object, durably. Errors: KH_ENOENT, KH_ESYS. */
KH_CHECKED enum kh_err kh_store_remove(
    struct kh_store *st, const uint8_t id[static KH_OBJECT_ID_LEN]);

/* An object, as couriers see it. */
struct kh_object {
	uint8_t id[KH_OBJECT_ID_LEN];
	uint64_t size; /* bytes */
};

struct kh_object_page {
	uint32_t n;
	uint32_t more; /* 1: others follow behind `last` */
	uint8_t last[KH_OBJECT_ID_LEN]; /* where the next page begins */
	struct kh_object object[KH_OBJECT_PAGE_MAX];
};

/*
 * List objects in the order of their ids, which says nothing about when they
 * came. What is in the directory and is no object is passed over.
 *	after	those with larger ids only; NULL for the first page
 *	limit	1 to KH_OBJECT_PAGE_MAX
 *	page	set completely on KH_OK, zeroed otherwise. It may hold fewer than
 *		`limit` although more follow: one was removed meanwhile
 * Reads the whole directory each time and keeps one page. Errors: KH_ESYS.
 */
KH_CHECKED enum kh_err kh_store_list(struct kh_store *st, const uint8_t *after,
    uint32_t limit, struct kh_object_page *page);

/*
 * Open an object for reading.
 *	fd	receives the descriptor, which the caller closes; -1 on error.
 *		Reading from it leaves no time of access.
 * Errors: KH_ENOENT, also when what is there is no regular file; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_store_object_open(
    struct kh_store *st, const uint8_t id[static KH_OBJECT_ID_LEN], int *fd);

/* The newsrooms that collect: an object is kept until all of them have it. */
struct kh_collectors {
	uint32_t n;
	uint8_t id[KH_OUTLETS_MAX][KH_COLLECTOR_LEN];
};

/* What stands for a newsroom: the first 16 bytes of the keyless BLAKE2b-256 of
 * its signing key. Another key is another newsroom. */
void kh_collector_id(
    const uint8_t signing_key[static 32], uint8_t out[static KH_COLLECTOR_LEN]);

struct kh_object_ids {
	uint32_t n;
	uint8_t id[KH_OBJECT_PAGE_MAX][KH_OBJECT_ID_LEN];
};

/*
 * A newsroom has collected these objects. Those that all others have collected
 * before are removed; for the rest a mark is made. When this says KH_OK all of
 * it is durable. It may be said again, also after an error; ids of which there
 * is no object (any more) are passed over.
 *	who	index into all->id
 * Errors: KH_EFULL no room for a mark; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_store_collect(struct kh_store *st,
    const struct kh_collectors *all, uint32_t who,
    const struct kh_object_ids *ids);

/*
 * At the start: finish what a crash cut short. Objects that all newsrooms have
 * collected (of which there may be fewer now) are removed, then marks of
 * objects that are no more. Errors: KH_ESYS.
 */
KH_CHECKED enum kh_err kh_store_sweep(
    struct kh_store *st, const struct kh_collectors *all);

/*
 * Remove objects that have been here since `before` (seconds since 1970) or
 * longer, collected or not, and their marks. Their age is that of the inode's
 * ctime: the only time that we do not set, because nobody can. Whatever else
 * changes it (a restored backup, another mode) makes an object younger, so
 * that none is removed too early. Errors: KH_ESYS.
 */
KH_CHECKED enum kh_err kh_store_expire(struct kh_store *st, int64_t before);

/*
 * A newsroom's card as its courier brought it: STORE/cards/<32 hex>.card, by
 * what stands for the newsroom. Whether it may be used is not decided here.
 */
#define KH_STORE_CARD_NAME_LEN 37
void kh_store_card_name(const uint8_t who[static KH_COLLECTOR_LEN],
    char out[static KH_STORE_CARD_NAME_LEN + 1]);

/*
 * Keep a card of `n` bytes, durably, in the place of an earlier one.
 * Errors: KH_ELIMIT none, or more than KH_CARD_MAX bytes; KH_EFULL, KH_ESYS:
 * the earlier one is still there, or this one already.
 */
KH_CHECKED enum kh_err kh_store_card_put(struct kh_store *st,
    const uint8_t who[static KH_COLLECTOR_LEN], const uint8_t *bytes, size_t n);

/*
 * Read it back. For whoever may read the store's directory.
 *	root	the store's directory
 *	n	receives the length; 0 on error
 * Errors: KH_ENOENT; KH_EFORMAT what is there is no regular file, or longer;
 * KH_ESYS.
 */
KH_CHECKED enum kh_err kh_store_card_get(int root,
    const uint8_t who[static KH_COLLECTOR_LEN], char text[static KH_CARD_MAX],
    size_t *n);

/*
 * Answers. `name` is that of a slot: exactly KH_SLOT_NAME_LEN lower-case hex
 * digits and a NUL, else KH_ENAME and nothing is done. There is no way to list
 * them: who has no name finds nothing.
 */

/*
 * Put a sealed answer of `n` bytes into a slot, durably: when this says KH_OK
 * it outlasts a power cut, and after any error it is not there (if only the
 * last step failed, its name is taken back).
 * Errors: KH_ENAME; KH_EEXIST the slot is taken: what is in it stays; KH_ELIMIT
 * more than KH_ANSWER_LEN_MAX bytes; KH_EFULL; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_store_answer_put(
    struct kh_store *st, const char *name, const uint8_t *bytes, size_t n);

/*
 * Open the answer in a slot for reading.
 *	fd	receives the descriptor, which the caller closes; -1 on error.
 *		Reading from it leaves no time of access.
 * Errors: KH_ENAME; KH_ENOENT the slot is empty; KH_EFORMAT what is there is
 * no regular file of at most KH_ANSWER_LEN_MAX bytes, or not ours; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_store_answer_open(
    struct kh_store *st, const char *name, int *fd);

/*
 * Remove the answer in this slot and no other (L20). Durable only after
 * kh_store_answers_sync, so that many are removed with one wait for the disk.
 * Errors: KH_ENAME; KH_ENOENT the slot is empty; KH_ESYS.
 */
KH_CHECKED enum kh_err kh_store_answer_remove(
    struct kh_store *st, const char *name);

/* Make all removals so far durable and hide when they were. Errors: KH_ESYS. */
KH_CHECKED enum kh_err kh_store_answers_sync(struct kh_store *st);

/*
 * Settling. What has come since the last settle is written anew, objects and
 * answers, in random order and mixed with older ones: afterwards neither ctime,
 * crtime, inode, blocks nor place in the directory tells which came before
 * which. Ids, names, contents, mode and times stay. Who has a file open reads
 * the old one to its end.
 */
struct kh_settle;

/* At the start, before anything else: finish what a crash cut short, and see
 * whether there is something to settle. Errors: KH_ESYS, KH_EFULL. */
KH_CHECKED enum kh_err kh_settle_sweep(struct kh_store *st);

/* Has anything come that is not settled? */
bool kh_settle_due(const struct kh_store *st);

/*
 * Begin. Nothing is written when there is nothing new.
 *	mix	write older ones anew as well: as many as are new (32 at
 *		least), as long as they are no larger together (64 MiB at
 *		least). Not when ages matter: kh_store_expire.
 *	out	receives what kh_settle_free frees; `st` must outlive it
 * Errors: KH_ESYS, KH_EFULL, KH_ENOMEM; it is still due then.
 */
KH_CHECKED enum kh_err kh_settle_begin(
    struct kh_store *st, bool mix, struct kh_settle **out);

/*
 * Go on: copy 1 MiB, or make one copy durable, or give names to a group of at
 * most KH_SETTLE_GROUP. Between two steps anything may be asked of the store.
 *	reserved	bytes of kh_store_room that are promised elsewhere
 * Returns KH_EAGAIN until there is nothing left to do, then KH_OK. What there
 * is no room for, or cannot be read, stays as it is.
 * Errors: KH_ESYS, KH_EFULL: only kh_settle_free may follow; nothing is lost,
 * and it is still due.
 */
KH_CHECKED enum kh_err kh_settle_step(struct kh_settle *s, uint64_t reserved);

/* Give up what is not finished. NULL is fine. */
void kh_settle_free(struct kh_settle *s);

/* "<32 hex>.age", NUL-terminated. */
void kh_object_name(const uint8_t id[static KH_OBJECT_ID_LEN],
    char out[static KH_OBJECT_NAME_LEN + 1]);

#endif
