/*
 * The index of a vault: which objects came, from which source, what was
 * answered, and the custody log. It rests as one age file, sealed to the
 * newsroom itself, with JSON inside (FORMAT.md, "Vault").
 *
 * Everything in it is in locked memory: it holds sources' slot keys.
 */
#ifndef KNOTHOLE_CLIENT_DESK_INDEX_H
#define KNOTHOLE_CLIENT_DESK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/desk/log.h"
#include "client/desk/table.h"
#include "knothole/age.h"
#include "knothole/answer.h"
#include "knothole/err.h"
#include "knothole/limits.h"
#include "knothole/minisign.h"

#define KH_SUM_LEN 32 /* SHA-256 */
#define KH_MARK_LEN 16 /* BLAKE2b of an object's beginning */
#define KH_NO_THREAD SIZE_MAX
#define KH_NO_MESSAGE UINT64_MAX

/* A source: all that came with one mailbox. */
struct kh_thread {
	uint8_t mailbox[KH_MAILBOX_LEN];
	struct kh_recipient reply_to;
	bool has_slot_key; /* objects of server 0.1.0 lack it */
	uint8_t slot_key[KH_SLOT_KEY_LEN];
	char language[KH_LANGUAGE_MAX + 1]; /* of its first object */
	uint32_t next; /* the next free slot, up to KH_SLOTS_MAX */
};

/* An object of objects/. What is behind `thread` is known of opened ones. */
struct kh_desk_object {
	uint8_t id[KH_OBJECT_ID_LEN];
	uint8_t sum[KH_SUM_LEN]; /* SHA-256 of the file */
	uint8_t mark[KH_MARK_LEN];
	uint64_t size; /* of the file */
	char imported[KH_DAY_LEN + 1];
	bool exported; /* its id stands in a collected.txt */
	uint64_t at; /* its place in the order of all that happened */
	size_t thread; /* KH_NO_THREAD: sealed for others */
	char day[KH_DAY_LEN + 1]; /* when it was sent */
	bool read;
	bool complete;
	bool keys_differ; /* not those that the thread has */
	uint64_t message; /* bytes, KH_NO_MESSAGE without one */
	uint64_t bytes; /* of all files */
	uint32_t n_files;
	uint8_t presealed[KH_FILES_MAX / 8 + 1]; /* bit i: file i was sealed by
						  * the source */
};

/* An answer; its sealed form is in outbox/. */
struct kh_desk_answer {
	size_t thread;
	uint32_t number; /* its slot */
	enum kh_answer_kind kind;
	char day[KH_DAY_LEN + 1];
	bool exported;
	uint64_t at;
	char *text; /* locked, not NUL-terminated; NULL when "received" */
	size_t text_len;
};

struct kh_index {
	struct kh_sign_public outlet; /* whose vault it is */
	uint64_t at; /* the next place in the order */
	struct kh_thread *threads;
	size_t n_threads, cap_threads;
	struct kh_desk_object *objects;
	size_t n_objects, cap_objects;
	struct kh_desk_answer *answers;
	size_t n_answers, cap_answers;
	struct kh_log log;
	struct kh_table by_mailbox, by_id, by_mark;
};

/* An empty index. Errors: KH_ENOMEM. */
KH_CHECKED enum kh_err kh_index_new(
    const struct kh_sign_public *outlet, struct kh_index **out);
void kh_index_free(struct kh_index *ix); /* wipes; NULL is fine */

/* The thread of a mailbox, or KH_NO_THREAD. */
size_t kh_index_thread(
    const struct kh_index *ix, const uint8_t mailbox[static KH_MAILBOX_LEN]);

/* Append. `t->next` counts. *i receives where. Errors: KH_EEXIST the mailbox is
 * known; KH_ELIMIT; KH_ENOMEM. */
KH_CHECKED enum kh_err kh_index_add_thread(
    struct kh_index *ix, const struct kh_thread *t, size_t *i);

/* Append at the end of the order (`at` is set here). Errors: KH_EEXIST the id
 * or the mark is known; KH_ELIMIT beyond KH_VAULT_OBJECTS_MAX; KH_ENOMEM. */
KH_CHECKED enum kh_err kh_index_add_object(
    struct kh_index *ix, const struct kh_desk_object *o);

/* Append, in the thread's next slot (it has a slot key); `text` is copied, `at` and `number` are
 * set. Errors: KH_EFULL no slot is left; KH_ENOMEM. */
KH_CHECKED enum kh_err kh_index_add_answer(struct kh_index *ix,
    const struct kh_desk_answer *a, const char *text, size_t n);

/* Answers that a source can still get. */
uint32_t kh_desk_slots_left(const struct kh_thread *t);

/* Which files of an object the source had sealed itself. */
bool kh_desk_presealed(const struct kh_desk_object *o, size_t file);
void kh_desk_set_presealed(struct kh_desk_object *o, size_t file);
size_t kh_desk_count_presealed(const struct kh_desk_object *o);

/* Room for one more of `size` bytes in an array of locked memory. Errors:
 * KH_ELIMIT it has `max`; KH_ENOMEM. */
KH_CHECKED enum kh_err kh_desk_grow(
    void **array, size_t n, size_t *cap, size_t size, size_t max);

/*
 * To JSON: *json in locked memory that the caller frees, NUL-terminated.
 * Errors: KH_ELIMIT beyond KH_INDEX_MAX; KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_index_write(
    const struct kh_index *ix, char **json, size_t *n);

/*
 * From JSON, strictly: every member there, none twice, none that is not ours,
 * types and ranges right, ids, marks, mailboxes and slots unique. The log's
 * chain is not checked here (kh_log_verify).
 * Errors: KH_EFORMAT; KH_EUNSUP another version; KH_ELIMIT; KH_ENOMEM.
 */
KH_CHECKED enum kh_err kh_index_read(
    const char *json, size_t n, struct kh_index **out);

#endif
