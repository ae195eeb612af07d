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

/* "/keys/ID.age"; "/keys/ID.asc" where there is an OpenPGP key. */
static void
key(struct kh_slice path, const struct kh_site *site, struct kh_route *out)
{
	static const char before[] = "/keys/";
	const size_t b = sizeof(before) - 1, e = strlen(".age");
	bool openpgp;
	uint32_t i;

	if (path.n <= b + e || memcmp(path.p, before, b) != 0)
		return;
	openpgp = memcmp(path.p + path.n - e, ".asc", e) == 0;
	if (!openpgp && memcmp(path.p + path.n - e, ".age", e) != 0)
		return;
	path = after(path, b);
	path.n -= e;
	for (i = 0; i < site->conf.n_outlets; i++) {
		if (!is(path, site->outlets[i].id) ||
		    (openpgp && site->outlets[i].card.openpgp_n == 0))
			continue;
		out->to = KH_TO_KEY;
		out->get = true;
		out->outlet = i;
		out->openpgp = openpgp;
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

	if (q.n > 0 && q.p[q.n - 1] == '&')
		return false; /* nothing behind the last '&' */
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
	size_t i;

	if (kh_slice_is(host, "localhost") || kh_slice_is(host, "[::1]"))
		return true;
	if (host.n <= 4 || memcmp(host.p, "127.", 4) != 0)
		return false;
	for (i = 0; i < host.n; i++) {
		if (host.p[i] != '.' && (host.p[i] < '0' || host.p[i] > '9'))
			return false; /* a name that begins like one */
	}
	return true;
}

/* Without the port, if there is one behind the last bracket. */
static struct kh_slice
without_port(struct kh_slice host)
{
	size_t i;

	for (i = host.n; i > 0 && host.p[i - 1] != ']'; i--) {
		if (host.p[i - 1] == ':') {
			host.n = i - 1;
			break;
		}
	}
	return host;
}

/* "address.onion.example", the kind of name that such services go by? Takes
 * the address from it, if it is one. */
static bool
onion_within(struct kh_slice host, char address[static KH_ONION_LEN + 1])
{
	static const char onion[] = ".onion";
	static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
	const size_t len = sizeof(onion) - 1, label = KH_ONION_LEN - len;
	struct kh_slice tail;
	size_t i, k;

	for (i = 0; i + len < host.n; i++) {
		tail = (struct kh_slice){host.p + i, len};
		if (kh_slice_is(tail, onion) && host.p[i + len] == '.')
			break;
	}
	if (i + len >= host.n)
		return false;
	for (k = 0; k < label && i >= label; k++) {
		if (memchr(base32, host.p[i - label + k], 32) == NULL)
			return true;
	}
	if (i >= label) {
		memcpy(address, host.p + i - label, label);
		memcpy(address + label, onion, sizeof(onion));
	}
	return true;
}

bool
kh_route_proxied(const struct kh_head *h, const struct kh_site *site,
    char address[static KH_ONION_LEN + 1])
{
	const char *const known = site->conf.onion;
	const struct kh_slice host = without_port(h->host);
	bool yes;

	memset(address, 0, KH_ONION_LEN + 1);
	yes = onion_within(host, address) || h->proxied ||
	    (known[0] != '\0' && !kh_slice_is(host, known) && !loopback(host));
	if (known[0] != '\0')
		memcpy(address, known, KH_ONION_LEN + 1);
	return yes;
}
