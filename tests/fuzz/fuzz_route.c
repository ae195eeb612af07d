/*
 * Routes: any path and query that the head parser lets through leads to one of
 * the routes, or nowhere; and what a route is, is told by simpler means.
 *
 *	a request head; when it is none, the input is the target of one
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/visit/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kh_site site;

static void
must(bool x)
{
	if (!x)
		abort();
}

static bool
within(struct kh_slice s, struct kh_slice q)
{
	return s.n == 0 || (s.p >= q.p && s.p + s.n <= q.p + q.n);
}

/* The path that leads there, as text. */
static void
path_of(const struct kh_route *r, char *out, size_t cap)
{
	static const char *const rest[] = {
	    [KH_TO_CHECK] = "",
	    [KH_TO_SEND] = "send",
	    [KH_TO_STATUS] = "status",
	    [KH_TO_RETURN] = "return",
	    [KH_TO_FORGET] = "forget",
	    [KH_TO_LEAVE] = "leave",
	    [KH_TO_HELP] = "help",
	};

	if (r->to == KH_TO_LANGUAGES)
		snprintf(out, cap, "/");
	else if (r->to == KH_TO_KEY)
		snprintf(out, cap, "/keys/%s.%s", site.outlets[r->outlet].id,
		    r->openpgp ? "asc" : "age");
	else
		snprintf(
		    out, cap, "/%s/%s", kh_lang_codes[r->lang], rest[r->to]);
}

static void
check_values(const struct kh_head *h, const struct kh_route *r)
{
	const struct kh_slice values[] = {
	    r->u, r->stop, r->plain, r->device, r->network, r->browser};
	size_t i, sum = 0;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		must(within(values[i], h->query));
		must(values[i].n == 0 ||
		    memchr(values[i].p, '&', values[i].n) == NULL);
		sum += values[i].n;
	}
	must(sum <= h->query.n);
	must(h->query.n == 0 || sum > 0); /* no query without a value */
	must(h->query.n == 0 || r->to == KH_TO_SEND || r->to == KH_TO_STATUS);
}

static void
check(const struct kh_head *h)
{
	char path[KH_CARD_ID_MAX + 32], address[KH_ONION_LEN + 1];
	struct kh_route r;
	bool proxied;

	memset(&r, 0x77, sizeof(r));
	kh_route_find(h, &site, &r);
	must(r.lang < KH_LANG_N && r.outlet < site.conf.n_outlets);
	memset(address, 0x77, sizeof(address));
	proxied = kh_route_proxied(h, &site, address);
	must(proxied || !h->proxied);
	/* Of another's bytes, only an address is ever shown. */
	must(strlen(address) == 0 || strlen(address) == KH_ONION_LEN);
	must(strspn(address, "abcdefghijklmnopqrstuvwxyz0234567.") ==
	    strlen(address));
	if (r.to == KH_TO_NOTHING)
		return;
	path_of(&r, path, sizeof(path));
	must(strlen(path) == h->path.n);
	must(memcmp(path, h->path.p, h->path.n) == 0);
	must(r.get || r.post);
	must(r.post ==
	    (r.to == KH_TO_SEND || r.to == KH_TO_RETURN ||
		r.to == KH_TO_FORGET));
	must(r.get == (r.to != KH_TO_FORGET));
	check_values(h, &r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char before[] = "GET ",
			  after[] = " HTTP/1.1\r\nHost: x\r\n"
				    "\r\n";
	enum kh_head_fault fault;
	struct kh_head h;
	uint8_t *text;
	size_t n;

	if (size > KH_HEAD_MAX / 2)
		return 0;
	site.conf.n_outlets = 2;
	memcpy(site.outlets[0].id, "times", 6);
	memcpy(site.outlets[1].id, "a-very-long-name", 17);
	if (kh_head_parse(data, size, &h, &fault) == KH_OK) {
		check(&h);
		snprintf(
		    site.conf.onion, sizeof(site.conf.onion), "%056d.onion", 0);
		check(&h);
		memset(site.conf.onion, 0, sizeof(site.conf.onion));
	}
	n = sizeof(before) - 1 + size + sizeof(after) - 1;
	text = malloc(n);
	must(text != NULL);
	memcpy(text, before, sizeof(before) - 1);
	if (size > 0)
		memcpy(text + sizeof(before) - 1, data, size);
	memcpy(text + n - (sizeof(after) - 1), after, sizeof(after) - 1);
	if (kh_head_parse(text, n, &h, &fault) == KH_OK)
		check(&h);
	free(text);
	return 0;
}
