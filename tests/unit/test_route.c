/*
 * Routes: the whole list once more, and that nothing else exists; and who is
 * taken for a proxy.
 */
#include "tests/unit/tap.h"

#include "server/visit/route.h"

#define ONION "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwx.onion"

static struct kh_site site;
static struct kh_head head;
static char bytes[KH_HEAD_MAX];
static char address[KH_ONION_LEN + 1];

static int
setup(void **state)
{
	(void)state;
	memset(&site, 0, sizeof(site));
	site.conf.n_outlets = 3;
	memcpy(site.outlets[0].id, "the-times", 10);
	memcpy(site.outlets[1].id, "times", 6);
	memcpy(site.outlets[2].id, "a.age", 6);
	return 0;
}

/* The head of a GET; false when the head itself is refused. */
static bool
ask(const char *target, const char *host, const char *fields)
{
	enum kh_head_fault fault;
	int n = snprintf(bytes, sizeof(bytes),
	    "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", target, host, fields);

	assert_in_range(n, 1, sizeof(bytes) - 1);
	return kh_head_parse(
		   (const uint8_t *)bytes, (size_t)n, &head, &fault) == KH_OK;
}

static struct kh_route
find(const char *target)
{
	struct kh_route r;

	if (!ask(target, "drop.onion", ""))
		fail_msg("the head is refused: %s", target);
	memset(&r, 0x77, sizeof(r));
	kh_route_find(&head, &site, &r);
	return r;
}

static void
assert_value(struct kh_slice s, const char *want)
{
	assert_int_equal(s.n, strlen(want));
	if (s.n > 0)
		assert_memory_equal(s.p, want, s.n);
}

static void
assert_nothing(const char *target)
{
	struct kh_route r = find(target);

	if (r.to != KH_TO_NOTHING)
		fail_msg("%s leads to %d", target, (int)r.to);
}

static const struct {
	const char *rest;
	enum kh_target to;
	bool get, post;
} routes[] = {
    {"", KH_TO_CHECK, true, false},
    {"send", KH_TO_SEND, true, true},
    {"status", KH_TO_STATUS, true, false},
    {"return", KH_TO_RETURN, true, true},
    {"forget", KH_TO_FORGET, false, true},
    {"leave", KH_TO_LEAVE, true, false},
    {"help", KH_TO_HELP, true, false},
};

#define N_ROUTES (sizeof(routes) / sizeof(routes[0]))

static void
test_every_route(void **state)
{
	static const char *const languages[] = {
	    "en", "he", "ar", "fr", "es", "de", "ru", "fa"};
	struct kh_route r;
	char target[64];
	size_t i, k;

	(void)state;
	assert_int_equal(sizeof(languages) / sizeof(languages[0]), KH_LANG_N);
	for (k = 0; k < KH_LANG_N; k++) {
		for (i = 0; i < N_ROUTES; i++) {
			snprintf(target, sizeof(target), "/%s/%s", languages[k],
			    routes[i].rest);
			r = find(target);
			assert_int_equal(r.to, routes[i].to);
			assert_int_equal(r.get, routes[i].get);
			assert_int_equal(r.post, routes[i].post);
			assert_string_equal(
			    kh_lang_codes[r.lang], languages[k]);
		}
	}
	r = find("/");
	assert_int_equal(r.to, KH_TO_LANGUAGES);
	assert_true(r.get);
	assert_false(r.post);
	assert_int_equal(r.lang, KH_LANG_EN);
}

static void
test_keys(void **state)
{
	struct kh_route r;
	uint32_t i;
	char target[96];

	(void)state;
	for (i = 0; i < 3; i++) {
		snprintf(
		    target, sizeof(target), "/keys/%s.age", site.outlets[i].id);
		r = find(target);
		assert_int_equal(r.to, KH_TO_KEY);
		assert_int_equal(r.outlet, i);
		assert_true(r.get);
		assert_false(r.post);
	}
	site.outlets[1].card.openpgp_n = 1;
	snprintf(target, sizeof(target), "/keys/%s.asc", site.outlets[1].id);
	r = find(target);
	assert_int_equal(r.to, KH_TO_KEY);
	assert_int_equal(r.outlet, 1);
	assert_true(r.openpgp && r.get && !r.post);
	site.outlets[1].card.openpgp_n = 0;
	assert_nothing(target);
	assert_nothing("/keys/");
	assert_nothing("/keys/.age");
	assert_nothing("/keys/age");
	assert_nothing("/keys/a.ag");
	assert_nothing("/keys/times");
	assert_nothing("/keys/tim.age");
	assert_nothing("/keys/Times.age");
	assert_nothing("/keys/timess.age");
	assert_nothing("/keys/times.asc");
	assert_nothing("/keys/times.age/");
	assert_nothing("/keys/times.age.age");
	assert_nothing("/keys//times.age");
	assert_nothing("/keys/times.age?u=1");
	assert_nothing("/en/keys/times.age");
	assert_nothing("/key/times.age");
	site.conf.n_outlets = 1;
	assert_nothing("/keys/times.age");
}

static void
test_nothing_else_exists(void **state)
{
	static const char *const targets[] = {"/en", "/e", "/xx/", "/EN/",
	    "/en/send/", "/en/Send", "/en/sen", "/en/sendx", "/en/send.",
	    "/en/help/send", "/en/.", "/en/..", "/en/index.html", "/eng/send",
	    "/favicon.ico", "/robots.txt", "/.well-known/security.txt", "/send",
	    "/status", "/return", "/keys", "/-", "/en/thread", "/en/he/send",
	    "/en_send", "/en/sen?d", "/enx"};
	struct kh_route r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		assert_nothing(targets[i]);
	/* In the language of its prefix all the same. */
	r = find("/he/nothing");
	assert_int_equal(r.to, KH_TO_NOTHING);
	assert_int_equal(r.lang, KH_LANG_HE);
	r = find("/nothing");
	assert_int_equal(r.lang, KH_LANG_EN);
}

static void
test_queries(void **state)
{
	struct kh_route r;

	(void)state;
	r = find("/en/send?device=own&network=work&browser=tor");
	assert_int_equal(r.to, KH_TO_SEND);
	assert_value(r.device, "own");
	assert_value(r.network, "work");
	assert_value(r.browser, "tor");
	assert_value(r.u, "");
	assert_value(r.plain, "");
	r = find("/ar/send?plain=1");
	assert_value(r.plain, "1");
	r = find("/en/send?u=abc-_DEF");
	assert_value(r.u, "abc-_DEF");
	r = find("/en/status?stop=x&u=y");
	assert_int_equal(r.to, KH_TO_STATUS);
	assert_value(r.stop, "x");
	assert_value(r.u, "y");
	/* A value is taken as it stands. */
	r = find("/en/status?u=a=b%20+");
	assert_value(r.u, "a=b%20+");
	/* An empty query is none. */
	assert_int_equal(find("/en/send?").to, KH_TO_SEND);
	assert_int_equal(find("/?").to, KH_TO_LANGUAGES);
	assert_int_equal(find("/en/help?").to, KH_TO_HELP);
}

static void
test_odd_queries(void **state)
{
	static const char *const queries[] = {"a", "a=b", "u", "u=", "=", "=x",
	    "&", "u=1&", "&u=1", "u=1&&stop=2", "u=1&u=1", "u=1&u=2",
	    "u=1&stop=2&u=3", "U=1", "uu=1", "%75=1", "u=1&x=2", "code=abc",
	    "token=x", "stop=1&stop=1", "plain=&u=1", "device=own&device=own"};
	char target[96];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		snprintf(target, sizeof(target), "/en/send?%s", queries[i]);
		assert_nothing(target);
		snprintf(target, sizeof(target), "/he/status?%s", queries[i]);
		assert_nothing(target);
	}
	/* No query where none belongs, not even a known one. */
	for (i = 0; i < N_ROUTES; i++) {
		if (routes[i].to == KH_TO_SEND || routes[i].to == KH_TO_STATUS)
			continue;
		snprintf(target, sizeof(target), "/en/%s?u=1", routes[i].rest);
		assert_nothing(target);
	}
	assert_nothing("/?u=1");
}

static bool
proxied(const char *host, const char *fields)
{
	if (!ask("/", host, fields))
		fail_msg("the head is refused: %s", host);
	return kh_route_proxied(&head, &site, address);
}

/* Where to go instead: from the configuration, or else from the name that the
 * proxy goes by. */
static void
test_true_address(void **state)
{
	(void)state;
	assert_true(proxied(ONION ".ly:443", ""));
	assert_string_equal(address, ONION);
	assert_true(proxied("sub." ONION ".ly", ""));
	assert_string_equal(address, ONION);
	assert_true(proxied("drop.onion.ly", "")); /* no version 3 address */
	assert_string_equal(address, "");
	assert_true(proxied("example.org", "Via: 1.1 x\r\n"));
	assert_string_equal(address, "");
	memset(site.conf.onion, 'a', KH_ONION_LEN);
	assert_true(proxied(ONION ".ly", ""));
	assert_string_equal(address, site.conf.onion);
	assert_true(proxied("example.org", ""));
	assert_string_equal(address, site.conf.onion);
}

/* Without an address of its own, the site knows the marks alone. */
static void
test_proxies(void **state)
{
	static const char *const fine[] = {"drop.onion", "DROP.ONION",
	    "drop.onion:80", "localhost:8080", "127.0.0.1", "example.org",
	    "onion", "x.onions", ONION, ONION ":8080", "[::1]:80",
	    ("www." ONION)};
	static const char *const through[] = {"drop.onion.ly",
	    "drop.onion.to:443", "drop.ONION.ws", ONION ".pet", "drop.onion.",
	    "a.onion.b.onion", ONION ".sh:8080"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		if (proxied(fine[i], ""))
			fail_msg("%s is taken for a proxy", fine[i]);
		assert_true(proxied(fine[i], "X-Tor2web: 1\r\n"));
		assert_true(proxied(fine[i], "Via: 1.1 x\r\n"));
		assert_true(proxied(fine[i], "X-Forwarded-For: 1.2.3.4\r\n"));
	}
	for (i = 0; i < sizeof(through) / sizeof(through[0]); i++) {
		if (!proxied(through[i], ""))
			fail_msg("%s is not taken for a proxy", through[i]);
	}
}

/* With one, every other name is a proxy's, but this host's own. */
static void
test_proxies_with_an_address(void **state)
{
	static const char *const fine[] = {ONION, ONION ":80", ONION ":8080",
	    "localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:8080",
	    "127.1.2.3", "[::1]", "[::1]:8080"};
	static const char *const other[] = {"drop.onion", "example.org",
	    "x" ONION, ONION "x", ONION ".", "www." ONION, ONION ".ly", "127",
	    "127.", "1127.0.0.1", "10.0.0.1", "[::2]", "[::1", "::1",
	    "localhost.example.org", "127.example.org", "127.0.0.1.onion",
	    "127.0.0.1x", "[::1]x", "localhosts",
	    "bbcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuvwx.onion"};
	char upper[] = ONION;
	size_t i;

	(void)state;
	memcpy(site.conf.onion, ONION, sizeof(ONION));
	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		if (proxied(fine[i], ""))
			fail_msg("%s is taken for a proxy", fine[i]);
	}
	for (i = 0; upper[i] != '\0'; i++) {
		if (upper[i] >= 'a' && upper[i] <= 'z')
			upper[i] = (char)(upper[i] - 'a' + 'A');
	}
	assert_false(proxied(upper, ""));
	for (i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
		if (!proxied(other[i], ""))
			fail_msg("%s is not taken for a proxy", other[i]);
	}
	assert_true(proxied(ONION, "via: 1.1 x\r\n"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup(test_every_route, setup),
    cmocka_unit_test_setup(test_keys, setup),
    cmocka_unit_test_setup(test_nothing_else_exists, setup),
    cmocka_unit_test_setup(test_queries, setup),
    cmocka_unit_test_setup(test_odd_queries, setup),
    cmocka_unit_test_setup(test_proxies, setup),
    cmocka_unit_test_setup(test_true_address, setup),
    cmocka_unit_test_setup(test_proxies_with_an_address, setup),
};

TAP_MAIN(tests)
