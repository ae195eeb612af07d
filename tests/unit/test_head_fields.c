/*
 * The strict request head parser: fields, their syntax and the few that mean
 * something.
 */
#include "tests/unit/head_check.h"

static void
test_line_ends(void **state)
{
	static const struct refusal r[] = {
	    {"GET / HTTP/1.1\n" H "\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE "Host: a\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H "\n", KH_HEAD_MALFORMED},
	    {GET_LINE H "\r\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE "Host: a\r\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H "A: b\rC: d\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H "A: b\nC: d\r\n\r\n", KH_HEAD_MALFORMED},
	};
	REFUSED_ALL(r);
}

static void
test_folded_lines(void **state)
{
	static const struct refusal r[] = {
	    {GET_LINE H "A: b\r\n c\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H "A: b\r\n\tc\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE " Host: a\r\n\r\n", KH_HEAD_MALFORMED},
	};
	REFUSED_ALL(r);
}

static void
test_field_names(void **state)
{
	static const struct refusal r[] = {
	    {GET_LINE H "Name : x\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE "Host : x\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H "Name\t: x\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H ": x\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H "Name\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H "Na(me: x\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H "Na\x80me: x\r\n\r\n", KH_HEAD_MALFORMED},
	};
	REFUSED_ALL(r);
}

/* Every byte that may not stand in a value, and every one that may. */
static void
test_field_values(void **state)
{
	static const char before[] = GET_LINE H "A: x";
	static const char after[] = "y\r\n\r\n";
	char text[sizeof(before) + sizeof(after)];
	size_t n = sizeof(before) + sizeof(after) - 1;
	size_t at = sizeof(before) - 1;

	memcpy(text, before, at);
	memcpy(text + at + 1, after, sizeof(after));
	for (int c = 0; c < 256; c++) {
		text[at] = (char)c;
		if (c >= 0x20 && c < 0x7f)
			assert_taken(text, n);
		else /* CR is known to be wrong by the byte after it */
			assert_int_equal(
			    assert_refused(text, n, KH_HEAD_MALFORMED),
			    c == '\r' ? at + 2 : at + 1);
	}
}

static void
test_nul(void **state)
{
	static const char head[] = GET_LINE H "A: b\0\r\n\r\n";
	static const char name[] = GET_LINE H "A\0: b\r\n\r\n";
	static const char target[] = "GET /\0 HTTP/1.1\r\n" H "\r\n";
	static const char method[] = "GET\0 / HTTP/1.1\r\n" H "\r\n";

	assert_refused(head, sizeof(head) - 1, KH_HEAD_MALFORMED);
	assert_refused(name, sizeof(name) - 1, KH_HEAD_MALFORMED);
	assert_refused(target, sizeof(target) - 1, KH_HEAD_MALFORMED);
	assert_refused(method, sizeof(method) - 1, KH_HEAD_MALFORMED);
}

static void
test_content_length(void **state)
{
	static const char *const bad[] = {"", "+5", "-5", "5 5", "0x5", "5, 5",
	    "5,5", "05", "00", "5.0", "5e3", "a", "5;", "\"5\"",
	    "18446744073709551616", "99999999999999999999999999"};
	char text[256];
	struct kh_head h;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text),
		    POST_LINE H "Content-Length: %s\r\n\r\n", bad[i]);
		assert_refused(text, strlen(text), KH_HEAD_MALFORMED);
	}
	h = taken(POST_LINE H "Content-Length: 18446744073709551615\r\n\r\n");
	assert_true(h.length == UINT64_MAX);
}

static void
test_two_lengths(void **state)
{
	static const struct refusal r[] = {
	    {POST_LINE H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
		KH_HEAD_MALFORMED},
	    {POST_LINE H "Content-Length: 5\r\ncontent-length: 5\r\n\r\n",
		KH_HEAD_MALFORMED},
	    {POST_LINE H "Content-Length: 0\r\nA: b\r\nContent-Length: 0"
			 "\r\n\r\n",
		KH_HEAD_MALFORMED},
	};
	REFUSED_ALL(r);
}

static void
test_transfer_encoding(void **state)
{
	static const struct refusal r[] = {
	    {POST_LINE H "Transfer-Encoding: chunked\r\n\r\n", KH_HEAD_CODING},
	    {POST_LINE H "Content-Length: 5\r\nTransfer-Encoding: chunked"
			 "\r\n\r\n",
		KH_HEAD_CODING},
	    {POST_LINE H "transfer-ENCODING: identity\r\n"
			 "Content-Length: 5\r\n\r\n",
		KH_HEAD_CODING},
	    {GET_LINE H "Transfer-Encoding: gzip, chunked\r\n\r\n",
		KH_HEAD_CODING},
	    {GET_LINE H "Transfer-Encoding:\r\n\r\n", KH_HEAD_CODING},
	};
	REFUSED_ALL(r);
}

static void
test_missing_length(void **state)
{
	static const char text[] = POST_LINE H "\r\n";

	assert_refused(text, sizeof(text) - 1, KH_HEAD_LENGTH);
}

static void
test_get_with_body(void **state)
{
	static const struct refusal r[] = {
	    {GET_LINE H "Content-Length: 1\r\n\r\n", KH_HEAD_MALFORMED},
	    {"HEAD / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\n",
		KH_HEAD_MALFORMED},
	};

	REFUSED_ALL(r);
	assert_true(taken(GET_LINE H "Content-Length: 0\r\n\r\n").has_length);
}

static void
test_host(void **state)
{
	static const struct refusal r[] = {
	    {GET_LINE "\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE "A: b\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H H "\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE H "A: b\r\nhost: other\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE "Host:\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE "Host: a, b\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE "Host: a/b\r\n\r\n", KH_HEAD_MALFORMED},
	    {GET_LINE "Host: u@b\r\n\r\n", KH_HEAD_MALFORMED},
	};
	struct kh_head h;

	REFUSED_ALL(r);
	h = taken(GET_LINE "A: b\r\nHOST: Abc.onion:80\r\n\r\n");
	assert_slice(h.host, "Abc.onion:80");
	h = taken(GET_LINE "Host: [::1]:8080\r\n\r\n");
	assert_slice(h.host, "[::1]:8080");
}

/* What proxies leave in a request, in any case and with any value, and what
 * only looks like it. */
static void
test_marks_of_proxies(void **state)
{
	static const char *const marks[] = {"X-Tor2web", "x-tor2WEB", "Via",
	    "VIA", "Forwarded", "X-Forwarded-For", "x-forwarded-host",
	    "X-Forwarded-Proto", "X-Real-IP"};
	static const char *const others[] = {"X-Tor2we", "X-Tor2webb", "Vi",
	    "X-Via", "X-Forwarded", "X-Forwarded-Fo", "Accept", "DNT"};
	static const char *const values[] = {"", "1", "1.1 proxy"};
	char text[128];
	size_t i, k;

	for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		for (k = 0; k < 3; k++) {
			snprintf(text, sizeof(text),
			    GET_LINE H "%s: %s\r\n\r\n", marks[i], values[k]);
			assert_true(taken(text).proxied);
			snprintf(text, sizeof(text),
			    GET_LINE "%s:%s\r\n" H "A: b\r\n\r\n", marks[i],
			    values[k]);
			assert_true(taken(text).proxied);
		}
	}
	assert_false(taken(GET_LINE H "\r\n").proxied);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(text, sizeof(text), GET_LINE H "%s: Via: 1\r\n\r\n",
		    others[i]);
		assert_false(taken(text).proxied);
	}
}

static void
test_repeated(void **state)
{
	static const struct refusal r[] = {
	    {POST_LINE H "Content-Type: a/b\r\nContent-Length: 0\r\n"
			 "Content-Type: a/b\r\n\r\n",
		KH_HEAD_MALFORMED},
	    {POST_LINE H "Expect: 100-continue\r\nContent-Length: 0\r\n"
			 "Expect: 100-continue\r\n\r\n",
		KH_HEAD_MALFORMED},
	};

	REFUSED_ALL(r);
	taken(GET_LINE H "Accept: a\r\nAccept: b\r\n\r\n");
}

static void
test_expect(void **state)
{
	static const struct refusal r[] = {
	    {POST_LINE H "Expect: 200-ok\r\nContent-Length: 0\r\n\r\n",
		KH_HEAD_EXPECT},
	    {POST_LINE H "Expect:\r\nContent-Length: 0\r\n\r\n",
		KH_HEAD_EXPECT},
	    {POST_LINE H "Expect: 100-continue, x\r\nContent-Length: 0\r\n\r\n",
		KH_HEAD_EXPECT},
	};

	REFUSED_ALL(r);
	assert_true(taken(POST_LINE H "EXPECT: 100-CONTINUE\r\n"
				      "Content-Length: 7\r\n\r\n")
			.expect_continue);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_line_ends),
    cmocka_unit_test(test_folded_lines),
    cmocka_unit_test(test_field_names),
    cmocka_unit_test(test_field_values),
    cmocka_unit_test(test_nul),
    cmocka_unit_test(test_content_length),
    cmocka_unit_test(test_two_lengths),
    cmocka_unit_test(test_transfer_encoding),
    cmocka_unit_test(test_missing_length),
    cmocka_unit_test(test_get_with_body),
    cmocka_unit_test(test_host),
    cmocka_unit_test(test_marks_of_proxies),
    cmocka_unit_test(test_repeated),
    cmocka_unit_test(test_expect),
};

TAP_MAIN(tests)
