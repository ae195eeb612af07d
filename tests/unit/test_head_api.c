/*
 * The request head as couriers send it: what it takes besides, and that the
 * source side takes none of it.
 */
#define HEAD_PARSE kh_head_parse_api
#include "tests/unit/head_check.h"

#define PUT_LINE "PUT /v1/replies/00 HTTP/1.1\r\n"

static void
test_put(void **state)
{
	struct kh_head h = taken(PUT_LINE H "Content-Length: 4096\r\n\r\n");

	assert_int_equal(h.method, KH_PUT);
	assert_true(h.length == 4096);
	assert_refused(
	    PUT_LINE H "\r\n", strlen(PUT_LINE H "\r\n"), KH_HEAD_LENGTH);
}

static void
test_other_methods(void **state)
{
	struct kh_head h = taken("DELETE / HTTP/1.1\r\n" H "\r\n");

	assert_int_equal(h.method, KH_OTHER);
	h = taken("put / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\n");
	assert_int_equal(h.method, KH_OTHER);
	assert_true(h.length == 3);
	h = taken("POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n");
	assert_int_equal(h.method, KH_POST);
}

static void
test_fields(void **state)
{
	static const char text[] = GET_LINE H "authorization: Bearer abc\r\n"
					      "RANGE:  bytes=1-2 \r\n"
					      "Connection: Keep-Alive\r\n\r\n";
	enum kh_head_fault f;
	struct kh_head h;

	/* Not through taken(): these slices would point into its copy. */
	assert_int_equal(
	    kh_head_parse_api((const uint8_t *)text, sizeof(text) - 1, &h, &f),
	    KH_OK);
	assert_slice(h.authorization, "Bearer abc");
	assert_slice(h.range, "bytes=1-2");
	assert_true(h.keep_alive);
	h = taken(GET_LINE H "Connection: close\r\n\r\n");
	assert_false(h.keep_alive);
	h = taken(GET_LINE H "Connection: keep-alive, TE\r\n\r\n");
	assert_false(h.keep_alive);
	h = taken(GET_LINE H "\r\n");
	assert_false(h.keep_alive);
	assert_slice(h.authorization, "");
}

static void
test_none_twice(void **state)
{
	static const struct refusal r[] = {
	    {GET_LINE H "Authorization: a\r\nAuthorization: a\r\n\r\n",
		KH_HEAD_MALFORMED},
	    {GET_LINE H "Range: bytes=0-\r\nrange: bytes=0-\r\n\r\n",
		KH_HEAD_MALFORMED},
	    {GET_LINE H "Connection: close\r\nConnection: close\r\n\r\n",
		KH_HEAD_MALFORMED},
	    {GET_LINE H "Content-Length: 1\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H "Transfer-Encoding: chunked\r\n\r\n", KH_HEAD_CODING},
	    {GET_LINE H "Expect: 100\r\n\r\n", KH_HEAD_EXPECT},
	    {"GET / HTTP/1.0\r\n" H "\r\n", KH_HEAD_VERSION},
	    {"GET /%41 HTTP/1.1\r\n" H "\r\n", KH_HEAD_TARGET},
	};

	REFUSED_ALL(r);
}

/* The source side: PUT is no method of its, and it looks at none of these. */
static void
test_not_for_sources(void **state)
{
	static const char put[] = PUT_LINE H "Content-Length: 1\r\n\r\n";
	static const char get[] = GET_LINE H
	    "Authorization: a\r\nAuthorization: b\r\nRange: c\r\nRange: d\r\n"
	    "Connection: keep-alive\r\nConnection: close\r\n\r\n";
	enum kh_head_fault f;
	struct kh_head h;

	assert_int_equal(
	    kh_head_parse((const uint8_t *)put, sizeof(put) - 1, &h, &f),
	    KH_EFORMAT);
	assert_int_equal(f, KH_HEAD_METHOD);
	assert_int_equal(
	    kh_head_parse((const uint8_t *)get, sizeof(get) - 1, &h, &f),
	    KH_OK);
	assert_int_equal(h.authorization.n, 0);
	assert_int_equal(h.range.n, 0);
	assert_false(h.keep_alive);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_put),
    cmocka_unit_test(test_other_methods),
    cmocka_unit_test(test_fields),
    cmocka_unit_test(test_none_twice),
    cmocka_unit_test(test_not_for_sources),
};

TAP_MAIN(tests)
