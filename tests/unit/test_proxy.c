/*
 * tor's PROXY line: its one form, every prefix of it, and everything else.
 */
#include "tests/unit/tap.h"

#include <string.h>

#include "knothole/limits.h"
#include "server/door/proxy.h"

#define P "PROXY TCP6 fc00:dead:beef:4dad::"
#define Q " ::1 29 80\r\n"

static enum kh_err
parse(const char *text, uint32_t *circuit, size_t *len)
{
	*circuit = 7;
	*len = 7;
	return kh_proxy_parse(
	    (const uint8_t *)text, strlen(text), circuit, len);
}

static void
good(const char *text, uint32_t want)
{
	uint32_t circuit;
	size_t len, n;

	assert_int_equal(parse(text, &circuit, &len), KH_OK);
	assert_int_equal(circuit, want);
	assert_int_equal(len, strcspn(text, "\n") + 1);
	for (n = 0; n < len; n++) {
		assert_int_equal(
		    kh_proxy_parse((const uint8_t *)text, n, &circuit, &len),
		    KH_EAGAIN);
		assert_int_equal(circuit, 0);
		assert_int_equal(len, 0);
		len = strcspn(text, "\n") + 1;
	}
}

static void
bad(const char *text)
{
	uint32_t circuit;
	size_t len;

	assert_int_equal(parse(text, &circuit, &len), KH_EFORMAT);
	assert_int_equal(circuit, 0);
	assert_int_equal(len, 0);
}

static void
test_lines_of_tor(void **state)
{
	(void)state;
	good(P "0:1d" Q, 0x1d);
	good(P "0:1" Q, 1);
	good(P "0:0" Q, 0);
	good(P "1:0" Q, 0x10000);
	good(P "ffff:ffff ::1 65535 65535\r\n", 0xffffffff);
	good(P "dead:beef ::1 0 80\r\n", 0xdeadbeef);
	assert_int_equal(
	    strlen(P "ffff:ffff ::1 65535 65535\r\n"), KH_PROXY_LINE_MAX);
	/* What comes behind it is somebody else's. */
	good(P "0:1d" Q "GET / HTTP/1.1\r\n", 0x1d);
	good(P "0:1d" Q P "0:1e" Q, 0x1d);
}

static void
test_not_a_line(void **state)
{
	(void)state;
	bad("GET / HTTP/1.1\r\n");
	bad("POST ");
	bad("PROXX");
	bad("proxy TCP6 ");
	bad(" PROXY TCP6 ");
	bad("PROXY  TCP6 ");
	bad("PROXY UNKNOWN\r\n");
	bad("PROXY TCP4 127.0.0.1 127.0.0.1 1 80\r\n");
	bad("PROXY TCP6 ::1 ::1 29 80\r\n");
	bad("PROXY TCP6 fc00:dead:beef:4dae::0:1d" Q);
	bad("PROXY TCP6 FC00:DEAD:BEEF:4DAD::0:1d" Q);
	bad("PROXY TCP6 fc00:dead:beef:4dad:0:0:0:1d" Q);
	bad("\r\n\r\n\0\r\nQUIT\n\x21"); /* version 2 */
}

static void
test_numbers(void **state)
{
	(void)state;
	bad(P ":1d" Q);
	bad(P "1d" Q);
	bad(P "0:" Q);
	bad(P "0:1D" Q);
	bad(P "0:01" Q);
	bad(P "00:1" Q);
	bad(P "0:10000" Q);
	bad(P "10000:0" Q);
	bad(P "0:0:1d" Q);
	bad(P "0:-1" Q);
	bad(P "0:g" Q);
	bad(P "0:1d ::1 65536 80\r\n");
	bad(P "0:1d ::1 29 65536\r\n");
	bad(P "0:1d ::1 029 80\r\n");
	bad(P "0:1d ::1 29 080\r\n");
	bad(P "0:1d ::1 29 a0\r\n");
	bad(P "0:1d ::1 29 00\r\n");
	bad(P "0:1d ::1 +29 80\r\n");
	bad(P "0:1d ::1 99999999999999999999 80\r\n");
}

static void
test_between(void **state)
{
	(void)state;
	bad(P "0:1d  ::1 29 80\r\n");
	bad(P "0:1d\t::1 29 80\r\n");
	bad(P "0:1d ::2 29 80\r\n");
	bad(P "0:1d ::1  29 80\r\n");
	bad(P "0:1d ::1 29\r\n");
	bad(P "0:1d ::1 29 80 \r\n");
	bad(P "0:1d ::1 29 80\n");
	bad(P "0:1d ::1 29 80\r\r\n");
	bad(P "0:1d ::1 29 80\rG");
	bad(P "0:1d ::1 29 80 81\r\n");
}

static void
test_bytes(void **state)
{
	static const char line[] = P "0:1d" Q;
	char text[sizeof(line)];
	uint32_t circuit;
	size_t len, i;
	int c;

	(void)state;
	/* NUL, and every other byte in the place of each. */
	for (i = 0; i < sizeof(line) - 1; i++) {
		for (c = 0; c < 256; c++) {
			memcpy(text, line, sizeof(line));
			text[i] = (char)c;
			if (kh_proxy_parse((const uint8_t *)text,
				sizeof(line) - 1, &circuit, &len) == KH_OK)
				assert_int_equal(len, sizeof(line) - 1);
			else
				assert_int_equal(len, 0);
			if (i < 31 && text[i] != line[i])
				assert_int_equal(len, 0);
		}
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_lines_of_tor),
    cmocka_unit_test(test_not_a_line),
    cmocka_unit_test(test_numbers),
    cmocka_unit_test(test_between),
    cmocka_unit_test(test_bytes),
};

TAP_MAIN(tests)
