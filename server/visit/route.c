/*
 * The routes, and the query strings that some of them take.
 */
#include <string.h>

#include "server/visit/route.h"

static const struct {
	const char *name; /* behind "/L/" */
	enum kh_target to;
	bool get, post, query;
} routes[] = {
    {"", KH_TO_CHECK, true, false, false},
    {"send", KH_TO_SEND, true, true, true},
    {"status", KH_TO_STATUS, true, false, true},
    {"return", KH_TO_RETURN, true, true, false},
    {"forget", KH_TO_FORGET, false, true, false},
    {"leave", KH_TO_LEAVE, true, false, false},
    {"help", KH_TO_HELP, true, false, false},
};

static bool
is(struct kh_slice s, const char *text)
{
	return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static struct kh_slice
after(struct kh_slice s, size_t n)
{
	return (struct kh_slice){s.p + n, s.n - n};
}

/* "/xx/": sets the language and returns true. */
static bool
language(struct kh_slice path, enum kh_lang *lang)
{
	int i;

	if (path.n < 4 || path.p[0] != '/' || path.p[3] != '/')
		return false;
	for (i = 0; i < KH_LANG_N; i++) {
		if (memcmp(path.p + 1, kh_lang_codes[i], 2) == 0) {
			*lang = (enum kh_lang)i;
			return true;
		}
	}
	return false;
}

/* "/keys/ID.age". */
static void
key(struct kh_slice path, const struct kh_site *site, struct kh_route *out)
{
	static const char before[] = "/keys/", ending[] = ".age";
	const size_t b = sizeof(before) - 1, e = sizeof(ending) - 1;
	uint32_t i;

	if (path.n <= b + e || memcmp(path.p, before, b) != 0 ||
	    memcmp(path.p + path.n - e, ending, e) != 0)
		return;
	path = after(path, b);
	path.n -= e;
	for (i = 0; i < site->conf.n_outlets; i++) {
		if (!is(path, site->outlets[i].id))
			continue;
		out->to = KH_TO_KEY;
		out->get = true;
		out->outlet = i;
	}
}

/* name=value, joined by '&': known names only, none twice, none empty. */
static bool
query(struct kh_slice q, struct kh_route *out)
{
	const struct {
		const char *name;
		struct kh_slice *value;
	} known[] = {{"u", &out->u}, {"stop", &out->stop},
	    {"plain", &out->plain}, {"device", &out->device},
	    {"network", &out->network}, {"browser", &out->browser}};
	struct kh_slice pair, name;
	const char *end, *eq;
	size_t i;

	while (q.n > 0) {
		end = memchr(q.p, '&', q.n);
		pair = q;
		if (end != NULL)
			pair.n = (size_t)(end - q.p);
		eq = memchr(pair.p, '=', pair.n);
		if (eq == NULL)
			return false;
		name = (struct kh_slice){pair.p, (size_t)(eq - pair.p)};
		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			if (is(name, known[i].name))
				break;
		}
		if (i == sizeof(known) / sizeof(known[0]) ||
		    known[i].value->n > 0 || name.n + 1 == pair.n)
			return false;
		*known[i].value = after(pair, name.n + 1);
		q = after(q, pair.n + (end != NULL));
	}
	return true;
}

void
kh_route_find(
    const struct kh_head *h, const struct kh_site *site, struct kh_route *out)
{
	const struct kh_slice path = h->path;
	bool takes_query = false;
	size_t i;

	memset(out, 0, sizeof(*out));
	if (is(path, "/")) {
		out->to = KH_TO_LANGUAGES;
		out->get = true;
	} else if (language(path, &out->lang)) {
		for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
			if (!is(after(path, 4), routes[i].name))
				continue;
			out->to = routes[i].to;
			out->get = routes[i].get;
			out->post = routes[i].post;
			takes_query = routes[i].query;
		}
	} else {
		key(path, site, out);
	}
	if (h->query.n > 0 && (!takes_query || !query(h->query, out)))
		out->to = KH_TO_NOTHING;
}

static bool
loopback(struct kh_slice host)
{
	return kh_slice_is(host, "localhost") || kh_slice_is(host, "[::1]") ||
	    (host.n > 4 && memcmp(host.p, "127.", 4) == 0);
}

bool
kh_route_proxied(const struct kh_head *h, const struct kh_site *site)
{
	static const char onion[] = ".onion";
	struct kh_slice host = h->host, tail;
	size_t i;

	if (h->proxied)
		return true;
	/* Without the port, if there is one behind the last bracket. */
	for (i = host.n; i > 0 && host.p[i - 1] != ']'; i--) {
		if (host.p[i - 1] == ':') {
			host.n = i - 1;
			break;
		}
	}
	/* "address.onion.example": the name that such services go by. */
	for (i = 0; i + sizeof(onion) - 1 < host.n; i++) {
		tail = (struct kh_slice){host.p + i, sizeof(onion) - 1};
		if (kh_slice_is(tail, onion))
			return true;
	}
	return site->conf.onion[0] != '\0' &&
	    !kh_slice_is(host, site->conf.onion) && !loopback(host);
}
