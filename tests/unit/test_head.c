/*
 * The strict request head parser: what it takes, the request line, the caps,
 * and that it refuses as early as it can.
 */
#include "tests/unit/head_check.h"

static void
test_get(void **state)
{
	struct kh_head h = taken(GET_LINE H "\r\n");

	assert_int_equal(h.method, KH_GET);
	assert_slice(h.path, "/en/send");
	assert_slice(h.query, "");
	assert_slice(h.type, "");
	assert_false(h.has_length);
	assert_int_equal(h.length, 0);
	assert_false(h.expect_continue);

	h = taken("HEAD / HTTP/1.1\r\nhOST:127.0.0.1:8080  \r\n\r\n");
	assert_int_equal(h.method, KH_HEAD);
	assert_slice(h.path, "/");
	h = taken("GET / HTTP/1.1\r\nHost: [::1]:80\r\nX:\r\n\r\n");
	assert_int_equal(h.method, KH_GET);
}

static void
test_post(void **state)
{
	struct kh_head h = taken(
	    POST_LINE H "CONTENT-length:   21474836480\r\n"
			"content-type:  multipart/form-data; boundary=x  \r\n"
			"Expect: 100-Continue\r\n\r\n");

	assert_int_equal(h.method, KH_POST);
	assert_true(h.has_length);
	assert_true(h.length == UINT64_C(21474836480));
	assert_slice(h.type, "multipart/form-data; boundary=x");
	assert_true(h.expect_continue);
	h = taken(POST_LINE H "Content-Length: 0\r\nContent-Type:\r\n\r\n");
	assert_true(h.has_length);
	assert_slice(h.type, "");
}

/* What Tor Browser and curl send, as they send it. */
static void
test_browsers(void **state)
{
	struct kh_head h = taken(
	    POST_LINE "Host: abcdefghijklmnopqrstuvwxyz234567.onion\r\n"
		      "User-Agent: Mozilla/5.0 (Windows NT 10.0; rv:128.0) "
		      "Gecko/20100101 Firefox/128.0\r\n"
		      "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
		      "Accept-Language: en-US,en;q=0.5\r\n"
		      "Accept-Encoding: gzip, deflate, br, zstd\r\n"
		      "Content-Type: multipart/form-data; "
		      "boundary=----geckoformboundary6f0e1a\r\n"
		      "Content-Length: 1234\r\n"
		      "Origin: null\r\n"
		      "Connection: keep-alive\r\n"
		      "Upgrade-Insecure-Requests: 1\r\n"
		      "Sec-Fetch-Dest: document\r\nPriority: u=0, i\r\n\r\n");

	assert_int_equal(h.length, 1234);
	assert_slice(h.type,
	    "multipart/form-data; "
	    "boundary=----geckoformboundary6f0e1a");
	taken(GET_LINE "Host: 127.0.0.1:8080\r\nUser-Agent: curl/7.88.1\r\n"
		       "Accept: */*\r\n\r\n");
	/* An upgrade is not taken up, which is an answer too. */
	taken(GET_LINE H "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	taken(GET_LINE H "Connection: close\r\n\r\n");
}

static void
test_stops_at_empty_line(void **state)
{
	static const char text[] = POST_LINE H "Content-Length: 3\r\n\r\n"
					       "\0\r\n";
	enum kh_head_fault f;
	struct kh_head h;

	assert_int_equal(parse(text, sizeof(text) - 1, &h, &f), KH_OK);
	assert_int_equal(h.head_len, sizeof(text) - 1 - 3);
}

static void
test_query(void **state)
{
	struct kh_head h =
	    taken("GET /he/status?u=0a%2F_~+-.&x=1 HTTP/1.1\r\n" H "\r\n");

	assert_slice(h.path, "/he/status");
	assert_slice(h.query, "u=0a%2F_~+-.&x=1");
	h = taken("GET /? HTTP/1.1\r\n" H "\r\n");
	assert_slice(h.path, "/");
	assert_slice(h.query, "");
}

static void
test_methods(void **state)
{
	static const struct refusal r[] = {
	    {"PUT / HTTP/1.1\r\n" H "\r\n", KH_HEAD_METHOD},
	    {"get / HTTP/1.1\r\n" H "\r\n", KH_HEAD_METHOD},
	    {"GETT / HTTP/1.1\r\n" H "\r\n", KH_HEAD_METHOD},
	    {"GE / HTTP/1.1\r\n" H "\r\n", KH_HEAD_METHOD},
	    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", KH_HEAD_METHOD},
	    {"CONNECT a:1 HTTP/1.1\r\n" H "\r\n", KH_HEAD_METHOD},
	    {"TRACE / HTTP/1.1\r\n" H "\r\n", KH_HEAD_METHOD},
	    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", KH_HEAD_METHOD},
	    {" GET / HTTP/1.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"\r\nGET / HTTP/1.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"G(T / HTTP/1.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET\t/ HTTP/1.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET\r\n\r\n", KH_HEAD_MALFORMED},
	    {"\x16\x03\x01\x02", KH_HEAD_MALFORMED}, /* TLS */
	};
	REFUSED_ALL(r);
}

static void
test_targets(void **state)
{
	static const struct refusal r[] = {
	    {"GET http://drop.onion/ HTTP/1.1\r\n" H "\r\n", KH_HEAD_TARGET},
	    {"GET * HTTP/1.1\r\n" H "\r\n", KH_HEAD_TARGET},
	    {"GET en HTTP/1.1\r\n" H "\r\n", KH_HEAD_TARGET},
	    {"GET ?a HTTP/1.1\r\n" H "\r\n", KH_HEAD_TARGET},
	    {"GET /a#b HTTP/1.1\r\n" H "\r\n", KH_HEAD_TARGET},
	    {"GET /%2e%2e/ HTTP/1.1\r\n" H "\r\n", KH_HEAD_TARGET},
	    {"GET /a\\b HTTP/1.1\r\n" H "\r\n", KH_HEAD_TARGET},
	    {"GET /a?b?c HTTP/1.1\r\n" H "\r\n", KH_HEAD_TARGET},
	    {"GET /a?b/c HTTP/1.1\r\n" H "\r\n", KH_HEAD_TARGET},
	    {"GET /a?<script> HTTP/1.1\r\n" H "\r\n", KH_HEAD_TARGET},
	    {"GET /\xd7\x90 HTTP/1.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET /\x01 HTTP/1.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET /\x7f HTTP/1.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET  / HTTP/1.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET /a b HTTP/1.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET /\r\n\r\n", KH_HEAD_MALFORMED}, /* HTTP/0.9 */
	};
	REFUSED_ALL(r);
}

static void
test_versions(void **state)
{
	static const struct refusal r[] = {
	    {"GET / HTTP/1.0\r\n" H "\r\n", KH_HEAD_VERSION},
	    {"GET / HTTP/1.0\r\n\r\n", KH_HEAD_VERSION},
	    {"GET / HTTP/1.0\r\n" H "User-Agent: curl/7\r\n\r\n",
		KH_HEAD_VERSION},
	    {"GET / HTTP/1.0\r\n" H "User-Agent: w3m/\r\n\r\n",
		KH_HEAD_VERSION},
	    {"GET / HTTP/1.0\r\n" H "X: w3m/0.5.3\r\n\r\n", KH_HEAD_VERSION},
	    {"GET / HTTP/1.0\r\nUser-Agent: w3m/0.5.3\r\n\r\n",
		KH_HEAD_MALFORMED}, /* without Host */
	    {"GET / HTTP/1.0\r\n" H
	     "User-Agent: w3m/1\r\nUser-Agent: w3m/1\r\n\r\n",
		KH_HEAD_MALFORMED},
	    {"GET / HTTP/1.2\r\n" H "\r\n", KH_HEAD_VERSION},
	    {"GET / HTTP/2.0\r\n" H "\r\n", KH_HEAD_VERSION},
	    {"GET / HTTP/0.9\r\n" H "\r\n", KH_HEAD_VERSION},
	    {"GET / http/1.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET / HTTP/2\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET / HTTP/11.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET / HTTP/1.11\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET / HTTP/a.1\r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET / HTTP/1.1 \r\n" H "\r\n", KH_HEAD_MALFORMED},
	    {"GET / \r\n" H "\r\n", KH_HEAD_MALFORMED},
	};
	REFUSED_ALL(r);
}

static void
test_cap(void **state)
{
	static const char start[] = GET_LINE H "A: ";
	static char text[2 * KH_HEAD_MAX];
	struct kh_head h;

	/* The longest that fits, and one byte more. */
	memset(text, 'x', sizeof(text));
	memcpy(text, start, sizeof(start) - 1);
	memcpy(text + KH_HEAD_MAX - 4, "\r\n\r\n", 4);
	h = assert_taken(text, KH_HEAD_MAX);
	assert_int_equal(h.head_len, KH_HEAD_MAX);
	memcpy(text + KH_HEAD_MAX - 4, "x\r\n\r\n", 5);
	assert_int_equal(
	    assert_refused(text, KH_HEAD_MAX + 1, KH_HEAD_LARGE), KH_HEAD_MAX);

	/* One that never ends: a field, a target, a method. */
	memset(text + KH_HEAD_MAX - 4, 'x', 8);
	assert_refused(text, sizeof(text), KH_HEAD_LARGE);
	memset(text + 5, 'x', sizeof(text) - 5);
	assert_refused(text, sizeof(text), KH_HEAD_LARGE);
	memset(text, 'x', sizeof(text));
	assert_refused(text, sizeof(text), KH_HEAD_LARGE);
}

static void
test_too_many_fields(void **state)
{
	static char text[4096];
	size_t at = sizeof(GET_LINE H) - 1;

	memcpy(text, GET_LINE H, at);
	for (int i = 1; i < KH_HEADERS_MAX; i++, at += 6)
		memcpy(text + at, "A: b\r\n", 6);
	memcpy(text + at, "\r\n", 2);
	assert_taken(text, at + 2);
	memcpy(text + at, "A: b\r\n\r\n", 8);
	assert_int_equal(assert_refused(text, at + 8, KH_HEAD_LARGE), at + 1);
}

/* The two that speak nothing else are let in, by their names. */
static void
test_text_browsers(void **state)
{
	static const char *const heads[] = {
	    "GET / HTTP/1.0\r\nUser-Agent: w3m/0.5.3+git20230121\r\n" H "\r\n",
	    "GET / HTTP/1.0\r\n" H
	    "User-Agent: Lynx/2.9.0dev.12 libwww-FM/2.14FM\r\n\r\n"};
	enum kh_head_fault f;
	struct kh_head h;

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(
		    parse(heads[i], strlen(heads[i]), &h, &f), KH_OK);
		assert_true(h.old);
	}
	assert_int_equal(
	    parse(GET_LINE H "\r\n", strlen(GET_LINE H "\r\n"), &h, &f), KH_OK);
	assert_false(h.old);
}

/* As early as it can be known. */
static void
test_early(void **state)
{
	static const struct {
		const char *head;
		size_t at;
	} t[] = {
	    {"\x16", 1},
	    {"GET / HTTP/1.2", 14},
	    {"PUT ", 4},
	    {"GET /\x01", 6},
	    {GET_LINE " ", sizeof(GET_LINE)},
	    {GET_LINE "A b", sizeof(GET_LINE) + 1},
	};
	enum kh_head_fault f;
	struct kh_head h;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(parse(t[i].head, t[i].at, &h, &f), KH_EFORMAT);
		assert_int_equal(
		    parse(t[i].head, t[i].at - 1, &h, &f), KH_EAGAIN);
	}
}

static void
test_slice_is(void **state)
{
	assert_true(kh_slice_is((struct kh_slice){"aBc-1", 5}, "AbC-1"));
	assert_true(kh_slice_is((struct kh_slice){NULL, 0}, ""));
	assert_false(kh_slice_is((struct kh_slice){"abc", 3}, "ab"));
	assert_false(kh_slice_is((struct kh_slice){"ab", 2}, "abc"));
	assert_false(kh_slice_is((struct kh_slice){"a[", 2}, "a{"));
	assert_false(kh_slice_is((struct kh_slice){"a\0c", 3}, "a"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_get),
    cmocka_unit_test(test_post),
    cmocka_unit_test(test_browsers),
    cmocka_unit_test(test_stops_at_empty_line),
    cmocka_unit_test(test_query),
    cmocka_unit_test(test_methods),
    cmocka_unit_test(test_targets),
    cmocka_unit_test(test_versions),
    cmocka_unit_test(test_cap),
    cmocka_unit_test(test_too_many_fields),
    cmocka_unit_test(test_text_browsers),
    cmocka_unit_test(test_early),
    cmocka_unit_test(test_slice_is),
};

TAP_MAIN(tests)
