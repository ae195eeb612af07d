/*
 * What the server says in JSON: pages of the object list, and small answers.
 * Nothing of it is believed: sizes are capped, order is checked, and a member
 * that is not known is an error.
 */
#ifndef KNOTHOLE_COURIER_LIST_H
#define KNOTHOLE_COURIER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "knothole/err.h"
#include "knothole/limits.h"

#define KH_ID_LEN (2 * KH_OBJECT_ID_LEN) /* hex digits of an object's id */

struct kh_object {
	char id[KH_ID_LEN + 1]; /* lower-case hex */
	uint64_t size; /* 1 to KH_OBJECT_LEN_MAX */
	uint64_t part; /* bytes of it that the stick has in a part */
	bool have; /* the stick has it whole */
	bool gone; /* the server no longer has it */
};

/* A list, sorted by id, without repetition. Zeroed: empty. */
struct kh_list {
	struct kh_object *object;
	size_t n, room;
	bool more; /* there is another page after the last one */
};

/* Exactly 32 lower-case hex digits? */
bool kh_id_valid(const char *id, size_t n);

/*
 * Read a page and append it.
 *	json, n	{"objects":[{"id":"…","size":N}],"next":null|"…"}, and no more;
 *		ids ascend, and follow those that the list holds already; next
 *		is the last id of the page
 * Errors: KH_EFORMAT; KH_ELIMIT more than a page or a list may hold, or a size
 * above KH_OBJECT_LEN_MAX; KH_ENOMEM. The list is as before then.
 */
KH_CHECKED enum kh_err kh_list_page(
    struct kh_list *l, const char *json, size_t n);

/* The object of this id (KH_ID_LEN characters), or NULL. */
struct kh_object *kh_list_find(struct kh_list *l, const char *id);

/* Free; the list is empty then. */
void kh_list_clear(struct kh_list *l);

/* {"collected":N}, N at most `max`. Errors: KH_EFORMAT, KH_ENOMEM. */
KH_CHECKED enum kh_err kh_collected_read(
    const char *json, size_t n, size_t max);

/* {"error":"word"} to the word, or "" when it is something else: it is only
 * for messages. Letters, digits, _ and -. */
#define KH_WORD_LEN 33
void kh_error_word(const char *json, size_t n, char out[static KH_WORD_LEN]);

/* Facts about the server: names, and values as text. */
struct kh_fact {
	char name[KH_HEALTH_TEXT_MAX + 1];
	char value[KH_HEALTH_TEXT_MAX + 1]; /* printable ASCII */
	char type; /* 's'tring, 'b'oolean, 'i'nteger, 'n'ull */
};

struct kh_health {
	struct kh_fact fact[KH_HEALTH_MEMBERS_MAX];
	size_t n;
	bool up;
};

/* One flat object with "up", a boolean. Errors: KH_EFORMAT, KH_ELIMIT,
 * KH_ENOMEM. */
KH_CHECKED enum kh_err kh_health_read(
    const char *json, size_t n, struct kh_health *out);

#endif
