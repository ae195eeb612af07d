/*
 * From a request's target to what is asked, the range of an object that is
 * wanted, and the ids of a body: the parsers of the courier's API.
 */
#ifndef KNOTHOLED_COURIER_ROUTE_H
#define KNOTHOLED_COURIER_ROUTE_H

#include "knothole/store.h"
#include "server/visit/head.h"

enum kh_courier_target {
	KH_AT_NOTHING, /* 404 */
	KH_AT_MALFORMED, /* 400: it exists, but not with this query */
	KH_AT_LIST,
	KH_AT_OBJECT,
	KH_AT_COLLECTED,
	KH_AT_REPLY,
	KH_AT_CARD,
	KH_AT_HEALTH
};

struct kh_courier_route {
	enum kh_courier_target at;
	uint32_t limit; /* of a list: 1 to KH_COURIER_LIST_MAX */
	bool has_after;
	uint8_t
	    id[KH_OBJECT_ID_LEN]; /* of an object; after which a list goes */
	char name[KH_SLOT_NAME_LEN + 1]; /* of a reply */
	char card[KH_CARD_ID_MAX + 1]; /* of a newsroom */
};

/* Never fails: what does not exist is KH_AT_NOTHING. */
void kh_courier_route(const struct kh_head *h, struct kh_courier_route *out);

/* Is all of it `n` bytes in lower-case hex? `out` receives them; it may be
 * NULL. */
bool kh_courier_hex(struct kh_slice s, size_t n, uint8_t *out);

enum kh_range {
	KH_RANGE_ALL, /* none was asked for, or in a unit that we do not know */
	KH_RANGE_PART,
	KH_RANGE_NONE /* 416: outside of the object, several, or no range */
};

/*
 * RFC 9110 14.2: the value of a Range field against an object of `size` bytes.
 *	from, n	receive where it begins and its length; for NONE 0, 0
 */
enum kh_range kh_courier_range(
    struct kh_slice value, uint64_t size, uint64_t *from, uint64_t *n);

/* The ids of a body, KH_COURIER_LIST_MAX at most. */
struct kh_courier_ids {
	uint32_t n;
	uint8_t id[KH_COURIER_LIST_MAX][KH_OBJECT_ID_LEN];
};

/* Once, before any is parsed: libjansson would open a file for its seed. */
void kh_courier_ids_init(void);

/*
 * Parse {"ids":["<32 hex>",...]}: that and nothing else.
 * Errors: KH_EFORMAT; KH_ELIMIT more than KH_COURIER_LIST_MAX; out->n is 0
 * then.
 */
KH_CHECKED enum kh_err kh_courier_ids_parse(
    const uint8_t *p, size_t n, struct kh_courier_ids *out);

#endif
