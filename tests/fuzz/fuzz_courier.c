/*
 * What couriers send: the head of a request with its route, and the JSON of a
 * body. The input is read as both.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/courier/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(x)                  \
	do {                     \
		if (!(x))        \
			abort(); \
	} while (0)

static const char hex[] = "0123456789abcdef";

static void
check_route(const struct kh_head *h)
{
	struct kh_courier_route to;
	size_t i;

	kh_courier_route(h, &to);
	MUST(h->path.n > 3 || to.at == KH_AT_NOTHING);
	if (to.at == KH_AT_LIST)
		MUST(to.limit >= 1 && to.limit <= KH_COURIER_LIST_MAX);
	if (to.at == KH_AT_REPLY) {
		MUST(strlen(to.name) == KH_SLOT_NAME_LEN);
		for (i = 0; i < KH_SLOT_NAME_LEN; i++)
			MUST(strchr(hex, to.name[i]) != NULL);
	}
	if (to.at != KH_AT_LIST && to.at != KH_AT_MALFORMED)
		MUST(h->query.n == 0 || to.at == KH_AT_NOTHING);
}

/* What the source side takes, couriers' does too, except for fields that it
 * alone looks at; never the other way round. */
static void
check_head(const uint8_t *data, size_t size)
{
	enum kh_head_fault f, g;
	struct kh_head h, s;
	enum kh_err e, u;

	e = kh_head_parse_api(data, size, &h, &f);
	u = kh_head_parse(data, size, &s, &g);
	MUST(f != KH_HEAD_METHOD);
	MUST(e == KH_OK || h.head_len == 0);
	if (e == KH_OK) {
		MUST(h.head_len <= size && h.head_len <= KH_HEAD_MAX);
		MUST(h.method != KH_PUT || h.has_length);
		MUST(h.method != KH_GET || h.length == 0);
		check_route(&h);
	}
	if (u == KH_OK) {
		MUST(e == KH_OK || f == KH_HEAD_MALFORMED);
		MUST(s.authorization.n == 0 && s.range.n == 0 && !s.keep_alive);
	}
	if (u == KH_OK && e == KH_OK)
		MUST(h.method == s.method && h.length == s.length &&
		    h.head_len == s.head_len);
}

/* What was taken, written anew, is the same. */
static void
check_ids(const uint8_t *data, size_t size)
{
	static struct kh_courier_ids ids, again;
	static char text[KH_COURIER_BODY_MAX];
	size_t n, i, k;
	enum kh_err e;

	if (size > KH_COURIER_BODY_MAX)
		return;
	e = kh_courier_ids_parse(data, size, &ids);
	MUST(e == KH_OK || e == KH_EFORMAT || e == KH_ELIMIT);
	MUST(e == KH_OK || ids.n == 0);
	if (e != KH_OK)
		return;
	MUST(ids.n <= KH_COURIER_LIST_MAX);
	n = (size_t)snprintf(text, sizeof(text), "{\"ids\":[");
	for (i = 0; i < ids.n; i++) {
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "%s\"", i > 0 ? "," : "");
		for (k = 0; k < KH_OBJECT_ID_LEN; k++)
			n += (size_t)snprintf(
			    text + n, sizeof(text) - n, "%02x", ids.id[i][k]);
		text[n++] = '"';
	}
	n += (size_t)snprintf(text + n, sizeof(text) - n, "]}");
	MUST(kh_courier_ids_parse((uint8_t *)text, n, &again) == KH_OK);
	MUST(again.n == ids.n);
	MUST(memcmp(again.id, ids.id, ids.n * sizeof(ids.id[0])) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_head(data, size);
	check_ids(data, size);
	return 0;
}
