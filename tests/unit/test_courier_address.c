/*
 * --server and --proxy: one spelling each, and no way that needs a resolver.
 */
#include "tests/unit/tap.h"

#include "client/courier/address.c"

static void
test_servers(void **state)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
		bool loopback, onion;
	} good[] = {
	    {"http://127.0.0.1:8080", "127.0.0.1:8080", 8080, true, false},
	    {"http://127.0.0.1", "127.0.0.1", 80, true, false},
	    {"http://127.255.3.9/", "127.255.3.9", 80, true, false},
	    {"http://[::1]:65535", "[::1]:65535", 65535, true, false},
	    {"http://[::1]/", "[::1]", 80, true, false},
	    {"http://[::2]", "[::2]", 80, false, false},
	    {"http://192.0.2.1", "192.0.2.1", 80, false, false},
	    {"http://abc.onion", "abc.onion", 80, false, true},
	    {"http://a-b.ABC.Onion:81/", "a-b.ABC.Onion:81", 81, false, true},
	    {"http://onion.example", "onion.example", 80, false, false},
	};
	struct kh_address a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_null(kh_address_server(good[i].text, &a));
		assert_string_equal(a.host, good[i].host);
		assert_int_equal(a.port, good[i].port);
		assert_int_equal(a.loopback, good[i].loopback);
		assert_int_equal(a.onion, good[i].onion);
		assert_string_equal(a.path, "");
	}
	assert_null(kh_address_server("unix:/run/x.sock", &a));
	assert_string_equal(a.path, "/run/x.sock");
}

static void
test_not_servers(void **state)
{
	static const char *const bad[] = {"", "http://", "http:///", "http://.",
	    "http://a..b", "http://a.", "http://.a", "http://1", "http://127.1",
	    "http://127.0.0.01", "http://a.1", "http://[::1", "http://[::1]x",
	    "http://[::1]:", "http://[fe80::1%eth0]", "http://a:", "http://a:0",
	    "http://a:00080", "http://a:+80", "http://a:65536",
	    "http://a:99999", "http://a:123456", "http://a//", "http://a/b",
	    "http://a?b", "http://a#b", "http://a@b", "http://a b",
	    "http://a\tb", "http://\xc3\xa9", "http://a_b", "HTTP://a",
	    "https://a.onion", "socks5h://127.0.0.1:1", "unix:", "unix:a",
	    "unix:./a"};
	char label[80] = "http://", path[KH_UNIX_PATH_LEN + 8] = "unix:/";
	struct kh_address a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(kh_address_server(bad[i], &a));
	memset(label + 7, 'a', 64); /* one more than a label has */
	assert_non_null(kh_address_server(label, &a));
	label[7 + 63] = '\0';
	assert_null(kh_address_server(label, &a));
	memset(path + 6, 'a', KH_UNIX_PATH_LEN - 1);
	assert_non_null(kh_address_server(path, &a));
	path[5 + KH_UNIX_PATH_LEN - 1] = '\0';
	assert_null(kh_address_server(path, &a));
}

static void
test_proxies(void **state)
{
	static const char *const bad[] = {"", "socks5h://", "socks5h://a:1",
	    "socks5h://localhost:9050", "socks5h://127.0.0.1",
	    "socks5h://127.0.0.1:", "socks5h://127.0.0.1:9050/",
	    "socks5h://u:p@127.0.0.1:9050", "socks5h://[::1]",
	    "socks5://127.0.0.1:9050", "socks4://127.0.0.1:9050",
	    "socks4a://127.0.0.1:9050", "http://127.0.0.1:9050",
	    "127.0.0.1:9050", "SOCKS5H://127.0.0.1:9050"};
	struct kh_address a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(kh_address_proxy(bad[i], &a));
	assert_null(kh_address_proxy("socks5h://127.0.0.1:9050", &a));
	assert_int_equal(a.port, 9050);
	assert_int_equal(a.family, AF_INET);
	assert_null(kh_address_proxy("socks5h://[::1]:9050", &a));
	assert_int_equal(a.family, AF_INET6);
	assert_null(kh_address_proxy("socks5h://10.152.152.10:9050", &a));
}

static const char *
way(const char *server, bool proxy)
{
	struct kh_address s, p;

	assert_null(kh_address_server(server, &s));
	assert_null(kh_address_proxy("socks5h://127.0.0.1:9050", &p));
	return kh_address_way(&s, proxy ? &p : NULL);
}

static void
test_ways(void **state)
{
	(void)state;
	assert_null(way("unix:/x", false));
	assert_null(way("unix:/x", true));
	assert_null(way("http://127.0.0.1", false));
	assert_null(way("http://[::1]", false));
	assert_null(way("http://a.onion", true));
	assert_null(way("http://192.0.2.1", true));
	assert_non_null(way("http://a.onion", false));
	assert_non_null(way("http://a.example", false));
	assert_non_null(way("http://192.0.2.1", false));
	assert_non_null(way("http://0.0.0.0", false));
	assert_non_null(way("http://[::]", false));
	assert_non_null(way("http://[::ffff:127.0.0.1]", false));
	assert_non_null(way("http://localhost", false));
	assert_non_null(way("http://localhost", true));
	assert_non_null(way("http://a.LocalHost", true));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_servers),
    cmocka_unit_test(test_not_servers),
    cmocka_unit_test(test_proxies),
    cmocka_unit_test(test_ways),
};

TAP_MAIN(tests)
