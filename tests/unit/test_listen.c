/*
 * Addresses to listen on: a unix socket or loopback, and nothing else.
 */
#include <sys/un.h>

#include "tests/unit/tap.h"

#include "server/config/config.h"

static struct kh_listen l;

static void
good(const char *text, enum kh_listen_kind kind)
{
	memset(&l, 0xaa, sizeof(l));
	if (kh_listen_parse(text, &l) != KH_OK)
		fail_msg("refused: %s", text);
	assert_int_equal(l.kind, kind);
}

static void
bad(const char *text, enum kh_err want)
{
	static const struct kh_listen zero;
	enum kh_err e;

	memset(&l, 0xaa, sizeof(l));
	e = kh_listen_parse(text, &l);
	if (e != want)
		fail_msg("%d, wanted %d: %s", (int)e, (int)want, text);
	assert_memory_equal(&l, &zero, sizeof(l));
}

static void
test_unix(void **state)
{
	struct sockaddr_un sun;
	char text[256] = "unix:/";

	good("unix:/run/knothole/source.sock", KH_LISTEN_UNIX);
	assert_string_equal(l.path, "/run/knothole/source.sock");
	assert_int_equal(l.port, 0);
	good("unix:/a", KH_LISTEN_UNIX);
	bad("unix:", KH_EFORMAT);
	bad("unix:/", KH_EFORMAT);
	bad("unix:/a/", KH_EFORMAT);
	bad("unix:a", KH_EFORMAT);
	bad("unix: /a", KH_EFORMAT);
	bad("unix:@a", KH_EFORMAT);
	bad("unix:/a\nb", KH_EFORMAT);
	bad("unix:/a\x7f", KH_EFORMAT);
	bad("/a", KH_EFORMAT);
	bad("UNIX:/a", KH_EFORMAT);

	/* The longest that fits with its NUL, and one more. */
	memset(text + 6, 'p', sizeof(sun.sun_path) - 2);
	good(text, KH_LISTEN_UNIX);
	assert_int_equal(strlen(l.path), sizeof(sun.sun_path) - 1);
	text[strlen(text)] = 'p';
	bad(text, KH_ELIMIT);
}

static void
test_loopback(void **state)
{
	good("tcp:127.0.0.1:8080", KH_LISTEN_TCP4);
	assert_memory_equal(l.addr, "\x7f\0\0\1", 4);
	assert_int_equal(l.port, 8080);
	assert_string_equal(l.path, "");
	good("tcp:127.1.2.3:65535", KH_LISTEN_TCP4);
	assert_memory_equal(l.addr, "\x7f\1\2\3", 4);
	assert_int_equal(l.port, 65535);
	good("tcp:127.255.255.255:0", KH_LISTEN_TCP4);
	assert_int_equal(l.port, 0);
	good("tcp:[::1]:443", KH_LISTEN_TCP6);
	assert_memory_equal(l.addr, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	assert_int_equal(l.port, 443);
	good("tcp:[0:0:0:0:0:0:0:1]:443", KH_LISTEN_TCP6);
}

/* Everything that another host could reach, or that a resolver decides. */
static void
test_elsewhere(void **state)
{
	static const char *const other[] = {"tcp:0.0.0.0:80", "tcp:10.0.0.1:80",
	    "tcp:192.168.1.127:80", "tcp:126.0.0.1:80", "tcp:128.0.0.1:80",
	    "tcp:255.255.255.255:80", "tcp:localhost:80",
	    "tcp:drop.example.org:80", "tcp:127.1:80", "tcp:127.0.0.1.5:80",
	    "tcp:0127.0.0.1:80", "tcp:0x7f.0.0.1:80", "tcp:2130706433:80",
	    "tcp:[::]:80", "tcp:[::2]:80", "tcp:[fe80::1]:80",
	    "tcp:[::ffff:127.0.0.1]:80", "tcp:[::127.0.0.1]:80"};

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		bad(other[i], KH_EUNSUP);
}

static void
test_malformed(void **state)
{
	static const char *const form[] = {"", "tcp:", "tcp:80", "tcp::80",
	    "tcp:*:80", "tcp:127.0.0.1", "tcp:127.0.0.1:", "127.0.0.1:80",
	    "tcp:127.0.0.1:65536", "tcp:127.0.0.1:99999999999999999999",
	    "tcp:127.0.0.1:-1", "tcp:127.0.0.1:+1", "tcp:127.0.0.1:080",
	    "tcp:127.0.0.1:00", "tcp:127.0.0.1:8o", "tcp:127.0.0.1: 80",
	    "tcp: 127.0.0.1:80", "tcp:127.0.0.1 :80", "tcp:127.0.0.1:80 ",
	    "tcp:127.0.0.1:80:", "tcp:::1:80", "tcp:[::1:80", "tcp:[::1]",
	    "tcp:[::1]80", "tcp:[:80", "tcp:[]:80", "tcp:[127.0.0.1]:80",
	    "tcp:[::1%lo]:80", "tcp:[[::1]]:80", "tcp:\xd7\x90:80",
	    "udp:127.0.0.1:80", "tcp4:127.0.0.1:80", "http://127.0.0.1:80"};
	char text[2 * KH_PATH_MAX];

	for (size_t i = 0; i < sizeof(form) / sizeof(form[0]); i++)
		bad(form[i], KH_EFORMAT);
	memset(text, 'a', sizeof(text));
	memcpy(text, "tcp:", 4);
	memcpy(text + sizeof(text) - 4, ":80", 4);
	bad(text, KH_EFORMAT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_unix),
    cmocka_unit_test(test_loopback),
    cmocka_unit_test(test_elsewhere),
    cmocka_unit_test(test_malformed),
};

TAP_MAIN(tests)
