/*
 * The configuration file: what is taken, and that every mistake is refused
 * with its line and a text that says what to write instead.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/config_check.h"

static void
test_defaults(void **state)
{
	good(BASE);
	assert_int_equal(c.source_listen.kind, KH_LISTEN_TCP4);
	assert_int_equal(c.source_listen.port, 8080);
	assert_memory_equal(c.source_listen.addr, "\x7f\0\0\1", 4);
	assert_string_equal(c.store, "/srv/store");
	assert_string_equal(c.newsrooms, "/etc/rooms");
	assert_string_equal(c.state, "/srv/store.state");
	assert_string_equal(c.site_name, "Knothole");
	assert_string_equal(c.onion, "");
	assert_true(c.max_upload == 20 * GIB);
	assert_int_equal(c.max_message, 100000);
	assert_int_equal(c.max_visits, 1000);
}

static void
test_all_keys(void **state)
{
	good("# a comment\n\n  \t\n\t# another = one\n"
	     "max_visits=7\n"
	     "  source_listen\t=\tunix:/run/knothole/source.sock  \n"
	     "store = dir:rel/store\n"
	     "newsrooms = rooms with blanks\n"
	     "state = /var/state\n"
	     "site_name = \xd7\xa2\xd7\x99\xd7\xaa\xd7\x95\xd7\x9f #1 = a\n"
	     "max_upload = 1GiB\n"
	     "max_message = 1"); /* the last line may lack its end */
	assert_int_equal(c.source_listen.kind, KH_LISTEN_UNIX);
	assert_string_equal(c.source_listen.path, "/run/knothole/source.sock");
	assert_string_equal(c.store, "dir:rel/store");
	assert_string_equal(c.newsrooms, "rooms with blanks");
	assert_string_equal(c.state, "/var/state");
	assert_string_equal(
	    c.site_name, "\xd7\xa2\xd7\x99\xd7\xaa\xd7\x95\xd7\x9f #1 = a");
	assert_true(c.max_upload == GIB);
	assert_int_equal(c.max_message, 1);
	assert_int_equal(c.max_visits, 7);
}

static void
test_crlf(void **state)
{
	good("# x\r\n\r\nsource_listen = tcp:[::1]:0\r\nstore = /s\r\n"
	     "newsrooms = /n\r\n");
	assert_int_equal(c.source_listen.kind, KH_LISTEN_TCP6);
	assert_string_equal(c.store, "/s");
	assert_string_equal(c.newsrooms, "/n");
	bad(BASE "state = /s\r\r\n", 4, "control character");
	bad("# a\rb\n" BASE, 1, "control character");
}

static void
test_state_default(void **state)
{
	static const char *const stores[][2] = {
	    {"dir:/a/b///", "/a/b.state"},
	    {"/a/", "/a.state"},
	    {"a", "a.state"},
	};
	char text[256];

	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof(text),
		    "store = %s\nsource_listen = tcp:127.0.0.1:1\n"
		    "newsrooms = n\n",
		    stores[i][0]);
		good(text);
		assert_string_equal(c.store, stores[i][0]);
		assert_string_equal(c.state, stores[i][1]);
	}
}

static void
test_state_too_long(void **state)
{
	static char text[4096];
	char path[KH_PATH_MAX + 1];

	memset(path, 'p', KH_PATH_MAX);
	path[KH_PATH_MAX] = '\0';
	snprintf(text, sizeof(text),
	    "source_listen = tcp:127.0.0.1:1\nnewsrooms = n\nstore = %s\n",
	    path);
	assert_int_equal(parse_n(text, strlen(text)), KH_ELIMIT);
	assert_fault(0, "add a line state = ");
	strncat(text, "state = s\n", sizeof(text) - strlen(text) - 1);
	good(text);
	assert_string_equal(c.store, path);
	assert_string_equal(c.state, "s");
	path[KH_PATH_MAX - 6] = '\0'; /* just fits with its ending */
	snprintf(text, sizeof(text),
	    "source_listen = tcp:127.0.0.1:1\nnewsrooms = n\nstore = %s\n",
	    path);
	good(text);
	assert_int_equal(strlen(c.state), KH_PATH_MAX);
}

static void
test_missing(void **state)
{
	bad("", 0, "source_listen is missing; add for example: source_listen");
	bad("# nothing\n", 0, "source_listen is missing");
	bad("source_listen = tcp:127.0.0.1:1\nnewsrooms = n\n", 0,
	    "store is missing");
	bad("source_listen = tcp:127.0.0.1:1\nstore = s\n", 0,
	    "newsrooms is missing");
}

static void
test_unknown(void **state)
{
	bad(BASE "max-upload = 1G\n", 4,
	    "unknown key 'max-upload'; write one of: source_listen, store, "
	    "newsrooms, state, site_name, onion_address, max_upload, "
	    "max_message, max_visits, courier_listen, retention_days, "
	    "allow_swap, settle_minutes, selftest_minutes, health, "
	    "circuit_id");
	bad("Store = /x\n", 1, "unknown key 'Store'");
	bad("stor = /x\n", 1, "unknown key 'stor'");
	bad("storee = /x\n", 1, "unknown key 'storee'");
	bad("= /x\n", 1, "not a key");
	bad("sto re = /x\n", 1, "not a key");
	bad("\x1b[31m = /x\n", 1, "control character");
	bad("\xd7\x90 = /x\n", 1, "not a key");
	bad("abcdefghijklmnopqrstuvwxyzabcdefghijklmnop = x\n", 1, "not a key");
	bad("; comment\n", 1, "begin the line with #");
	bad("[section]\n", 1, "write KEY = VALUE");
	bad("store /x\n", 1, "write KEY = VALUE");
}

static void
test_repeated(void **state)
{
	bad(BASE "\nstore = /srv/store\n", 5, "it was set in line 2");
	bad(BASE "max_visits = 1\nmax_visits = 2\n", 5, "it was set in line 4");
}

static void
test_empty_values(void **state)
{
	bad(BASE "site_name =\n", 4, "site_name has no value");
	bad(BASE "state = \t \r\n", 4, "state has no value");
}

static void
test_bytes(void **state)
{
	static const char nul[] = BASE "state = /a\0b\n";

	bad_n(nul, sizeof(nul) - 1, 4, "control character");
	bad("\xef\xbb\xbf" BASE, 1, "byte order mark");
	bad(BASE "# \xe9\n", 4, "UTF-8");
	bad(BASE "state = /\xc0\xaf\n", 4, "UTF-8");
	bad("\xff\xfes\n", 1, "UTF-8"); /* UTF-16 */
	bad(BASE "state = /\x7f\n", 4, "control character");
	bad(BASE "state = /a\tb\n", 4, "contains a tab");
}

static void
test_caps(void **state)
{
	static char text[2 * KH_CONFIG_MAX];
	size_t base = sizeof(BASE) - 1;

	/* A line as long as it may be, and one byte longer. */
	memset(text, '#', sizeof(text));
	memcpy(text, BASE, base);
	assert_int_equal(parse_n(text, base + KH_CONFIG_LINE_MAX), KH_OK);
	assert_int_equal(
	    parse_n(text, base + KH_CONFIG_LINE_MAX + 1), KH_ELIMIT);
	assert_fault(4, "longer than 2048 bytes");

	memset(text + base, '\n', sizeof(text) - base);
	assert_int_equal(parse_n(text, KH_CONFIG_MAX), KH_OK);
	assert_int_equal(parse_n(text, KH_CONFIG_MAX + 1), KH_ELIMIT);
	assert_fault(0, "longer than 65536 bytes");
}

static void
test_sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} t[] = {{"4096", 4096}, {"4 K", 4096}, {"1048577B", MIB + 1},
	    {"1048576 B", MIB}, {"1024K", MIB}, {"1024 KiB", MIB},
	    {"3M", 3 * MIB}, {"3 MiB", 3 * MIB}, {"32 G", 32 * GIB},
	    {"32GiB", 32 * GIB}, {"34359738368", 32 * GIB}};
	static const char *const form[] = {"G", "20 GB", "20 g", "20  G",
	    "20.5 G", "20,000,000", "-20 G", "+20 G", "0x20 G", "020 G", "20 T",
	    "20 G # x", "1e9", "20Gi", "20 GiBs", "MiB 20"};
	static const char *const range[] = {"0", "4095", "3 K", "33 G",
	    "34359738369", "18446744073709551616", "18014398509481984 K",
	    "18014398509483008 K", "17179869185 G"};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(parse_value("max_upload", t[i].text), KH_OK);
		assert_true(c.max_upload == t[i].want);
	}
	for (size_t i = 0; i < sizeof(form) / sizeof(form[0]); i++)
		bad_value("max_upload", form[i], KH_EFORMAT, "units");
	for (size_t i = 0; i < sizeof(range) / sizeof(range[0]); i++)
		bad_value("max_upload", range[i], KH_ELIMIT, "32 GiB");
}

static void
test_counts(void **state)
{
	assert_int_equal(parse_value("max_message", "1000000"), KH_OK);
	assert_int_equal(c.max_message, KH_MESSAGE_CHARS_MAX);
	assert_int_equal(parse_value("max_visits", "10000"), KH_OK);
	assert_int_equal(c.max_visits, KH_VISITS_MAX);
	bad_value("max_message", "1000001", KH_ELIMIT, "from 1 to 1000000");
	bad_value("max_message", "0", KH_ELIMIT, "from 1 to");
	bad_value("max_visits", "10001", KH_ELIMIT, "from 1 to 10000");
	bad_value("max_visits", "4294967297", KH_ELIMIT, "from 1 to");
	bad_value("max_visits", "99999999999999999999", KH_ELIMIT, "from 1 to");
	bad_value("max_visits", "100,000", KH_EFORMAT, "plain digits");
	bad_value("max_visits", "1k", KH_EFORMAT, "plain digits");
	bad_value("max_visits", "-1", KH_EFORMAT, "plain digits");
	bad_value("max_visits", "007", KH_EFORMAT, "leading zero");
	bad_value("max_visits", "many", KH_EFORMAT, "plain digits");
}

static void
test_courier(void **state)
{
	assert_int_equal(parse_value("retention_days", "0"), KH_OK);
	assert_false(c.has_courier);
	assert_int_equal(c.retention_days, 0);
	assert_int_equal(parse_value("retention_days", "36500"), KH_OK);
	assert_int_equal(c.retention_days, KH_RETENTION_MAX);
	bad_value("retention_days", "36501", KH_ELIMIT, "from 0 to 36500");
	bad_value("retention_days", "-1", KH_EFORMAT, "plain digits");
	bad_value("retention_days", "90 days", KH_EFORMAT, "plain digits");
	assert_int_equal(
	    parse_value("courier_listen", "unix:/run/c.sock"), KH_OK);
	assert_true(c.has_courier);
	assert_int_equal(c.courier_listen.kind, KH_LISTEN_UNIX);
	assert_string_equal(c.courier_listen.path, "/run/c.sock");
	assert_int_equal(
	    parse_value("courier_listen", "tcp:127.0.0.1:8081"), KH_OK);
	bad_value("courier_listen", "tcp:10.0.0.1:80", KH_EUNSUP, "127.x.y.z");
	bad_value("courier_listen", "8081", KH_EFORMAT, "tcp:127.0.0.1:PORT");
	/* BASE's, of source_listen */
	bad(BASE "courier_listen = tcp:127.0.0.1:8080\n", 0,
	    "sources and couriers need one each");
	bad("source_listen = unix:/s\ncourier_listen = unix:/s\n"
	    "store = s\nnewsrooms = n\n",
	    0, "sources and couriers need one each");
	good("source_listen = tcp:127.0.0.1:0\n"
	     "courier_listen = tcp:127.0.0.1:0\nstore = s\nnewsrooms = n\n");
}

static void
test_circuit_id(void **state)
{
	good(BASE);
	assert_false(c.circuit_ids);
	assert_int_equal(parse_value("circuit_id", "haproxy"), KH_OK);
	assert_true(c.circuit_ids);
	assert_int_equal(parse_value("circuit_id", "none"), KH_OK);
	assert_false(c.circuit_ids);
	bad_value("circuit_id", "yes", KH_EFORMAT, "must be haproxy");
	bad_value("circuit_id", "HAProxy", KH_EFORMAT, "must be haproxy");
	bad_value("circuit_id", "haproxy v2", KH_EFORMAT, "must be haproxy");
}

static void
test_allow_swap(void **state)
{
	(void)state;
	assert_int_equal(parse_value("allow_swap", "yes"), KH_OK);
	assert_true(c.allow_swap);
	assert_int_equal(parse_value("allow_swap", "no"), KH_OK);
	assert_false(c.allow_swap);
	bad_value("allow_swap", "true", KH_EFORMAT, "must be yes or no");
	bad_value("allow_swap", "YES", KH_EFORMAT, "must be yes or no");
}

static void
test_site_name(void **state)
{
	char name[KH_SITE_NAME_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[KH_SITE_NAME_MAX] = '\0';
	assert_int_equal(parse_value("site_name", name), KH_OK);
	assert_string_equal(c.site_name, name);
	name[KH_SITE_NAME_MAX] = 'n';
	name[KH_SITE_NAME_MAX + 1] = '\0';
	bad_value("site_name", name, KH_ELIMIT, "longer than 120 bytes");
	bad_value("site_name", "\"The Times\"", KH_EFORMAT, "without quotes");
	assert_int_equal(parse_value("site_name", "\"A\" Times"), KH_OK);
}

/* Hidden direction marks and breaks, which would reach every page (L30). */
static void
test_onion_address(void **state)
{
	static const char *const wrong[] = {"x.onion", "wx", "wx.onion/",
	    "wxy.onion", "w.onion", "wX.onion", "wx.ONION", "w1.onion"};
	char text[] = "abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrstuv"
		      "wx.onion..";

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text + 54, sizeof(text) - 54, "%s", wrong[i]);
		bad_value("onion_address", text, KH_EFORMAT, "version 3 onion");
	}
	snprintf(text + 54, sizeof(text) - 54, "wx.onion");
	assert_int_equal(parse_value("onion_address", text), KH_OK);
	assert_string_equal(c.onion, text);
}

static void
test_l30_site_name(void **state)
{
	static const char *const hidden[] = {"a\xc2\x80", "a\xc2\x9f b",
	    "\xe2\x80\xa8z", "a\xe2\x80\xae z", "a\xe2\x81\xa6z",
	    "a\xe2\x81\xa9"};
	static const char *const fine[] = {"a\xc2\xa0z", "a\xe2\x80\xa7z",
	    "a\xe2\x80\xafz", "a\xe2\x81\xa5z", "\xe2\x80\x9e x\xe2\x80\x9c"};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		bad_value("site_name", hidden[i], KH_EFORMAT, "direction");
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		assert_int_equal(parse_value("site_name", fine[i]), KH_OK);
}

static void
test_paths(void **state)
{
	char path[KH_PATH_MAX + 2];

	memset(path, 'p', sizeof(path));
	path[KH_PATH_MAX] = '\0';
	assert_int_equal(parse_value("state", path), KH_OK);
	assert_string_equal(c.state, path);
	path[KH_PATH_MAX] = 'p';
	path[KH_PATH_MAX + 1] = '\0';
	bad_value("state", path, KH_ELIMIT, "longer than 1024 bytes");
	bad_value("state", "/a # mine", KH_EFORMAT, "a line of its own");
	bad_value("state", "\"/a\"", KH_EFORMAT, "without quotes");
}

static void
bad_store(const char *value, const char *says)
{
	char text[128];

	snprintf(text, sizeof(text), "store = %s\n", value);
	bad(text, 1, says);
}

static void
test_store(void **state)
{
	bad_store("/", "a directory of its own");
	bad_store("///", "a directory of its own");
	bad_store("dir:", "a directory of its own");
	bad_store("dir: /srv", "blank after dir:");
	bad_store("s3:bucket", "only dir: is");
	bad_store(":x", "only dir: is");
	good("source_listen = tcp:127.0.0.1:1\nstore = /a:b\nnewsrooms = n\n");
}

static void
test_listen_faults(void **state)
{
	static const char *const other[] = {"tcp:0.0.0.0:80", "tcp:10.0.0.1:80",
	    "tcp:localhost:80", "tcp:[::]:80"};
	char text[256];

	for (size_t i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "source_listen = %s\n", other[i]);
		assert_int_equal(parse_n(text, strlen(text)), KH_EUNSUP);
		assert_fault(1, "tor connects from this host");
	}
	bad("source_listen = 127.0.0.1:80\n", 1, "unix:/PATH");
	bad("source_listen = unix:/a # b\n", 1, "unix:/PATH");
	memset(text, 'p', sizeof(text));
	memcpy(text, "source_listen = unix:/", 22);
	assert_int_equal(parse_n(text, sizeof(text)), KH_ELIMIT);
	assert_fault(1, "107 bytes at most");
}

static void
write_file(const char *path, const char *text, size_t n)
{
	FILE *out = fopen(path, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, n, out), n);
	assert_int_equal(fclose(out), 0);
}

static void
test_load(void **state)
{
	static char big[KH_CONFIG_MAX + 1];
	char dir[] = "/tmp/knothole-test-XXXXXX";
	char path[64], none[64];

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/knotholed.conf", dir);
	snprintf(none, sizeof(none), "%s/none", dir);
	write_file(path, BASE, sizeof(BASE) - 1);
	assert_int_equal(kh_config_load(path, &c, &f), KH_OK);
	assert_string_equal(c.store, "/srv/store");

	write_file(path, "x\n", 2);
	assert_int_equal(kh_config_load(path, &c, &f), KH_EFORMAT);
	assert_fault(1, "KEY = VALUE");

	memset(big, '\n', sizeof(big));
	memcpy(big, BASE, sizeof(BASE) - 1);
	write_file(path, big, KH_CONFIG_MAX);
	assert_int_equal(kh_config_load(path, &c, &f), KH_OK);
	write_file(path, big, sizeof(big));
	assert_int_equal(kh_config_load(path, &c, &f), KH_ELIMIT);
	assert_fault(0, "longer than");

	assert_int_equal(kh_config_load(none, &c, &f), KH_ENOENT);
	assert_fault(0, "cannot open it: No such file");
	assert_int_equal(kh_config_load(dir, &c, &f), KH_ESYS);
	assert_fault(0, "cannot read it: Is a directory");
	strncat(path, "/x", sizeof(path) - strlen(path) - 1);
	assert_int_equal(kh_config_load(path, &c, &f), KH_ESYS);
	assert_fault(0, "cannot open it: Not a directory");

	path[strlen(path) - 2] = '\0';
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_defaults),
    cmocka_unit_test(test_all_keys),
    cmocka_unit_test(test_crlf),
    cmocka_unit_test(test_state_default),
    cmocka_unit_test(test_state_too_long),
    cmocka_unit_test(test_missing),
    cmocka_unit_test(test_unknown),
    cmocka_unit_test(test_repeated),
    cmocka_unit_test(test_empty_values),
    cmocka_unit_test(test_bytes),
    cmocka_unit_test(test_caps),
    cmocka_unit_test(test_sizes),
    cmocka_unit_test(test_counts),
    cmocka_unit_test(test_courier),
    cmocka_unit_test(test_circuit_id),
    cmocka_unit_test(test_allow_swap),
    cmocka_unit_test(test_site_name),
    cmocka_unit_test(test_onion_address),
    cmocka_unit_test(test_l30_site_name),
    cmocka_unit_test(test_paths),
    cmocka_unit_test(test_store),
    cmocka_unit_test(test_listen_faults),
    cmocka_unit_test(test_load),
};

TAP_MAIN(tests)
